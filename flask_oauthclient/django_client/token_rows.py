"""Sealed tokens as rows of a table, and a lock for each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.core.exceptions import SynchronousOnlyOperation
from django.db import Error
from django.db import router
from django.utils.asyncio import async_unsafe

from ..protocol.errors import ConfigurationError
from ..protocol.errors import InvalidSettingError
from ..storage.tokens.database_errors import is_of_lost_file
from ..storage.tokens.database_errors import is_undone
from ..storage.tokens.memory import LOCK_WAIT
from ..storage.tokens.rows import ABSENT
from ..storage.tokens.rows import Row
from ..storage.tokens.rows import RowAccess
from ..storage.tokens.rows import TokenRows
from .token_connections import TokenConnections
from .token_database import TokenDatabase
from .token_errors import our_error
from .token_locks import LockedRows
from .token_locks import locks_beside
from .token_statements import Statement
from .token_statements import TokenStatements
from .token_statements import row_of

if TYPE_CHECKING:
    from .models import TokenBase

T = TypeVar("T")

#: How often a transaction is begun that other ones undo.
_TRIES = 4
#: How often a row is written that others make and remove at the same time.
_WRITE_TRIES = 4

_NOT_HERE = (
    "Django's databases cannot be used in the thread of an event loop. Call this by "
    "sync_to_async(...), or use a store that is no database."
)


class DjangoRows(TokenRows):
    """Rows in a table of Django's.

    :param using: the database; by default the router is asked.
    :param find_model: gives the model, once Django knows all of them.
    """

    def __init__(self, using: str | None, find_model: Callable[[], type[TokenBase]]) -> None:
        self._using = using
        self._find_model = find_model
        self.connections = TokenConnections(self._note_broken)
        self.broke_at = float("-inf")
        self._statements: dict[tuple[type[TokenBase], str], TokenStatements] = {}

    def alias(self) -> str:
        """The database of just now."""
        return self._using or router.db_for_write(self._find_model())

    def statements(self, database: TokenDatabase) -> TokenStatements:
        """What is said to the table."""
        place = self._find_model(), database.vendor
        if place not in self._statements:
            self._statements[place] = TokenStatements(place[0], database.connection)
        return self._statements[place]

    def attempt(self, work: Callable[[TokenDatabase], T], *, is_done: bool = True) -> T:
        """Use a connection, and another one if the transaction was undone or it was a stale one.

        :param is_done: whether that is all; else the connection belongs to the result.
        :raises OAuthError: whatever the database says.
        """
        left = _TRIES
        while True:
            left -= 1
            database = self._open()
            try:
                result = work(database)
            except BaseException as error:  # noqa: BLE001  raised below, without what led to it
                failure = error
            else:
                if is_done:
                    database.give_back()
                return result
            may_succeed = self.abandon(database, failure)
            if not left or not may_succeed:
                raise self.our_error(failure)

    def _open(self) -> TokenDatabase:
        try:
            return self._opened()
        except SynchronousOnlyOperation:
            pass
        raise ConfigurationError("invalid_configuration", _NOT_HERE)

    @async_unsafe
    def _opened(self) -> TokenDatabase:
        return TokenDatabase(self.connections, self.alias())

    def abandon(self, database: TokenDatabase, failure: BaseException) -> bool:
        """Drop a connection, and all that are as old if it was broken.

        :returns: whether the same may succeed with another connection.
        """
        is_broken = database.abandon()
        if not isinstance(failure, Error):
            return False
        if is_broken:
            self._note_broken()
        is_stale = is_broken or is_of_lost_file(failure.__cause__)
        if is_stale:
            self.connections.close()
        return is_stale or is_undone(failure.__cause__)

    def _note_broken(self) -> None:
        self.broke_at = time.monotonic()

    def our_error(self, failure: BaseException) -> BaseException:
        """What to raise for a failure of a connection."""
        if isinstance(failure, Error):
            return our_error(failure, self.connections, self.alias(), self._find_model())
        if isinstance(failure, ImproperlyConfigured):
            return InvalidSettingError(
                "invalid_configuration",
                "Django cannot use the database of the tokens as settings.DATABASES describes it. "
                f"Run: manage.py check --database {self.alias()}",
            )
        return failure

    # -- rows -----------------------------------------------------------------------------

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        found = self._select(lambda statements: statements.read(row_id))
        return row_of(found[0]) if found else None

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row, over any version or over a given one."""

        def work(database: TokenDatabase) -> bool:
            with database.writing():
                return self._written(database, row_id, owner_id, row, over)

        return self.attempt(work)

    def _written(
        self, database: TokenDatabase, row_id: str, owner_id: str, row: Row, over: int | None
    ) -> bool:
        say = self.statements(database)
        for left in reversed(range(_WRITE_TRIES)):
            if database.execute(say.update(row_id, row, over)):
                return True
            if over:  # a version, and another one is there
                return False
            if self.insert(database, row_id, owner_id, row, is_last=not left):
                return True
            if over == ABSENT and database.first(say.version(row_id)) not in (None, (ABSENT,)):
                return False
        return False

    def insert(
        self, database: TokenDatabase, row_id: str, owner_id: str, row: Row, *, is_last: bool
    ) -> bool:
        """Make a row, if nobody else has.

        :param is_last: whether that is no excuse any more. If nobody is in the way, a field of
            the application's own wants a value.
        """
        say = self.statements(database)
        made = say.insert(database.connection, row_id, owner_id, row, is_last=is_last)
        return database.execute(made) > 0

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, of any version or of a given one."""

        def work(database: TokenDatabase) -> bool:
            with database.writing():
                return database.execute(self.statements(database).remove(row_id, over)) > 0

        return self.attempt(work)

    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        """The rows of an owner, with their ids."""
        found = self._select(lambda statements: statements.of_owner(owner_id))
        return [(row_id, Row(int(version), bytes(sealed))) for row_id, version, sealed in found]

    def every(self) -> Iterator[tuple[str, str]]:
        """Id of row and owner of all rows, page by page; none is left out that stays."""
        page = self._page("")
        while page:
            yield from ((row_id, owner_id) for row_id, owner_id in page)
            page = self._page(page[-1][0])

    def _page(self, after: str) -> Sequence[Any]:
        return self._select(lambda statements: statements.page(after))

    def _select(self, statement: Callable[[TokenStatements], Statement]) -> Sequence[Any]:
        return self.attempt(lambda on: on.select(statement(self.statements(on))))

    # -- locks ----------------------------------------------------------------------------

    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[RowAccess]:
        """Lock a row, of all processes."""
        return self._held(row_id, owner_id)

    @contextmanager
    def _held(self, row_id: str, owner_id: str) -> Generator[RowAccess]:
        locks = self.attempt(locks_beside)
        if locks is not None:
            with locks.hold(row_id, LOCK_WAIT):
                self.attempt(lambda database: self._check_writable(database, row_id))
                yield self
            return
        held = LockedRows(self, row_id, owner_id)
        try:
            yield held
        finally:
            held.release()

    def _check_writable(self, database: TokenDatabase, row_id: str) -> None:
        """Write nothing: a token must not be spent whose successor could not be written."""
        database.check_exclusive()
        database.execute(self.statements(database).remove(row_id, ABSENT))
