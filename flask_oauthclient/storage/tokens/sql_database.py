"""What the databases do differently: isolation, bounded waits, SQLite's files and memory.

==================  ============================================================================
PostgreSQL          reads without a transaction; a lock ends by itself when its holder's machine
                    is gone (``idle_in_transaction_session_timeout``)
MariaDB, MySQL      the same by ``wait_timeout``, which, as the other limits, is a variable of the
                    session and is put back
SQLite              a transaction that is open for as long as a request to the provider takes
                    would stop everybody else who writes into the database; so the locks are in
                    a file beside it
SQLite in memory    all share one connection, and with it the application's open transaction
==================  ============================================================================
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Executable
from sqlalchemy import Table
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import Pool
from sqlalchemy.pool import SingletonThreadPool
from sqlalchemy.pool import StaticPool

from ...protocol.errors import TokenStoreError
from .file_locks import FileLocks
from .forks import after_fork
from .memory import LOCK_WAIT
from .memory import ProcessLocks
from .sql_errors import LOCKED

#: Hold a lock by its name, waiting for so many seconds.
Locks = Callable[[str, float], AbstractContextManager[None]]

#: Seconds after which a database server gives up a transaction that nobody goes on with: more
#: than a request to the provider takes, with all its time-outs.
IDLE_SECONDS = 60
#: Seconds for one statement, whatever the account's own limit is.
_STATEMENT_SECONDS = LOCK_WAIT + 10
#: The lock of all who write through one shared connection.
_WRITING = "write"

_MYSQL = frozenset({"mysql", "mariadb"})
#: Databases that know the isolation level under which a lock shows what was written before it.
_READ_COMMITTED = frozenset({"postgresql", "mysql", "mariadb", "mssql", "oracle"})


class Database:
    """One engine, and how to use it for the table of tokens.

    :param engine: the application's.
    :param table: the table.
    """

    def __init__(self, engine: Engine, table: Table) -> None:
        self.engine = engine
        name = engine.dialect.name
        self.is_sqlite = name == "sqlite"
        self._is_shared = isinstance(engine.pool, StaticPool | SingletonThreadPool)
        self._writing_level = "READ COMMITTED" if name in _READ_COMMITTED else None
        self._reading_level = None
        if name == "postgresql" or (name in _MYSQL and _is_serializable(engine)):
            self._reading_level = "AUTOCOMMIT"
        self.locks: Locks | None = _sqlite_locks(engine, table) if self.is_sqlite else None
        if not self._is_shared:
            after_fork(engine, _leave_to_parent)

    # -- reading --------------------------------------------------------------------------

    def select(self, statement: Executable, values: dict[str, Any]) -> Sequence[Any]:
        """Run one statement that only reads."""
        if self._is_shared and self.is_sqlite:
            return self._select_beside(statement, values)
        with _connected(self.engine, self._reading_level) as connection:
            return connection.execute(statement, values).all()

    def _select_beside(self, statement: Any, values: dict[str, Any]) -> Sequence[Any]:
        """Read past SQLAlchemy, which would end the transaction of who shares the connection."""
        compiled = statement.compile(dialect=self.engine.dialect)
        parameters = compiled.construct_params(values)
        with _driver(self.engine) as driver:
            cursor = driver.cursor()
            try:
                cursor.execute(str(compiled), [parameters[name] for name in compiled.positiontup])
                return list(cursor.fetchall())
            except sqlite3.Error as error:
                failure = OperationalError(str(compiled), None, error)
            finally:
                cursor.close()
        raise failure

    # -- writing --------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A connection for a short transaction, in which nothing waits for ever."""
        if self._is_shared and self.is_sqlite:
            with self._writing_beside() as connection:
                yield connection
            return
        with self.locking() as (connection, begin):
            begin()
            yield connection

    @contextmanager
    def locking(self) -> Generator[tuple[Connection, Callable[[], None]]]:
        """A connection, and what is to be called in each of its transactions at first."""
        with _connected(self.engine, self._writing_level) as connection:
            name = connection.dialect.name
            if name in _MYSQL:
                with _mysql_limits(connection):
                    yield connection, _nothing
            elif name == "postgresql":
                yield connection, lambda: _limit_postgresql(connection)
            else:
                # SQLite: the transaction begins with a statement that writes, and so takes the
                # lock that BEGIN IMMEDIATE takes.
                yield connection, _nothing

    @contextmanager
    def _writing_beside(self) -> Generator[Connection]:
        with _memory_locks(self.engine.pool).hold(_WRITING):
            with _driver(self.engine) as driver:
                if getattr(driver, "in_transaction", False):
                    # Our commit would be the application's.
                    raise TokenStoreError("token_store_unavailable", LOCKED)
            with self.engine.connect() as connection:
                yield connection


