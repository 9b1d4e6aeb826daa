"""Ended sign-ins: who is concerned and who is not, in every cache and without one."""

from __future__ import annotations

import json
import math
import secrets
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient.protocol.errors import StateStoreError
from flask_oauthclient.storage import sign_outs
from flask_oauthclient.storage.sign_outs import ProcessCache
from flask_oauthclient.storage.sign_outs import SignOuts
from tests.storage._caches import CACHES
from tests.storage._caches import DictLike
from tests.storage.conftest import Address

ISSUER = "https://op.test"
DAY = 86_400


@pytest.fixture(params=["none", *CACHES])
def outs(request: pytest.FixtureRequest, open_cache: Callable[[str], Any]) -> SignOuts:
    """Ended sign-ins in each kind of cache, and in none."""
    kind = request.param
    return SignOuts(None if kind == "none" else open_cache(kind), DAY)


@pytest.fixture
def client() -> str:
    """A client that no other test uses."""
    return f"demo-{secrets.token_hex(8)}"


# -- whose sign-ins end ---------------------------------------------


def test_l01_by_sid_only_that_session_ends(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub=None, sid="one", at=100.0)

    assert outs.ended(client, ISSUER, "alice", "one", since=99.0)
    assert not outs.ended(client, ISSUER, "alice", "two", since=99.0)
    assert not outs.ended(client, ISSUER, "alice", None, since=99.0)


def test_l02_by_sub_all_sessions_of_the_user_end(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub="alice", sid=None, at=100.0)

    for sid in ("one", "two", "three", None):
        assert outs.ended(client, ISSUER, "alice", sid, since=99.0)
    assert not outs.ended(client, ISSUER, "bob", "one", since=99.0)


def test_l20_sub_and_sid_end_the_session_of_that_user_only(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub="alice", sid="shared", at=100.0)

    assert outs.ended(client, ISSUER, "alice", "shared", since=99.0)
    assert not outs.ended(client, ISSUER, "bob", "shared", since=99.0)
    assert not outs.ended(client, ISSUER, "alice", "other", since=99.0)


def test_a_sign_in_after_the_mark_is_not_concerned(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub="alice", sid=None, at=100.25)

    assert outs.ended(client, ISSUER, "alice", "one", since=100.25)
    assert not outs.ended(client, ISSUER, "alice", "one", since=100.5)


def test_an_older_mark_does_not_bring_sign_ins_back(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub="alice", sid=None, at=100.0)
    outs.end(client, ISSUER, sub="alice", sid=None, at=90.0)
    assert outs.ended(client, ISSUER, "alice", None, since=95.0)

    outs.end(client, ISSUER, sub="alice", sid=None, at=110.0)
    assert outs.ended(client, ISSUER, "alice", None, since=105.0)


def test_the_latest_of_several_marks_counts(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub="alice", sid=None, at=100.0)
    outs.end(client, ISSUER, sub=None, sid="one", at=120.0)
    outs.end(client, ISSUER, sub="alice", sid="one", at=110.0)

    assert outs.ended(client, ISSUER, "alice", "one", since=120.0)
    assert not outs.ended(client, ISSUER, "alice", "one", since=121.0)


def test_clients_and_issuers_do_not_meet(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub="alice", sid=None, at=100.0)

    assert not outs.ended(client + "2", ISSUER, "alice", None, since=99.0)
    assert not outs.ended(client, ISSUER + "/", "alice", None, since=99.0)


def test_a_name_is_not_taken_for_one_of_another_kind(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub="x", sid=None, at=100.0)
    assert not outs.ended(client, ISSUER, "y", "x", since=99.0)

    outs.end(client, ISSUER, sub=None, sid="z", at=100.0)
    assert not outs.ended(client, ISSUER, "z", None, since=99.0)
    assert outs.first_use(client, ISSUER, "z", 600)


def test_a_user_without_a_name_has_one_mark_for_the_session(outs: SignOuts, client: str) -> None:
    outs.end(client, ISSUER, sub=None, sid="one", at=100.0)

    assert outs.ended(client, ISSUER, "", "one", since=99.0)


# -- by a frame that anybody can make ---------------------------------------------


def test_l14_a_known_session_is_ended_once(outs: SignOuts, client: str) -> None:
    outs.note(client, ISSUER, "one")

    assert outs.end_known(client, ISSUER, "one", at=100.0)
    assert outs.ended(client, ISSUER, "alice", "one", since=99.0)
    assert not outs.end_known(client, ISSUER, "one", at=200.0)
    assert not outs.ended(client, ISSUER, "alice", "one", since=150.0)


def test_a_session_that_is_signed_in_again_can_be_ended_again(outs: SignOuts, client: str) -> None:
    outs.note(client, ISSUER, "one")
    outs.note(client, ISSUER, "one")
    assert outs.end_known(client, ISSUER, "one", at=100.0)
    outs.note(client, ISSUER, "one")

    assert not outs.ended(client, ISSUER, "alice", "one", since=101.0)
    assert outs.end_known(client, ISSUER, "one", at=200.0)
    assert outs.ended(client, ISSUER, "alice", "one", since=101.0)


