"""What the errors of Django's databases mean here."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from typing import Any

from django.db import Error
from django.db import IntegrityError

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.errors import TokenStoreError

if TYPE_CHECKING:
    from .models import TokenBase
    from .token_connections import TokenConnections

#: A lock was waited for, for as long as it was to be: PostgreSQL, MySQL.
_BUSY = frozenset({"55P03", 1205})
#: Two transactions were in each other's way, and this one was undone: PostgreSQL, MySQL, MariaDB.
_UNDONE = frozenset({"40001", "40P01", 1213, 1020})
#: The low bits of SQLite's codes.
_SQLITE_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

LOCKED = (
    "The SQLite database is locked by a transaction of somebody else. A usual cause is "
    "ATOMIC_REQUESTS, or an atomic block around the call: end it before a token is used, or give "
    "the tokens a database of their own, DjangoTokenStore(using=...)."
)
_POOL = (
    "No database connection became free. The pool needs one more than there are threads whose "
    "requests hold one."
)
_OWN_FIELDS = (
    "The table of tokens refuses a row. A field that the application has added has to have a "
    "default, or may be null."
)


def _codes(error: Error) -> set[Any]:
    """The codes that the database and its driver give to an error."""
    original = error.__cause__
    codes = {getattr(original, name, None) for name in ("sqlstate", "pgcode")}
    return codes | {next(iter(getattr(original, "args", ())), None)}


def is_undone(error: Error) -> bool:
    """Whether the same transaction may succeed now."""
    return bool(_codes(error) & _UNDONE)


def is_of_lost_file(error: Error) -> bool:
    """Whether SQLite has another file open than the one that is there now."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_READONLY_DBMOVED


def our_error(
    error: Error, connections: TokenConnections, alias: str, model: type[TokenBase]
) -> OAuthError:
    """What to raise instead, in words that say what to do."""
    kind = type(error).__name__
    detail = {"failure": kind}
    if type(error.__cause__).__name__ == "PoolTimeout":
        return TokenStoreError("token_store_unavailable", _POOL, detail=detail)
    if _is_sqlite_locked(error):
        return TokenStoreError("token_store_unavailable", LOCKED, detail=detail)
    if _codes(error) & _BUSY:
        return TokenStoreError("token_busy", detail=detail)
    if isinstance(error, IntegrityError):
        return InvalidSettingError("invalid_configuration", _OWN_FIELDS, detail=detail)
    if is_undone(error):
        return TokenStoreError(detail=detail)
    lacking = _lacking(connections, alias, model)
    if lacking is None:
        return TokenStoreError(detail=detail)
    hint = f"{lacking} Run: manage.py migrate --database {alias}"
    return MissingConfigurationError("missing_configuration", hint, detail=detail)


def _is_sqlite_locked(error: Error) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _SQLITE_LOCKED


def _lacking(connections: TokenConnections, alias: str, model: type[TokenBase]) -> str | None:
    """Ask the database, whose codes for this are many, whether the table is as it has to be."""
    from .token_database import TokenDatabase

    table = model._meta.db_table
    database = TokenDatabase(connections, alias)
    try:
        with database.connection.cursor() as cursor:
            names = {
                found.name for found in database.connection.introspection.get_table_list(cursor)
            }
            if table not in names:
                return f"The table {table} is not in the database."
            found = database.connection.introspection.get_table_description(cursor, table)
    except Error:
        return None
    finally:
        database.abandon()
    columns = {column.name for column in found}
    lacks = sorted({str(field.column) for field in model._meta.concrete_fields} - columns)
    return f"The table {table} lacks {', '.join(lacks)}." if lacks else None