#: Never collected: some drivers then take leave of the server, in the parent's name.
_of_parents: list[Pool] = []


def _leave_to_parent(engine: Engine) -> None:
    _of_parents.append(engine.pool)
    engine.dispose(close=False)


@contextmanager
def _connected(engine: Engine, level: str | None) -> Generator[Connection]:
    """A connection with an isolation level of ours, which the pool puts back."""
    with engine.connect() as connection:
        if level is not None:
            _set_level(connection, level)
        yield connection


def _set_level(connection: Connection, level: str) -> None:
    try:
        connection.execution_options(isolation_level=level)
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001  SQLAlchemy does not look at what a driver says here
        failure: Any = error  # of the driver, which is what is_disconnect wants
    else:
        return
    engine = connection.engine
    is_gone = engine.dialect.is_disconnect(failure, None, None)
    connection.invalidate()
    if is_gone:
        engine.dispose()  # the server has closed them all
    raise OperationalError("SET TRANSACTION", None, failure, connection_invalidated=is_gone)


def _nothing() -> None:
    """What there is to be done at the beginning of most transactions."""


def _is_serializable(engine: Engine) -> bool:
    """Whether reading would wait for whoever holds a lock."""
    with engine.connect() as connection:
        return connection.get_isolation_level() == "SERIALIZABLE"


# -- waits of the servers -----------------------------------------------------------------

_POSTGRESQL_LIMITS = text(
    "SELECT set_config('lock_timeout', :wait, true), set_config('statement_timeout', :all, true), "
    "set_config('idle_in_transaction_session_timeout', :idle, true)"
)
#: MariaDB's own limits, and since when it has them. Each would end a lock too early.
_MARIADB_IDLE = (
    "idle_transaction_timeout",
    "idle_write_transaction_timeout",
    "idle_readonly_transaction_timeout",
)
_MARIADB = 10, 3


def _limit_postgresql(connection: Connection) -> None:
    seconds = {"wait": LOCK_WAIT, "all": _STATEMENT_SECONDS, "idle": IDLE_SECONDS}
    values = {name: f"{1000 * value:.0f}ms" for name, value in seconds.items()}
    connection.execute(_POSTGRESQL_LIMITS, values)


def _limits_of(dialect: Any) -> dict[str, int]:
    """Variables of a session, and their values while a row is locked."""
    limits = {"innodb_lock_wait_timeout": round(LOCK_WAIT), "wait_timeout": IDLE_SECONDS}
    if dialect.is_mariadb and (dialect.server_version_info or ()) >= _MARIADB:
        limits["max_statement_time"] = round(_STATEMENT_SECONDS)
        limits |= dict.fromkeys(_MARIADB_IDLE, IDLE_SECONDS)
    return limits


@contextmanager
def _mysql_limits(connection: Connection) -> Generator[None]:
    limits = _limits_of(connection.dialect)
    names = ", ".join(f"@@SESSION.{name}" for name in limits)
    before = connection.execute(text(f"SELECT {names}")).one()
    _set_limits(connection, limits)
    try:
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            _put_back(connection, dict(zip(limits, before, strict=True)))


def _set_limits(connection: Connection, limits: dict[str, Any]) -> None:
    settings = ", ".join(f"SESSION {name} = :{name}" for name in limits)
    connection.execute(text(f"SET {settings}"), limits)


def _put_back(connection: Connection, limits: dict[str, Any]) -> None:
    try:
        _set_limits(connection, limits)
    except SQLAlchemyError:
        connection.invalidate()  # nobody else shall get it with our limits


# -- SQLite ---------------------------------------------------------------------------------


@contextmanager
def _driver(engine: Engine) -> Generator[Any]:
    """The driver's connection, without a checkout where that would end a transaction."""
    pool = engine.pool
    if isinstance(pool, StaticPool) and pool.connection.dbapi_connection is not None:
        yield pool.connection.dbapi_connection
        return
    checked_out = engine.raw_connection()
    try:
        yield checked_out.dbapi_connection
    finally:
        checked_out.close()


_pools: weakref.WeakKeyDictionary[Pool, ProcessLocks] = weakref.WeakKeyDictionary()


def _memory_locks(pool: Pool) -> ProcessLocks:
    return _pools.setdefault(pool, ProcessLocks())


def _sqlite_locks(engine: Engine, table: Table) -> Locks:
    """Locks of all who have the database: beside its file, or in this process."""
    with _driver(engine) as driver:
        cursor = driver.cursor()
        files = {name: file for _, name, file in cursor.execute("PRAGMA database_list").fetchall()}
        cursor.close()
    file = Path(files.get(table.schema or "main") or "")
    if not file.is_file():
        return _memory_locks(engine.pool).hold
    return FileLocks(f"{file.resolve()}.oauthclient-locks", like=file).hold
