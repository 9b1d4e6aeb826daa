"""One-time values in a cache of cachelib's or of Django's, or in anything with ``get``, ``set``
and ``delete``.

A value is put once and taken once, and of several workers that take it at the same moment exactly
one gets it. ``get`` followed by ``delete`` does not give that, so each back end has its own way:

=====================  ==========================================================================
Redis, Valkey          ``GETDEL``; the value is written as plain JSON, past cachelib's pickle
memcached              the answer of ``delete``, or of an ``add`` where a client hides that answer
files                  ``unlink``: only one process removes the file
SimpleCache, others    the answer of ``delete``
=====================  ==========================================================================

The other way round, a key is claimed once: of several workers, one is the first.

=====================  ==========================================================================
Redis, Valkey          ``SET`` with ``NX`` and ``EX``, in one command
memcached              the answer of ``add``
files                  a file is made only where there is none; ``add`` would look, then write
SimpleCache, others    the answer of ``add``
=====================  ==========================================================================

What is different about Django's stands in :mod:`.django_caches`.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from .django_caches import unified

_lock = threading.Lock()
_CLAIM_SECONDS = 600
_CLAIMED = "1"


def put(cache: Any, key: str, text: str, lifetime: int) -> None:
    """Keep a value.

    :param cache: the cache.
    :param key: where.
    :param text: the value, JSON.
    :param lifetime: seconds until it is gone by itself.
    :raises OSError: if the cache says that it did not keep it.
    """
    cache = unified(cache)
    if is_redis(cache):
        cache._write_client.set(cache._get_prefix() + key, text, ex=lifetime)
        return
    if is_memcached(cache):
        kept = _put_memcached(cache, key, text, lifetime)
    else:
        kept = cache.set(key, text, lifetime)
    if kept is False:
        raise OSError("the cache did not keep the value")


def take(cache: Any, key: str) -> str | None:
    """Take a value: of all who try, one gets it, and everybody else ``None``."""
    cache = unified(cache)
    if is_redis(cache):
        return _text(_take_redis(cache._write_client, cache._get_prefix() + key))
    if is_files(cache):
        return _take_file(cache, key)
    if is_memcached(cache):
        return _take_memcached(cache, key)
    return _take_simple(cache, key)


def read(cache: Any, key: str) -> str | None:
    """Look at a value without taking it."""
    cache = unified(cache)
    if is_redis(cache):
        return _text(cache._read_client.get(cache._get_prefix() + key))
    return _text(cache.get(key))


def read_many(cache: Any, keys: Sequence[str]) -> list[str | None]:
    """Look at several values, in one round trip where the back end can."""
    cache = unified(cache)
    if is_redis(cache):
        found = cache._read_client.mget([cache._get_prefix() + key for key in keys])
    elif hasattr(cache, "get_many"):
        found = cache.get_many(*keys)
    else:
        found = [cache.get(key) for key in keys]
    return [_text(value) for value in found]


def claim(cache: Any, key: str, lifetime: int) -> bool:
    """Be the first to name a key: of all who try, one gets true.

    :param cache: the cache.
    :param key: what is claimed.
    :param lifetime: seconds for which nobody else gets it; longer where the back end keeps files.
    :raises OSError: if the cache says that it did not keep the claim.
    """
    cache = unified(cache)
    if is_redis(cache):
        name = cache._get_prefix() + key
        return bool(cache._write_client.set(name, _CLAIMED, ex=lifetime, nx=True))
    if is_files(cache):
        return _claim_file(cache, key, lifetime)
    if is_memcached(cache):
        return _claim_memcached(cache, key, lifetime)
    return _claim_simple(cache, key, lifetime)


def remove(cache: Any, key: str) -> None:
    """Remove a value, and wait until it is removed."""
    cache = unified(cache)
    if is_redis(cache):
        cache._write_client.delete(cache._get_prefix() + key)
    elif is_memcached(cache):
        with cache._client_context() as client:
            client.delete(cache._normalize_key(key), **answered(client))
    else:
        cache.delete(key)


def is_redis(cache: Any) -> bool:
    """Whether a cache is one of Redis or Valkey."""
    return hasattr(cache, "_write_client") and hasattr(cache, "_get_prefix")


def is_memcached(cache: Any) -> bool:
    """Whether a cache is one of memcached."""
    return hasattr(cache, "_client_context")


def is_files(cache: Any) -> bool:
    """Whether a cache is one of files."""
    return hasattr(cache, "_get_filename")


def answered(client: Any) -> dict[str, Any]:
    """Keywords with which a client of memcached waits for the answer to a command."""
    return {"noreply": False} if _is_pymemcache(client) else {}


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def _take_redis(client: Any, key: str) -> Any:
    try:
        return client.getdel(key)
    except Exception as failure:
        # A server before 6.2 does not know the command. Whose class it is depends on the client.
        if type(failure).__name__ != "ResponseError":
            raise
    with client.pipeline(transaction=True) as pipeline:
        pipeline.get(key)
        pipeline.delete(key)
        return pipeline.execute()[0]


def _take_file(cache: Any, key: str) -> str | None:
    value = cache.get(key)
    if value is None:
        return None
    try:
        # FileSystemCache.delete() says True for a file that somebody else removed.
        Path(cache._get_filename(key)).unlink()
    except FileNotFoundError:
        return None
    cache._update_count(delta=-1)
    return _text(value)


def _put_memcached(cache: Any, key: str, text: str, lifetime: int) -> bool:
    name = cache._normalize_key(key)
    with cache._client_context() as client:
        if _is_pymemcache(client):
            timeout = cache._normalize_timeout(lifetime)
            return bool(client.set(name, text, timeout, noreply=False))
        client.delete(_mark(name))  # of a value that was put, taken, and is put again
    return bool(cache.set(key, text, lifetime))


def _take_memcached(cache: Any, key: str) -> str | None:
    value = cache.get(key)
    if value is None:
        return None
    name = cache._normalize_key(key)
    with cache._client_context() as client:
        if _is_pymemcache(client):
            won = bool(client.delete(name, noreply=False))
        else:
            # These call a key deleted that was not there; add() tells the truth.
            won = bool(client.add(_mark(name), "1", _CLAIM_SECONDS))
            client.delete(name)
    return _text(value) if won else None


def _is_pymemcache(client: Any) -> bool:
    """Whether a client tells what became of a value, but only if it is told to wait for that."""
    return any(cls.__module__.startswith("pymemcache.") for cls in type(client).__mro__)


def _mark(name: str) -> str:
    return f"{name}_taken"


def _take_simple(cache: Any, key: str) -> str | None:
    # A cache whose delete() answers nothing is at least safe among our threads.
    with nullcontext() if hasattr(cache, "delete_is_atomic") else _lock:
        value = cache.get(key)
        won = value is not None and cache.delete(key) is not False
    return _text(value) if won else None


def _claim_file(cache: Any, key: str, lifetime: int) -> bool:
    # The cache itself writes a file of its form, which is given a second name that must be new; so
    # it is never there without its content. Of a claim whose time is up the file may still be
    # there; then it still holds.
    aside = f"{key}_{secrets.token_hex(8)}"
    put(cache, aside, _CLAIMED, lifetime)
    original = Path(cache._get_filename(aside))
    try:
        os.link(original, cache._get_filename(key))
    except FileExistsError:
        cache._update_count(delta=-1)
        return False
    finally:
        original.unlink(missing_ok=True)
    return True


def _claim_memcached(cache: Any, key: str, lifetime: int) -> bool:
    with cache._client_context() as client:
        if _is_pymemcache(client):
            name, timeout = cache._normalize_key(key), cache._normalize_timeout(lifetime)
            return bool(client.add(name, _CLAIMED, timeout, noreply=False))
    return bool(cache.add(key, _CLAIMED, lifetime))


def _claim_simple(cache: Any, key: str, lifetime: int) -> bool:
    with nullcontext() if hasattr(cache, "delete_is_atomic") else _lock:  # as in _take_simple
        if hasattr(cache, "add"):
            return bool(cache.add(key, _CLAIMED, lifetime))
        first = cache.get(key) is None
        if first:
            put(cache, key, _CLAIMED, lifetime)
    return first
