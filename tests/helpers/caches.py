"""The caches in which pending logins can be kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cachelib
import pytest
import redis
from pymemcache.client.base import PooledClient


def _none(*made: Any) -> None:
    return None


def _simple(*made: Any) -> cachelib.SimpleCache:
    return cachelib.SimpleCache()


def _files(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Any:
    return cachelib.FileSystemCache(str(folder / "cache"))


def _redis(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Any:
    client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
    stack.callback(client.close)
    return cachelib.RedisCache(client)


def _memcached(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Any:
    client = PooledClient(request.getfixturevalue("memcached_address"))
    stack.callback(client.close)
    return cachelib.MemcachedCache(client)


#: Each makes a cache, given the request of the test, a folder, and a stack of what to close.
CACHES: dict[str, Callable[..., Any]] = {
    "none": _none,
    "simple": _simple,
    "files": _files,
    "redis": _redis,
    "memcached": _memcached,
}
