"""Tokens in a store: what the blueprint keeps, what calls do with it, what ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from typing import NamedTuple
from uuid import uuid4

import pytest
from flask import Flask
from flask import redirect

from flask_oauthclient import LoginRequired
from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuth
from flask_oauthclient import SessionTokenStore
from flask_oauthclient import TokenKey
from flask_oauthclient import token_refresh_failed
from flask_oauthclient import token_refreshed
from flask_oauthclient import token_update
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import InvalidTokenError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import ProviderError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.storage.tokens.memory import MemoryRows
from flask_oauthclient.storage.tokens.store import SealedTokenStore
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.clock import Clock

from ._site import ORIGIN
from ._site import BlueprintSite

MakeSite = Callable[..., "TokenSite"]
SCRIPT = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}


class _Answer(NamedTuple):
    status_code: int
    content: Any

    def json(self) -> Any:
        return self.content


class TokenSite(BlueprintSite):
    """A site that keeps tokens, with a view that calls the provider's API."""

    def __init__(self, provider: DevelopmentProvider, **kwargs: Any) -> None:
        registry = {"token_store": MemoryTokenStore(), **kwargs.pop("registry", {})}
        register = {"api_base_url": f"{provider.issuer}/api/", **kwargs.pop("register", {})}
        super().__init__(provider, registry=registry, register=register, **kwargs)
        self.store: Any = registry["token_store"]
        self.app.add_url_rule("/me", "me", self._me)
        self.app.add_url_rule("/state", "state", self._state)
        self.app.add_url_rule("/work", "work", self._work)
        self.app.add_url_rule("/careful", "careful", self._careful)
        self.app.add_url_rule("/forgetful", "forgetful", self._forgetful)
        self.caught: list[Any] = []

    def _me(self) -> Any:
        return self.oauth.demo.get("me").json()

    def _state(self) -> Any:
        token = self.oauth.demo.token
        return {"authorized": self.oauth.demo.authorized, "token": bool(token)}

    def _work(self) -> Any:
        return self.oauth.demo.for_account(label="work").get("me").json()

    def _careful(self) -> str:
        try:
            self.oauth.demo.get("me")
        except MissingTokenError as error:
            self.caught.append(error)
        return "done"

    def _forgetful(self) -> Any:
        self.store.delete(self.key)
        return self._me()

    def me(self) -> Any:
        """What the API says about the token."""
        return self.open("/me").response.json()

    def state(self) -> Any:
        """What the application finds of a token."""
        return self.open("/state").response.json()

    def as_script(self, path: str) -> Any:
        """Ask for a path as a script of the browser's page does."""
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.browser.cookies)
        client = self.app.test_client(use_cookies=False)
        headers = {**SCRIPT, "Cookie": cookies}
        answer = client.get(path, base_url=ORIGIN, headers=headers)
        return _Answer(answer.status_code, answer.get_json())

    def press(self, path: str, **fields: str) -> Any:
        """Press a button of the application."""
        return self.browser.send(Visit("POST", f"{ORIGIN}{path}", fields, f"{ORIGIN}/"))

    def sign_out(self) -> None:
        """Press the button for that."""
        self.press("/auth/logout")

    @property
    def key(self) -> TokenKey:
        """Where the token of Alice is, who has no key of the application's own."""
        return TokenKey("demo", f"{self.provider.issuer} alice")

    @property
    def refreshes(self) -> int:
        """How many tokens the provider was asked to refresh."""
        found = self.provider.log.find("token")
        return sum(record.form.get("grant_type") == "refresh_token" for record in found)

    def change(self, **members: Any) -> None:
        """Change the stored token of Alice; ``None`` takes a member out."""
        token = {**self.store.get(self.key), **members}
        self.store.put(self.key, {k: v for k, v in token.items() if v is not None})


@pytest.fixture
def make_token_site(make_blueprint_site: Any, provider: DevelopmentProvider) -> Any:
    """Makes sites that keep tokens."""
    sites: list[TokenSite] = []

    def make(**kwargs: Any) -> TokenSite:
        sites.append(TokenSite(provider, **kwargs))
        return sites[-1]

    yield make
    for site in sites:
        site.oauth.demo.session.close()
        site.browser.close()


