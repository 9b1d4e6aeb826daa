"""Tokens in a store: what the blueprint keeps, what calls do with it, what ends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask import redirect
from flask import session

from flask_oauthclient import LoginRequired
from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuth
from flask_oauthclient import TokenKey
from flask_oauthclient import token_refresh_failed
from flask_oauthclient import token_refreshed
from flask_oauthclient import token_update
from flask_oauthclient.flask_client.site import FlaskSite
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import InvalidTokenError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.sign_in.step_up import take_label
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider

from ._site import ORIGIN
from ._token_site import MakeTokenSite
from ._token_site import TokenSite

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


def test_nobody_is_authorized_before_signing_in(make_token_site: MakeTokenSite) -> None:
    site = make_token_site()
    assert site.state() == {"authorized": False, "token": False}


def test_owner_is_the_applications_key_if_on_login_gives_one(
    make_token_site: MakeTokenSite,
) -> None:
    site = make_token_site(on_login=lambda result: 42)
    site.sign_in()
    assert site.store.list("42") == [TokenKey("demo", "42")]
    assert site.me()["sub"] == "alice"


def test_owner_may_come_from_the_application(make_token_site: MakeTokenSite) -> None:
    site = make_token_site(
        registry={"token_owner": lambda: 7},
        on_login=lambda result: redirect("/"),  # it keeps people signed in in a way of its own
    )
    site.sign_in()
    assert site.store.list("7") == [TokenKey("demo", "7")]
    assert site.me()["sub"] == "alice"


def test_functions_of_the_application_win(make_token_site: MakeTokenSite) -> None:
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
    make_token_site: MakeTokenSite, monkeypatch: pytest.MonkeyPatch
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


def test_token_that_the_login_itself_has_replaced_is_the_one_that_is_kept(
    make_token_site: MakeTokenSite,
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


def test_linked_account_has_a_token_of_its_own(
    provider: DevelopmentProvider, make_token_site: MakeTokenSite
) -> None:
    spent: list[str] = []
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
        spent.append(result.token["refresh_token"])
        result.client.refresh_token(result.token)  # as a call does when the token is due at once

    site = make_token_site(more={"second": second}, on_link=on_link, on_login=lambda result: 42)
    site.oauth.second.session.mount("https://", site.outbound)
    for path in ("/auth/login/demo", "/auth/link/second"):
        site.browser.sign_in(site.press(path).headers["Location"])
    assert site.store.list("42") == [TokenKey("demo", "42"), TokenKey("second", "42", "work")]
    assert site.store.get(TokenKey("second", "42", "work"))["refresh_token"] not in spent


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


def test_expired_token_that_can_be_refreshed_is_as_good(tokens: TokenSite) -> None:
    tokens.change(expires_at=1)
    assert tokens.state() == {"authorized": True, "token": True}


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


def test_handler_that_was_there_before_the_blueprint_is_left_alone() -> None:
    app = Flask("site")
    app.secret_key = "a secret key that is long enough"
    app.register_error_handler(LoginRequired, lambda error: ("ours", 418))
    oauth = OAuth(app, token_store=MemoryTokenStore())
    oauth.register("demo", client_id="c", api_base_url="https://api.test/")
    app.register_blueprint(oauth.create_blueprint())
    app.add_url_rule("/me", view_func=lambda: oauth.demo.get("me"))
    assert app.test_client().get("/me").status_code == 418


@pytest.mark.parametrize(
    ("noted", "label"),
    [
        (["demo", "/work", "work"], "work"),
        (["other", "/work", "work"], None),
        (["demo", "/other", "work"], None),
        (["demo", "/work"], None),
        (["demo", "/work", 5], None),
        ("demo", None),
        (None, None),
    ],
    ids=range(7),
)
def test_label_that_a_view_needs_is_for_that_view_and_provider(
    tokens: TokenSite, noted: Any, label: str | None
) -> None:
    with tokens.app.test_request_context():
        session["_oauthclient_label"] = noted
        assert take_label(FlaskSite(), tokens.oauth.demo, "/work") == label
        assert "_oauthclient_label" not in session


def test_handler_of_the_application_is_left_alone(make_token_site: MakeTokenSite) -> None:
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
        tokens.store.put(TokenKey("other", "7", "of another client"), {"access_token": "x"})
        assert work.accounts() == ["home", "work"]
        assert home.forget_token(revoke=False)
        assert work.accounts() == ["work"]
        assert work.session is tokens.oauth.demo.session


def test_accounts_share_what_the_client_has_before_it_is_used(
    make_token_site: MakeTokenSite,
) -> None:
    demo = make_token_site().oauth.demo
    work = demo.for_account(owner=7, label="work")
    assert work.session is demo.session
    assert work.server is demo.server


def test_token_that_is_handed_in_is_replaced_once_by_all_accounts(tokens: TokenSite) -> None:
    token = tokens.store.get(tokens.key)
    tokens.store.delete(tokens.key)
    with tokens.app.app_context():
        work = tokens.oauth.demo.for_account(owner=7, label="work")
        home = tokens.oauth.demo.for_account(owner=7, label="home")
        assert work.refresh_token(token) == home.refresh_token(token)
    assert tokens.refreshes == 1


def test_label_may_be_chosen_at_the_login(make_token_site: MakeTokenSite) -> None:
    def on_login(result: Any) -> int:
        result.label = result.userinfo["email"]
        return 7

    site = make_token_site(on_login=on_login)
    site.sign_in()
    [key] = site.store.list("7")
    assert "@" in key.label


# -- what is easily forgotten ----------------------------------------------------------------------


def test_account_that_a_view_needs_is_the_one_that_is_signed_in_at(tokens: TokenSite) -> None:
    page = tokens.open("/work")
    assert page.response.json()["sub"] == "alice"
    assert tokens.store.list(tokens.key.owner) == [tokens.key, tokens.key._replace(label="work")]


def test_token_that_cannot_be_kept_is_told_of_once(
    make_token_site: MakeTokenSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_token_site(on_login=lambda result: redirect("/"))
    for _ in range(2):
        site.sign_in()
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "token_owner" in record.getMessage()


def test_token_that_is_set_is_that_of_one_registry() -> None:
    app = Flask("site")
    one, two = OAuth(app), OAuth(app)
    for oauth in (one, two):
        oauth.register("demo", client_id="c", api_base_url="https://api.test/")
    with app.test_request_context():
        one.demo.token = {"access_token": "set by hand"}
        assert one.demo.token == {"access_token": "set by hand"}
        assert two.demo.token is None


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
