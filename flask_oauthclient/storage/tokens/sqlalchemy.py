"""Tokens in a table of the application's database, by SQLAlchemy.

::

    metadata = MetaData()                      # the application's
    tokens = token_table(metadata)             # or: class Token(TokenMixin, db.Model): pass

    oauth.init_app(app, token_store=SQLAlchemyTokenStore(engine, tokens))

Each use is a short transaction of its own, on a connection of its own: what the application's
session has not committed is neither seen nor touched. While a token is refreshed its row is locked
(see :mod:`.sql_database`), on the one connection that then also writes; so a pool of one is enough
for a thread, besides what the application's sessions hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import ExitStack
from contextlib import contextmanager
from typing import Any
from typing import TypeVar

from sqlalchemy import MetaData
from sqlalchemy import Table
from sqlalchemy.engine import Connection
from sqlalchemy.event import contains
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import SQLAlchemyError

from .memory import LOCK_WAIT
from .rows import ABSENT
from .rows import Row
from .rows import RowAccess
from .rows import TokenRows
from .sql_database import Database
from .sql_errors import is_of_lost_file
from .sql_errors import is_worth_another_try
from .sql_errors import our_error
from .sql_source import engine_source
from .sql_table import TokenMixin
from .sql_table import TokenTable
from .sql_table import row_of
from .sql_table import table_of
from .sql_table import token_table
from .store import SealedTokenStore

__all__ = ["SQLAlchemyRows", "SQLAlchemyTokenStore", "TokenMixin", "token_table"]

T = TypeVar("T")

#: How often a transaction is begun that other ones undo.
_TRIES = 4


class SQLAlchemyRows(TokenRows):
    """Rows in a table.

    :param source: what gives the engine, see :class:`SQLAlchemyTokenStore`.
    :param table: the table.
    :raises InvalidSettingError: for a source or a table of the wrong kind.
    """

    def __init__(self, source: Any, table: Table) -> None:
        self.table = TokenTable(table)
        self.engine = engine_source(source, table)
        self.broke_at = float("-inf")
        self._known: Database | None = None

    def database(self) -> Database:
        """The database of just now: one object may serve several applications, one by one."""
        engine, known = self.engine(), self._known
        if known is None or known.engine is not engine:
            known = self._known = Database(engine, self.table.table)
            if not contains(engine, "invalidate", self._note_broken):
                listen(engine, "invalidate", self._note_broken)
        return known

    def _note_broken(self, *of_the_pool: Any) -> None:
        """Note it also where the pool has looked before it gave the connection out."""
        self.broke_at = time.monotonic()

    def attempt(self, work: Callable[[Database], T]) -> T:
        """Do a transaction, again if it was undone or the connection was a stale one.

        :raises OAuthError: whatever the database says.
        """
        left = _TRIES
        while True:
            left -= 1
            try:
                return work(self.database())
            except SQLAlchemyError as error:
                failure = error
            if is_of_lost_file(failure):
                self.engine().dispose()
            if not left or not is_worth_another_try(failure):
                raise our_error(failure, self.engine(), self.table)

    # -- rows -----------------------------------------------------------------------------

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        found = self._select(self.table.read, row_id=row_id)
        return row_of(found[0]) if found else None

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row, over any version or over a given one."""
        return self._change(lambda on: self.table.write(on, row_id, owner_id, row, over))

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, of any version or of a given one."""
        return self._change(lambda on: self.table.remove(on, row_id, over))

    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        """The rows of an owner, with their ids."""
        found = self._select(self.table.of_owner, owner_id=owner_id)
        return [(row_id, Row(int(version), bytes(sealed))) for row_id, version, sealed in found]

    def every(self) -> Iterator[tuple[str, str]]:
        """Id of row and owner of all rows, page by page; none is left out that stays."""
        page = self._select(self.table.page, after="")
        while page:
            yield from ((row_id, owner_id) for row_id, owner_id in page)
            page = self._select(self.table.page, after=page[-1][0])

    def _select(self, statement: Any, **values: Any) -> Sequence[Any]:
        return self.attempt(lambda database: database.select(statement, values))

    def _change(self, change: Callable[[Connection], bool]) -> bool:
        def work(database: Database) -> bool:
            with database.writing() as connection:
                return change(connection)

        return self.attempt(work)

    # -- locks ----------------------------------------------------------------------------

    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[RowAccess]:
        """Lock a row, of all processes."""
        return self._held(row_id, owner_id)

    @contextmanager
    def _held(self, row_id: str, owner_id: str) -> Generator[RowAccess]:
        locks = self.attempt(lambda database: database).locks
        if locks is not None:
            with locks(row_id, LOCK_WAIT):
                self.attempt(lambda database: self._check_writable(database, row_id))
                yield self
            return
        until = time.monotonic() + LOCK_WAIT
        held = self.attempt(lambda database: _LockedRows(self, database, row_id, owner_id, until))
        try:
            yield held
        finally:
            held.release()

    def _check_writable(self, database: Database, row_id: str) -> None:
        """Write nothing: a token must not be spent whose successor could not be written."""
        with database.writing() as connection:
            self.table.remove_empty(connection, row_id)


class _LockedRows(RowAccess):
    """Rows over the connection whose transaction locks one of them, until something is written.

    :param rows: the rows.
    :param until: when to give up.
    """

    def __init__(
        self, rows: SQLAlchemyRows, database: Database, row_id: str, owner_id: str, until: float
    ) -> None:
        self._rows = rows
        self._row_id = row_id
        with ExitStack() as stack:
            self._connection, begin = stack.enter_context(database.locking())
            version = rows.table.lock(self._connection, row_id, owner_id, begin=begin, until=until)
            self._stack = stack.pop_all()
        self._is_empty = version == ABSENT
        self._is_broken = False

    def release(self) -> None:
        """Give the lock back, and the connection."""
        with self._stack:
            if self._is_empty and not self._is_broken:
                self._rows.table.remove_empty(self._connection, self._row_id)

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        if self._is_broken:
            return self._rows.read(row_id)
        values = {"row_id": row_id}
        statement = self._rows.table.read
        return self._on(lambda connection: row_of(connection.execute(statement, values).first()))

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row, which ends the lock."""
        if self._is_broken:
            return self._rows.write(row_id, owner_id, row, over)
        return self._ended(lambda on: self._rows.table.write(on, row_id, owner_id, row, over))

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, which ends the lock."""
        if self._is_broken:
            return self._rows.remove(row_id, owner_id, over)
        return self._ended(lambda on: self._rows.table.remove(on, row_id, over))

    def _ended(self, change: Callable[[Connection], bool]) -> bool:
        is_done = self._on(change)
        self._is_empty = self._is_empty and not is_done
        return is_done

    def _on(self, work: Callable[[Connection], T]) -> T:
        """Use the connection; one that fails is closed, and gives its place in the pool back."""
        try:
            return work(self._connection)
        except BaseException as error:
            self._is_broken = True
            self._connection.invalidate()
            if not isinstance(error, SQLAlchemyError):
                raise
            failure = error
        raise our_error(failure, self._rows.engine(), self._rows.table)


class SQLAlchemyTokenStore(SealedTokenStore):
    """Tokens in a database: SQLite, PostgreSQL, MariaDB, MySQL.

    :param source: an ``Engine``; a ``Session``, ``scoped_session`` or ``sessionmaker`` bound to
        one; the ``SQLAlchemy`` object of Flask-SQLAlchemy or Flask-SQLAlchemy-Lite; or a function
        that returns an engine. No transaction of the application is used or ended.
    :param table: a table that :func:`token_table` made, or a model with :class:`TokenMixin`; by
        default one that only the store knows, see :meth:`create_table`.
    :param keys: the keys that seal the tokens, the current one first.
    :raises InvalidSettingError: for anything else.
    """

    def __init__(
        self, source: Any, table: Any = None, keys: Sequence[str | bytes] | None = None
    ) -> None:
        found = token_table(MetaData()) if table is None else table_of(table)
        self._sql_rows = SQLAlchemyRows(source, found)
        super().__init__(self._sql_rows, keys)

    def create_table(self) -> None:
        """Make the table if it is missing, for applications without migrations.

        :raises TokenStoreError: if the database is not there, or does not allow it.
        """
        self._sql_rows.attempt(self._create)

    def _create(self, database: Database) -> None:
        table = self._sql_rows.table.table
        try:
            table.create(database.engine, checkfirst=True)
        except DBAPIError:
            # Workers that start at the same time all find it missing, and one of them makes it.
            table.create(database.engine, checkfirst=True)
