"""Every kind of cache that a value is taken from once, by name, for tests and their processes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cachelib

from tests.django_client import _project


class DictLike:
    """A cache with the bare interface, whose methods answer nothing."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.lifetimes: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def set(self, key: str, value: Any, expires: Any = None) -> None:
        self.values[key] = value
        self.lifetimes[key] = expires

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


@contextmanager
def _redis(url: str, **options: Any) -> Iterator[Any]:
    import redis

    with redis.Redis.from_url(url, **options) as client:
        yield cachelib.RedisCache(client, key_prefix="prefix:")


@contextmanager
def _redis_text(url: str) -> Iterator[Any]:
    with _redis(url, decode_responses=True) as cache:
        yield cache


@contextmanager
def _old_redis(url: str) -> Iterator[Any]:
    import redis

    class Old(redis.Redis):
        """A server older than 6.2."""

        def getdel(self, name: Any) -> Any:
            return self.execute_command("GETDEEL", name)  # type: ignore[no-untyped-call]

    with Old.from_url(url) as client:
        yield cachelib.RedisCache(client, key_prefix="prefix:")


@contextmanager
def _pymemcache(address: str) -> Iterator[Any]:
    from pymemcache.client.base import PooledClient  # type: ignore[import-untyped]

    client = PooledClient(address)
    yield cachelib.MemcachedCache(client, key_prefix="prefix:")
    client.close()


@contextmanager
def _pymemcache_single(address: str) -> Iterator[Any]:
    from pymemcache.client.base import Client

    client = Client(address)
    yield cachelib.MemcachedCache(client, key_prefix="prefix:")
    client.close()


@contextmanager
def _pymemcache_hash(address: str) -> Iterator[Any]:
    from pymemcache.client.hash import HashClient  # type: ignore[import-untyped]

    client = HashClient([address], use_pooling=True)
    yield cachelib.MemcachedCache(client, key_prefix="prefix:")
    client.close()


@contextmanager
def _python_memcached(address: str) -> Iterator[Any]:
    cache = cachelib.MemcachedCache([address], key_prefix="prefix:", memcache_client_lib="memcache")
    yield cache
    cache._client.disconnect_all()


@contextmanager
def _files(folder: str) -> Iterator[Any]:
    yield cachelib.FileSystemCache(folder, threshold=100_000)


@contextmanager
def _simple(nowhere: str) -> Iterator[Any]:
    yield cachelib.SimpleCache(threshold=100_000)


@contextmanager
def _dict_like(nowhere: str) -> Iterator[Any]:
    yield DictLike()


_MANY: dict[str, Any] = {"OPTIONS": {"MAX_ENTRIES": 100_000}}


@contextmanager
def _django_redis(url: str) -> Iterator[Any]:
    _project.configure()
    from django.core.cache.backends.redis import RedisCache

    cache = RedisCache(url, {"KEY_PREFIX": "prefix"})
    yield cache
    cache._cache.get_client(None, write=True).connection_pool.disconnect()


@contextmanager
def _django_memcached(address: str) -> Iterator[Any]:
    """A cache of which each thread has a client of its own, as ``django.core.cache.caches`` do."""
    _project.configure()
    from django.core.cache import CacheHandler
    from django.utils.connection import ConnectionProxy

    back_end = "django.core.cache.backends.memcached.PyMemcacheCache"
    entry = {"BACKEND": back_end, "LOCATION": address, "KEY_PREFIX": "prefix"}
    cache = ConnectionProxy(CacheHandler({"default": entry}), "default")
    yield cache
    cache._cache.disconnect_all()


@contextmanager
def _django_files(folder: str) -> Iterator[Any]:
    _project.configure()
    from django.core.cache.backends.filebased import FileBasedCache

    yield FileBasedCache(folder, _MANY)


@contextmanager
def _django_locmem(nowhere: str) -> Iterator[Any]:
    _project.configure()
    from django.core.cache.backends.locmem import LocMemCache

    yield LocMemCache(secrets.token_hex(8), _MANY)


@contextmanager
def _django_database(url: str) -> Iterator[Any]:
    from tests.storage._django import database_cache

    with database_cache(url, _MANY) as cache:
        yield cache


#: Makes a cache, given where its server (or folder) is.
CACHES: dict[str, Callable[[str], Any]] = {
    "simple": _simple,
    "dict-like": _dict_like,
    "files": _files,
    "redis": _redis,
    "redis-text": _redis_text,
    "redis-old": _old_redis,
    "memcached-pymemcache": _pymemcache,
    "memcached-pymemcache-single": _pymemcache_single,
    "memcached-pymemcache-hash": _pymemcache_hash,
    "memcached-python-memcached": _python_memcached,
    "django-redis": _django_redis,
    "django-memcached": _django_memcached,
    "django-files": _django_files,
    "django-locmem": _django_locmem,
    "django-sqlite": _django_database,
    "django-postgres": _django_database,
}
#: Those that several processes share.
SHARED = [name for name in CACHES if name not in ("simple", "dict-like", "django-locmem")]
#: Those that take no tokens: a database has a store of its own.
WITHOUT_TOKENS = ("django-sqlite", "django-postgres")
