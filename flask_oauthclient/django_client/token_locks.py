"""Locks for the rows of the table of tokens, while one of them is refreshed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import TypeVar

from ..protocol.errors import TokenStoreError
from ..storage.tokens.file_locks import FileLocks
from ..storage.tokens.memory import LOCK_WAIT
from ..storage.tokens.memory import ProcessLocks
from ..storage.tokens.rows import ABSENT
from ..storage.tokens.rows import Row
from ..storage.tokens.rows import RowAccess
from .token_statements import row_of

if TYPE_CHECKING:
    from .token_database import TokenDatabase
    from .token_rows import DjangoRows

T = TypeVar("T")

#: How often a row is made to be locked that those remove who had the lock before.
_LOCK_TRIES = 20
#: Seconds after the start of a server in which a token that came while it was down is written.
_GRACE = 1.0

#: The locks of all who share a connection of the application.
_shared_locks = ProcessLocks()


def locks_beside(database: TokenDatabase) -> FileLocks | ProcessLocks | None:
    """The locks, where they are not in the database itself: beside SQLite's file, or here."""
    if database.is_shared:
        return _shared_locks
    if database.vendor != "sqlite":
        return None
    listed = database.select(("PRAGMA database_list", ()))
    file = Path(next(file for _, name, file in listed if name == "main")).resolve()
    return FileLocks(f"{file}.oauthclient-locks", like=file)


class LockedRows(RowAccess):
    """Rows over the connection whose transaction locks one of them, until something is written.

    :param rows: the rows.
    :raises TokenStoreError: if the lock cannot be had.
    """

    def __init__(self, rows: DjangoRows, row_id: str, owner_id: str) -> None:
        self._rows = rows
        self._until = time.monotonic() + LOCK_WAIT

        def work(database: TokenDatabase) -> TokenDatabase:
            self._begin(database)
            self._lock(database, row_id, owner_id)
            return database

        #: The connection, until the lock has ended.
        self._database: TokenDatabase | None = rows.attempt(work, is_done=False)

    @staticmethod
    def _begin(database: TokenDatabase) -> None:
        """Begin, but let others write at first what they got while the server was down."""
        uptime = database.uptime()
        if uptime < _GRACE:
            time.sleep(_GRACE - uptime)
        database.begin()

    def _lock(self, database: TokenDatabase, row_id: str, owner_id: str) -> None:
        say = self._rows.statements(database)
        empty = Row(ABSENT, b"\0")  # to some databases nothing is NULL
        for left in reversed(range(_LOCK_TRIES)):
            if time.monotonic() > self._until:
                break
            if database.first(say.lock(row_id)) is not None:
                return
            # A row that is made holds its place until the end of the transaction, which undoes it.
            if self._rows.insert(database, row_id, owner_id, empty, is_last=not left):
                return
        raise TokenStoreError("token_busy")

    def release(self) -> None:
        """Give the lock back, and the connection."""
        if self._database is not None:
            self._end(lambda database: False)

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        if self._database is None:
            return self._rows.read(row_id)
        say = self._rows.statements(self._database).read(row_id)
        return row_of(self._use(lambda database: database.first(say)))

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row, which ends the lock."""
        if self._database is None:
            return self._rows.write(row_id, owner_id, row, over)
        say = self._rows.statements(self._database).update(row_id, row, over)
        return self._end(lambda database: database.execute(say) > 0)

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, which ends the lock."""
        if self._database is None:
            return self._rows.remove(row_id, owner_id, over)
        say = self._rows.statements(self._database).remove(row_id, over)
        return self._end(lambda database: database.execute(say) > 0)

    def _end(self, change: Callable[[TokenDatabase], bool]) -> bool:
        def work(database: TokenDatabase) -> bool:
            is_changed = change(database)
            if is_changed:
                database.commit()
            else:
                database.rollback()
            return is_changed

        is_changed = self._use(work)
        database, self._database = self._database, None
        if database is not None:
            database.give_back()
        return is_changed

    def _use(self, work: Callable[[TokenDatabase], T]) -> T:
        """Use the connection; what is left to do after a failure is done without the lock."""
        database = self._database
        assert database is not None  # noqa: S101
        try:
            return work(database)
        except BaseException as error:  # noqa: BLE001  raised below, without what led to it
            failure = error
        self._database = None
        self._rows.abandon(database, failure)
        raise self._rows.our_error(failure)
