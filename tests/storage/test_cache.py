"""A value is put once and taken once, whatever the back end."""

from __future__ import annotations

import json
import pickle
import secrets
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from pymemcache.exceptions import MemcacheServerError  # type: ignore[import-untyped]

from flask_oauthclient.storage.cache import put
from flask_oauthclient.storage.cache import read
from flask_oauthclient.storage.cache import take
from tests.storage._caches import SHARED
from tests.storage._caches import DictLike
from tests.storage._race import key as race_key
from tests.storage._race import run
from tests.storage.conftest import Address

TEXT = '{"data": {"nonce": "n", "extra": "\\u00e4 \\u2603", "list": [1, 2.5, null]}}'


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"_state_demo_{secrets.token_hex(15)}"


def test_what_was_put_is_taken_once(cache: Any, key: str) -> None:
    put(cache, key, TEXT, 600)
    assert take(cache, key) == TEXT
    assert take(cache, key) is None
    assert read(cache, key) is None


def test_to_read_is_not_to_take(cache: Any, key: str) -> None:
    put(cache, key, TEXT, 600)
    assert read(cache, key) == read(cache, key) == TEXT
    assert take(cache, key) == TEXT


def test_what_was_never_put_cannot_be_taken(cache: Any, key: str) -> None:
    assert take(cache, key) is None
    assert read(cache, key) is None


def test_what_is_put_again_can_be_taken_again(cache: Any, key: str) -> None:
    put(cache, key, "1", 600)
    put(cache, key, TEXT, 600)
    assert take(cache, key) == TEXT
    assert take(cache, key) is None
    put(cache, key, "2", 600)
    assert take(cache, key) == "2"


@pytest.mark.parametrize("value", [5, ["a"], {"data": {}}, b"\xff\xfe"])
def test_what_is_no_text_is_no_value(value: Any, key: str) -> None:
    cache = DictLike()
    cache.set(key, value)
    assert take(cache, key) in (None, "\ufffd\ufffd")
    assert cache.values == {}


def test_a_cache_that_refuses_a_value_is_an_error(key: str) -> None:
    class Full(DictLike):
        def set(self, key: str, value: Any, expires: Any = None) -> Any:
            return False

    with pytest.raises(OSError, match="did not keep"):
        put(Full(), key, TEXT, 600)


def test_the_delete_of_a_cache_decides_where_it_answers(key: str) -> None:
    class Answering(DictLike):
        def delete(self, key: str) -> Any:
            return False

    cache = Answering()
    cache.set(key, TEXT)
    assert take(cache, key) is None


# -- what stands in the back end ---------------------------------------------


@pytest.mark.parametrize("kind", ["redis", "redis-old", "redis-text"])
def test_redis_holds_json_with_an_expiry(
    kind: str, key: str, open_cache: Callable[[str], Any], address_of: Address
) -> None:
    put(open_cache(kind), key, TEXT, 600)
    with redis.Redis.from_url(address_of(kind)) as client:
        raw = client.get(f"prefix:{key}")
        assert json.loads(raw) == json.loads(TEXT)
        assert raw == TEXT.encode()
        assert 590 < client.ttl(f"prefix:{key}") <= 600


def test_redis_reads_no_pickle(
    key: str, open_cache: Callable[[str], Any], address_of: Address, tmp_path: Path
) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "was-run",)

    cache = open_cache("redis")
    with redis.Redis.from_url(address_of("redis")) as client:
        for value in (b"!" + pickle.dumps(Evil()), pickle.dumps(Evil())):
            client.set(f"prefix:{key}", value)
            assert "was-run" in str(read(cache, key))
            assert "was-run" in str(take(cache, key))
    assert not (tmp_path / "was-run").exists()


