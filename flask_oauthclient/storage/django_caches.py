"""Django's caches, with the interface of cachelib's as far as it is used here.

Django says in its own way what is in a cache, and each of its back ends in another whether it has
kept or removed something. Nothing of Django is imported unless there is such a cache.

====================  ============================================================================
Redis                 the client behind it, past Django's pickle
memcached             the client behind it, which says whether a value was kept
files                 the files
database              ``DELETE`` says how many rows there were. For a claim a row is inserted: the
                      back end's ``add`` looks first, and of an expired row makes several owners
others                the answer of ``delete`` and ``add``
====================  ============================================================================

In a database the state of a login is part of the request's transaction, if it has one: a view that
fails has taken nothing.
"""

from __future__ import annotations

import math
import pickle
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC
from datetime import datetime
from importlib import import_module
from typing import Any

_BACK_ENDS = "django.core.cache.backends."


class DjangoCache:
    """A cache of Django.

    :param cache: the cache, or the proxy of one, by which each thread has a connection of its own.
    """

    __slots__ = ("cache",)

    def __init__(self, cache: Any) -> None:
        self.cache = cache

    @property
    def _threshold(self) -> int:
        """How many entries it keeps; ``0`` for as many as there are."""
        return 0

    def get(self, key: str) -> Any:
        """The value of a key, or ``None``."""
        return self.cache.get(key)

    def get_many(self, *keys: str) -> list[Any]:
        """The values of several keys."""
        found = self.cache.get_many(keys)
        return [found.get(key) for key in keys]

    def set(self, key: str, value: Any, timeout: int) -> Any:
        """Keep a value for some seconds."""
        return self.cache.set(key, value, timeout)

    def add(self, key: str, value: Any, timeout: int) -> bool:
        """Keep a value, unless there is one."""
        return bool(self.cache.add(key, value, timeout))

    def delete(self, key: str) -> bool:
        """Remove a value; true if it was there."""
        return bool(self.cache.delete(key))


class _Bounded(DjangoCache):
    """A cache that removes some entries when there are many."""

    __slots__ = ()

    @property
    def _threshold(self) -> int:
        found: int = self.cache._max_entries
        return found


class _Redis(DjangoCache):
    __slots__ = ()

    @property
    def _write_client(self) -> Any:
        return self.cache._cache.get_client(None, write=True)

    @property
    def _read_client(self) -> Any:
        return self.cache._cache.get_client(None, write=False)

    def _get_prefix(self) -> str:
        prefix: str = self.cache.make_key("")
        return prefix


class _Memcached(DjangoCache):
    __slots__ = ()

    @property
    def _client(self) -> Any:
        return self.cache._cache

    @contextmanager
    def _client_context(self) -> Generator[Any]:
        yield self._client

    def _normalize_key(self, key: str) -> str:
        name: str = self.cache.make_and_validate_key(key)
        return name

    def _normalize_timeout(self, timeout: int) -> int:
        seconds: int = self.cache.get_backend_timeout(timeout)
        return seconds

    def set(self, key: str, value: Any, timeout: int) -> Any:
        """Keep a value; false if that was not to be."""
        name, seconds = self._normalize_key(key), self._normalize_timeout(timeout)
        return bool(self._client.set(name, value, seconds))


class _Files(_Bounded):
    __slots__ = ()

    #: How the name of a file ends that is no entry.
    _fs_transaction_suffix = ".lock"

    @property
    def _path(self) -> str:
        path: str = self.cache._dir
        return path

    def _get_filename(self, key: str) -> str:
        name: str = self.cache._key_to_file(key)
        return name

    def _update_count(self, *, delta: int) -> None:
        """It counts its files whenever it has to know."""


class _Database(_Bounded):
    __slots__ = ()

    #: Among threads, too: each has a connection of its own.
    delete_is_atomic = True

    def set(self, key: str, value: Any, timeout: int) -> Any:
        """Keep a value; false if that was not to be, which the back end itself is silent about."""
        name = self.cache.make_and_validate_key(key)
        return self.cache._base_set("set", name, value, timeout)

    def add(self, key: str, value: Any, timeout: int) -> bool:
        """Keep a value, unless there is one whose time is not up."""
        name = self.cache.make_and_validate_key(key)
        # Whole seconds, as the back end has it, and none too few.
        expires = self._time(math.ceil(self.cache.get_backend_timeout(timeout)))
        row = [name, b64encode(pickle.dumps(value)).decode("ascii"), expires]
        return self._insert(row) or (self._remove_expired(name) and self._insert(row))

    def _insert(self, row: list[Any]) -> bool:
        db = import_module("django.db")
        connection = self._connection
        names = ", ".join(map(connection.ops.quote_name, ("cache_key", "value", "expires")))
        try:
            with db.transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                insert = f"INSERT INTO {self._table} ({names})"
                cursor.execute(f"{insert} VALUES (%s, %s, %s)", row)
        except db.IntegrityError:
            return False
        return True

    def _remove_expired(self, name: str) -> bool:
        now = import_module("django.utils.timezone").now()
        quote = self._connection.ops.quote_name
        which = f"{quote('cache_key')} = %s AND {quote('expires')} < %s"
        with self._connection.cursor() as cursor:
            values = [name, self._connection.ops.adapt_datetimefield_value(now)]
            cursor.execute(f"DELETE FROM {self._table} WHERE {which}", values)  # noqa: S608  same
            return bool(cursor.rowcount)

    def _time(self, seconds: float) -> Any:
        use_tz = import_module("django.conf").settings.USE_TZ
        time = datetime.fromtimestamp(seconds, tz=UTC if use_tz else None)
        return self._connection.ops.adapt_datetimefield_value(time)

    @property
    def _connection(self) -> Any:
        db = import_module("django.db")
        return db.connections[db.router.db_for_write(self.cache.cache_model_class)]

    @property
    def _table(self) -> str:
        table: str = self._connection.ops.quote_name(self.cache._table)
        return table


_KINDS: dict[str, type[DjangoCache]] = {
    "redis": _Redis,
    "memcached": _Memcached,
    "filebased": _Files,
    "db": _Database,
    "locmem": _Bounded,
    "base": DjangoCache,
}


def is_database(cache: Any) -> bool:
    """Whether a cache is Django's in a database, as :func:`unified` gives it."""
    return isinstance(cache, _Database)


def unified(cache: Any) -> Any:
    """A cache with the interface of cachelib's.

    :param cache: a cache of Django's; any other stays as it is.
    """
    proxied = vars(cache) if _is_proxy(type(cache)) else None
    actual = cache if proxied is None else proxied["_connections"][proxied["_alias"]]
    kind = _kind_of(type(actual))
    return cache if kind is None else kind(cache)


def _is_proxy(cls: type[Any]) -> bool:
    return cls.__module__ == "django.utils.connection"


def _kind_of(cls: type[Any]) -> type[DjangoCache] | None:
    for base in cls.__mro__:
        if base.__module__.startswith(_BACK_ENDS):
            return _KINDS.get(base.__module__.removeprefix(_BACK_ENDS), DjangoCache)
    return None