@pytest.mark.parametrize("sid", ["made-up", "", "x" * 100_000, "\ud800", "one\r\nflush_all"])
def test_l10_nothing_is_written_for_an_unknown_session(client: str, sid: str) -> None:
    cache = DictLike()
    outs = SignOuts(cache, DAY)
    outs.note(client, ISSUER, "one")
    before = dict(cache.values)

    assert not outs.end_known(client, ISSUER, sid, at=100.0)
    assert not outs.end_known(client, ISSUER + "x", "one", at=100.0)
    assert not outs.end_known(client + "x", ISSUER, "one", at=100.0)
    assert cache.values == before


def test_a_mark_that_could_not_be_written_can_be_asked_for_again(client: str) -> None:
    class Fails(DictLike):
        fail = False

        def set(self, key: str, value: Any, expires: Any = None) -> None:
            if self.fail:
                raise ConnectionError
            super().set(key, value, expires)

    cache = Fails()
    outs = SignOuts(cache, DAY)
    outs.note(client, ISSUER, "one")
    cache.fail = True
    with pytest.raises(StateStoreError):
        outs.end_known(client, ISSUER, "one", at=100.0)

    cache.fail = False
    assert outs.end_known(client, ISSUER, "one", at=100.0)
    assert outs.ended(client, ISSUER, "alice", "one", since=99.0)


@pytest.mark.parametrize("kind", ["none", "simple", "files", "redis", "memcached-pymemcache"])
def test_of_8_threads_one_ends_a_session(
    kind: str, open_cache: Callable[[str], Any], client: str
) -> None:
    outs = SignOuts(None if kind == "none" else open_cache(kind), DAY)
    for number in range(50):
        outs.note(client, ISSUER, str(number))

    def end_all(_: int) -> list[int]:
        return [n for n in range(50) if outs.end_known(client, ISSUER, str(n), at=100.0)]

    with ThreadPoolExecutor(8) as threads:
        won = Counter(number for numbers in threads.map(end_all, range(8)) for number in numbers)
    assert won == dict.fromkeys(range(50), 1)


# -- tokens work once ---------------------------------------------


def test_a_token_is_used_once(outs: SignOuts, client: str) -> None:
    assert outs.first_use(client, ISSUER, "jti", 600)
    assert not outs.first_use(client, ISSUER, "jti", 600)
    assert outs.first_use(client, ISSUER + "/", "jti", 600)
    assert outs.first_use(client, ISSUER, "jti2", 0.2)
    assert outs.first_use(client, ISSUER, "\ud800" * 50_000, -5)


@pytest.mark.parametrize("kind", ["none", "simple", "files", "redis", "memcached-pymemcache"])
def test_of_8_threads_one_uses_a_token(
    kind: str, open_cache: Callable[[str], Any], client: str
) -> None:
    outs = SignOuts(None if kind == "none" else open_cache(kind), DAY)

    def use_all(_: int) -> list[int]:
        return [n for n in range(50) if outs.first_use(client, ISSUER, str(n), 600)]

    with ThreadPoolExecutor(8) as threads:
        won = Counter(number for numbers in threads.map(use_all, range(8)) for number in numbers)
    assert won == dict.fromkeys(range(50), 1)


# -- what stands in the cache ---------------------------------------------


def everything(outs: SignOuts, client: str) -> None:
    """Make an entry of each kind."""
    outs.end(client, ISSUER, sub="alice", sid=None, at=100.5)
    outs.end(client, ISSUER, sub="alice", sid="one", at=100.5)
    outs.end(client, ISSUER, sub=None, sid="one", at=100.5)
    outs.note(client, ISSUER, "one")
    outs.first_use(client, ISSUER, "the-jti", 599.5)


def test_st10_keys_are_hashes_and_values_json_with_a_lifetime(client: str) -> None:
    cache = DictLike()
    everything(SignOuts(cache, DAY), client)

    assert len(cache.values) == 5
    for key in cache.values:
        prefix, digest = key[: len("oauthclient_out_")], key[len("oauthclient_out_") :]
        assert prefix == "oauthclient_out_"
        assert len(bytes.fromhex(digest)) == 32
    assert sorted(map(str, map(json.loads, cache.values.values()))) == [
        *("1", "100.5", "100.5", "100.5", "True")
    ]
    assert sorted(cache.lifetimes.values()) == [600, DAY, DAY, DAY, DAY]


def test_entries_in_redis_expire_and_name_nobody(
    client: str, open_cache: Callable[[str], Any], address_of: Address
) -> None:
    with redis.Redis.from_url(address_of("redis")) as server:
        before = set(server.keys())
        everything(SignOuts(open_cache("redis"), DAY), client)
        made = set(server.keys()) - before
        assert len(made) == 5
        for key in made:
            assert 590 < server.ttl(key) <= DAY
            assert b"alice" not in key + server.get(key)