@pytest.fixture
def tokens(make_token_site: MakeSite) -> TokenSite:
    """A site with tokens in memory, Alice signed in."""
    site = make_token_site()
    site.sign_in()
    return site


# -- with nothing else to write --------------------------------------------------------------------


def test_token_of_a_login_is_there_in_later_requests(tokens: TokenSite) -> None:
    assert tokens.me()["sub"] == "alice"
    assert tokens.state() == {"authorized": True, "token": True}
    assert tokens.store.list(tokens.key.owner) == [tokens.key]


def test_stored_token_is_what_the_login_gave(tokens: TokenSite) -> None:
    with tokens.app.app_context():
        token = tokens.oauth.demo.for_account(owner=tokens.key.owner).token
    assert token["userinfo"].email == "alice@example.com"
    assert "***" in repr(token)
    assert token["access_token"] not in repr(token)


def test_nobody_is_authorized_before_signing_in(make_token_site: MakeSite) -> None:
    site = make_token_site()
    assert site.state() == {"authorized": False, "token": False}


def test_owner_is_the_applications_key_if_on_login_gives_one(make_token_site: MakeSite) -> None:
    site = make_token_site(on_login=lambda result: 42)
    site.sign_in()
    assert site.store.list("42") == [TokenKey("demo", "42")]
    assert site.me()["sub"] == "alice"


def test_owner_may_come_from_the_application(make_token_site: MakeSite) -> None:
    site = make_token_site(
        registry={"token_owner": lambda: 7},
        on_login=lambda result: redirect("/"),  # it keeps people signed in in a way of its own
    )
    site.sign_in()
    assert site.store.list("7") == [TokenKey("demo", "7")]
    assert site.me()["sub"] == "alice"


def test_functions_of_the_application_win(make_token_site: MakeSite) -> None:
    asked: list[str] = []
    site = make_token_site(
        registry={"fetch_token": lambda name: asked.append(name) or {"access_token": "x"}}
    )
    site.sign_in()
    assert site.store.list(site.key.owner) == []
    assert site.state()["token"]
    assert asked == ["demo"]
    with site.app.app_context(), pytest.raises(MissingConfigurationError):
        site.oauth.demo.for_account(owner="42")


def test_signing_in_again_replaces_the_token(tokens: TokenSite) -> None:
    first = tokens.store.get(tokens.key)
    tokens.sign_in()
    assert tokens.store.get(tokens.key)["access_token"] != first["access_token"]
    assert len(tokens.store.list(tokens.key.owner)) == 1


