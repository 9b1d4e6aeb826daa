"""Stored tokens in an application that is used, or written, as it should not be."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask import request
from flask import session
from werkzeug.routing import Rule

from flask_oauthclient import LoginRequired
from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuth
from flask_oauthclient import SessionTokenStore
from flask_oauthclient import TokenKey
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import ProviderError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.sign_in import stored_tokens
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider

from ._site import ORIGIN
from ._token_site import SCRIPT
from ._token_site import MakeTokenSite
from ._token_site import TokenSite

MACHINE_SECRET = "the secret of the machine, for tests"
FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}


def add_view(site: TokenSite, path: str, view: Callable[[], Any], *methods: str) -> None:
    """Give a site one more view."""
    # Flask itself lets nobody do that once it has answered a request.
    site.app.url_map.add(Rule(path, endpoint=path, methods=methods or ("GET",)))
    site.app.view_functions[path] = view


def live(site: TokenSite) -> list[str]:
    """The refresh tokens that the provider would still accept."""
    find = site.provider.grants.find_refresh
    return [secret for secret in site.provider.secrets if find(secret)]


# -- spent refresh tokens that stay in the store ---------------------------------------------------


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "get": lambda client, token: client.get("me", token=token),
    "userinfo": lambda client, token: client.userinfo(token=token),
    "ensure_active_token": lambda client, token: client.ensure_active_token(token),
    "refresh_token": lambda client, token: client.refresh_token(token),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("label", ["", "work"])
def test_stored_token_that_is_handed_in_is_replaced_where_it_is_kept(
    tokens: TokenSite, call: Callable[[Any, Any], Any], label: str
) -> None:
    tokens.change(expires_at=1)
    key = tokens.key._replace(label=label)
    tokens.store.put(key, tokens.store.get(tokens.key))
    if label:
        tokens.store.put(tokens.key, {"access_token": "that of another account"})

    def view() -> str:
        token = tokens.oauth.demo.for_account(label=label).token
        call(tokens.oauth.demo, token)
        return "done"

    add_view(tokens, "/handed-in", view)
    assert tokens.open("/handed-in").text == "done"
    assert tokens.store.get(key)["refresh_token"] in live(tokens)
    assert tokens.refreshes == 1


def test_token_of_the_login_is_replaced_in_the_store_once_it_is_there(
    make_token_site: MakeTokenSite,
) -> None:
    site = make_token_site(
        registry={"token_owner": lambda: session.get("user")}, on_login=lambda result: 42
    )

    def callback() -> Any:
        token = site.oauth.demo.authorize_access_token()
        session["user"] = "alice"
        site.oauth.demo.save_token(token)
        site.oauth.demo.refresh_token()
        return "done"

    site.app.view_functions["oauthclient.callback"] = lambda provider: callback()
    assert site.sign_in().text == "done"
    assert site.store.get(TokenKey("demo", "alice"))["refresh_token"] in live(site)


def test_token_whose_successor_does_not_fit_the_session_is_not_sent_again(
    make_token_site: MakeTokenSite,
) -> None:
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    site.provider.claims_in_id_token = False
    site.sign_in()
    add_view(site, "/refresh", lambda: str(site.oauth.demo.refresh_token()))
    fault = site.provider.faults.on("token")
    fault.edit_json(lambda document: {**document, "filler": "x" * 3500})
    assert site.open("/refresh").status == 500
    site.provider.faults.discard(fault)
    assert site.as_script("/me").status_code == 401
    assert site.refreshes == 1


def test_lock_is_held_for_the_request_to_the_provider_and_no_other(
    make_token_site: MakeTokenSite,
) -> None:
    first = make_token_site()
    first.sign_in()
    first.change(expires_at=1)
    site = make_token_site(registry={"token_store": first.store})  # a worker that begins just now
    asked: list[list[str]] = []
    refresh = first.store.refresh

    def watched(key: Any, stale: Any, do: Any) -> Any:
        def inside(current: Any) -> Any:
            before = len(site.provider.log)
            fresh = do(current)
            asked.append([record.endpoint for record in list(site.provider.log)[before:]])
            return fresh

        return refresh(key, stale, inside)

    first.store.refresh = watched
    with site.app.app_context():
        site.oauth.demo.for_account(owner=first.key.owner).get("me")
    assert asked == [["token"]]


# -- whose token it is -----------------------------------------------------------------------------


NOBODY = [None, "", False]
NO_OWNER = [True, 1.5, object(), SimpleNamespace(id=1), b"alice", ["alice"]]


@pytest.mark.parametrize("owner", NOBODY, ids=repr)
def test_owner_that_is_nobody_has_no_token(make_token_site: MakeTokenSite, owner: Any) -> None:
    """As of ``lambda: current_user.is_authenticated and current_user.id``."""
    site = make_token_site(registry={"token_owner": lambda: owner})
    for name in ("", "False", "None"):
        site.store.put(TokenKey("demo", name), {"access_token": "somebody's"})
    assert site.state() == {"authorized": False, "token": False}
    with site.app.test_request_context(), pytest.raises(LoginRequired):
        site.oauth.demo.save_token({"access_token": "x"})


@pytest.mark.parametrize("owner", NO_OWNER, ids=lambda owner: type(owner).__name__)
def test_owner_that_cannot_tell_people_apart_is_refused(
    make_token_site: MakeTokenSite, owner: Any
) -> None:
    site = make_token_site(registry={"token_owner": lambda: owner})
    with site.app.test_request_context():
        for use in (
            lambda: site.oauth.demo.token,
            lambda: site.oauth.demo.save_token({"access_token": "x"}),
            lambda: site.oauth.demo.for_account(owner=owner),
            lambda: site.oauth.forget_tokens(owner),
        ):
            with pytest.raises(InvalidSettingError, match="owner"):
                use()


@pytest.mark.parametrize("owner", ["", False], ids=repr)
def test_tokens_of_nobody_are_not_forgotten(tokens: TokenSite, owner: Any) -> None:
    with tokens.app.app_context(), pytest.raises((InvalidSettingError, LoginRequired)):
        tokens.oauth.forget_tokens(owner)


def test_token_set_by_hand_for_one_account_is_not_used_for_another(tokens: TokenSite) -> None:
    def view() -> Any:
        bobs = tokens.oauth.demo.for_account(owner="bob")
        bobs.token = {"access_token": "of bob"}
        tokens.oauth.demo.for_account(owner="carol").token = {"access_token": "of carol"}
        clients = [bobs, tokens.oauth.demo, tokens.oauth.demo.for_account(owner="bob")]
        return [(client.token or {}).get("access_token") for client in clients]

    add_view(tokens, "/accounts", view)
    found = tokens.open("/accounts").response.json()
    alices = tokens.store.get(tokens.key)["access_token"]
    assert found == ["of bob", alices, "of bob"]


def test_two_registries_of_one_application_share_no_token(provider: DevelopmentProvider) -> None:
    app = Flask("tenants")
    clients = []
    for tenant in ("one", "two"):
        oauth = OAuth(app, token_store=MemoryTokenStore(), token_owner=lambda: 42)
        oauth.register("google", client_id=tenant, api_base_url=f"https://{tenant}.test/")
        oauth.google.for_account(owner=42).save_token({"access_token": f"of tenant {tenant}"})
        clients.append(oauth.google)
    with app.test_request_context():
        found = [client.token["access_token"] for client in clients]
    assert found == ["of tenant one", "of tenant two"]


def _in_one_context(site: TokenSite, path: str, **cookies: str) -> Any:
    """Make a request in a thread that has pushed a context of the application for good."""
    environ = {"HTTP_COOKIE": "; ".join(f"{k}={v}" for k, v in cookies.items())}
    client = site.app.test_client(use_cookies=False)
    return client.get(path, base_url=ORIGIN, headers=SCRIPT, environ_overrides=environ)


def test_context_that_was_pushed_for_good_gives_nobody_the_token_of_another(
    make_token_site: MakeTokenSite,
) -> None:
    """``app.app_context().push()`` in a module: one ``g`` for all requests of a worker."""
    site = make_token_site(registry={"token_owner": lambda: request.args.get("user")})

    def complete() -> Any:
        site.oauth.demo.token = {"access_token": f"of {request.args['user']}"}
        return site.oauth.demo.token

    add_view(site, "/complete", complete)
    add_view(site, "/token", lambda: site.oauth.demo.token or {})
    site.store.put(TokenKey("demo", "bob"), {"access_token": "of bob, stored"})
    with site.app.app_context():
        assert _in_one_context(site, "/complete?user=alice").json == {"access_token": "of alice"}
        assert _in_one_context(site, "/token?user=bob").json == {"access_token": "of bob, stored"}
        assert _in_one_context(site, "/token?user=carol").json == {}
        site.store.put(TokenKey("demo", "bob"), {"access_token": "of bob, newer"})
        assert _in_one_context(site, "/token?user=bob").json == {"access_token": "of bob, newer"}


def test_worker_that_runs_for_ever_sees_what_became_of_a_token(tokens: TokenSite) -> None:
    with tokens.app.app_context():
        client = tokens.oauth.demo.for_account(owner=tokens.key.owner)
        assert client.get("me").json()["sub"] == "alice"
        tokens.store.delete(tokens.key)  # she has signed out, in a process of the web server
        with pytest.raises(LoginRequired):
            client.get("me")


def test_person_who_changes_within_a_request_gets_no_token_of_before(
    make_token_site: MakeTokenSite,
) -> None:
    now = SimpleNamespace(user="alice")
    site = make_token_site(registry={"token_owner": lambda: now.user})
    for name in ("alice", "bob"):
        site.store.put(TokenKey("demo", name), {"access_token": f"of {name}"})

    def view() -> Any:
        found = []
        for now.user in ("alice", "bob", None, "alice"):
            found.append((site.oauth.demo.token or {}).get("access_token"))
        return found

    add_view(site, "/changing", view)
    assert site.open("/changing").response.json() == ["of alice", "of bob", None, "of alice"]


# -- sending to sign in ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/work", "/me"])
def test_form_of_another_site_replaces_no_session(tokens: TokenSite, path: str) -> None:
    """It comes without cookies, and the answer must not bring any."""
    view = tokens.app.view_functions[path.lstrip("/")]
    add_view(tokens, f"{path}-post", view, "POST")
    answer = tokens.app.test_client(use_cookies=False).post(
        f"{path}-post", base_url=ORIGIN, headers={**FOREIGN, "Accept": "text/html"}
    )
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers


def test_label_that_an_outsider_has_chosen_does_not_fill_the_session(tokens: TokenSite) -> None:
    def view() -> Any:
        return tokens.oauth.demo.for_account(label=request.args["account"]).get("me").json()

    add_view(tokens, "/account", view)
    before = len(repr(tokens.session()))
    page = tokens.open("/account", account="x" * 1500)
    assert (page.status, page.url.partition("?")[0]) == (401, f"{ORIGIN}/account")
    assert len(repr(tokens.session())) == before
    page = tokens.open("/account", account="x" * 200, more="y" * 1500)
    assert page.response.json()["sub"] == "alice"
    assert [key.label for key in tokens.store.list(tokens.key.owner)] == ["", "x" * 200]


@pytest.mark.parametrize("length", [10, 1000])
def test_login_that_does_not_help_ends_also_for_a_long_address(
    tokens: TokenSite, length: int
) -> None:
    page = tokens.open(f"/forgetful?{'x' * length}")
    assert page.status == 401
    assert len(page.history) < 12


def test_page_that_is_not_the_one_that_a_login_led_to_sends_to_sign_in(tokens: TokenSite) -> None:
    tokens.open(f"/forgetful?{'x' * 1000}")
    tokens.store.delete(tokens.key)
    page = tokens.open(f"/me?{'y' * 1000}")
    assert page.response.json()["sub"] == "alice"


def test_redirect_after_sign_in_again_stays_on_the_site(tokens: TokenSite) -> None:
    tokens.store.delete(tokens.key)
    add_view(tokens, "/post", tokens.app.view_functions["me"], "POST")
    headers = {"Referer": "https://evil.test/page", "Sec-Fetch-Site": "same-origin"}
    client = tokens.app.test_client()
    answer = client.post("/post", base_url=ORIGIN, headers={**headers, "Accept": "text/html"})
    assert answer.headers["Location"].startswith("/auth/login")
    assert "evil" not in answer.headers["Location"]


# -- signing out -----------------------------------------------------------------------------------


def _refreshed_meanwhile(site: TokenSite) -> None:
    """Let another worker refresh the token whenever somebody has just read it to remove it."""
    get, is_done = site.store.get, []

    def slow(key: TokenKey) -> Any:
        found = get(key)
        if found is not None and not is_done:
            is_done.append(True)
            with site.app.app_context():
                site.oauth.demo.for_account(key.owner, key.label).refresh_token(found)
        return found

    site.store.get = slow


def test_forgetting_revokes_what_a_refresh_has_brought_meanwhile(tokens: TokenSite) -> None:
    refreshed = tokens.oauth.demo
    with tokens.app.app_context():
        client = refreshed.for_account(owner=tokens.key.owner)
        _refreshed_meanwhile(tokens)
        assert client.forget_token()
    assert tokens.refreshes == 1
    assert tokens.store.list(tokens.key.owner) == []
    assert live(tokens) == []


def test_sign_out_revokes_what_a_refresh_has_brought_meanwhile(
    make_token_site: MakeTokenSite,
) -> None:
    site = make_token_site(forget_tokens=True)
    site.sign_in()
    _refreshed_meanwhile(site)
    site.sign_out()
    assert site.refreshes == 1
    assert site.store.list(site.key.owner) == []
    assert live(site) == []


@pytest.mark.parametrize("kind", ["memory", "session"])
def test_switching_to_another_account_is_a_sign_out_as_well(
    make_token_site: MakeTokenSite, kind: str
) -> None:
    store = MemoryTokenStore() if kind == "memory" else SessionTokenStore()
    site = make_token_site(forget_tokens=True, registry={"token_store": store})
    site.sign_in()
    assert live(site)
    site.press("/auth/login/demo", switch="1")
    assert live(site) == []
    if kind == "memory":
        assert store.list(site.key.owner) == []


@pytest.mark.parametrize("error", [MissingConfigurationError, TokenStoreError, InvalidSettingError])
def test_nobody_stays_signed_in_because_of_a_store(
    make_token_site: MakeTokenSite, error: type[Exception]
) -> None:
    site = make_token_site(forget_tokens=True)
    site.sign_in()

    def fail(*_: Any) -> Any:
        raise error

    site.store.list = fail
    site.sign_out()
    assert site.who() == {}


def test_provider_that_is_slow_does_not_hold_a_sign_out_for_each_token(
    make_token_site: MakeTokenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_token_site(forget_tokens=True)
    site.sign_in()
    for number in range(20):
        site.store.put(site.key._replace(label=str(number)), {"access_token": f"at {number}"})
    asked: list[Any] = []
    passed = iter(range(0, 1000, 3))
    monkeypatch.setattr(stored_tokens, "time", SimpleNamespace(monotonic=lambda: next(passed)))
    monkeypatch.setattr(type(site.oauth.demo), "revoke_quietly", lambda _, token: asked.append(1))
    site.sign_out()
    assert 1 <= len(asked) <= 3
    assert site.store.list(site.key.owner) == []


def test_tokens_end_even_if_a_function_of_the_application_fails(
    make_token_site: MakeTokenSite,
) -> None:
    def on_logout(identity: Any) -> Any:
        raise ValueError("on_logout")

    site = make_token_site(forget_tokens=True, on_logout=on_logout)
    site.sign_in()
    site.sign_out()
    assert site.store.list(site.key.owner) == []
    assert live(site) == []


def test_administrator_keeps_the_tokens_that_are_in_the_own_session(
    make_token_site: MakeTokenSite,
) -> None:
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    site.sign_in()
    add_view(site, "/remove-bob", lambda: str(site.oauth.forget_tokens("bob")))
    assert site.open("/remove-bob").text == "0"
    assert site.me()["sub"] == "alice"


# -- tokens of the client's own --------------------------------------------------------------------


def test_token_of_the_client_is_never_in_the_session_of_a_visitor(
    provider: DevelopmentProvider, make_token_site: MakeTokenSite
) -> None:
    provider.add_client(ClientRecord("machine", MACHINE_SECRET))
    settings = {
        "client_id": "machine",
        "client_secret": MACHINE_SECRET,
        "issuer": provider.issuer,
        "api_base_url": f"{provider.issuer}/api/",
        "client_kwargs": {"grant_type": "client_credentials", "scope": "api"},
    }
    site = make_token_site(
        registry={"token_store": SessionTokenStore()},
        more={"machine": settings},
        providers=["demo"],
    )
    site.oauth.machine.session.mount("https://", site.outbound)
    add_view(site, "/report", lambda: site.oauth.machine.get("me").json())
    for _ in range(2):
        answer = site.app.test_client().get("/report", base_url=ORIGIN)
        assert answer.json["client_id"] == "machine"
        assert "Set-Cookie" not in answer.headers
    assert site.oauth.machine.get("me").json()["client_id"] == "machine"  # in a command
    assert provider.log.count("token") == 1


# -- an ID token that nobody has verified ----------------------------------------------------------


def test_refreshed_id_token_is_verified_by_a_worker_that_knows_nothing_yet(
    make_token_site: MakeTokenSite, provider: DevelopmentProvider
) -> None:
    register = {"access_token_url": f"{provider.issuer}/token"}
    first = make_token_site(register=register)
    first.sign_in()
    first.change(expires_at=1)
    site = make_token_site(register=register, registry={"token_store": first.store})
    provider.faults.on("id_token").edit_claims(lambda claims: {**claims, "sub": "mallory"})
    with site.app.app_context(), pytest.raises(ProviderError) as caught:
        site.oauth.demo.for_account(owner=first.key.owner).get("me")
    assert caught.value.error == "invalid_claim"
    assert first.store.get(first.key) is None


def test_id_token_that_could_not_be_verified_replaces_none_that_was(
    make_token_site: MakeTokenSite, provider: DevelopmentProvider
) -> None:
    register = {"access_token_url": f"{provider.issuer}/token"}
    first = make_token_site(register=register)
    first.sign_in()
    token = first.store.get(first.key)
    register["token_endpoint_auth_method"] = "client_secret_basic"
    site = make_token_site(register=register)  # it has asked nothing about the provider yet
    with site.app.app_context():
        fresh = site.oauth.demo.refresh_token(token)
        assert fresh["access_token"] != token["access_token"]
        assert fresh["id_token"] == token["id_token"]
        provider.faults.on("id_token").edit_claims(lambda claims: {**claims, "sub": "mallory"})
        with pytest.raises(ProviderError, match="sub"):
            site.oauth.demo.refresh_token(fresh)