def test_a_check_is_one_round_trip(
    client: str, open_cache: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    execute = redis.Redis.execute_command

    def watched(self: Any, *command: Any, **options: Any) -> Any:
        sent.append(command)
        return execute(self, *command, **options)  # type: ignore[no-untyped-call]

    outs = SignOuts(open_cache("redis"), DAY)
    monkeypatch.setattr(redis.Redis, "execute_command", watched)
    outs.ended(client, ISSUER, "alice", "one", since=0.0)
    outs.ended(client, ISSUER, "alice", None, since=0.0)
    assert [(command[0], len(command) - 1) for command in sent] == [("MGET", 3), ("MGET", 1)]


names = st.text(st.characters(exclude_categories=[]), max_size=6) | st.sampled_from(
    ["1:a", "", ":"]
)


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(one=st.tuples(names, names, names, names), other=st.tuples(names, names, names, names))
def test_no_two_sign_ins_have_the_same_marks(one: Any, other: Any) -> None:
    outs = SignOuts(None, DAY)
    client, issuer, sub, sid = one
    outs.end(client, issuer, sub=sub, sid=sid, at=100.0)

    assert outs.ended(client, issuer, sub, sid, since=99.0)
    # Of an empty sub nothing is known, so the mark is for whoever has the session.
    same = (client, issuer, sid) == (other[0], other[1], other[3]) and sub in ("", other[2])
    assert outs.ended(*other, since=99.0) is same


# -- a cache that fails ---------------------------------------------


class Broken(DictLike):
    """A cache that is down; what its errors say is nobody's business."""

    def get(self, key: str) -> Any:
        raise ConnectionError("redis://user:the-password-of-the-cache@host")

    set = add = delete = get  # type: ignore[assignment]


ASKED: dict[str, Callable[[SignOuts], Any]] = {
    "end": lambda outs: outs.end("demo", ISSUER, sub="alice", sid=None, at=1.0),
    "ended": lambda outs: outs.ended("demo", ISSUER, "alice", "one", since=1.0),
    "note": lambda outs: outs.note("demo", ISSUER, "one"),
    "end_known": lambda outs: outs.end_known("demo", ISSUER, "one", at=1.0),
    "first_use": lambda outs: outs.first_use("demo", ISSUER, "jti", 600),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_cache_that_is_down_is_an_error_of_ours(ask: Callable[[SignOuts], Any]) -> None:
    with pytest.raises(StateStoreError) as caught:
        ask(SignOuts(Broken(), DAY))

    assert (caught.value.error, caught.value.http_status) == ("state_unavailable", 503)
    assert caught.value.detail["failure"] in ("ConnectionError", "TypeError")
    assert caught.value.__context__ is None
    assert "password" not in repr(caught.value.detail)


@pytest.mark.parametrize(
    "mark", ["", "x", "null", "[]", '{"at": 1}', "NaN", "Infinity", "1e999", "9" * 999, "[" * 9_999]
)
def test_a_mark_that_cannot_be_read_skips_no_check(mark: str) -> None:
    cache = DictLike()
    outs = SignOuts(cache, DAY)
    outs.end("demo", ISSUER, sub="alice", sid=None, at=100.0)
    [key] = cache.values
    cache.values[key] = mark

    with pytest.raises(StateStoreError) as caught:
        outs.ended("demo", ISSUER, "alice", None, since=99.0)
    assert caught.value.error == "state_unavailable"


# -- without a cache ---------------------------------------------


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that have passed, in its only element."""
    seconds = [1000.0]
    monkeypatch.setattr(sign_outs, "monotonic", lambda: seconds[0])
    return seconds


def test_a_process_forgets_what_is_over(passed: list[float]) -> None:
    cache = ProcessCache()
    cache.set("a", "1", 10)
    assert not cache.add("a", "2", 10)
    passed[0] += 9.5
    assert cache.get("a") == "1"
    passed[0] += 0.5
    assert cache.get("a") is None
    assert cache.add("a", "2", 10)
    assert cache.get("a") == "2"
    assert (cache.delete("a"), cache.delete("a")) == (True, False)


def test_a_process_keeps_a_bounded_number_of_entries(passed: list[float]) -> None:
    cache = ProcessCache(capacity=3)
    for number in range(5):
        cache.set(str(number), "x", 100)
    assert [cache.get(str(number)) for number in range(5)] == [None, None, "x", "x", "x"]

    cache.set("2", "again", 100)  # now the youngest
    assert cache.add("new", "x", 100)
    assert [cache.get(key) for key in ("2", "3", "4", "new")] == ["again", None, "x", "x"]
    passed[0] += 101
    cache.set("last", "x", 100)
    assert list(cache._entries) == ["last"]


def test_ended_sign_ins_of_a_process_last_as_long_as_a_session(passed: list[float]) -> None:
    outs = SignOuts(None, DAY)
    outs.end("demo", ISSUER, sub="alice", sid=None, at=100.0)
    passed[0] += DAY - 1
    assert outs.ended("demo", ISSUER, "alice", None, since=-math.inf)
    passed[0] += 1
    assert not outs.ended("demo", ISSUER, "alice", None, since=0.0)
