"""The table of tokens, and what is said to it.

===============  ==============================================================================
``id``           hash of client, owner and label
``owner``        hash of the owner; all rows of a person have the same
``version``      a number that each writing changes; 0 in a row that holds a place for a token
                 that is yet to come
``sealed``       the token, encrypted
``updated_at``   seconds since the epoch, so that what is old can be deleted
===============  ==============================================================================

Whoever reads a copy of it learns who has how many tokens, if he can guess the owner's key, and
nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy import Column
from sqlalchemy import LargeBinary
from sqlalchemy import MetaData
from sqlalchemy import String
from sqlalchemy import Table
from sqlalchemy import bindparam
from sqlalchemy import delete
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.dialects.mysql import MEDIUMBLOB
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import IntegrityError

from ...protocol.errors import InvalidSettingError
from ...protocol.errors import TokenStoreError
from .rows import ABSENT
from .rows import Row

#: Name of a table that was not given one.
TABLE_NAME = "oauthclient_token"

_HASH = String(64)
# MySQL's BLOB ends just above what a token may have.
_BYTES = LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")
#: Rows that are listed in one go.
_PAGE = 500
#: How often a row is written that others make and remove at the same time.
_TRIES = 4
#: How often a row is made to be locked that those remove who had the lock before.
_LOCK_TRIES = 20
#: Databases of which the tests know what ``SELECT ... FOR UPDATE`` does.
_FOR_UPDATE = frozenset({"postgresql", "mysql", "mariadb"})
#: Stands in a row without a token. Not empty: to some databases that is NULL.
_NOTHING = b"\0"


def _columns() -> dict[str, Column[Any]]:
    return {
        "id": Column("id", _HASH, primary_key=True),
        "owner": Column("owner", _HASH, nullable=False, index=True),
        "version": Column("version", BigInteger(), nullable=False),
        "sealed": Column("sealed", _BYTES, nullable=False),
        "updated_at": Column("updated_at", BigInteger(), nullable=False),
    }


def token_table(metadata: MetaData, name: str = TABLE_NAME, *others: Any, **options: Any) -> Table:
    """Make the table in the application's metadata, where its migrations find it.

    :param metadata: the application's.
    :param name: of the table.
    :param others: columns and constraints of the application's own; such a column may be NULL or
        has a default.
    :param options: of SQLAlchemy's ``Table``, like ``schema``.
    """
    return Table(name, metadata, *_columns().values(), *others, **options)


class TokenMixin:
    """The columns for a declarative model::

        class Token(TokenMixin, db.Model):
            pass

    The model may have columns of its own; such a column may be NULL or has a default.
    """

    # Without annotations they are no fields of a dataclass, so that models may be dataclasses.
    __tablename__ = TABLE_NAME
    id, owner, version, sealed, updated_at = _columns().values()


def table_of(table_or_model: Any) -> Table:
    """The table that is meant.

    :raises InvalidSettingError: for one that lacks a column.
    """
    table = getattr(table_or_model, "__table__", table_or_model)
    if isinstance(table, Table) and not _columns().keys() - table.c.keys():
        return table
    raise InvalidSettingError(
        "invalid_configuration",
        "The table of tokens is one that token_table() made, or a mapped class with TokenMixin.",
    )


class TokenTable:
    """Statements, made once, and what consists of several of them.

    :param table: the table.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        column = table.c
        row, over = column.id == bindparam("row_id"), column.version == bindparam("over")
        is_token = column.version != ABSENT
        self.read = select(column.version, column.sealed).where(row)
        self._lock = select(column.version).where(row).with_for_update()
        # Where "for update" means nothing, a change that changes nothing locks as well.
        self._touch = update(table).where(row).values({column.updated_at: column.updated_at})
        self._insert = insert(table)
        written = "version", "sealed", "updated_at"
        new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in written}
        self._update = update(table).where(row).values(new)
        self._update_over = self._update.where(over)
        self._delete = delete(table).where(row, is_token)
        self._delete_over = self._delete.where(over)
        self._delete_empty = delete(table).where(row, column.version == ABSENT)
        listed = select(column.id, column.version, column.sealed)
        self.of_owner = listed.where(column.owner == bindparam("owner_id"), is_token)
        page = select(column.id, column.owner).where(column.id > bindparam("after"), is_token)
        self.page = page.order_by(column.id).limit(_PAGE)

    # -- within a transaction that is then over -------------------------------------------

    def write(
        self, connection: Connection, row_id: str, owner_id: str, row: Row, over: int | None
    ) -> bool:
        """Write and commit; see :meth:`TokenRows.write`."""
        for left in reversed(range(_TRIES)):
            if self._written(connection, row_id, row, over):
                commit(connection)
                return True
            if over:  # a version, and another one is there
                connection.rollback()
                return False
            if self._is_inserted(connection, row_id, owner_id, row, is_last=not left):
                return True
            if over == ABSENT and self._version(connection, row_id):
                return False
        return False

    def _written(self, connection: Connection, row_id: str, row: Row, over: int | None) -> bool:
        values: dict[str, Any] = {
            "new_version": row.version,
            "new_sealed": row.sealed,
            "new_updated_at": _now(),
        }
        if over is None:
            found = connection.execute(self._update, {"row_id": row_id, **values})
        else:
            values["over"] = over
            found = connection.execute(self._update_over, {"row_id": row_id, **values})
        return found.rowcount > 0

    def _is_inserted(
        self,
        connection: Connection,
        row_id: str,
        owner_id: str,
        row: Row,
        *,
        is_last: bool = False,
    ) -> bool:
        """Insert and commit, if nobody else has inserted the row.

        :param is_last: whether that is no excuse any more. If nobody is in the way, a column of
            the application's own wants a value.
        """
        values = {"id": row_id, "owner": owner_id, "version": row.version, "sealed": row.sealed}
        try:
            connection.execute(self._insert, {**values, "updated_at": _now()})
        except IntegrityError:
            connection.rollback()
            if is_last:
                raise
            return False
        commit(connection)
        return True

    def _version(self, connection: Connection, row_id: str) -> int | None:
        found = connection.execute(self.read, {"row_id": row_id}).first()
        connection.rollback()
        return None if found is None else found.version

    def remove(self, connection: Connection, row_id: str, over: int | None) -> bool:
        """Remove and commit; see :meth:`TokenRows.remove`."""
        if over is None:
            found = connection.execute(self._delete, {"row_id": row_id})
        else:
            found = connection.execute(self._delete_over, {"row_id": row_id, "over": over})
        commit(connection)
        return found.rowcount > 0

    def remove_empty(self, connection: Connection, row_id: str) -> None:
        """Remove a row that holds a place, if it still does, and commit."""
        connection.execute(self._delete_empty, {"row_id": row_id})
        commit(connection)

    # -- locks that a transaction holds ---------------------------------------------------

    def lock(
        self,
        connection: Connection,
        row_id: str,
        owner_id: str,
        *,
        begin: Callable[[], None],
        until: float,
    ) -> int:
        """Lock a row; one that is not there is made.

        :param begin: called in each transaction at first.
        :param until: when to give up, as ``time.monotonic`` counts.
        :returns: its version.
        :raises TokenStoreError: if it cannot be had.
        """
        for left in reversed(range(_LOCK_TRIES)):
            if time.monotonic() > until:
                break
            begin()
            version = self._locked_version(connection, row_id)
            if version is not None:
                return version
            connection.rollback()
            # Whoever held the lock may have removed the row.
            empty = Row(ABSENT, _NOTHING)
            self._is_inserted(connection, row_id, owner_id, empty, is_last=not left)
        raise TokenStoreError("token_busy")

    def _locked_version(self, connection: Connection, row_id: str) -> int | None:
        values = {"row_id": row_id}
        if connection.dialect.name in _FOR_UPDATE:
            return connection.execute(self._lock, values).scalar()
        connection.execute(self._touch, values)
        return connection.execute(self._lock, values).scalar()


def row_of(found: Any) -> Row | None:
    """A row as the store knows it; one that only holds a place is none."""
    if found is None or found[0] == ABSENT:
        return None
    return Row(int(found[0]), bytes(found[1]))


def commit(connection: Connection) -> None:
    """End a transaction.

    :raises TokenStoreError: if the connection breaks just now: then nobody knows whether the
        transaction counts, and it must not be done again.
    """
    try:
        connection.commit()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        failure = type(error).__name__
    else:
        return
    raise TokenStoreError(detail={"failure": failure, "commit": "unknown"})


def _now() -> int:
    return int(time.time())
