"""Rows of sealed tokens in a cachelib cache.

A value is the version in hexadecimal digits, a dot and the envelope: bytes in Redis, in base64
elsewhere, since not every cache takes bytes. The key ends with the hash that is the id of the row.
Redis compares the version and writes in one step, by a script; elsewhere a short lock is held for
that, which is another one than that of the refresh, so that a new sign-in never waits for the
provider.

For each owner there is a list of row ids with the time at which each was put on it. A writer puts
its row on the list before it writes, unless that was done within the last day, and what is on the
list without a row is taken off after two days only: so nobody who is just about to write can lose
his place, although list and row are not changed in one step.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from base64 import b64encode
from collections.abc import Collection
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from typing import Any

from .. import cache as caches
from .kept import now
from .leases import Locks
from .rows import ABSENT
from .rows import Row
from .rows import TokenRows

#: Seconds after which a row is put on its owner's list anew.
_LIST_AGAIN = 86_400
#: Seconds after which a row that is gone is taken off the list.
_LISTED = 2 * _LIST_AGAIN

_VERSION = re.compile(rb"[0-9a-f]{1,16}")

#: Also a client that decodes what others have written leaves our envelopes alone.
_BYTES = {"NEVER_DECODE": True}

_WRITE = """
local there = redis.call('GET', KEYS[1]) or ''
local version = string.match(there, '^([0-9a-f]+)%.') or '0'
if version ~= ARGV[1] and there ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_REMOVE = """
local there = redis.call('GET', KEYS[1]) or ''
if string.match(there, '^([0-9a-f]+)%.') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
_UNLIST = """
for number = 2, #ARGV do
  local at = redis.call('ZSCORE', KEYS[1], ARGV[number])
  if at and tonumber(at) < tonumber(ARGV[1]) then redis.call('ZREM', KEYS[1], ARGV[number]) end
