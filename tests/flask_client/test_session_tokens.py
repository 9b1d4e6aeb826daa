"""Tokens in the Flask session."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import TypeVar

import pytest
from cachelib import SimpleCache
from flask import Flask
from flask import Request
from flask import Response
from flask import session
from flask.sessions import SecureCookieSession
from flask.sessions import SessionInterface
from flask.sessions import SessionMixin

from flask_oauthclient import OAuth
from flask_oauthclient import SessionTokenStore
from flask_oauthclient import TokenKey
from flask_oauthclient.flask_client import session_tokens
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.storage.tokens import guarded
from flask_oauthclient.storage.tokens import refresh
from flask_oauthclient.storage.tokens.rows import ABSENT
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.testing.token_stores.keeping import KeepingContract
from flask_oauthclient.testing.token_stores.refreshing import RefreshingContract
from tests.helpers.clock import Clock

from ._site import ORIGIN
from ._token_site import SCRIPT
from ._token_site import MakeTokenSite

T = TypeVar("T")
FIRST, SECOND = {"access_token": "first"}, {"access_token": "second"}
SESSION_KEY = "_oauthclient_tokens"


@pytest.fixture
def app() -> Flask:
    app = Flask("site")
    app.secret_key = "a secret key that is long enough"
    return app


def test_session_keeps_a_token_that_nobody_can_read(make_token_site: MakeTokenSite) -> None:  # ST01
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    site.provider.claims_in_id_token = False
    site.sign_in()
    assert site.me()["sub"] == "alice"
    kept = repr(site.session())
    with site.app.test_request_context():
        assert not [secret for secret in site.provider.secrets if secret in kept]


def test_session_token_is_refreshed_once_by_requests_side_by_side(
    make_token_site: MakeTokenSite, clock: Clock
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


def test_session_token_ends_with_the_session_and_is_revoked(make_token_site: MakeTokenSite) -> None:
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    site.sign_in()
    site.sign_out()
    assert site.provider.log.count("revocation") == 1
    assert site.state() == {"authorized": False, "token": False}


def test_token_that_does_not_fit_the_session_is_refused_clearly(  # ST06
    make_token_site: MakeTokenSite,
) -> None:
    site = make_token_site(registry={"token_store": SessionTokenStore()})
    fault = site.provider.faults.on("token")
    fault.edit_json(lambda document: {**document, "filler": "x" * 3000})
    page = site.sign_in()
    assert page.status == 500
    assert "token_too_large" in page.text
    assert site.who() == {}


def test_session_token_that_could_not_be_written_waits_for_its_session(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "_PATIENCE", -1)
    monkeypatch.setattr(guarded, "_GRACE", 0)
    cache = SimpleCache(threshold=0)
    store, alice = SessionTokenStore(["k" * 32], cache), TokenKey("demo", "alice")
    with app.test_request_context(), monkeypatch.context() as down:
        store.put(alice, FIRST)
        down.setattr(cache, "set", lambda *_: False)
        store.refresh(alice, FIRST, lambda _: SECOND)
        hers = session[SESSION_KEY]
    with app.test_request_context():
        assert store.get(TokenKey("demo", "bob")) is None
        assert not session
    with app.test_request_context():
        session[SESSION_KEY] = hers
        assert store.get(alice) == SECOND


class _OnTheServer(SessionInterface):
    """Sessions that have room."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        return SecureCookieSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Nothing is kept."""


class TestSession(KeepingContract, RefreshingContract):
    """Requests of one session one by one; side by side they bring sessions of their own."""

    @pytest.fixture
    def store(self, app: Flask) -> Iterator[SessionTokenStore]:
        app.session_interface = _OnTheServer()
        with app.test_request_context() as self.context:
            yield SessionTokenStore(["k" * 32])

    def in_thread(self, work: Callable[[], T]) -> T:
        with self.context.copy():
            return work()


def test_row_of_a_session_is_changed_over_a_version(app: Flask) -> None:
    rows = SessionTokenStore(["k" * 32])._of_session
    with app.test_request_context():
        assert rows.write("a", "o", Row(5, b"five"), 4) is False
        assert rows.write("a", "o", Row(5, b"five"), ABSENT) is True
        assert rows.write("a", "o", Row(6, b"six"), ABSENT) is False
        assert rows.write("a", "o", Row(6, b"six"), 4) is False
        assert rows.remove("a", "o", 4) is False
        assert rows.read("a") == Row(5, b"five")
        assert rows.write("a", "o", Row(6, b"six"), 5) is True
        assert rows.remove("a", "o", 5) is False
        assert rows.remove("a", "o", 6) is True
        assert rows.read("a") is None


def test_stores_with_one_cache_have_the_same_locks(app: Flask) -> None:
    cache = SimpleCache(threshold=0)
    one, two = (SessionTokenStore(["k" * 32], cache)._of_session for _ in range(2))
    with one.locked("a", "o"), pytest.raises(TokenStoreError) as caught:
        two.locks.hold("a", 0).__enter__()
    assert caught.value.error == "token_busy"


def test_cache_that_was_tampered_with_leads_round_no_circle(app: Flask) -> None:
    rows = SessionTokenStore(["k" * 32])._of_session
    first, second = Row(5, b"five"), Row(6, b"six")
    with app.test_request_context():
        rows.write("a", "o", first)
        rows.write("a", "o", second, 5)
        text = session_tokens._text(first)
        rows.cache.set(session_tokens._successor_of("a", second), text, 600)
        assert rows.read("a") in (first, second)


def test_session_of_who_has_waited_gets_the_refreshed_token_too(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, key = SessionTokenStore(["k" * 32]), TokenKey("demo", "alice")
    with app.test_request_context():
        store.put(key, FIRST)
        before = session[SESSION_KEY]
        store.refresh(key, FIRST, lambda _: SECOND)
        after = session[SESSION_KEY]
    monkeypatch.setattr(store._flights, "do", lambda name, work: SECOND)
    with app.test_request_context():
        session[SESSION_KEY] = before
        assert store.refresh(key, FIRST, lambda _: FIRST) == SECOND
        assert session[SESSION_KEY] == after != before


def test_cache_of_the_store_itself_counts(app: Flask) -> None:
    own, shared = SimpleCache(threshold=0), SimpleCache(threshold=0)
    store, key = SessionTokenStore(["k" * 32], own), TokenKey("demo", "alice")
    OAuth(app, cache=shared, token_store=store)
    with app.test_request_context():
        store.put(key, FIRST)
        store.delete(key)
    assert (len(own._cache), len(shared._cache)) == (1, 0)


def test_session_store_says_that_it_needs_a_request() -> None:
    store = SessionTokenStore(["k" * 32])
    with pytest.raises(MissingConfigurationError, match="request"):
        store.get(TokenKey("demo", "1"))


def test_session_token_that_is_over_is_over_for_old_cookies_too(
    make_token_site: MakeTokenSite, clock: Clock
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
