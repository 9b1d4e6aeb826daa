"""Tokens in caches: what stands there, whose clock counts, and the processes that share them."""

from __future__ import annotations

import json
import logging
import pickle
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cachelib
import pytest
import redis

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.storage.cache import is_redis
from flask_oauthclient.storage.django_caches import unified
from flask_oauthclient.storage.tokens import cache as module
from flask_oauthclient.storage.tokens.cache import CacheTokenStore
from flask_oauthclient.storage.tokens.cache_rows import CacheRows
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.leases import Leases
from flask_oauthclient.storage.tokens.rows import ABSENT
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.store import Resealed
from flask_oauthclient.testing.token_stores import Calls
from flask_oauthclient.testing.token_stores import make_token
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.servers.engines import Restartable
from tests.storage._caches import CACHES
from tests.storage._caches import WITHOUT_TOKENS
from tests.storage._caches import DictLike
from tests.storage.conftest import Address
from tests.storage.tokens import _race

KEYS = ["the first key of the tests of caches"]
KEY = TokenKey("demo", "alice@example.com", "work")
SERVERS = ["redis", "redis-text", "memcached-pymemcache", "memcached-python-memcached"]
SHARED = ["redis", "memcached-pymemcache", "files"]
DAY = 86_400


@pytest.fixture(autouse=True)
def _secrets(watch: Watch) -> None:
    tokens = [make_token(name) for name in ("one", "two", "three", "stale", "fresh")]
    watch.secret(*KEYS, *_race.KEYS, KEY.owner)
    watch.secret(*(token[name] for token in tokens for name in ("access_token", "refresh_token")))


@pytest.fixture
def prefix() -> str:
    """No other test has these keys."""
    return f"token_{secrets.token_hex(8)}_"


@pytest.fixture(params=[kind for kind in CACHES if kind not in WITHOUT_TOKENS])
def cache(request: pytest.FixtureRequest, open_cache: Callable[[str], Any]) -> Any:
    """A cache of each kind that takes tokens."""
    return open_cache(request.param)


@pytest.fixture
def rows(cache: Any, prefix: str) -> Any:
    """Rows in a cache of each kind."""
    return CacheTokenStore(cache, KEYS, prefix=prefix)._rows._rows


@pytest.fixture
def redis_client(address_of: Address) -> Any:
    """What looks into Redis."""
    with redis.Redis.from_url(address_of("redis")) as client:
        yield client


# -- rows --------------------------------------------------------------------------------


def test_a_row_is_written_over_a_version(rows: CacheRows) -> None:
    assert rows.read("a") is None
    assert rows.write("a", "o", Row(5, b"five"), 4) is False
    assert rows.read("a") is None
    assert rows.write("a", "o", Row(5, b"five"), ABSENT) is True
    assert rows.write("a", "o", Row(6, b"six"), ABSENT) is False
    assert rows.write("a", "o", Row(6, b"six"), 4) is False
    assert rows.read("a") == Row(5, b"five")
    assert rows.write("a", "o", Row(2**62, b"\0\xff"), 5) is True
    assert rows.read("a") == Row(2**62, b"\0\xff")
    assert rows.write("a", "o", Row(7, b"")) is True
    assert rows.read("a") == Row(7, b"")


def test_versions_that_differ_little_are_not_taken_for_one(rows: CacheRows) -> None:
    rows.write("a", "o", Row(2**62, b"x"))
    assert rows.write("a", "o", Row(1, b"y"), 2**62 - 1) is False
    assert rows.remove("a", "o", 2**62 - 1) is False
    assert rows.write("a", "o", Row(1, b"y"), 2**62) is True


def test_a_row_is_removed_over_a_version(rows: CacheRows) -> None:
    assert rows.remove("a", "o") is False
    assert rows.remove("a", "o", ABSENT) is False
    rows.write("a", "o", Row(5, b"five"))
    assert rows.remove("a", "o", 4) is False
    assert rows.remove("a", "o", ABSENT) is False
    assert rows.read("a") == Row(5, b"five")
    assert rows.remove("a", "o", 5) is True
    assert rows.read("a") is None
    rows.write("a", "o", Row(6, b"six"))
    assert rows.remove("a", "o") is True
    assert rows.of_owner("o") == []