end
"""


class CacheRows(TokenRows):
    """Rows in a cache that can do no more than get, set and delete.

    :param cache: the cache.
    :param locks: the locks of all who use it.
    :param lifetime: seconds after which a row is gone that nobody writes.
    :param prefix: of the keys.
    """

    def __init__(self, cache: Any, locks: Locks, *, lifetime: int, prefix: str) -> None:
        self._cache = cache
        self._locks = locks
        self._lifetime = lifetime
        self._prefix = prefix

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        return _read_text(caches.read(self._cache, self._prefix + row_id))

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row, over any version or over a given one."""
        # First the list: a row that is on none would stay when its owner's tokens are removed.
        self._list(owner_id, row_id)
        return self._write(row_id, row, over)

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, of any version or of a given one."""
        with self._locks.hold(f"write_{row_id}"):
            row = self.read(row_id)
            if row is None or (over is not None and over != row.version):
                return False
            caches.remove(self._cache, self._prefix + row_id)
            return True

    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        """The rows of an owner, with their ids."""
        listed = self._listed(owner_id)
        rows = dict(zip(listed, self._read_many(list(listed)), strict=True)) if listed else {}
        before = now() - _LISTED
        gone = [row_id for row_id, row in rows.items() if row is None and listed[row_id] < before]
        if gone:
            self._unlist(owner_id, gone, before)
        return [(row_id, row) for row_id, row in rows.items() if row is not None]

    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[TokenRows]:
        """Lock a row, of all who use the same locks."""
        return self._held(row_id)

    @contextmanager
    def _held(self, row_id: str) -> Generator[TokenRows]:
        with self._locks.hold(f"refresh_{row_id}"):
            yield self

    def _read_many(self, row_ids: Sequence[str]) -> list[Row | None]:
        keys = [self._prefix + row_id for row_id in row_ids]
        return [_read_text(text) for text in caches.read_many(self._cache, keys)]

    def _write(self, row_id: str, row: Row, over: int | None) -> bool:
        with self._locks.hold(f"write_{row_id}"):
            if over is not None and over != _version(self.read(row_id)):
                return False
            text = _write_row(row.version, b64encode(row.sealed)).decode("ascii")
            caches.put(self._cache, self._prefix + row_id, text, self._lifetime)
            return True

    # -- whose rows they are --------------------------------------------------------------

    def _list_key(self, owner_id: str) -> str:
        return f"{self._prefix}of_{owner_id}"

    def _listed(self, owner_id: str) -> dict[str, float]:
        return _read_list(caches.read(self._cache, self._list_key(owner_id)))

    def _list(self, owner_id: str, row_id: str) -> None:
        if self._listed(owner_id).get(row_id, 0) > now() - _LIST_AGAIN:
            return
        with self._locks.hold(f"list_{owner_id}"):
            # Whatever is older than that has no row any more, listed or not.
            oldest = now() - self._lifetime - _LISTED
            listed = {i: at for i, at in self._listed(owner_id).items() if at > oldest}
            self._keep_list(owner_id, listed | {row_id: int(now())})

    def _unlist(self, owner_id: str, row_ids: Collection[str], before: float) -> None:
        with self._locks.hold(f"list_{owner_id}"):
            listed = self._listed(owner_id)
            left = {i: at for i, at in listed.items() if i not in row_ids or at >= before}
            self._keep_list(owner_id, left)

    def _keep_list(self, owner_id: str, listed: dict[str, float]) -> None:
        lifetime = self._lifetime + _LISTED
        caches.put(self._cache, self._list_key(owner_id), json.dumps(listed), lifetime)


class RedisRows(CacheRows):
    """Rows in Redis or Valkey, past cachelib, which would pickle them.

    Whatever stands there is read as bytes and nothing else. Read and written is one server: a
    replica may not know yet what was refreshed just now.
    """

    @property
    def _client(self) -> Any:
        return self._cache._write_client

    def _name(self, key: str) -> str:
        return f"{self._cache._get_prefix()}{self._prefix}{key}"

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        return _read_row(self._client.execute_command("GET", self._name(row_id), **_BYTES))

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, of any version or of a given one."""
        name = self._name(row_id)
        if over is None:
            return bool(self._client.delete(name))
        return bool(self._client.eval(_REMOVE, 1, name, f"{over:x}"))

    def every(self) -> Iterator[tuple[str, str]]:
        """Id of row and owner of all rows."""
        start = self._name("of_")
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", start) + "*"
        for found in self._client.scan_iter(match=pattern, count=500):
            owner_id = _text(found)[len(start) :]
            for row_id in self._listed(owner_id):
                yield row_id, owner_id

    def _read_many(self, row_ids: Sequence[str]) -> list[Row | None]:
        with self._client.pipeline(transaction=False) as pipeline:
            for row_id in row_ids:
                pipeline.execute_command("GET", self._name(row_id), **_BYTES)
            return [_read_row(value) for value in pipeline.execute()]

    def _write(self, row_id: str, row: Row, over: int | None) -> bool:
        name, value = self._name(row_id), _write_row(*row)
        if over is None:
            return bool(self._client.set(name, value, ex=self._lifetime))
        return bool(self._client.eval(_WRITE, 1, name, f"{over:x}", value, self._lifetime))

    def _listed(self, owner_id: str) -> dict[str, float]:
        found = self._client.zrange(self._name(f"of_{owner_id}"), 0, -1, withscores=True)
        return {_text(row_id): at for row_id, at in found}

    def _list(self, owner_id: str, row_id: str) -> None:
        name = self._name(f"of_{owner_id}")
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zadd(name, {row_id: int(now())})
            pipeline.zremrangebyscore(name, "-inf", int(now()) - self._lifetime - _LISTED)
            pipeline.expire(name, self._lifetime + _LISTED)
            pipeline.execute()

    def _unlist(self, owner_id: str, row_ids: Collection[str], before: float) -> None:
        name = self._name(f"of_{owner_id}")
        self._client.eval(_UNLIST, 1, name, int(before), *row_ids)


def _version(row: Row | None) -> int:
    return ABSENT if row is None else row.version


def _write_row(version: int, sealed: bytes) -> bytes:
    return b"%x.%b" % (version, sealed)


def _read_row(value: bytes | None) -> Row | None:
    """Read a value; ``None`` for what is no row, whoever wrote it."""
    version, dot, sealed = (value or b"").partition(b".")
    if not dot or not _VERSION.fullmatch(version):
        return None
    return Row(int(version, 16), sealed)


def _read_text(text: str | None) -> Row | None:
    row = _read_row((text or "").encode())
    try:
        return None if row is None else Row(row.version, b64decode(row.sealed, validate=True))
    except binascii.Error:
        return row  # which no key opens


def _read_list(value: Any) -> dict[str, float]:
    try:
        listed = json.loads(_text(value))
    except (ValueError, RecursionError):
        return {}
    items = listed.items() if isinstance(listed, dict) else ()
    return {row_id: at for row_id, at in items if isinstance(at, int | float)}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
