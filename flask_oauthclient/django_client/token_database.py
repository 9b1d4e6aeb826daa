"""One use of a connection: transactions of the store's own, and bounded waits.

==================  ============================================================================
PostgreSQL          a lock ends by itself when its holder's machine is gone
                    (``idle_in_transaction_session_timeout``)
MariaDB, MySQL      the same by ``wait_timeout``
SQLite              a transaction that is open for as long as a request to the provider takes
                    would stop everybody else who writes into the database; so the locks are in
                    a file beside it
==================  ============================================================================
"""

from __future__ import annotations

from collections.abc import Generator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from contextlib import nullcontext
from typing import Any

from django.db import Error
from django.db import transaction

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import TokenStoreError
from ..storage.tokens.memory import LOCK_WAIT
from ..storage.tokens.memory import ProcessLocks
from .token_connections import TokenConnections
from .token_connections import close
from .token_connections import shared_connection
from .token_statements import Statement

#: Seconds after which a database server gives up a transaction that nobody goes on with: more
#: than a request to the provider takes, with all its time-outs.
IDLE_SECONDS = 60
#: Seconds for one statement, whatever the account's own limit is.
_STATEMENT_SECONDS = LOCK_WAIT + 10

_READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
_POSTGRESQL_LIMITS = (
    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true), "
    "set_config('idle_in_transaction_session_timeout', %s, true)"
)
#: MariaDB's own limits. Each would end a lock too early.
_MARIADB_IDLE = (
    "idle_transaction_timeout",
    "idle_write_transaction_timeout",
    "idle_readonly_transaction_timeout",
)
_UPTIME = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())",
    "mysql": "SHOW GLOBAL STATUS LIKE 'Uptime'",
}
#: Keeps threads apart that share a connection of the application.
_shared = ProcessLocks()
_KNOWN = frozenset({"sqlite", "postgresql", "mysql"})


class TokenDatabase:
    """A connection while it is used.

    :param connections: of the store.
    :param alias: of the database.
    :raises InvalidSettingError: for a kind of database that is not known.
    """

    def __init__(self, connections: TokenConnections, alias: str) -> None:
        self._connections = connections
        shared = shared_connection(alias)
        self.is_shared = shared is not None
        self._is_begun = False
        #: Whether the session has limits that fit nobody who waits for the next request.
        self._is_limited = False
        self.connection = connections.take(alias) if shared is None else shared
        self.vendor = self.connection.vendor
        if self.vendor not in _KNOWN:
            raise InvalidSettingError(
                "invalid_configuration",
                "DjangoTokenStore keeps tokens in PostgreSQL, MariaDB, MySQL or SQLite. Name such "
                "a database with using=..., or use a CacheTokenStore.",
            )

    # -- statements -----------------------------------------------------------------------

    def execute(self, statement: Statement) -> int:
        """Run a statement that changes something.

        :returns: how many rows it has found.
        """
        with self._ready(), self.connection.cursor() as cursor:
            cursor.execute(*statement)
            found: int = cursor.rowcount
        return found

    def select(self, statement: Statement) -> Sequence[Any]:
        """Run a statement that reads."""
        with self._ready(), self.connection.cursor() as cursor:
            cursor.execute(*statement)
            found: Sequence[Any] = cursor.fetchall()
        return found

    def first(self, statement: Statement) -> Any:
        """Run a statement that reads one row; ``None`` if it is not there."""
        found = self.select(statement)
        return found[0] if found else None

    @contextmanager
    def _ready(self) -> Generator[None]:
        """Let a statement end with itself, unless a transaction was begun."""
        if self.is_shared:
            # SQLite counts the rows that a connection has changed, whichever thread it was.
            with _shared.hold("statement"), self._savepoint():
                yield
            return
        if not self._is_begun and not self.connection.get_autocommit():
            self.connection.set_autocommit(True)
        yield

    def _savepoint(self) -> AbstractContextManager[None]:
        """Let a failure undo nothing but what was ours in a transaction of the application."""
        if self.connection.in_atomic_block:
            return transaction.atomic(using=self.connection.alias)
        return nullcontext()

    # -- transactions ---------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Generator[None]:
        """A short transaction, in which nothing waits for ever."""
        if self.is_shared or self.vendor == "sqlite":
            yield  # each statement is a transaction, which takes the lock when it begins
        else:
            self.begin()
            yield
            self.commit()

    def begin(self) -> None:
        """Begin a transaction with the limits of ours."""
        self.connection.set_autocommit(False)
        self._is_begun = True
        # Whatever the application uses: a lock that was waited for shows what was written before.
        self.execute((_READ_COMMITTED, ()))
        if self.vendor == "mysql":
            self._limit_mysql()
            return
        seconds = LOCK_WAIT, _STATEMENT_SECONDS, IDLE_SECONDS
        self.execute((_POSTGRESQL_LIMITS, tuple(f"{1000 * value:.0f}ms" for value in seconds)))

    def _limit_mysql(self) -> None:
        self._is_limited = True
        limits = {"innodb_lock_wait_timeout": round(LOCK_WAIT), "wait_timeout": IDLE_SECONDS}
        if getattr(self.connection, "mysql_is_mariadb", False):
            limits["max_statement_time"] = round(_STATEMENT_SECONDS)
            limits |= dict.fromkeys(_MARIADB_IDLE, IDLE_SECONDS)
        settings = ", ".join(f"SESSION {name} = %s" for name in limits)
        self.execute((f"SET {settings}", tuple(limits.values())))

    def uptime(self) -> float:
        """Seconds for which the server has been up; a lock that was held before is gone."""
        return float(self.first((_UPTIME[self.vendor], ()))[-1])

    def commit(self) -> None:
        """End a transaction.

        :raises TokenStoreError: if that fails: then nobody knows whether the transaction counts,
            and it must not be done again.
        """
        try:
            self.connection.commit()
        except Error as error:
            failure = type(error).__name__
        else:
            self._is_begun = False
            self.connection.set_autocommit(True)
            return
        raise TokenStoreError(detail={"failure": failure, "commit": "unknown"})

    def rollback(self) -> None:
        """Undo a transaction."""
        self.connection.rollback()
        self._is_begun = False
        self.connection.set_autocommit(True)

    def check_exclusive(self) -> None:
        """Find out whether SQLite would let us commit: nobody else may be in a transaction."""
        if self.is_shared:
            return
        self.execute(("BEGIN EXCLUSIVE", ()))
        self.execute(("COMMIT", ()))

    # -- the end --------------------------------------------------------------------------

    def give_back(self) -> None:
        """Be done."""
        if self.is_shared:
            return
        if self._is_limited:
            close(self.connection)
            return
        self._connections.give_back(self.connection)

    def abandon(self) -> bool:
        """Be done after an error; a transaction that is open is undone.

        :returns: whether the connection was broken, and with it all locks that it held.
        """
        if self.is_shared:
            return False
        is_broken = self.connection.connection is not None and not self._is_usable()
        close(self.connection)
        return is_broken

    def _is_usable(self) -> bool:
        try:
            if not self.connection.autocommit:
                self.connection.rollback()
            return self.connection.is_usable()
        except Error:
            return False
