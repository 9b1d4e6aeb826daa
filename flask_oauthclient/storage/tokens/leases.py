"""Locks in a cache server, which end by themselves if their holder is gone.

=================  ==============================================================================
Redis, Valkey      ``SET`` with ``NX`` and ``PX``; removed by a script, if it is still the holder's
memcached          ``add``; removed while its time is surely not up, since nothing there compares
                   and removes in one command
=================  ==============================================================================

A holder that was slower than the life of its lock has lost it. It is not told: whoever writes
compares versions.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from typing import Any
from typing import Protocol

from ...protocol.errors import TokenStoreError
from ..cache import answered
from ..cache import is_redis
from ..cache import remove
from .memory import LOCK_WAIT

#: Seconds between two tries to get a lock: the first time, and at most.
_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.1
#: Seconds before its end in which a lock is left to end by itself.
_MARGIN = 1.0

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Locks(Protocol):
    """A lock for each name."""

    def hold(self, name: str, wait: float = LOCK_WAIT) -> AbstractContextManager[None]:
        """Hold a lock.

        :param name: its name.
        :param wait: seconds to wait for it.
        :raises TokenStoreError: if others hold it for longer.
        """
        ...


class Leases:
    """Locks of all processes that use a Redis or a memcached.

    :param cache: cachelib's cache of it.
    :param seconds: life of a lock, longer than one request to the provider takes.
    :param prefix: of the keys.
    """

    def __init__(self, cache: Any, seconds: int, prefix: str) -> None:
        self._cache = cache
        self._seconds = seconds
        self._prefix = prefix

    @contextmanager
    def hold(self, name: str, wait: float = LOCK_WAIT) -> Generator[None]:
        """Hold a lock.

        :param name: its name.
        :param wait: seconds to wait for it.
        :raises TokenStoreError: if others hold it for longer.
        """
        key, holder = self._prefix + name, secrets.token_hex(16)
        until = self._acquire(key, holder, wait)
        try:
            yield
        finally:
            self._release(key, holder, until)

    def _acquire(self, key: str, holder: str, wait: float) -> float:
        """Wait for a lock.

        :returns: when it ends by itself.
        """
        deadline, pause = time.monotonic() + wait, _FIRST_PAUSE
        while True:
            until = time.monotonic() + self._seconds
            # A client that repeats a command, since the connection broke off before the answer,
            # may find the lock taken by itself.
            if self._take(key, holder) or self._holder(key) == holder:
                return until
            if time.monotonic() + pause > deadline:
                raise TokenStoreError("token_busy")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _take(self, key: str, holder: str) -> bool:
        cache = self._cache
        if is_redis(cache):
            name, life = cache._get_prefix() + key, self._seconds * 1000
            return bool(cache._write_client.set(name, holder, px=life, nx=True))
        with cache._client_context() as client:
            # By the clock of the server, which counts whole seconds, the first one being shorter.
            life = self._seconds + 1
            return bool(client.add(cache._normalize_key(key), holder, life, **answered(client)))

    def _holder(self, key: str) -> str | None:
        cache = self._cache
        if is_redis(cache):
            value = cache._write_client.get(cache._get_prefix() + key)
        else:
            value = cache.get(key)
        return value.decode("ascii", "replace") if isinstance(value, bytes) else value

    def _release(self, key: str, holder: str, until: float) -> None:
        cache = self._cache
        if is_redis(cache):
            cache._write_client.eval(_RELEASE, 1, cache._get_prefix() + key, holder)
        elif time.monotonic() < until - _MARGIN and self._holder(key) == holder:
            remove(cache, key)
