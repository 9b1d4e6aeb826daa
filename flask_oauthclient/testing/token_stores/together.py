"""Many threads that use one store at the same time."""

# ruff: noqa: S101  these are tests

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ...protocol.errors import ProviderError
from ...protocol.errors import TokenRequestError
from ...protocol.errors import TransportError
from ...storage.tokens.key import TokenKey
from ...storage.tokens.store import TokenStore
from ._shared import KEY
from ._shared import THREADS
from ._shared import Calls
from ._shared import Threads
from ._shared import error_of
from ._shared import make_token
from ._shared import slowly


class TogetherContract(Threads):
    """Tests of what threads do to each other's tokens."""

    def test_a_token_is_refreshed_once_for_all_threads(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        calls = Calls(make_token("two"))
        found = self._together(lambda: store.refresh(KEY, make_token("one"), slowly(calls)))
        assert calls.given == [make_token("one")]
        assert found == [make_token("two")] * THREADS

    def test_a_first_token_is_fetched_once_for_all_threads(self, store: TokenStore) -> None:
        calls = Calls(make_token("one"))
        found = self._together(lambda: store.refresh(KEY, None, slowly(calls)))
        assert calls.given == [None]
        assert found == [make_token("one")] * THREADS

    def test_a_failure_is_everybodys(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        calls = Calls(TransportError())
        found = self._together(
            lambda: error_of(lambda: store.refresh(KEY, make_token("one"), slowly(calls)))
        )
        assert len(calls.given) == 1
        assert all(isinstance(error, ProviderError) for error in found)
        assert store.get(KEY) == make_token("one")

    def test_threads_do_not_share_what_they_get(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        fresh = {**make_token("two"), "nested": {"list": [1]}}
        calls = Calls(fresh)
        found = self._together(lambda: store.refresh(KEY, make_token("one"), slowly(calls)))
        for token in found:
            assert token is not None
            token["nested"]["list"].append(2)
        assert [token["nested"]["list"] for token in found if token] == [[1, 2]] * THREADS
        assert store.get(KEY) == {**make_token("two"), "nested": {"list": [1]}}

    def test_each_owner_gets_the_own_token_under_load(self, store: TokenStore) -> None:
        keys = [TokenKey("demo", f"owner {number}") for number in range(THREADS)]
        left = iter(keys)

        def work() -> list[dict[str, Any] | None]:
            key = next(left)
            store.put(key, make_token(key.owner))
            found = [store.get(key), store.get(key)]
            found += [store.refresh(key, found[0], Calls(make_token(f"fresh {key.owner}")))]
            return [*found, store.get(key)]

        for tokens in self._together(work):
            owner = tokens[0]["access_token"].removeprefix("access-token-") if tokens[0] else ""
            assert tokens == [make_token(owner)] * 2 + [make_token(f"fresh {owner}")] * 2

    def test_no_key_is_lost_when_many_are_put(self, store: TokenStore) -> None:
        keys = [TokenKey("demo", "alice", str(number)) for number in range(THREADS)]
        left = iter(keys)
        self._together(lambda: store.put(next(left), make_token("one")))
        assert sorted(store.list("alice")) == sorted(keys)

    def test_a_new_sign_in_wins_over_a_refresh(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        with ThreadPoolExecutor() as pool:
            do = self._meanwhile(pool, lambda: store.put(KEY, make_token("new")), make_token("two"))
            store.refresh(KEY, make_token("one"), do)
        assert store.get(KEY) == make_token("new")

    def test_a_sign_out_wins_over_a_refresh(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        with ThreadPoolExecutor() as pool:
            do = self._meanwhile(pool, lambda: store.delete(KEY), make_token("two"))
            store.refresh(KEY, make_token("one"), do)
        assert store.get(KEY) is None
        assert store.list(KEY.owner) == []

    def test_a_refused_refresh_token_that_was_replaced_is_no_failure(
        self, store: TokenStore
    ) -> None:
        store.put(KEY, make_token("one"))
        failure = TokenRequestError("invalid_grant")
        with ThreadPoolExecutor() as pool:
            do = self._meanwhile(pool, lambda: store.put(KEY, make_token("new")), failure)
            try:
                assert store.refresh(KEY, make_token("one"), do) == make_token("new")
            except TokenRequestError:
                # In a store that lets nobody write meanwhile, it was replaced too late.
                assert not do.was_in_time
        assert store.get(KEY) == make_token("new")