def test_redis_is_written_in_one_command(
    key: str, open_cache: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute = redis.Redis.execute_command

    def watched(self: Any, *command: Any, **options: Any) -> Any:
        sent.append(str(command[0]))
        return execute(self, *command, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(redis.Redis, "execute_command", watched)
    cache = open_cache("redis")
    put(cache, key, TEXT, 600)
    take(cache, key)
    assert sent == ["SET", "GETDEL"]


def test_another_error_of_redis_is_not_taken_for_an_old_server(key: str) -> None:
    class Replica:
        def getdel(self, name: str) -> Any:
            raise redis.exceptions.ReadOnlyError("a replica")

    class Cache:
        _write_client = Replica()

        def _get_prefix(self) -> str:
            return ""

    with pytest.raises(redis.exceptions.ReadOnlyError):
        take(Cache(), key)


@pytest.mark.parametrize("kind", [kind for kind in SHARED if kind.startswith("memcached")])
def test_memcached_holds_json_with_an_expiry(
    kind: str, key: str, open_cache: Callable[[str], Any], address_of: Address
) -> None:
    put(open_cache(kind), key, TEXT, 600)
    assert TEXT.encode() in _memcached(address_of(kind), f"get prefix:{key}")
    assert 0 < _memcached_expiry(address_of(kind), key) - time.time() <= 601


@pytest.mark.parametrize("kind", [kind for kind in SHARED if kind.startswith("memcached")])
def test_memcached_says_what_it_does_not_keep(
    kind: str, key: str, open_cache: Callable[[str], Any]
) -> None:
    with pytest.raises((OSError, MemcacheServerError)):
        put(open_cache(kind), key, "x" * 2_000_000, 600)


@pytest.mark.parametrize("kind", [kind for kind in SHARED if kind.startswith("memcached")])
def test_a_mark_that_memcached_keeps_expires_too(
    kind: str, key: str, open_cache: Callable[[str], Any], address_of: Address
) -> None:
    cache = open_cache(kind)
    put(cache, key, TEXT, 600)
    assert take(cache, key) == TEXT
    dump = _memcached(address_of(kind), "lru_crawler metadump all", b"END\r\n").decode()
    for line in (line for line in dump.splitlines() if key in line):
        assert 0 < int(line.partition("exp=")[2].split()[0]) - time.time() <= 601


def _memcached(address: str, command: str, end: bytes = b"END\r\n") -> bytes:
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(command.encode() + b"\r\n")
        received = b""
        while not received.endswith(end):
            received += connection.recv(65_536)
    return received


def _memcached_expiry(address: str, key: str) -> int:
    dump = _memcached(address, "lru_crawler metadump all").decode()
    [line] = [line for line in dump.splitlines() if key in line]
    return int(line.partition("exp=")[2].split()[0])


def test_a_file_has_an_expiry(key: str, open_cache: Callable[[str], Any], tmp_path: Path) -> None:
    cache = open_cache("files")
    put(cache, key, TEXT, 600)
    content = Path(cache._get_filename(key)).read_bytes()
    assert 590 < struct.unpack("I", content[:4])[0] - time.time() <= 601


@pytest.mark.parametrize("kind", ["simple", "files"])
def test_what_has_expired_is_gone(
    kind: str, key: str, open_cache: Callable[[str], Any], clock: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(f"cachelib.{kind.removesuffix('s')}.time", clock)
    cache = open_cache(kind)
    put(cache, key, TEXT, 600)
    clock.advance(599)
    assert read(cache, key) == TEXT
    clock.advance(2)
    assert take(cache, key) is None


def test_a_dict_like_cache_is_told_the_lifetime(key: str) -> None:
    cache = DictLike()
    put(cache, key, TEXT, 600)
    assert cache.lifetimes == {key: 600}


def test_a_file_that_somebody_else_took_is_not_taken(
    key: str, open_cache: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = open_cache("files")
    put(cache, key, TEXT, 600)
    get = cache.get

    def slow(name: str) -> Any:
        value = get(name)
        Path(cache._get_filename(name)).unlink()
        return value

    monkeypatch.setattr(cache, "get", slow)
    assert take(cache, key) is None


# -- the race ---------------------------------------------

PROCESSES = 8
KEYS = 200
OF_THREADS = ["simple", "dict-like", "files", "redis", "django-locmem", "django-files"]


@pytest.mark.parametrize("kind", SHARED)
def test_of_8_processes_one_takes_each_of_200_values(
    kind: str, open_cache: Callable[[str], Any], address_of: Address
) -> None:
    cache = open_cache(kind)
    race = secrets.token_hex(8)
    for number in range(KEYS):
        put(cache, race_key(race, number), f"value {number}", 600)
    won = run(PROCESSES, "take", kind, address_of(kind), race, str(KEYS))
    winners = Counter(number for values in won for number, _ in values)
    assert winners == dict.fromkeys(range(KEYS), 1)
    assert all(text == f"value {number}" for values in won for number, text in values)


@pytest.mark.parametrize("kind", OF_THREADS)
def test_of_8_threads_one_takes_each_of_200_values(
    kind: str, open_cache: Callable[[str], Any]
) -> None:
    cache, race = open_cache(kind), secrets.token_hex(8)
    for number in range(KEYS):
        put(cache, race_key(race, number), str(number), 600)

    def run(_: int) -> list[str | None]:
        return [take(cache, race_key(race, number)) for number in range(KEYS)]

    with ThreadPoolExecutor(8) as threads:
        won = Counter(text for texts in threads.map(run, range(8)) for text in texts)
    del won[None]
    assert won == {str(number): 1 for number in range(KEYS)}
