"""Applications whose users Flask-Login keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import cachelib
import flask
import flask_login
import pytest

from flask_oauthclient.flask_client.flask_login import FlaskLogin
from flask_oauthclient.testing.provider import DevelopmentProvider

from ._people import PeopleSite
from ._people import Person
from ._people import Unreliable
from ._people import people_sites
from ._site import ISSUER
from ._site import ORIGIN

REMEMBER = "remember_token"


@dataclasses.dataclass
class User(flask_login.UserMixin):  # type: ignore[misc]  # it has no types
    """A user of the application."""

    id: int
    key: tuple[str, str]
    active: bool = True

    @property
    def is_active(self) -> bool:
        """Whether the user may sign in."""
        return self.active


class Users(dict[int, User]):
    """The users by their key in the application."""

    def find(self, result: Any) -> User:
        """The user of a login, made at the first one."""
        key = result.claims["iss"], result.claims["sub"]
        for user in self.values():
            if user.key == key:
                return user
        user = User(len(self) + 1, key)
        self[user.id] = user
        return user


@pytest.fixture
def users() -> Users:
    return Users()


MakeApp = Callable[..., PeopleSite]


@pytest.fixture
def make_app(provider: DevelopmentProvider, users: Users) -> Iterator[MakeApp]:
    """Makes sites whose users Flask-Login keeps; the keywords are those of its ``login_user``."""
    with people_sites(provider) as make_site:

        def make(
            find: Callable[[Any], Any] = users.find, cache: Any = None, **options: Any
        ) -> PeopleSite:
            adapter = FlaskLogin(find, **options)
            site = make_site(cache=cache, on_login=adapter.on_login, on_logout=adapter.on_logout)
            manager = flask_login.LoginManager(site.app)
            manager.user_loader(lambda name: users.get(int(name)))
            site.app.add_url_rule("/user", "user", _user)
            site.app.add_url_rule("/members", "members", flask_login.login_required(_user))
            return site

        yield make


def _user() -> dict[str, Any]:
    user = flask_login.current_user
    return {"id": user.get_id(), "fresh": flask_login.login_fresh()}


def user_of(person: Person) -> str | None:
    """Whom Flask-Login takes somebody for."""
    found: str | None = person.open("/user").response.json()["id"]
    return found


def test_user_is_signed_in_and_out(make_app: MakeApp, users: Users) -> None:
    site = make_app()
    alice, bob = site.signed_in(), site.signed_in("bob")

    assert (user_of(alice), user_of(bob)) == ("1", "2")
    assert users[1].key == (ISSUER, "alice")
    assert alice.who["user"] == "1"
    assert alice.open("/members").response.json() == {"id": "1", "fresh": True}

    page = alice.sign_out()
    assert "You are signed out" in page.text
    assert (user_of(alice), alice.who) == (None, {})
    assert alice.open("/members").status == 401
    assert user_of(bob) == "2"


def test_user_who_comes_back_is_the_same(make_app: MakeApp, users: Users) -> None:
    alice = make_app().person()
    for _ in range(3):
        alice.sign_in()
        assert user_of(alice) == "1"
        alice.sign_out()
    assert len(users) == 1


def test_inactive_user_gets_403_and_is_nobody(make_app: MakeApp, users: Users) -> None:
    site = make_app()
    users[1] = User(1, (ISSUER, "alice"), active=False)
    alice = site.person()
    assert alice.sign_in().status == 403
    assert (user_of(alice), alice.who) == (None, {})


def test_nobody_is_let_in_who_is_no_user(make_app: MakeApp) -> None:
    alice = make_app(lambda result: None).person()
    assert alice.sign_in().status == 403
    assert (user_of(alice), alice.who) == (None, {})


def test_application_may_answer_itself(make_app: MakeApp) -> None:
    alice = make_app(lambda result: flask.redirect("/who?welcome")).person()
    assert alice.sign_in().url == f"{ORIGIN}/who?welcome"
    assert (user_of(alice), alice.who) == (None, {})


def test_user_of_another_account_does_not_take_over(make_app: MakeApp) -> None:
    site = make_app()
    alice = site.signed_in()
    site.provider.auto_sign_in = "bob"
    page = alice.sign_in()
    assert page.status == 409
    assert (user_of(alice), alice.who["sub"]) == ("1", "alice")


# -- remember me ---------------------------------------------------------------------------


def come_back(alice: Person) -> None:
    """Close the browser, and come back later: the session is gone, what is remembered is not."""
    for cookie in list(alice.browser.cookies):
        if cookie.name != REMEMBER:
            alice.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)


def test_user_is_remembered(make_app: MakeApp) -> None:
    alice = make_app(remember=True).signed_in()
    assert alice.cookie(REMEMBER)
    come_back(alice)
    assert alice.open("/members").response.json() == {"id": "1", "fresh": False}


def test_nobody_is_remembered_unless_asked_to(make_app: MakeApp) -> None:
    assert make_app().signed_in().cookie(REMEMBER) is None


def test_sign_out_forgets(make_app: MakeApp) -> None:
    alice = make_app(remember=True).signed_in()
    alice.sign_out()
    assert alice.cookie(REMEMBER) is None
    assert user_of(alice) is None


def test_sign_out_forgets_who_is_only_remembered(make_app: MakeApp) -> None:
    alice = make_app(remember=True).signed_in()
    come_back(alice)
    assert user_of(alice) == "1"
    page = alice.sign_out()

    assert "You are signed out" in page.text
    assert alice.cookie(REMEMBER) is None
    assert user_of(alice) is None


# -- signed out at the provider ------------------------------------------------------------


@pytest.mark.parametrize("remember", [False, True])
def test_back_channel_logout_ends_the_user_too(make_app: MakeApp, remember: bool) -> None:
    site = make_app(cache=cachelib.SimpleCache(), remember=remember)
    alice, bob = site.signed_in(), site.signed_in("bob")
    assert site.tell(site.token(sub="alice")).status_code == 200

    assert alice.open("/members").status == 401
    assert alice.cookie(REMEMBER) is None
    assert (user_of(alice), user_of(bob)) == (None, "2")


@pytest.mark.parametrize("with_cookies", [False, True])
def test_front_channel_logout_ends_the_user_too(make_app: MakeApp, with_cookies: bool) -> None:
    site = make_app(cache=cachelib.SimpleCache(), remember=True)
    alice, client = site.signed_in(), site.app.test_client()
    if with_cookies:
        client = alice.browser
        client.open(f"{ORIGIN}/auth/frontchannel-logout/demo?iss={ISSUER}&sid={alice.sid}")
    else:
        query = {"iss": ISSUER, "sid": alice.sid}
        client.get("/auth/frontchannel-logout/demo", base_url=ORIGIN, query_string=query)
    assert user_of(alice) is None
    assert alice.cookie(REMEMBER) is None


def test_nobody_is_in_while_the_cache_is_down(make_app: MakeApp) -> None:
    cache = Unreliable()
    alice = make_app(cache=cache).signed_in()
    cache.is_down = True
    assert alice.open("/members").status == 401
    cache.is_down = False
    assert user_of(alice) == "1"