class Interrupted(cachelib.SimpleCache):
    """A cache in which a thread that has read something lets another one go first, if it can."""

    def __init__(self) -> None:
        super().__init__(threshold=0)
        #: What the other one does, after so many more readings.
        self.meanwhile: Callable[[], object] | None = None
        self.readings = 1
        self.other: threading.Thread | None = None

    def get(self, key: str) -> Any:
        found = super().get(key)
        if self.meanwhile is not None:
            self.readings -= 1
            if not self.readings:
                self._let_go(self.meanwhile)
        return found

    def _let_go(self, work: Callable[[], object]) -> None:
        self.meanwhile = None
        self.other = threading.Thread(target=work)
        self.other.start()
        self.other.join(0.2)  # which is up when it has to wait


@pytest.fixture
def interrupted(prefix: str) -> CacheRows:
    """Rows in such a cache."""
    rows: CacheRows = CacheTokenStore(Interrupted(), KEYS, prefix=prefix)._rows._rows  # type: ignore[assignment]
    return rows


CHANGES: dict[str, Callable[[CacheRows], bool]] = {
    "written": lambda rows: rows._write("a", Row(7, b"refreshed"), 5),
    "removed": lambda rows: rows.remove("a", "o", 5),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_who_signs_in_waits_for_who_has_compared_a_version(
    change: Callable[[CacheRows], bool], interrupted: CacheRows
) -> None:
    cache = interrupted._cache
    interrupted.write("a", "o", Row(5, b"five"))
    cache.meanwhile = lambda: interrupted.write("a", "o", Row(8, b"a new sign-in"))
    assert change(interrupted)
    cache.other.join()
    assert interrupted.read("a") == Row(8, b"a new sign-in")


def test_who_puts_a_row_on_a_list_waits_for_who_has_read_the_list(interrupted: CacheRows) -> None:
    cache = interrupted._cache
    cache.readings = 2  # first it is looked whether the row is on it already
    cache.meanwhile = lambda: interrupted.write("b", "o", Row(6, b"six"))
    interrupted.write("a", "o", Row(5, b"five"))
    cache.other.join()
    assert sorted(interrupted.of_owner("o")) == [("a", Row(5, b"five")), ("b", Row(6, b"six"))]


def test_a_row_stays_on_its_list_while_it_is_there(rows: Any, clock: Clock) -> None:
    rows.write("a", "o", Row(5, b"five"))
    rows.write("b", "o", Row(6, b"six"))
    rows.write("c", "other", Row(7, b"seven"))
    clock.advance(10 * DAY)
    assert sorted(rows.of_owner("o")) == [("a", Row(5, b"five")), ("b", Row(6, b"six"))]


def test_a_row_that_is_gone_leaves_its_list_after_two_days(rows: Any, clock: Clock) -> None:
    rows.write("a", "o", Row(5, b"five"))
    rows.write("b", "o", Row(6, b"six"))
    rows.remove("a", "o")
    clock.advance(2 * DAY - 60)
    assert rows.of_owner("o") == [("b", Row(6, b"six"))]
    assert set(rows._listed("o")) == {"a", "b"}
    clock.advance(120)
    assert rows.of_owner("o") == [("b", Row(6, b"six"))]
    assert set(rows._listed("o")) == {"b"}


def test_who_is_about_to_write_keeps_the_place_on_the_list(rows: Any, clock: Clock) -> None:
    rows.write("a", "o", Row(5, b"five"))
    rows.remove("a", "o")
    clock.advance(3 * DAY)
    rows._list("o", "a")  # a writer, between list and row
    assert rows.of_owner("o") == []
    rows._write("a", Row(6, b"six"), ABSENT)
    assert rows.of_owner("o") == [("a", Row(6, b"six"))]


def test_who_is_put_on_the_list_just_then_is_not_taken_off(rows: Any, clock: Clock) -> None:
    rows.write("a", "o", Row(5, b"five"))
    rows.remove("a", "o")
    clock.advance(3 * DAY)
    rows._list("o", "a")
    rows._unlist("o", ["a"], time.time() - 2 * DAY)  # by somebody who had read the list before
    rows._write("a", Row(6, b"six"), ABSENT)
    assert rows.of_owner("o") == [("a", Row(6, b"six"))]


def test_a_list_does_not_grow_for_ever(rows: Any, clock: Clock) -> None:
    rows.write("a", "o", Row(5, b"five"))
    clock.advance(module.LIFETIME + 3 * DAY)
    rows.write("b", "o", Row(6, b"six"))
    assert set(rows._listed("o")) == {"b"}


@pytest.mark.parametrize(
    "junk", ["", "text", "5", ".", "5.", "5.#", "xyz.AAAA", "[1]", "null", '{"a": "b"}']
)
def test_what_others_wrote_is_no_token(junk: str, cache: Any, prefix: str) -> None:
    store = CacheTokenStore(cache, KEYS, prefix=prefix)
    for key in (f"{prefix}{KEY.row_id}", f"{prefix}of_{KEY.owner_id}"):
        seen = unified(cache)
        if not is_redis(seen):
            cache.set(key, junk, 60)
        elif "of_" not in key:  # there it is no text, and nobody can take it for one
            seen._write_client.set(seen._get_prefix() + key, junk)
    assert store.get(KEY) is None
    assert store.list(KEY.owner) == []
    store.put(KEY, make_token("one"))
    assert store.get(KEY) == make_token("one")
    assert store.list(KEY.owner) == [KEY]


def test_a_first_token_can_be_fetched_over_what_others_wrote(
    open_cache: Callable[[str], Any], prefix: str
) -> None:
    cache = open_cache("redis")
    store = CacheTokenStore(cache, KEYS, prefix=prefix)
    cache._write_client.set(f"prefix:{prefix}{KEY.row_id}", "nothing of ours")
    assert store.refresh(KEY, None, Calls(make_token("one"))) == make_token("one")
    assert store.get(KEY) == make_token("one")


# -- what stands there -------------------------------------------------------------------


_went_off: list[str] = []


def _go_off(what: str) -> None:
    _went_off.append(what)


class _Bomb:
    """What goes off when it is unpickled."""

    def __reduce__(self) -> Any:
        return _go_off, ("bomb",)


def test_nothing_in_redis_is_unpickled(
    open_cache: Callable[[str], Any], prefix: str, redis_client: Any
) -> None:
    cache = open_cache("redis")
    store = CacheTokenStore(cache, KEYS, prefix=prefix)
    crafted = b"!" + pickle.dumps(_Bomb())
    redis_client.set(f"prefix:{prefix}{KEY.row_id}", crafted)
    redis_client.zadd(f"prefix:{prefix}of_{KEY.owner_id}", {crafted: 1, KEY.row_id: 1})
    assert store.get(KEY) is None
    assert store.list(KEY.owner) == []
    assert store.refresh(KEY, make_token("one"), Calls()) is None
    assert _went_off == []
    cache.get(f"{prefix}{KEY.row_id}")  # as cachelib reads it
    assert _went_off.pop() == "bomb"


def test_redis_shows_no_token_and_no_owner(
    open_cache: Callable[[str], Any], prefix: str, redis_client: Any
) -> None:
    store = CacheTokenStore(open_cache("redis"), KEYS, prefix=prefix)
    store.put(KEY, {**make_token("one"), "email": KEY.owner})
    store.put(KEY._replace(label="home"), make_token("two"))
    store.refresh(KEY, make_token("one"), Calls(make_token("three")))
    seen: list[bytes] = []

    def do(current: Any) -> Any:
        seen.append(_dump(redis_client, prefix))
        return make_token("four")

    store.refresh(KEY, make_token("three"), do)
    dump = seen[0] + _dump(redis_client, prefix)
    assert KEY.row_id.encode() in dump
    for word in (b"access", b"refresh-token", b"alice", b"example", b"work", b"home", b"demo"):
        assert word not in dump


def _dump(client: Any, prefix: str) -> bytes:
    parts = []
    for name in client.scan_iter(match=f"*{prefix}*"):
        if client.type(name) == b"zset":
            parts += [name, *client.zrange(name, 0, -1)]
        else:
            parts += [name, client.get(name)]
    assert len(parts) >= 4
    return b"\n".join(parts)


def test_all_keys_in_redis_expire_and_each_writing_renews_that(
    open_cache: Callable[[str], Any], prefix: str, redis_client: Any
) -> None:
    store = CacheTokenStore(open_cache("redis"), KEYS, prefix=prefix, lifetime=1000)
    row, listed = (f"prefix:{prefix}{name}" for name in (KEY.row_id, f"of_{KEY.owner_id}"))
    lives: list[tuple[int, int]] = []

    def do(current: Any) -> Any:
        lock = redis_client.pttl(f"prefix:{prefix}refresh_{KEY.row_id}")
        assert 14_000 < lock <= 15_000
        return make_token("two")

    for work in (
        lambda: store.put(KEY, make_token("one")),
        lambda: store.refresh(KEY, make_token("one"), do),
    ):
        work()
        lives.append((redis_client.ttl(row), redis_client.ttl(listed)))
        redis_client.expire(row, 10)
        redis_client.expire(listed, 10)
    for of_row, of_list in lives:
        assert 990 < of_row <= 1000
        assert 990 + 2 * DAY < of_list <= 1000 + 2 * DAY
    assert redis_client.exists(f"prefix:{prefix}refresh_{KEY.row_id}") == 0


def test_a_token_in_files_expires(
    open_cache: Callable[[str], Any], clock: Clock, monkeypatch: Any
) -> None:
    monkeypatch.setattr("cachelib.file.time", clock)
    store = CacheTokenStore(open_cache("files"), KEYS, lifetime=1000)
    store.put(KEY, make_token("one"))
    clock.advance(900)
    store.refresh(KEY, make_token("one"), Calls(make_token("two")))
    clock.advance(900)
    assert store.get(KEY) == make_token("two")
    clock.advance(200)
    assert store.get(KEY) is None
    assert store.list(KEY.owner) == []


def test_a_replica_is_not_asked(open_cache: Callable[[str], Any], prefix: str) -> None:
    cache = open_cache("redis")
    cache._read_client = None
    store = CacheTokenStore(cache, KEYS, prefix=prefix)
    store.put(KEY, make_token("one"))
    store.refresh(KEY, make_token("one"), Calls(make_token("two")))
    assert store.get(KEY) == make_token("two")
    assert store.list(KEY.owner) == [KEY]
    assert store.reseal() == Resealed(0, 1, 0)
    assert store.delete(KEY)


def test_a_token_is_read_from_redis_in_one_command(
    open_cache: Callable[[str], Any], prefix: str, monkeypatch: Any
) -> None:
    store = CacheTokenStore(open_cache("redis"), KEYS, prefix=prefix)
    store.put(KEY, make_token("one"))
    sent: list[str] = []
    execute = redis.Redis.execute_command

    def watched(self: Any, *command: Any, **options: Any) -> Any:
        sent.append(str(command[0]))
        return execute(self, *command, **options)

    monkeypatch.setattr(redis.Redis, "execute_command", watched)
    store.get(KEY)
    assert sent == ["GET"]


# -- all tokens --------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["plain", "a*b", "[abc]?", "back\\slash^"])
def test_all_tokens_in_redis_are_sealed_anew(
    odd: str, open_cache: Callable[[str], Any], redis_client: Any
) -> None:
    cache, prefix = open_cache("redis"), f"{odd}{secrets.token_hex(8)}"
    old = CacheTokenStore(cache, KEYS, prefix=prefix)
    keys = [TokenKey("demo", f"owner {n % 5}", f"label {n}") for n in range(20)]
    for key in keys:
        old.put(key, make_token(key.label))
    CacheTokenStore(cache, KEYS, prefix=f"x{prefix}").put(KEY, make_token("another store's"))

    new_keys = ["the second key of the tests of caches", *KEYS]
    assert CacheTokenStore(cache, new_keys, prefix=prefix).reseal() == Resealed(20, 0, 0)
    only_new = CacheTokenStore(cache, new_keys[:1], prefix=prefix)
    assert only_new.reseal() == Resealed(0, 20, 0)
    assert [only_new.get(key) for key in keys] == [make_token(key.label) for key in keys]
    assert old.reseal() == Resealed(0, 0, 20)


@pytest.mark.parametrize("kind", ["files", "simple", "memcached-pymemcache"])
def test_other_caches_cannot_tell_what_they_have(
    kind: str, open_cache: Callable[[str], Any]
) -> None:
    assert CacheTokenStore(open_cache(kind), KEYS).reseal() is None


# -- what a store is made of -------------------------------------------------------------


@pytest.mark.parametrize("what", [None, "redis://127.0.0.1", object(), {}])
def test_what_is_no_cache_is_refused(what: Any) -> None:
    with pytest.raises(InvalidSettingError, match="cachelib"):
        CacheTokenStore(what, KEYS)


def test_a_client_of_redis_is_not_taken_for_a_cache(redis_client: Any) -> None:
    with pytest.raises(InvalidSettingError, match=r"RedisCache\(client\)"):
        CacheTokenStore(redis_client, KEYS)


@pytest.mark.parametrize("times", [{"lifetime": 0}, {"lock_seconds": 0}, {"lock_seconds": 1.5}])
def test_times_are_seconds(times: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettingError, match="whole numbers"):
        CacheTokenStore(cachelib.SimpleCache(), KEYS, **times)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("redis", []),
        ("memcached-pymemcache", []),
        ("files", ["beyond 100000 entries"]),
        ("simple", ["beyond 100000 entries", "once in each process"]),
        ("dict-like", ["once in each process"]),
    ],
)
def test_what_a_cache_cannot_do_is_said_once(
    kind: str, words: list[str], open_cache: Callable[[str], Any], monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(module, "_told", set())
    cache = open_cache(kind)
    with caplog.at_level(logging.WARNING):
        CacheTokenStore(cache, KEYS)
        CacheTokenStore(cache, KEYS)
    assert len(caplog.messages) == len(words)
    assert all(word in text for word, text in zip(words, caplog.messages, strict=True))


def test_two_stores_in_one_cache_have_the_same_locks(
    open_cache: Callable[[str], Any], prefix: str
) -> None:
    cache = open_cache("simple")
    one, two = (CacheTokenStore(cache, KEYS, prefix=prefix) for _ in range(2))
    with one._rows._rows._locks.hold("a"), pytest.raises(TokenStoreError):  # type: ignore[attr-defined]
        two._rows._rows._locks.hold("a", wait=0).__enter__()  # type: ignore[attr-defined]


def test_the_lock_file_is_no_entry_of_the_cache(tmp_path: Path) -> None:
    cache = cachelib.FileSystemCache(str(tmp_path), threshold=3)
    store = CacheTokenStore(cache, KEYS)
    store.put(KEY, make_token("one"))
    assert store.get(KEY) == make_token("one")
    assert len(list(cache._list_dir())) == cache._file_count == 2  # row and list
    for number in range(10):
        cache.set(str(number), "something else")
    cache.clear()
    assert [path.name for path in tmp_path.glob("oauth*")] == ["oauthclient-locks.__wz_cache"]


def test_a_cache_that_does_not_keep_a_token_is_an_error(monkeypatch: Any) -> None:
    cache = DictLike()
    store = CacheTokenStore(cache, KEYS)
    monkeypatch.setattr(cache, "set", lambda *arguments: False)
    with pytest.raises(TokenStoreError) as caught:
        store.put(KEY, make_token("one"))
    assert caught.value.detail == {"failure": "OSError"}


# -- locks -------------------------------------------------------------------------------


@pytest.fixture(params=SERVERS)
def leased(request: pytest.FixtureRequest, open_cache: Callable[[str], Any]) -> Any:
    """A cache whose locks end by themselves."""
    return open_cache(request.param)


def test_a_lock_is_one_holders(leased: Any, prefix: str) -> None:
    one, two = (Leases(leased, 15, prefix) for _ in range(2))
    with one.hold("a"), two.hold("b"):
        with pytest.raises(TokenStoreError) as caught:
            two.hold("a", wait=0.02).__enter__()
        assert (caught.value.error, caught.value.http_status) == ("token_busy", 503)
    with two.hold("a", wait=0):
        pass


def test_a_lock_is_given_back_by_whoever_fails(leased: Any, prefix: str) -> None:
    locks = Leases(leased, 15, prefix)
    with pytest.raises(KeyError), locks.hold("a"):
        raise KeyError("a bug")
    with locks.hold("a", wait=0):
        pass


def test_a_lock_ends_by_itself(leased: Any, prefix: str) -> None:
    locks = Leases(leased, 1, prefix)
    began = time.monotonic()
    locks._acquire(f"{prefix}a", "somebody who is gone", 0)
    with locks.hold("a"):
        assert 0.9 < time.monotonic() - began < 5


def test_who_lost_the_lock_does_not_take_it_from_the_next(leased: Any, prefix: str) -> None:
    locks = Leases(leased, 1, prefix)
    late = locks.hold("a")
    late.__enter__()
    with Leases(leased, 15, prefix).hold("a"):
        late.__exit__(None, None, None)
        with pytest.raises(TokenStoreError):
            locks.hold("a", wait=0).__enter__()


def test_lock_in_memcached_that_is_about_to_end_is_left_to_end(
    open_cache: Callable[[str], Any], prefix: str
) -> None:
    cache = open_cache("memcached-pymemcache")
    locks = Leases(cache, 1, prefix)  # by the time its holder is read and compared, it may be over
    with locks.hold("a"):
        holder = cache.get(f"{prefix}a")
    assert cache.get(f"{prefix}a") == holder is not None


def test_who_finds_another_holder_before_the_time_does_not_take_the_lock_away(
    leased: Any, prefix: str
) -> None:
    locks = Leases(leased, 15, prefix)
    with locks.hold("a"):
        locks._release(f"{prefix}a", "somebody else", time.monotonic() + 15)
        with pytest.raises(TokenStoreError):
            locks.hold("a", wait=0).__enter__()


def test_who_finds_the_lock_taken_by_itself_has_it(leased: Any, prefix: str) -> None:
    locks = Leases(leased, 15, prefix)
    locks._acquire(f"{prefix}a", "me", 0)
    locks._acquire(f"{prefix}a", "me", 0)  # the client has sent it twice
    with pytest.raises(TokenStoreError):
        locks._acquire(f"{prefix}a", "somebody else", 0)


def test_a_token_that_was_written_twice_is_written(
    open_cache: Callable[[str], Any], prefix: str
) -> None:
    rows: Any = CacheTokenStore(open_cache("redis"), KEYS, prefix=prefix)._rows._rows
    rows.write("a", "o", Row(5, b"five"))
    assert rows.write("a", "o", Row(6, b"six"), 5) is True
    assert rows.write("a", "o", Row(6, b"six"), 5) is True  # the client has sent it twice


# -- a server that is away ---------------------------------------------------------------


def test_redis_is_away_and_comes_back(restartable_redis: Restartable, prefix: str) -> None:
    with redis.Redis.from_url(restartable_redis.url) as client:
        store = CacheTokenStore(cachelib.RedisCache(client), KEYS, prefix=prefix)
        store.put(KEY, make_token("one"))
        restartable_redis.stop()
        for work in (
            lambda: store.get(KEY),
            lambda: store.put(KEY, make_token("two")),
            lambda: store.delete(KEY),
            lambda: store.list(KEY.owner),
            lambda: store.refresh(KEY, make_token("one"), Calls()),
        ):
            error = _error_of(work)
            assert (error.error, error.http_status) == ("token_store_unavailable", 503)
        restartable_redis.start()
        assert store.get(KEY) == make_token("one")
        assert store.list(KEY.owner) == [KEY]


def test_redis_is_restarted_during_a_refresh(restartable_redis: Restartable, prefix: str) -> None:
    with redis.Redis.from_url(restartable_redis.url) as client:
        store = CacheTokenStore(cachelib.RedisCache(client), KEYS, prefix=prefix)
        store.put(KEY, make_token("one"))

        def do(current: Any) -> Any:
            restartable_redis.restart()
            return make_token("two")

        assert store.refresh(KEY, make_token("one"), do) == make_token("two")
        assert store.get(KEY) == make_token("two")
        assert store.refresh(KEY, make_token("two"), Calls(make_token("three"))) is not None


def test_redis_is_away_for_long_when_a_token_was_refreshed(
    restartable_redis: Restartable, prefix: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("flask_oauthclient.storage.tokens.refresh._PATIENCE", 0)
    with redis.Redis.from_url(restartable_redis.url) as client:
        cache = cachelib.RedisCache(client)
        store, other = (CacheTokenStore(cache, KEYS, prefix=prefix) for _ in range(2))
        store.put(KEY, make_token("one"))

        def do(current: Any) -> Any:
            restartable_redis.stop()
            return make_token("two")

        assert store.refresh(KEY, make_token("one"), do) == make_token("two")
        assert store.get(KEY) == make_token("two")
        restartable_redis.start()
        assert other.get(KEY) == make_token("one")
        assert store.get(KEY) == make_token("two")
        assert other.get(KEY) == make_token("two")


def _error_of(work: Callable[[], Any]) -> OAuthError:
    with pytest.raises(TokenStoreError) as caught:
        work()
    return caught.value


# -- processes ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHARED)
def test_of_4_processes_with_8_threads_one_refreshes_a_token(
    kind: str, address_of: Address, open_cache: Callable[[str], Any], prefix: str
) -> None:
    store = CacheTokenStore(open_cache(kind), _race.KEYS, prefix=prefix)
    store.put(_race.KEY, _race.STALE)
    with ExitStack() as stack:
        arguments = ("refresh", kind, address_of(kind), prefix)
        racers = [stack.enter_context(_race.process(*arguments)) for _ in range(4)]
        for racer in racers:
            _race.go(racer)
        found = [json.loads(_race.hear(racer)) for racer in racers]
    assert sum(each["calls"] for each in found) == 1
    assert all(each["tokens"] == [_race.FRESH] * _race.THREADS for each in found)
    assert store.get(_race.KEY) == _race.FRESH


@pytest.mark.parametrize("kind", SHARED)
def test_the_lock_of_a_process_that_was_killed_ends(
    kind: str, address_of: Address, open_cache: Callable[[str], Any], prefix: str
) -> None:
    store = CacheTokenStore(open_cache(kind), _race.KEYS, prefix=prefix)
    store.put(_race.KEY, _race.STALE)
    with _race.process("hold", kind, address_of(kind), prefix) as holder:
        _race.go(holder)
        assert _race.hear(holder) == "holding"
        holder.kill()
        holder.wait()
        began = time.monotonic()
        calls = Calls(_race.FRESH)
        assert store.refresh(_race.KEY, _race.STALE, calls) == _race.FRESH
    assert calls.given == [_race.STALE]
    assert time.monotonic() - began < _race.LOCK_SECONDS + 3
