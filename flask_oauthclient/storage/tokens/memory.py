"""Tokens in the memory of one process: for tests, and for tokens of a client's own."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager

from ...protocol.errors import TokenStoreError
from .envelope import new_key
from .rows import ABSENT
from .rows import Row
from .rows import TokenRows
from .store import SealedTokenStore

#: Seconds that somebody waits for a lock: longer than one request to the provider takes.
LOCK_WAIT = 20.0


class ProcessLocks:
    """A lock for each row, of the threads of this process."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}
        self._pid = os.getpid()

    @contextmanager
    def hold(self, name: str, wait: float = LOCK_WAIT) -> Generator[None]:
        """Hold a lock.

        :param name: its name.
        :param wait: seconds to wait for it.
        :raises TokenStoreError: if others hold it for longer.
        """
        lock = self._enter(name)
        try:
            if not lock.acquire(timeout=wait):
                raise TokenStoreError("token_busy")
            try:
                yield
            finally:
                lock.release()
        finally:
            self._leave(name)

    def _enter(self, name: str) -> threading.Lock:
        if self._pid != os.getpid():  # a fork: nobody is left to release what was held
            self._reset()
        with self._guard:
            lock, users = self._locks.get(name) or (threading.Lock(), 0)
            self._locks[name] = lock, users + 1
            return lock

    def _leave(self, name: str) -> None:
        with self._guard:
            lock, users = self._locks[name]
            if users > 1:
                self._locks[name] = lock, users - 1
            else:
                del self._locks[name]


class MemoryRows(TokenRows):
    """Rows in a dict."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, Row]] = {}
        self._guard = threading.Lock()
        self._locks = ProcessLocks()

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        found = self._rows.get(row_id)
        return None if found is None else found[1]

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row, over any version or over a given one."""
        with self._guard:
            if not self._is(row_id, over):
                return False
            self._rows[row_id] = owner_id, row
            return True

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, of any version or of a given one."""
        with self._guard:
            return self._is(row_id, over) and self._rows.pop(row_id, None) is not None

    def _is(self, row_id: str, version: int | None) -> bool:
        if version is None:
            return True
        row = self.read(row_id)
        return version == (ABSENT if row is None else row.version)

    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        """The rows of an owner, with their ids."""
        rows = self._rows.copy()
        return [(row_id, row) for row_id, (owner, row) in rows.items() if owner == owner_id]

    @contextmanager
    def _held(self, row_id: str) -> Generator[TokenRows]:
        with self._locks.hold(row_id):
            yield self

    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[TokenRows]:
        """Lock a row, of all threads."""
        return self._held(row_id)

    def every(self) -> Iterator[tuple[str, str]]:
        """Id of row and owner of all rows."""
        for row_id, (owner, _) in self._rows.copy().items():
            yield row_id, owner


class MemoryTokenStore(SealedTokenStore):
    """Tokens that are gone when the process ends.

    :param keys: keys that seal them; default is one that nobody else has.
    """

    def __init__(self, keys: Sequence[str | bytes] | None = None) -> None:
        super().__init__(MemoryRows(), [new_key()] if keys is None else keys)
