"""What every token store has to do, as tests for a store of your own.

Subclass :class:`TokenStoreContract` in a test module, and give it a pytest fixture ``store`` that
makes an empty store. pytest finds the tests by itself::

    import pytest
    from flask_oauthclient.testing.token_stores import TokenStoreContract

    class TestMyStore(TokenStoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return MyTokenStore(tmp_path)

A store that works only in an application context, or the like, overrides ``in_thread``.
"""

# ruff: noqa: S101  these are tests

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import TypeVar

from ..protocol.errors import OAuthError
from ..protocol.errors import ProviderError
from ..protocol.errors import TokenRequestError
from ..protocol.errors import TransportError
from ..storage.tokens.key import TokenKey
from ..storage.tokens.store import TokenStore

T = TypeVar("T")

#: The key of most tests.
KEY = TokenKey("demo", "alice")
#: Keys that some store could take for one another.
KEYS = [
    TokenKey("a"),
    TokenKey("A"),
    TokenKey("a", "b"),
    TokenKey("ab"),
    TokenKey("", "ab"),
    TokenKey("a", "", "b"),
    TokenKey("a", "b", "c"),
    TokenKey("a", "bc"),
    TokenKey("demo", "user"),
    TokenKey("demo", "User"),
    TokenKey("demo", "user "),
    TokenKey("demo", "user\0"),
    TokenKey("demo", "us%r"),
    TokenKey("demo", "ü\N{SNOWMAN}"),
    TokenKey("demo", "u\N{COMBINING DIAERESIS}\N{SNOWMAN}"),
    TokenKey("demo", "x" * 300),
    TokenKey("demo", "x" * 299 + "y"),
    TokenKey("demo", "user", "work"),
    TokenKey("demo", "user", "Work"),
    TokenKey("demo", "user", "y" * 300),
]
#: Threads that want the same thing at the same time.
THREADS = 16
#: Seconds in which others get to where they meet, or wait. No result depends on it.
MOMENT = 0.1
#: Seconds after which what should not wait is taken to wait for ever.
PATIENCE = 10


class Calls:
    """What is given to ``refresh``: gives the next token, or raises, and counts.

    :param answers: tokens and errors, one for each call.
    """

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self._answers = list(answers)
        #: The token that was there, at each call.
        self.given: list[Mapping[str, Any] | None] = []

    def __call__(self, current: dict[str, Any] | None) -> Mapping[str, Any]:
        """Be called by a store."""
        self.given.append(current)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def make_token(name: str) -> dict[str, Any]:
    """Make a token that has a refresh token."""
    return {
        "access_token": f"access-token-{name}",
        "refresh_token": f"refresh-token-{name}",
        "token_type": "Bearer",
        "expires_at": 1_700_000_000,
    }


