"""What is different about Django's caches."""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.storage.cache import claim
from flask_oauthclient.storage.cache import put
from flask_oauthclient.storage.cache import read
from flask_oauthclient.storage.cache import take
from flask_oauthclient.storage.django_caches import unified
from flask_oauthclient.storage.tokens.cache import CacheTokenStore
from tests.storage._race import key as race_key
from tests.storage._race import run
from tests.storage.conftest import Address

TEXT = '{"data": {}}'
DATABASES = ["django-sqlite", "django-postgres"]

Open = Callable[[str], Any]


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"django_{secrets.token_hex(15)}"


def test_other_caches_stay_as_they_are() -> None:
    class Own:
        """A cache of nobody's."""

    cache = Own()
    assert unified(cache) is cache


def test_a_class_that_derives_from_djangos_is_known(key: str, open_cache: Open) -> None:
    given = open_cache("django-locmem")
    own = type("Own", (type(given),), {})("own", {})
    put(own, key, TEXT, 600)
    assert take(own, key) == TEXT
    assert unified(own)._threshold == 300


def test_redis_holds_json_with_an_expiry(key: str, open_cache: Open, address_of: Address) -> None:
    put(open_cache("django-redis"), key, TEXT, 600)
    with redis.Redis.from_url(address_of("django-redis")) as client:
        raw = client.get(f"prefix:1:{key}")
        assert raw == TEXT.encode()
        assert json.loads(raw) == json.loads(TEXT)
        assert 590 < client.ttl(f"prefix:1:{key}") <= 600


def test_redis_is_asked_in_one_command(
    key: str, open_cache: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute = redis.Redis.execute_command

    def watched(self: Any, *command: Any, **options: Any) -> Any:
        sent.append(str(command[0]))
        return execute(self, *command, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(redis.Redis, "execute_command", watched)
    cache = open_cache("django-redis")
    put(cache, key, TEXT, 600)
    take(cache, key)
    claim(cache, key, 600)
    assert sent == ["SET", "GETDEL", "SET"]


def test_memcached_says_what_it_does_not_keep(key: str, open_cache: Open) -> None:
    from pymemcache.exceptions import MemcacheError  # type: ignore[import-untyped]

    with pytest.raises((OSError, MemcacheError)):
        put(open_cache("django-memcached"), key, "x" * 2_000_000, 600)


@pytest.mark.parametrize("kind", DATABASES)
def test_a_database_says_what_it_does_not_keep(
    kind: str, key: str, open_cache: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = open_cache(kind)
    monkeypatch.setattr(cache, "_base_set", lambda *arguments: False)  # what it is silent about
    with pytest.raises(OSError, match="did not keep"):
        put(cache, key, TEXT, 600)


@pytest.mark.parametrize("kind", DATABASES)
def test_a_claim_in_a_database_expires(kind: str, key: str, open_cache: Open) -> None:
    cache = open_cache(kind)
    assert claim(cache, key, -5)
    assert claim(cache, key, 600)
    assert not claim(cache, key, 600)
    assert read(cache, key) == "1"


@pytest.mark.parametrize("kind", DATABASES)
def test_of_8_processes_one_claims_each_key_that_was_claimed_long_ago(
    kind: str, open_cache: Open, address_of: Address
) -> None:
    cache, race = open_cache(kind), secrets.token_hex(8)
    for number in range(100):
        assert claim(cache, race_key(race, number), -5)
    won = run(8, "claim", kind, address_of(kind), race, "100")
    assert Counter(number for claims in won for number, _ in claims) == dict.fromkeys(range(100), 1)


@pytest.mark.parametrize("kind", DATABASES)
def test_a_view_that_fails_has_taken_nothing(kind: str, key: str, open_cache: Open) -> None:
    from django.db import transaction

    cache = open_cache(kind)
    put(cache, key, TEXT, 600)
    alias = unified(cache)._connection.alias

    def fails() -> None:
        with transaction.atomic(using=alias):
            assert take(cache, key) == TEXT
            assert take(cache, key) is None
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert take(cache, key) == TEXT


def test_a_claim_in_files_is_never_there_without_its_content(key: str, open_cache: Open) -> None:
    """Django takes an empty file for one whose time is up, and removes it."""
    cache = open_cache("django-files")
    over, seen = threading.Event(), set()

    def look() -> None:
        while not over.is_set():
            seen.update(cache.get(f"{key}{number}") for number in range(200))

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(look)
        try:
            first = [claim(cache, f"{key}{number}", 600) for number in range(200)]
            second = [claim(cache, f"{key}{number}", 600) for number in range(200)]
        finally:
            over.set()
        looking.result()
    assert all(first)
    assert not any(second)
    assert seen <= {None, "1"}


def test_a_claim_leaves_one_file(key: str, open_cache: Open) -> None:
    cache = open_cache("django-files")
    for _ in range(3):
        claim(cache, key, 600)
    assert [Path(name) for name in cache._list_cache_files()] == [Path(cache._key_to_file(key))]


def test_each_thread_has_its_own_connection(key: str) -> None:
    from django.core.cache import CacheHandler
    from django.utils.connection import ConnectionProxy

    entry = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": key}
    handler = CacheHandler({"default": entry})
    proxy = ConnectionProxy(handler, "default")
    put(proxy, key, TEXT, 600)
    with ThreadPoolExecutor(1) as threads:
        there = threads.submit(lambda: (take(proxy, key), handler["default"])).result()
    assert there[0] == TEXT
    assert there[1] is not handler["default"]
    assert take(proxy, key) is None


@pytest.mark.parametrize("kind", DATABASES)
def test_tokens_are_not_kept_in_a_cache_of_a_database(kind: str, open_cache: Open) -> None:
    with pytest.raises(InvalidSettingError, match="DjangoTokenStore"):
        CacheTokenStore(open_cache(kind), ["the key of the tokens"])


def test_a_cache_that_drops_tokens_is_warned_of(
    open_cache: Open, caplog: pytest.LogCaptureFixture
) -> None:
    given = open_cache("django-locmem")
    own = type(f"Own{secrets.token_hex(4)}", (type(given),), {})("own", {})
    CacheTokenStore(own, ["the key of the tokens"])
    [drops, once] = [record.getMessage() for record in caplog.records]
    assert f"{type(own).__name__} drops tokens beyond 300 entries" in drops
    assert "refreshed once in each process" in once