def test_login_fails_and_nobody_is_signed_in_if_the_token_cannot_be_kept(
    make_token_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_token_site()

    def down(*_: Any) -> bool:
        raise OSError("no route to the database at db.internal")

    monkeypatch.setattr(site.store._rows._rows, "write", down)
    page = site.sign_in()
    assert page.status == 503
    assert "token_store_unavailable" in page.text
    assert "db.internal" not in page.text
    assert site.who() == {}


# -- refresh ---------------------------------------------------------------------------------------


def test_expired_token_is_refreshed_once_and_kept(tokens: TokenSite) -> None:
    tokens.change(expires_at=1)
    assert tokens.me()["sub"] == "alice"
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


@pytest.mark.parametrize("expires_at", ["1", 0, 1.5, -7, "0"], ids=repr)
def test_odd_moments_of_expiry_are_past(tokens: TokenSite, expires_at: Any) -> None:  # R17
    tokens.change(expires_at=expires_at)
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


@pytest.mark.parametrize("expires_at", [2**33, "9999999999", 1e12], ids=repr)
def test_late_moments_of_expiry_are_fine(tokens: TokenSite, expires_at: Any) -> None:  # R17
    tokens.change(expires_at=expires_at, expires_in=None)
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 0


@pytest.mark.parametrize("expires_at", ["soon", None, True, [], float("inf")], ids=repr)
def test_unknown_expiry_leaves_it_to_the_api(tokens: TokenSite, expires_at: Any) -> None:  # R17
    tokens.change(expires_at=expires_at, expires_in=None)
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 0
    tokens.change(access_token="unknown-to-the-api")
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


def test_refused_token_is_replaced_once_and_the_call_repeated_once(tokens: TokenSite) -> None:
    tokens.change(access_token="unknown-to-the-api")
    before = tokens.provider.log.count("api")
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1
    assert tokens.provider.log.count("api") == before + 2


def test_call_that_is_refused_twice_is_given_up(tokens: TokenSite) -> None:
    refusal = 'Bearer error="invalid_token"'
    tokens.provider.faults.on("api").respond(401, headers={"WWW-Authenticate": refusal})
    with tokens.app.app_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.get("me").status_code == 401
    assert tokens.refreshes == 1
    assert tokens.provider.log.count("api") == 2


def test_userinfo_that_is_refused_is_asked_once_more(tokens: TokenSite) -> None:
    tokens.change(access_token="unknown-to-the-provider")
    with tokens.app.app_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.userinfo()["sub"] == "alice"
    assert tokens.refreshes == 1


def test_grant_that_is_over_is_noticed_before_the_token_expires(tokens: TokenSite) -> None:
    tokens.change(expires_at=int(time.time()) + 30, refresh_token="spent-long-ago")
    assert tokens.as_script("/me").status_code == 401


def test_token_without_refresh_token_is_used_to_its_end(tokens: TokenSite) -> None:
    tokens.change(expires_at=int(time.time()) + 30, refresh_token=None)
    assert tokens.me()["sub"] == "alice"


def test_what_the_refresh_leaves_out_stays(tokens: TokenSite) -> None:  # R06
    fault = tokens.provider.faults.on("token")
    fault.edit_json(lambda document: {k: document[k] for k in ("access_token", "token_type")})
    before = tokens.store.get(tokens.key)
    tokens.change(expires_at=1)
    tokens.me()
    after = tokens.store.get(tokens.key)
    assert after["access_token"] != before["access_token"]
    assert {k: after[k] for k in ("refresh_token", "scope", "id_token", "userinfo")} == {
        k: before[k] for k in ("refresh_token", "scope", "id_token", "userinfo")
    }
    assert "expires_at" not in after


def test_token_is_refreshed_a_little_before_it_expires(tokens: TokenSite, clock: Clock) -> None:
    clock.advance(3600 - 67)
    tokens.me()
    assert tokens.refreshes == 0
    clock.advance(67 - 53)
    tokens.me()
    assert tokens.refreshes == 1


def test_short_lived_token_is_used_for_half_of_its_life(
    make_token_site: MakeSite, clock: Clock
) -> None:
    site = make_token_site()
    site.provider.access_token_lifetime = 40
    site.sign_in()
    site.me()
    assert site.refreshes == 0
    clock.advance(25)
    site.me()
    assert site.refreshes == 1


def test_clock_set_back_makes_no_token_good_for_ever(tokens: TokenSite, clock: Clock) -> None:
    tokens.me()
    clock.advance(-3600)
    for _ in range(3):  # without a session, whose cookie comes from the future now
        with tokens.app.app_context():
            client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
            assert client.get("me").json()["sub"] == "alice"
    assert tokens.refreshes == 1  # R16: and no storm


def test_clock_set_ahead_costs_one_refresh(tokens: TokenSite, clock: Clock) -> None:  # R16
    clock.advance(86400)
    for _ in range(3):
        assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1
    clock.advance(-86400)  # and set right again
    for _ in range(3):
        assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 2


def test_failed_refresh_keeps_the_token_and_is_remembered(  # R05, R09
    tokens: TokenSite, clock: Clock
) -> None:
    before = tokens.store.get(tokens.key)
    tokens.change(expires_at=1)
    fault = tokens.provider.faults.on("token").status(503)
    tokens.app.testing = True
    for _ in range(3):
        with pytest.raises(ProviderError) as caught:
            tokens.open("/me")
        assert caught.value.error == "provider_unavailable"
    assert tokens.refreshes == 1
    assert tokens.store.get(tokens.key)["refresh_token"] == before["refresh_token"]

    tokens.provider.faults.discard(fault)
    clock.advance(31)
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 2


def test_failed_early_refresh_disturbs_no_call(tokens: TokenSite) -> None:
    tokens.change(expires_at=int(time.time()) + 30)
    tokens.provider.faults.on("token").status(503)
    assert tokens.me()["sub"] == "alice"
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


def test_wider_scope_is_flagged(tokens: TokenSite, caplog: pytest.LogCaptureFixture) -> None:  # R20
    fault = tokens.provider.faults.on("token")
    fault.edit_json(lambda document: {**document, "scope": f"{document['scope']} admin"})
    tokens.change(expires_at=1)
    tokens.me()
    assert "scope is wider" in caplog.text


# -- the refreshed ID token ------------------------------------------------------------------------

CHANGES: dict[str, dict[str, Any]] = {
    "R10": {"sub": "mallory"},
    "R12": {"auth_time": 1},
    "R13": {"nonce": "another"},
    "azp": {"azp": "another"},
    "iss": {"iss": "https://other.test"},
    "aud": {"aud": "another"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_refreshed_id_token_of_another_login_is_refused(
    tokens: TokenSite, change: dict[str, Any]
) -> None:
    tokens.app.testing = True
    tokens.change(expires_at=1)
    tokens.provider.faults.on("id_token").edit_claims(lambda claims: {**claims, **change})
    calls = tokens.provider.log.count("api")
    with pytest.raises(ProviderError) as caught:
        tokens.open("/me")
    assert caught.value.error == "invalid_claim"
    assert tokens.provider.log.count("api") == calls
    assert tokens.store.get(tokens.key) is None


def test_refreshed_id_token_with_a_bad_signature_is_refused(tokens: TokenSite) -> None:  # R14
    tokens.app.testing = True
    tokens.change(expires_at=1)
    tokens.provider.faults.on("id_token").tamper_signature()
    with pytest.raises(ProviderError) as caught:
        tokens.open("/me")
    assert caught.value.error == "bad_signature"
    assert tokens.store.get(tokens.key) is None


def test_keys_that_cannot_be_had_cost_no_refresh_token(
    make_token_site: MakeSite, clock: Clock
) -> None:
    site = make_token_site()
    site.sign_in()
    before = site.store.get(site.key)
    site.provider.rotate_keys(keep_old=False)
    site.provider.faults.on("jwks").status(503)
    site.change(expires_at=1)
    assert site.me()["sub"] == "alice"
    after = site.store.get(site.key)
    assert after["refresh_token"] != before["refresh_token"]
    assert after["id_token"] == before["id_token"]


# -- when it is over -------------------------------------------------------------------------------


def test_page_sends_to_sign_in_and_back_when_the_grant_is_over(tokens: TokenSite) -> None:  # R08
    tokens.change(expires_at=1, refresh_token="spent-long-ago")
    page = tokens.open("/me")
    assert page.url == f"{ORIGIN}/me"
    assert page.response.json()["sub"] == "alice"
    assert len(page.history) > 2  # by way of the provider


def test_script_is_told_when_the_grant_is_over(tokens: TokenSite) -> None:
    tokens.change(expires_at=1, refresh_token="spent-long-ago")
    answer = tokens.as_script("/me")
    assert answer.status_code == 401
    assert answer.json() == {"error": "login_required"}
    assert tokens.store.get(tokens.key) is None
    assert tokens.state() == {"authorized": False, "token": False}


def test_expired_token_without_refresh_token_needs_a_login(tokens: TokenSite) -> None:
    tokens.change(expires_at=1, refresh_token=None)
    assert tokens.state() == {"authorized": False, "token": True}
    assert tokens.as_script("/me").status_code == 401


def test_view_can_catch_what_it_caught_before(tokens: TokenSite) -> None:
    tokens.change(expires_at=1, refresh_token="spent-long-ago")
    tokens.open("/careful")
    [error] = tokens.caught
    assert isinstance(error, LoginRequired)
    assert isinstance(error, InvalidTokenError)
    assert (error.error, error.client, error.http_status) == ("sign_in_required", "demo", 401)


def test_login_that_does_not_help_is_not_repeated_for_ever(tokens: TokenSite) -> None:
    page = tokens.open("/forgetful")
    assert page.status == 401
    assert "sign_in_required" in page.text


def test_handler_of_the_application_is_left_alone(make_token_site: MakeSite) -> None:
    site = make_token_site()
    site.app.register_error_handler(LoginRequired, lambda error: ("ours", 418))
    site.sign_in()
    site.store.delete(site.key)
    assert site.open("/me").status == 418


# -- signals ---------------------------------------------------------------------------------------


def test_signals_tell_of_refreshes_without_a_token(tokens: TokenSite) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    def note(kind: str) -> Callable[..., None]:
        return lambda sender, **known: heard.append((kind, known))

    with (
        token_refreshed.connected_to(note("refreshed"), tokens.app),
        token_refresh_failed.connected_to(note("failed"), tokens.app),
        token_update.connected_to(note("update"), tokens.app),
    ):
        tokens.change(expires_at=1)
        old = tokens.store.get(tokens.key)["refresh_token"]
        tokens.me()
        new = tokens.store.get(tokens.key)
        tokens.change(expires_at=1, refresh_token="spent-long-ago")
        tokens.as_script("/me")
    update, refreshed, failed = heard
    assert update[1]["token"]["access_token"] == new["access_token"]
    assert (update[1]["refresh_token"], update[1]["access_token"]) == (old, None)
    whose = {"name": "demo", "owner": tokens.key.owner, "label": ""}
    assert refreshed == ("refreshed", whose)
    assert failed[0] == "failed"
    assert failed[1].pop("error").error == "invalid_grant"
    assert failed[1] == whose


def test_failing_listener_loses_no_token(tokens: TokenSite) -> None:
    tokens.app.testing = True
    tokens.change(expires_at=1)
    before = tokens.store.get(tokens.key)["refresh_token"]

    def fail(sender: Any, **_: Any) -> None:
        raise ValueError("a listener")

    with token_update.connected_to(fail, tokens.app), pytest.raises(ValueError, match="listener"):
        tokens.open("/me")
    assert tokens.store.get(tokens.key)["refresh_token"] != before
    assert tokens.me()["sub"] == "alice"
    assert tokens.refreshes == 1


# -- signing out, unlinking, forgetting ------------------------------------------------------------


def test_token_stays_at_sign_out_and_keeps_working(tokens: TokenSite) -> None:
    tokens.sign_out()
    assert tokens.who() == {}
    assert tokens.provider.log.count("revocation") == 0
    with tokens.app.app_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.get("me").json()["sub"] == "alice"


def test_token_goes_at_sign_out_if_the_application_says_so(make_token_site: MakeSite) -> None:
    site = make_token_site(forget_tokens=True)
    site.sign_in()
    token = site.store.get(site.key)
    site.sign_out()
    assert site.store.get(site.key) is None
    assert site.provider.grants.find_refresh(token["refresh_token"]) is None


@pytest.fixture
def linked(make_token_site: MakeSite) -> TokenSite:
    """A site with two accounts of person 42, ``""`` and ``work``."""
    site = make_token_site(on_login=lambda result: 42)
    site.sign_in()
    token = site.store.get(TokenKey("demo", "42"))
    site.store.put(TokenKey("demo", "42", "work"), {**token, "access_token": "at work"})
    site.store.put(TokenKey("other", "42"), {"access_token": "of another client"})
    return site


def test_unlinking_forgets_and_revokes_all_accounts_of_the_client(linked: TokenSite) -> None:
    token = linked.store.get(TokenKey("demo", "42"))
    linked.press("/auth/unlink/demo")
    assert linked.store.list("42") == [TokenKey("other", "42")]
    assert linked.provider.grants.find_refresh(token["refresh_token"]) is None


def test_unlinking_may_name_one_account(linked: TokenSite) -> None:
    linked.press("/auth/unlink/demo", label="work")
    assert linked.store.list("42") == [TokenKey("demo", "42"), TokenKey("other", "42")]


def test_application_that_says_no_to_unlinking_keeps_the_token(make_token_site: MakeSite) -> None:
    site = make_token_site(on_unlink=lambda name, identity: redirect("/who"))
    site.sign_in()
    site.press("/auth/unlink/demo")
    assert site.store.get(site.key) is not None


def test_linked_account_has_a_token_of_its_own(
    provider: DevelopmentProvider, make_token_site: MakeSite
) -> None:
    uri = f"{ORIGIN}/auth/callback/second"
    provider.add_client(ClientRecord("second", "the second secret of these tests", (uri,)))
    second = {
        "client_id": "second",
        "client_secret": "the second secret of these tests",
        "issuer": provider.issuer,
        "client_kwargs": {"scope": "openid email"},
    }

    def on_link(result: Any, identity: Any) -> None:
        result.label = "work"

    site = make_token_site(more={"second": second}, on_link=on_link, on_login=lambda result: 42)
    site.oauth.second.session.mount("https://", site.outbound)
    for path in ("/auth/login/demo", "/auth/link/second"):
        site.browser.sign_in(site.press(path).headers["Location"])
    assert site.store.list("42") == [TokenKey("demo", "42"), TokenKey("second", "42", "work")]


def test_forgetting_a_person_revokes_all_of_their_tokens(tokens: TokenSite) -> None:  # ST09
    token = tokens.store.get(tokens.key)
    tokens.store.put(tokens.key._replace(label="work"), {"access_token": "other"})
    tokens.store.put(TokenKey("gone", tokens.key.owner), {"access_token": "of a client of old"})
    with tokens.app.app_context():
        assert tokens.oauth.forget_tokens(tokens.key.owner) == 3
    assert tokens.store.list(tokens.key.owner) == []
    assert tokens.provider.grants.find_refresh(token["refresh_token"]) is None


def test_provider_that_is_down_keeps_no_token_alive_here(tokens: TokenSite) -> None:
    tokens.provider.faults.on("revocation").status(503)
    with tokens.app.app_context():
        assert tokens.oauth.demo.for_account(owner=tokens.key.owner).forget_token()
    assert tokens.store.get(tokens.key) is None


# -- several accounts ------------------------------------------------------------------------------


def test_accounts_of_one_owner_are_told_apart(tokens: TokenSite) -> None:
    alices = tokens.store.get(tokens.key)
    with tokens.app.app_context():
        work = tokens.oauth.demo.for_account(owner=7, label="work")
        home = tokens.oauth.demo.for_account(owner=7, label="home")
        assert not work.authorized
        work.save_token(alices)
        assert (work.authorized, home.authorized) == (True, False)
        assert work.get("me").json()["sub"] == "alice"
        with pytest.raises(LoginRequired):
            home.get("me")
        home.save_token({"access_token": "another"})
        assert work.accounts() == ["home", "work"]
        assert home.forget_token(revoke=False)
        assert work.accounts() == ["work"]
        assert work.session is tokens.oauth.demo.session


def test_label_may_be_chosen_at_the_login(make_token_site: MakeSite) -> None:
    def on_login(result: Any) -> int:
        result.label = result.userinfo["email"]
        return 7

    site = make_token_site(on_login=on_login)
    site.sign_in()
    [key] = site.store.list("7")
    assert "@" in key.label


# -- tokens of the client's own --------------------------------------------------------------------


@pytest.fixture
def machine(provider: DevelopmentProvider, make_token_site: MakeSite) -> TokenSite:
    """A site with a client that acts for itself."""
    provider.add_client(ClientRecord("machine", "the secret of the machine, for tests"))
    settings = {
        "client_id": "machine",
        "client_secret": "the secret of the machine, for tests",
        "issuer": provider.issuer,
        "api_base_url": f"{provider.issuer}/api/",
        "client_kwargs": {"grant_type": "client_credentials", "scope": "api"},
    }
    site = make_token_site(more={"machine": settings}, providers=["demo"])
    site.oauth.machine.session.mount("https://", site.outbound)
    return site


def test_token_of_the_client_is_fetched_once_and_needs_nobody(machine: TokenSite) -> None:
    client = machine.oauth.machine
    assert client.authorized
    for _ in range(3):
        with machine.app.app_context():
            assert client.get("me").json()["client_id"] == "machine"
    assert machine.provider.log.count("token") == 1
    assert machine.store.list("") == [TokenKey("machine")]


def test_token_of_the_client_is_renewed_early_and_after_a_refusal(
    machine: TokenSite, clock: Clock
) -> None:
    client = machine.oauth.machine
    client.get("me")
    clock.advance(3600 - 50)
    client.get("me")
    assert machine.provider.log.count("token") == 2
    machine.store.put(TokenKey("machine"), {"access_token": "unknown-to-the-api"})
    assert client.get("me").status_code == 200
    assert machine.provider.log.count("token") == 3


def test_refused_client_is_no_reason_to_sign_in(machine: TokenSite) -> None:
    machine.provider.faults.on("token").respond_json({"error": "invalid_client"}, 401)
    for _ in range(2):
        with pytest.raises(TokenRequestError) as caught:
            machine.oauth.machine.get("me")
        assert caught.value.error == "invalid_client"
    assert machine.provider.log.count("token") == 1


def test_token_of_the_client_needs_no_store(provider: DevelopmentProvider) -> None:
    provider.add_client(ClientRecord("machine", "the secret of the machine, for tests"))
    app = Flask("machine")
    oauth = OAuth(app)
    oauth.register(
        "machine",
        client_id="machine",
        client_secret="the secret of the machine, for tests",
        access_token_url=f"{provider.issuer}/token",
        api_base_url=f"{provider.issuer}/api/",
        client_kwargs={"grant_type": "client_credentials", "scope": "api"},
    )
    oauth.machine.session.mount("https://", provider.adapter())
    for _ in range(2):
        assert oauth.machine.get("me").json()["client_id"] == "machine"
    assert provider.log.count("token") == 1
    oauth.machine.session.close()


# -- in the session --------------------------------------------------------------------------------


def test_session_keeps_a_token_that_nobody_can_read(make_token_site: MakeSite) -> None:  # ST01
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    site.provider.claims_in_id_token = False
    site.sign_in()
    assert site.me()["sub"] == "alice"
    kept = repr(site.session())
    with site.app.test_request_context():
        assert not [secret for secret in site.provider.secrets if secret in kept]


def test_session_token_is_refreshed_once_by_requests_side_by_side(
    make_token_site: MakeSite, clock: Clock
) -> None:
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    site.sign_in()
    [cookie] = [c.value for c in site.browser.cookies if c.name == "session"]
    client = site.app.test_client(use_cookies=False)
    clock.advance(3570)
    for _ in range(3):  # all of them with the cookie of before
        answer = client.get("/me", base_url=ORIGIN, headers={"Cookie": f"session={cookie}"})
        assert answer.get_json()["sub"] == "alice"
        assert "session=" in answer.headers["Set-Cookie"]
    assert site.refreshes == 1


def test_session_token_ends_with_the_session_and_is_revoked(make_token_site: MakeSite) -> None:
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    site.sign_in()
    site.sign_out()
    assert site.provider.log.count("revocation") == 1
    assert site.state() == {"authorized": False, "token": False}


def test_token_that_does_not_fit_the_session_is_refused_clearly(  # ST06
    make_token_site: MakeSite,
) -> None:
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    fault = site.provider.faults.on("token")
    fault.edit_json(lambda document: {**document, "filler": "x" * 3000})
    page = site.sign_in()
    assert page.status == 500
    assert "token_too_large" in page.text
    assert site.who() == {}


def test_session_store_says_that_it_needs_a_request() -> None:
    store = SessionTokenStore(["k" * 32])
    with pytest.raises(MissingConfigurationError, match="request"):
        store.get(TokenKey("demo", "1"))


def test_token_that_the_login_itself_has_replaced_is_the_one_that_is_kept(
    make_token_site: MakeSite,
) -> None:
    def on_login(result: Any) -> int:
        result.client.refresh_token(result.token)  # as a call does when the token is due at once
        return 42

    site = make_token_site(on_login=on_login)
    site.sign_in()
    kept = site.store.get(TokenKey("demo", "42"))
    assert site.provider.grants.find_refresh(kept["refresh_token"]) is not None
    assert kept["userinfo"]["sub"] == "alice"
    assert site.me()["sub"] == "alice"


# -- what is easily forgotten ----------------------------------------------------------------------


def test_refresh_that_a_sign_out_overtakes_leaves_nothing_valid(tokens: TokenSite) -> None:
    rows, write = tokens.store._rows._rows, tokens.store._rows._rows.write

    def overtaken(*args: Any, **kwargs: Any) -> bool:
        rows.write = write
        with tokens.app.app_context():
            assert tokens.oauth.demo.for_account(owner=tokens.key.owner).forget_token()
        return write(*args, **kwargs)

    tokens.change(expires_at=1)
    rows.write = overtaken
    assert tokens.as_script("/me").status_code == 401
    assert tokens.store.get(tokens.key) is None
    find = tokens.provider.grants.find_refresh
    assert [secret for secret in tokens.provider.secrets if find(secret)] == []


def test_forgetting_a_person_takes_what_no_key_opens(make_token_site: MakeSite) -> None:
    rows = MemoryRows()
    SealedTokenStore(rows, ["k" * 32]).put(TokenKey("demo", "7"), {"access_token": "x"})
    site = make_token_site(registry={"token_store": SealedTokenStore(rows, ["n" * 32])})
    with site.app.app_context():
        assert site.oauth.forget_tokens("7") == 1
    assert list(rows.every()) == []


def test_account_that_a_view_needs_is_the_one_that_is_signed_in_at(tokens: TokenSite) -> None:
    page = tokens.open("/work")
    assert page.response.json()["sub"] == "alice"
    assert tokens.store.list(tokens.key.owner) == [tokens.key, tokens.key._replace(label="work")]


def test_token_that_cannot_be_kept_is_told_of_once(
    make_token_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_token_site(on_login=lambda result: redirect("/"))
    for _ in range(2):
        site.sign_in()
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "token_owner" in record.getMessage()


def test_session_token_that_is_over_is_over_for_old_cookies_too(
    make_token_site: MakeSite, clock: Clock
) -> None:
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    site.sign_in()
    clock.advance(3601)
    site.provider.faults.on("token").respond_json({"error": "invalid_grant"}, 400)
    [cookie] = [c.value for c in site.browser.cookies if c.name == "session"]
    client = site.app.test_client(use_cookies=False)
    headers = {**SCRIPT, "Cookie": f"session={cookie}"}
    for _ in range(3):
        assert client.get("/me", base_url=ORIGIN, headers=headers).status_code == 401
    assert site.refreshes == 1


@pytest.mark.parametrize("owner", [None, "", False], ids=repr)
def test_empty_owner_is_not_who_is_signed_in(tokens: TokenSite, owner: Any) -> None:
    with pytest.raises(InvalidSettingError, match="nobody"):
        tokens.oauth.demo.for_account(owner=owner)


@pytest.mark.parametrize("token", ["x", None, {}, {"refresh_token": "x"}, ["x"]], ids=repr)
def test_what_is_no_token_is_not_kept(tokens: TokenSite, token: Any) -> None:
    with pytest.raises(InvalidSettingError, match="save_token"):
        tokens.oauth.demo.for_account(owner=1).save_token(token)


def test_owner_may_be_a_uuid(tokens: TokenSite) -> None:
    name = uuid4()
    tokens.oauth.demo.for_account(owner=name).save_token({"access_token": "x"})
    assert tokens.store.list(str(name)) == [TokenKey("demo", str(name))]