class TokenStoreContract:
    """Tests that a token store passes."""

    def in_thread(self, work: Callable[[], T]) -> T:
        """Do something in a thread of its own; override it to put a context around."""
        return work()

    # -- one after the other --------------------------------------------------------------

    def test_an_empty_store_has_no_token(self, store: TokenStore) -> None:
        assert store.get(KEY) is None
        assert store.list(KEY.owner) == []
        assert store.delete(KEY) is False

    def test_a_token_that_was_put_is_there(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        assert store.get(KEY) == make_token("one")

    def test_a_token_is_replaced_as_a_whole(self, store: TokenStore) -> None:
        store.put(KEY, {**make_token("one"), "scope": "profile"})
        store.put(KEY, make_token("two"))
        assert store.get(KEY) == make_token("two")

    def test_each_key_has_a_token_of_its_own(self, store: TokenStore) -> None:
        for number, key in enumerate(KEYS):
            store.put(key, make_token(str(number)))
        for number, key in enumerate(KEYS):
            assert store.get(key) == make_token(str(number)), f"wrong token for {key}"

    def test_what_a_token_consists_of_survives(self, store: TokenStore) -> None:
        token = {
            **make_token("one"),
            "expires_at": 1_700_000_000.25,
            "zero": 0,
            "none": None,
            "yes": True,
            "large": 2**60,
            "small": 1e-300,
            "text": "Zoë \N{SNOWMAN} \N{GRINNING FACE} \0 \\ \" ' % \r\n",
            "half": "\ud800",
            "list": [1, 1.0, "1", [], {}],
            "nested": {"b": {"a": ["x", {"y": None}]}, "a": {}},
        }
        store.put(KEY, token)
        assert json.dumps(store.get(KEY)) == json.dumps(token)

    def test_a_large_token_survives(self, store: TokenStore) -> None:
        token = {**make_token("one"), "id_token": "x" * 2000}
        store.put(KEY, token)
        assert store.get(KEY) == token

    def test_an_oauth_1_token_is_a_token(self, store: TokenStore) -> None:
        token = {"oauth_token": "oauth-token-one", "oauth_token_secret": "oauth-secret-one"}
        store.put(KEY, token)
        assert store.get(KEY) == token
        assert store.delete(KEY, only={**token, "oauth_token": "oauth-token-two"}) is False
        assert store.delete(KEY, only=token) is True

    def test_a_token_belongs_to_whoever_got_it(self, store: TokenStore) -> None:
        given = {**make_token("one"), "nested": {"list": [1]}}
        store.put(KEY, given)
        given["nested"]["list"].append(2)
        found = store.get(KEY)
        assert found is not None
        assert found["nested"] == {"list": [1]}
        found["nested"]["list"].append(3)
        found.clear()
        assert store.get(KEY) == {**make_token("one"), "nested": {"list": [1]}}

    def test_a_token_that_was_removed_is_gone(self, store: TokenStore) -> None:
        other = TokenKey("demo", "alice", "work")
        store.put(KEY, make_token("one"))
        store.put(other, make_token("two"))
        assert store.delete(KEY) is True
        assert store.get(KEY) is None
        assert store.delete(KEY) is False
        assert store.get(other) == make_token("two")

    def test_a_token_is_removed_only_if_it_is_that_one(self, store: TokenStore) -> None:
        assert store.delete(KEY, only=make_token("one")) is False
        store.put(KEY, make_token("two"))
        assert store.delete(KEY, only=make_token("one")) is False
        assert store.get(KEY) == make_token("two")
        assert store.delete(KEY, only=make_token("two")) is True
        assert store.get(KEY) is None

    def test_a_token_that_was_removed_can_come_back(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        store.delete(KEY)
        store.put(KEY, make_token("two"))
        assert store.get(KEY) == make_token("two")
        assert store.list(KEY.owner) == [KEY]

    def test_an_owner_has_a_list_of_keys(self, store: TokenStore) -> None:
        for key in KEYS:
            store.put(key, make_token("one"))
        for owner in {key.owner for key in KEYS}:
            theirs = sorted(key for key in KEYS if key.owner == owner)
            assert sorted(store.list(owner)) == theirs, f"wrong list of {owner!r}"
        assert store.list("nobody") == []

    def test_what_was_removed_is_not_on_the_list(self, store: TokenStore) -> None:
        other = TokenKey("other", "alice")
        store.put(KEY, make_token("one"))
        store.put(other, make_token("two"))
        store.put(other, make_token("three"))
        store.delete(KEY)
        assert store.list("alice") == [other]

    # -- refresh --------------------------------------------------------------------------

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
        error = self._refused(store, KEY, TokenRequestError("invalid_grant", http_status=400))
        assert error.error == "invalid_grant"
        assert store.get(KEY) is None
        assert store.list(KEY.owner) == []

    def test_a_failure_that_may_pass_leaves_the_token(self, store: TokenStore) -> None:
        for failure in (TokenRequestError("temporarily_unavailable"), TransportError()):
            key = TokenKey("demo", type(failure).__name__)
            store.put(key, make_token("one"))
            assert self._refused(store, key, failure).error == failure.error
            assert store.get(key) == make_token("one")
            assert store.list(key.owner) == [key]

    def test_a_provider_that_failed_is_not_asked_again_at_once(self, store: TokenStore) -> None:
        other = TokenKey("demo", "bob")
        store.put(KEY, make_token("one"))
        store.put(other, make_token("three"))
        self._refused(store, KEY, TransportError())
        calls = Calls()
        error = _error_of(lambda: store.refresh(KEY, make_token("one"), calls))
        assert isinstance(error, ProviderError)
        assert calls.given == []
        # That is nobody else's failure, and a new sign-in ends it.
        store.refresh(other, make_token("three"), Calls(make_token("four")))
        store.put(KEY, make_token("two"))
        store.refresh(KEY, make_token("two"), Calls(make_token("three")))
        assert store.get(KEY) == make_token("three")

    def test_a_failed_first_fetch_is_remembered_and_no_token(self, store: TokenStore) -> None:
        error = _error_of(lambda: store.refresh(KEY, None, Calls(TransportError())))
        assert isinstance(error, TransportError)
        assert isinstance(_error_of(lambda: store.refresh(KEY, None, Calls())), ProviderError)
        assert store.get(KEY) is None
        assert store.list(KEY.owner) == []

    def test_a_bug_in_the_refresh_leaves_the_token(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        error = _error_of(lambda: store.refresh(KEY, make_token("one"), Calls(KeyError("bug"))))
        assert isinstance(error, KeyError)
        assert store.get(KEY) == make_token("one")
        store.refresh(KEY, make_token("one"), Calls(make_token("two")))
        assert store.get(KEY) == make_token("two")

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

    # -- at the same time -----------------------------------------------------------------

    def test_a_token_is_refreshed_once_for_all_threads(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        calls = Calls(make_token("two"))
        found = self._together(lambda: store.refresh(KEY, make_token("one"), _slowly(calls)))
        assert calls.given == [make_token("one")]
        assert found == [make_token("two")] * THREADS

    def test_a_first_token_is_fetched_once_for_all_threads(self, store: TokenStore) -> None:
        calls = Calls(make_token("one"))
        found = self._together(lambda: store.refresh(KEY, None, _slowly(calls)))
        assert calls.given == [None]
        assert found == [make_token("one")] * THREADS

    def test_a_failure_is_everybodys(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        calls = Calls(TransportError())
        found = self._together(
            lambda: _error_of(lambda: store.refresh(KEY, make_token("one"), _slowly(calls)))
        )
        assert len(calls.given) == 1
        assert all(isinstance(error, ProviderError) for error in found)
        assert store.get(KEY) == make_token("one")

    def test_threads_do_not_share_what_they_get(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        fresh = {**make_token("two"), "nested": {"list": [1]}}
        calls = Calls(fresh)
        found = self._together(lambda: store.refresh(KEY, make_token("one"), _slowly(calls)))
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

    # -- how that is done -----------------------------------------------------------------

    def _refused(self, store: TokenStore, key: TokenKey, failure: OAuthError) -> OAuthError:
        error = _error_of(lambda: store.refresh(key, make_token("one"), Calls(failure)))
        assert isinstance(error, type(failure))
        return error

    def _together(self, work: Callable[[], T]) -> list[T]:
        """Do something in all threads, from the same moment on."""
        barrier = threading.Barrier(THREADS)

        def one() -> T:
            barrier.wait(timeout=30)
            return self.in_thread(work)

        with ThreadPoolExecutor(THREADS) as pool:
            waiting = [pool.submit(one) for _ in range(THREADS)]
            return [future.result(timeout=30) for future in waiting]

    def _must_not_wait(self, work: Callable[[], T]) -> T:
        """Do something that another thread may not hold up, and say so if it does."""
        pool = ThreadPoolExecutor(1)
        try:
            return pool.submit(self.in_thread, work).result(timeout=PATIENCE)
        except TimeoutError:
            raise AssertionError("the store lets this wait for the refresh of a token") from None
        finally:
            pool.shutdown(wait=False)  # it would wait for what waits for us

    def _meanwhile(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[[], Any],
        answer: Mapping[str, Any] | Exception,
    ) -> _Meanwhile:
        return _Meanwhile(Calls(answer), lambda: pool.submit(self.in_thread, work).result)


class _Meanwhile:
    """A refresh during which another thread does something, which may have to wait for its end."""

    def __init__(self, calls: Calls, start: Callable[[], Callable[..., Any]]) -> None:
        self._calls = calls
        self._start = start
        self.was_in_time = False

    def __call__(self, current: dict[str, Any] | None) -> Mapping[str, Any]:
        result = self._start()
        try:
            result(timeout=MOMENT * 10)
            self.was_in_time = True
        except TimeoutError:
            self.was_in_time = False
        return self._calls(current)


def _slowly(calls: Calls) -> Callable[[dict[str, Any] | None], Mapping[str, Any]]:
    def do(current: dict[str, Any] | None) -> Mapping[str, Any]:
        threading.Event().wait(MOMENT)
        return calls(current)

    return do


def _error_of(work: Callable[[], Any]) -> Exception:
    try:
        work()
    except Exception as error:  # noqa: BLE001  whatever it is, the test looks at it
        return error
    raise AssertionError("nothing was raised")
