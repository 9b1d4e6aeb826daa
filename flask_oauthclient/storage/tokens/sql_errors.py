"""What the errors of SQLAlchemy mean here."""

from __future__ import annotations

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
from . import database_errors
from .database_errors import is_busy
from .database_errors import is_sqlite_locked
from .database_errors import is_undone
from .sql_table import TokenTable

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


def is_worth_another_try(error: SQLAlchemyError) -> bool:
    """Whether the same transaction may succeed now: it was undone, or the connection was stale."""
    if not isinstance(error, DBAPIError):
        return False
    return is_of_lost_file(error) or error.connection_invalidated or is_undone(error.orig)


def is_of_lost_file(error: SQLAlchemyError) -> bool:
    """Whether SQLite has another file open than the one that is there now."""
    return database_errors.is_of_lost_file(getattr(error, "orig", None))


def our_error(error: SQLAlchemyError, engine: Engine, table: TokenTable) -> OAuthError:
    """What to raise instead, in words that say what to do."""
    kind = type(error).__name__
    detail = {"failure": kind}
    original = getattr(error, "orig", None)
    if isinstance(error, PoolTimeout):
        return TokenStoreError("token_store_unavailable", _POOL, detail=detail)
    if is_sqlite_locked(original):
        return TokenStoreError("token_store_unavailable", LOCKED, detail=detail)
    if is_busy(original):
        return TokenStoreError("token_busy", detail=detail)
    if isinstance(error, IntegrityError):
        return InvalidSettingError("invalid_configuration", _OWN_COLUMNS, detail=detail)
    if is_undone(original):
        return TokenStoreError(detail=detail)
    return _missing(error, engine, table) or TokenStoreError(detail=detail)


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
