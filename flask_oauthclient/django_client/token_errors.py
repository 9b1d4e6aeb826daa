"""What the errors of Django's databases mean here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import Error
from django.db import IntegrityError

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.errors import TokenStoreError
from ..storage.tokens.database_errors import is_busy
from ..storage.tokens.database_errors import is_sqlite_locked
from ..storage.tokens.database_errors import is_undone

if TYPE_CHECKING:
    from .models import TokenBase
    from .token_connections import TokenConnections

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


def our_error(
    error: Error, connections: TokenConnections, alias: str, model: type[TokenBase]
) -> OAuthError:
    """What to raise instead, in words that say what to do."""
    kind = type(error).__name__
    detail = {"failure": kind}
    original = error.__cause__
    if type(original).__name__ == "PoolTimeout":
        return TokenStoreError("token_store_unavailable", _POOL, detail=detail)
    if is_sqlite_locked(original):
        return TokenStoreError("token_store_unavailable", LOCKED, detail=detail)
    if is_busy(original):
        return TokenStoreError("token_busy", detail=detail)
    if isinstance(error, IntegrityError):
        return InvalidSettingError("invalid_configuration", _OWN_FIELDS, detail=detail)
    if is_undone(original):
        return TokenStoreError(detail=detail)
    lacking = _lacking(connections, alias, model)
    if lacking is None:
        return TokenStoreError(detail=detail)
    hint = f"{lacking} Run: manage.py migrate --database {alias}"
    return MissingConfigurationError("missing_configuration", hint, detail=detail)


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
