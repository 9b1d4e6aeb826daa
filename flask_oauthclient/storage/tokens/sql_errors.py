"""What the errors of databases mean here."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ...protocol.errors import InvalidSettingError
from ...protocol.errors import MissingConfigurationError
from ...protocol.errors import OAuthError
from ...protocol.errors import TokenStoreError
from .sql_table import TokenTable

#: A lock was waited for, for as long as it was to be: PostgreSQL, MySQL.
_BUSY = frozenset({"55P03", 1205})
#: Two transactions were in each other's way, and this one was undone: PostgreSQL, MySQL, MariaDB.
_UNDONE = frozenset({"40001", "40P01", 1213, 1020})
#: The low bits of SQLite's codes.
_SQLITE_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

LOCKED = (
    "The SQLite database is locked by a transaction that writes. A usual cause is one of the same "
    "request: commit it before the login returns or a token is used."
)
_POOL = (
    "No database connection became free. The pool needs one more than there are threads whose "
    "sessions hold one: make it larger, or give the store an engine of its own."
)
_OWN_COLUMNS = (
    "The table of tokens refuses a row. A column that the application has added has to have a "
    "default, or may be NULL."
)


def _codes(error: SQLAlchemyError) -> set[Any]:
    """The codes that the database and its driver give to an error."""
    original: Any = getattr(error, "orig", None)
    codes = {getattr(original, name, None) for name in ("sqlstate", "pgcode", "errno")}
    first = next(iter(getattr(original, "args", ())), None)
    # pg8000 has the fields of the answer, the drivers of MySQL the number.
    return codes | {first.get("C") if isinstance(first, dict) else first}


def is_worth_another_try(error: SQLAlchemyError) -> bool:
    """Whether the same transaction may succeed now: it was undone, or the connection was stale."""
    if not isinstance(error, DBAPIError):
        return False
    if is_of_lost_file(error):
        return True
    return error.connection_invalidated or bool(_codes(error) & _UNDONE)


def is_of_lost_file(error: SQLAlchemyError) -> bool:
    """Whether SQLite has another file open than the one that is there now."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_READONLY_DBMOVED


def our_error(error: SQLAlchemyError, engine: Engine, table: TokenTable) -> OAuthError:
    """What to raise instead, in words that say what to do."""
    kind = type(error).__name__
    detail = {"failure": kind}
    if isinstance(error, PoolTimeout):
        return TokenStoreError("token_store_unavailable", _POOL, detail=detail)
    if _is_sqlite_locked(error):
        return TokenStoreError("token_store_unavailable", LOCKED, detail=detail)
    if _codes(error) & _BUSY:
        return TokenStoreError("token_busy", detail=detail)
    if isinstance(error, IntegrityError):
        return InvalidSettingError("invalid_configuration", _OWN_COLUMNS, detail=detail)
    if _codes(error) & _UNDONE:
        return TokenStoreError(detail=detail)
    return _missing(error, engine, table) or TokenStoreError(detail=detail)


def _is_sqlite_locked(error: SQLAlchemyError) -> bool:
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _SQLITE_LOCKED


def _missing(error: SQLAlchemyError, engine: Engine, table: TokenTable) -> OAuthError | None:
    """Ask the database, whose codes for this are many, whether the table is as it has to be."""
    if not isinstance(error, DBAPIError) or not error.statement or error.connection_invalidated:
        return None
    try:
        found = inspect(engine).get_columns(table.table.name, schema=table.table.schema)
    except NoSuchTableError:
        lacking = f"The table {table.table.fullname} is not in the database."
    except SQLAlchemyError:
        return None
    else:
        names = {column["name"] for column in found}
        lacks = sorted(column.name for column in table.table.c if column.name not in names)
        if not lacks:
            return None
        lacking = f"The table {table.table.fullname} lacks {', '.join(lacks)}."
    return MissingConfigurationError(
        "missing_configuration",
        f"{lacking} Make it with a migration, or with create_table() of the store.",
        detail={"failure": type(error).__name__},
    )
