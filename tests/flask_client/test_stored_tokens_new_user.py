"""What somebody meets who uses stored tokens for the first time, and makes a mistake."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import cachelib
import pytest
from flask import Flask

from flask_oauthclient import LoginRequired
from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuth
from flask_oauthclient import TokenKey
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.storage.tokens.envelope import split_keys
from flask_oauthclient.testing.token_stores import TokenStoreContract


def make_registry(**options: Any) -> OAuth:
    app = Flask("site")
    app.secret_key = "a secret key that is long enough"
    oauth = OAuth(app, token_store=MemoryTokenStore(), **options)
    oauth.register("demo", client_id="c", api_base_url="https://api.example.com/")
    return oauth


def test_a_worker_that_names_no_owner_is_told_how() -> None:
    oauth = make_registry()
    assert oauth.app is not None
    with oauth.app.app_context(), pytest.raises(LoginRequired) as error:
        oauth.demo.get("files")
    assert error.value.error == "sign_in_required"
    assert "for_account(owner=...)" in error.value.description


def test_a_missing_token_of_a_known_owner_is_another_matter() -> None:
    oauth = make_registry()
    assert oauth.app is not None
    with oauth.app.app_context(), pytest.raises(LoginRequired) as error:
        oauth.demo.for_account(owner=7).get("files")
    assert "for_account" not in error.value.description


@pytest.mark.parametrize("attribute", ["token", "authorized"])
def test_a_bug_in_token_owner_is_shown_as_it_is(attribute: str) -> None:
    nobody: Any = None
    oauth = make_registry(token_owner=lambda: nobody.get_id())
    assert oauth.app is not None
    with oauth.app.app_context(), pytest.raises(AttributeError, match="get_id"):
        getattr(oauth.demo, attribute)


def test_a_setting_that_does_not_exist_is_still_missing() -> None:
    oauth = make_registry()
    assert oauth.app is not None
    with oauth.app.app_context(), pytest.raises(AttributeError, match="no_such_thing"):
        _ = oauth.demo.no_such_thing


@pytest.mark.parametrize(
    "store", [MemoryTokenStore, cachelib.SimpleCache(), "redis://localhost", {}]
)
def test_what_is_no_store_is_refused_at_the_start(store: Any) -> None:
    app = Flask("site")
    with pytest.raises(InvalidSettingError, match=r"CacheTokenStore\(cache\)"):
        OAuth(app, token_store=store)


def test_a_key_of_digits_from_the_environment_is_explained() -> None:
    with pytest.raises(InvalidSettingError, match="quotes of its own"):
        split_keys(1234567890123456789)


class OneLock:
    """A store with one lock for everything, which is the first thing one writes."""

    def __init__(self) -> None:
        self._tokens: dict[TokenKey, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: TokenKey) -> dict[str, Any] | None:
        with self._lock:
            return self._tokens.get(key)

    def put(self, key: TokenKey, token: Mapping[str, Any]) -> None:
        with self._lock:
            self._tokens[key] = dict(token)

    def list(self, owner: str) -> list[TokenKey]:
        with self._lock:
            return [key for key in self._tokens if key.owner == owner]

    def refresh(
        self, key: TokenKey, stale: Any, do: Callable[[Any], Mapping[str, Any]]
    ) -> dict[str, Any]:
        with self._lock:
            self._tokens[key] = dict(do(self._tokens.get(key)))
            return self._tokens[key]


@pytest.mark.parametrize(
    "name", ["test_another_token_can_be_refreshed_meanwhile", "test_tokens_can_be_read_meanwhile"]
)
def test_the_contract_reports_a_store_that_waits_for_itself(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_oauthclient.testing.token_stores._shared.PATIENCE", 0.2)
    with pytest.raises(AssertionError, match="lets this wait"):
        getattr(TokenStoreContract(), name)(OneLock())
