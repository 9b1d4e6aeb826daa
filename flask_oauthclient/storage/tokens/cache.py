"""Tokens in a cache of cachelib's or of Django's.

=====================  ==========================================================================
Redis, Valkey          for all workers on all machines; recommended. Give the server a policy of
                       eviction that spares what has long to live, and persistence if a restart
                       must not end every user's access
memcached              for all workers; what it drops when it is full, or restarted, is gone. Give
                       it a client that raises errors, as ``pymemcache`` does: others answer "there
                       is no token" while the server is down
files                  for all workers of one machine. Use ``FileSystemCache(..., threshold=0)``,
                       else it drops tokens beyond 500 entries. cachelib reads its files by
                       ``pickle``: nobody else may write into its folder
SimpleCache            for one process; drops tokens beyond 500 entries
others                 a token is refreshed once among the threads of one process only
=====================  ==========================================================================

Give a client of Redis a ``socket_timeout``, and one of memcached a ``timeout``: by default they
wait for ever for a server that hangs.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ...protocol.errors import InvalidSettingError
from ..cache import answered
from ..cache import is_files
from ..cache import is_memcached
from ..cache import is_redis
from ..django_caches import DjangoCache
from ..django_caches import is_database
from ..django_caches import unified
from .cache_rows import CacheRows
from .cache_rows import RedisRows
from .file_locks import FileLocks
from .forks import after_fork
from .leases import Leases
from .leases import Locks
from .memory import LOCK_WAIT
from .memory import ProcessLocks
from .store import SealedTokenStore

_log = logging.getLogger(__name__)

#: Seconds after which a token is gone that nobody refreshed or replaced.
LIFETIME = 2_592_000
#: Seconds after which the lock of a holder ends who is gone; one request takes ten at the most.
LOCK_SECONDS = 15
PREFIX = "oauthclient_token_"

_process_locks = ProcessLocks()
_told: set[str] = set()


class CacheTokenStore(SealedTokenStore):
    """Tokens in a cache of any kind, but for Django's in a database.

    :param cache: the cache.
    :param keys: the keys that seal them, the current one first; default is
        ``OAUTHCLIENT_TOKEN_KEYS`` of the application, else its ``SECRET_KEY``.
    :param lifetime: seconds after which a token is gone that nobody refreshed or replaced.
    :param lock_seconds: life of the lock of a worker that dies while it refreshes a token; longer
        than the time limit of a request to the provider.
    :param prefix: of the keys in the cache.
    :raises InvalidSettingError: for what is no such cache, or a time that is no time.
    """

    def __init__(
        self,
        cache: Any,
        keys: Sequence[str | bytes] | None = None,
        *,
        lifetime: int = LIFETIME,
        lock_seconds: int = LOCK_SECONDS,
        prefix: str = PREFIX,
    ) -> None:
        cache = unified(cache)
        _check(cache, lifetime, lock_seconds)
        locks = locks_of(cache, lock_seconds, prefix)
        if is_memcached(cache) and answered(cache._client):
            after_fork(cache._client, _close)
        kind = RedisRows if is_redis(cache) else CacheRows
        super().__init__(kind(cache, locks, lifetime=lifetime, prefix=prefix), keys)


def _close(client: Any) -> None:
    """Close the connections of a pymemcache client. The server is told nothing."""
    client.close()


def _check(cache: Any, lifetime: int, lock_seconds: int) -> None:
    if not all(callable(getattr(cache, name, None)) for name in ("get", "set", "delete")):
        problem = "The cache of a CacheTokenStore is one of cachelib's or of Django's."
    elif is_database(cache):  # whose rows a request that fails takes back, or others push out
        problem = "Keep tokens in a database with DjangoTokenStore(), and not in a cache there."
    elif hasattr(cache, "execute_command"):
        problem = "Wrap the client of Redis: CacheTokenStore(cachelib.RedisCache(client))."
    elif not (_is_time(lifetime) and _is_time(lock_seconds)):
        problem = "lifetime and lock_seconds are whole numbers of seconds, 1 at the least."
    else:
        return
    raise InvalidSettingError("invalid_configuration", problem)


def _is_time(seconds: Any) -> bool:
    return isinstance(seconds, int) and seconds >= 1


def locks_of(cache: Any, seconds: int = LOCK_SECONDS, prefix: str = PREFIX) -> Locks:
    """Locks for everybody who uses a cache.

    :param cache: the cache.
    :param seconds: life of the lock of a holder that is gone.
    :param prefix: of their keys, where they lie in the cache itself.
    """
    cache = unified(cache)
    if is_redis(cache) or is_memcached(cache):
        return Leases(cache, seconds, prefix)
    if getattr(cache, "_threshold", 0):
        _tell(f"{_name_of(cache)} drops tokens beyond {cache._threshold} entries")
    if is_files(cache):
        # A name that ends so is no entry to the cache: it neither counts nor removes the file.
        folder = Path(cache._path)
        name = f"oauthclient-locks{cache._fs_transaction_suffix}"
        return FileLocks(folder / name, like=folder)
    _tell(f"tokens in {_name_of(cache)} are refreshed once in each process, not once in all")
    return _OfOneCache(_original(cache))


def _original(cache: Any) -> Any:
    return cache.cache if isinstance(cache, DjangoCache) else cache


def _name_of(cache: Any) -> str:
    return type(_original(cache)).__name__


class _OfOneCache:
    """Locks of the threads of this process, the same for all stores in one cache."""

    def __init__(self, cache: Any) -> None:
        self._name = f"{id(cache)} "

    def hold(self, name: str, wait: float = LOCK_WAIT) -> AbstractContextManager[None]:
        """Hold a lock."""
        return _process_locks.hold(self._name + name, wait)


def _tell(problem: str) -> None:
    """Say something once in each process."""
    if problem not in _told:
        _told.add(problem)
        _log.warning("%s", problem)
