"""A key is claimed once, and several values are read at once, whatever the back end."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

from flask_oauthclient.storage.cache import claim
from flask_oauthclient.storage.cache import put
from flask_oauthclient.storage.cache import read
from flask_oauthclient.storage.cache import read_many
from flask_oauthclient.storage.cache import take
from tests.storage._caches import SHARED
from tests.storage._caches import DictLike
from tests.storage._race import key as race_key
from tests.storage._race import run
from tests.storage.conftest import Address


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"claim_{secrets.token_hex(15)}"


def test_the_first_has_the_claim(cache: Any, key: str) -> None:
    assert claim(cache, key, 600) is True
    assert claim(cache, key, 600) is False
    assert claim(cache, key + "2", 600) is True


def test_what_is_there_cannot_be_claimed(cache: Any, key: str) -> None:
    put(cache, key, "{}", 600)
    assert claim(cache, key, 600) is False
    assert read(cache, key) == "{}"


def test_a_claim_that_was_taken_is_free(cache: Any, key: str) -> None:
    assert claim(cache, key, 600)
    assert take(cache, key)
    assert claim(cache, key, 600)


def test_several_values_in_the_order_of_their_keys(cache: Any, key: str) -> None:
    put(cache, key + "b", "2", 600)
    put(cache, key + "a", "1", 600)
    assert read_many(cache, [key + "a", key + "none", key + "b"]) == ["1", None, "2"]
    assert read_many(cache, [key + "none"]) == [None]
    assert read_many(cache, [key + "b"]) == ["2"]


def test_what_is_no_text_is_no_value(key: str) -> None:
    cache = DictLike()
    cache.values = {"a": 5, "b": {"x": 1}, "c": b"text"}
    assert read_many(cache, ["a", "b", "c"]) == [None, None, "text"]


def test_a_dict_like_cache_is_told_the_lifetime(key: str) -> None:
    cache = DictLike()
    assert claim(cache, key, 600)
    assert cache.lifetimes == {key: 600}


def test_a_cache_that_keeps_no_claim_is_an_error(
    key: str, open_cache: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = open_cache("files")
    monkeypatch.setattr(cache, "set", lambda *arguments, **options: False)
    with pytest.raises(OSError, match="did not keep"):
        claim(cache, key, 600)


# -- what is sent, and what stands in the back end ---------------------------------------------


def test_redis_is_asked_in_one_command(
    key: str,
    open_cache: Callable[[str], Any],
    address_of: Address,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []
    execute = redis.Redis.execute_command

    def watched(self: Any, *command: Any, **options: Any) -> Any:
        sent.append(str(command[0]))
        return execute(self, *command, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(redis.Redis, "execute_command", watched)
    cache = open_cache("redis")
    claim(cache, key, 600)
    read_many(cache, [key, key + "2", key + "3"])
    assert sent == ["SET", "MGET"]
    with redis.Redis.from_url(address_of("redis")) as client:
        assert client.get(f"prefix:{key}") == b"1"
        assert 590 < client.ttl(f"prefix:{key}") <= 600


def test_memcached_is_asked_for_several_values_in_one_command(
    key: str, open_cache: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = open_cache("memcached-pymemcache-single")
    put(cache, key, "1", 600)
    sent: list[Any] = []
    fetch = cache._client._fetch_cmd

    def watched(*command: Any, **options: Any) -> Any:
        sent.append(command)
        return fetch(*command, **options)

    monkeypatch.setattr(cache._client, "_fetch_cmd", watched)
    assert read_many(cache, [key, key + "2", key + "3"]) == ["1", None, None]
    assert len(sent) == 1


@pytest.mark.parametrize("kind", [kind for kind in SHARED if kind.startswith("memcached")])
def test_a_claim_in_memcached_expires(
    kind: str, key: str, open_cache: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = open_cache(kind)
    # memcached reckons a time in the past as over at once.
    monkeypatch.setattr("cachelib.memcached.time", lambda: time.time() - 700)
    assert claim(cache, key, 600)
    monkeypatch.undo()
    assert claim(cache, key, 600)
    assert not claim(cache, key, 600)


def test_a_claim_in_simple_cache_expires(
    key: str, open_cache: Callable[[str], Any], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachelib.simple.time", clock)
    cache = open_cache("simple")
    assert claim(cache, key, 600)
    clock.advance(599)
    assert not claim(cache, key, 600)
    clock.advance(2)
    assert claim(cache, key, 600)


def test_a_claim_in_files_is_one_file_that_is_cleared_away(
    key: str, open_cache: Callable[[str], Any], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachelib.file.time", clock)
    cache = open_cache("files")
    for _ in range(3):
        claim(cache, key, 600)
    [name] = cache._list_dir()
    assert name == cache._get_filename(key)
    assert cache._file_count == 1

    clock.advance(601)
    assert not claim(cache, key, 600)  # the file is there: longer is safe, shorter is not
    cache._remove_expired(clock())
    assert not Path(name).exists()
    assert claim(cache, key, 600)


# -- the race ---------------------------------------------

PROCESSES = 8
KEYS = 200
OF_THREADS = ["simple", "dict-like", "files", "redis", "django-locmem", "django-files"]


@pytest.mark.parametrize("kind", SHARED)
def test_of_8_processes_one_claims_each_of_200_keys(kind: str, address_of: Address) -> None:
    race = secrets.token_hex(8)
    won = run(PROCESSES, "claim", kind, address_of(kind), race, str(KEYS))
    winners = Counter(number for claims in won for number, _ in claims)
    assert winners == dict.fromkeys(range(KEYS), 1)


@pytest.mark.parametrize("kind", OF_THREADS)
def test_of_8_threads_one_claims_each_of_200_keys(
    kind: str, open_cache: Callable[[str], Any]
) -> None:
    cache, race = open_cache(kind), secrets.token_hex(8)

    def claim_all(_: int) -> list[int]:
        return [number for number in range(KEYS) if claim(cache, race_key(race, number), 600)]

    with ThreadPoolExecutor(8) as threads:
        won = Counter(number for claims in threads.map(claim_all, range(8)) for number in claims)
    assert won == dict.fromkeys(range(KEYS), 1)
