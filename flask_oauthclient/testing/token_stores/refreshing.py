"""Replacing a token by another one, or failing to."""

# ruff: noqa: S101  these are tests

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...protocol.errors import OAuthError
from ...protocol.errors import ProviderError
from ...protocol.errors import TokenRequestError
from ...protocol.errors import TransportError
from ...storage.tokens.key import TokenKey
from ...storage.tokens.store import TokenStore
from ._shared import KEY
from ._shared import Calls
from ._shared import Threads
from ._shared import error_of
from ._shared import make_token


class RefreshingContract(Threads):
    """Tests of what a refresh does, and of what it leaves when it fails."""

    def test_a_refresh_replaces_a_token(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        calls = Calls(make_token("two"))
        assert store.refresh(KEY, make_token("one"), calls) == make_token("two")
        assert calls.given == [make_token("one")]
        assert store.get(KEY) == make_token("two")
        assert store.list(KEY.owner) == [KEY]

    def test_each_token_can_be_refreshed(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        calls = Calls(make_token("two"), make_token("three"))
        store.refresh(KEY, make_token("one"), calls)
        assert store.refresh(KEY, make_token("two"), calls) == make_token("three")
        assert calls.given == [make_token("one"), make_token("two")]
        assert store.get(KEY) == make_token("three")

    def test_a_newer_token_of_somebody_else_is_the_result(self, store: TokenStore) -> None:
        store.put(KEY, make_token("two"))
        assert store.refresh(KEY, make_token("one"), Calls()) == make_token("two")

    def test_a_token_that_is_gone_is_not_refreshed(self, store: TokenStore) -> None:
        assert store.refresh(KEY, make_token("one"), Calls()) is None
        assert store.get(KEY) is None

    def test_a_first_token_is_fetched(self, store: TokenStore) -> None:
        calls = Calls(make_token("one"))
        assert store.refresh(KEY, None, calls) == make_token("one")
        assert calls.given == [None]
        assert store.get(KEY) == make_token("one")
        assert store.list(KEY.owner) == [KEY]
        assert store.refresh(KEY, None, Calls()) == make_token("one")

    def test_a_refreshed_token_belongs_to_whoever_got_it(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        fresh = {**make_token("two"), "nested": {"list": [1]}}
        found = store.refresh(KEY, make_token("one"), Calls(fresh))
        assert found is not None
        found["nested"]["list"].append(2)
        found.clear()
        assert fresh["nested"] == {"list": [1]}
        assert store.get(KEY) == fresh

    def test_a_refused_refresh_token_is_dropped(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        error = _refused(store, KEY, TokenRequestError("invalid_grant", http_status=400))
        assert error.error == "invalid_grant"
        assert store.get(KEY) is None
        assert store.list(KEY.owner) == []

    def test_a_failure_that_may_pass_leaves_the_token(self, store: TokenStore) -> None:
        for failure in (TokenRequestError("temporarily_unavailable"), TransportError()):
            key = TokenKey("demo", type(failure).__name__)
            store.put(key, make_token("one"))
            assert _refused(store, key, failure).error == failure.error
            assert store.get(key) == make_token("one")
            assert store.list(key.owner) == [key]

    def test_a_provider_that_failed_is_not_asked_again_at_once(self, store: TokenStore) -> None:
        other = TokenKey("demo", "bob")
        store.put(KEY, make_token("one"))
        store.put(other, make_token("three"))
        _refused(store, KEY, TransportError())
        calls = Calls()
        error = error_of(lambda: store.refresh(KEY, make_token("one"), calls))
        assert isinstance(error, ProviderError)
        assert calls.given == []
        # That is nobody else's failure, and a new sign-in ends it.
        store.refresh(other, make_token("three"), Calls(make_token("four")))
        store.put(KEY, make_token("two"))
        store.refresh(KEY, make_token("two"), Calls(make_token("three")))
        assert store.get(KEY) == make_token("three")

    def test_a_failed_first_fetch_is_remembered_and_no_token(self, store: TokenStore) -> None:
        error = error_of(lambda: store.refresh(KEY, None, Calls(TransportError())))
        assert isinstance(error, TransportError)
        assert isinstance(error_of(lambda: store.refresh(KEY, None, Calls())), ProviderError)
        assert store.get(KEY) is None
        assert store.list(KEY.owner) == []

    def test_a_bug_in_the_refresh_leaves_the_token(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        error = error_of(lambda: store.refresh(KEY, make_token("one"), Calls(KeyError("bug"))))
        assert isinstance(error, KeyError)
        assert store.get(KEY) == make_token("one")
        # Nobody knows whether it was sent; a store may refuse to send it again at once.
        store.put(KEY, make_token("two"))
        store.refresh(KEY, make_token("two"), Calls(make_token("three")))
        assert store.get(KEY) == make_token("three")

    def test_another_token_can_be_refreshed_meanwhile(self, store: TokenStore) -> None:
        other = TokenKey("other")
        store.put(KEY, make_token("one"))

        def do(current: dict[str, Any] | None) -> Mapping[str, Any]:
            self._must_not_wait(lambda: store.refresh(other, None, Calls(make_token("three"))))
            return make_token("two")

        assert store.refresh(KEY, make_token("one"), do) == make_token("two")
        assert store.get(other) == make_token("three")

    def test_tokens_can_be_read_meanwhile(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        seen: list[Any] = []

        def do(current: dict[str, Any] | None) -> Mapping[str, Any]:
            seen.extend(self._must_not_wait(lambda: [store.get(KEY), store.list(KEY.owner)]))
            return make_token("two")

        store.refresh(KEY, make_token("one"), do)
        assert seen == [make_token("one"), [KEY]]


def _refused(store: TokenStore, key: TokenKey, failure: OAuthError) -> OAuthError:
    error = error_of(lambda: store.refresh(key, make_token("one"), Calls(failure)))
    assert isinstance(error, type(failure))
    return error
