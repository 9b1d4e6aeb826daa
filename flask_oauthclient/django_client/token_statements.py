"""What is said to the table of tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from typing import Any

from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery

from ..storage.tokens.rows import ABSENT
from ..storage.tokens.rows import Row

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .models import TokenBase

#: Rows that are listed in one go.
_PAGE = 500

#: The fields that the store reads and writes.
FIELDS = "id", "owner", "version", "sealed", "updated_at"

Statement = tuple[str, tuple[Any, ...]]


class TokenStatements:
    """Statements for one table, in the words of one kind of database.

    :param model: whose table it is.
    :param connection: of Django, to the kind of database.
    """

    def __init__(self, model: type[TokenBase], connection: BaseDatabaseWrapper) -> None:
        self._model = model
        table, row_id, owner, version, sealed, updated_at = _names(model, connection)
        blob = "_binary %s" if connection.vendor == "mysql" else "%s"
        row = f"WHERE {row_id} = %s"
        token = f"{version} <> {ABSENT}"
        # Nothing but names that were quoted stands in these.
        self._read = f"SELECT {version}, {sealed} FROM {table} {row}"  # noqa: S608
        self._version = f"SELECT {version} FROM {table} {row}"  # noqa: S608
        self._update = f"UPDATE {table} SET {version} = %s, {sealed} = {blob}, {updated_at} = %s"  # noqa: S608
        self._row, self._over = row, f"AND {version} = %s"
        self._remove = f"DELETE FROM {table} {row}"  # noqa: S608
        self._is_token = f"AND {token}"
        listed = f"SELECT {row_id}, {version}, {sealed} FROM {table}"  # noqa: S608
        self._of_owner = f"{listed} WHERE {owner} = %s AND {token}"
        self._page = (
            f"SELECT {row_id}, {owner} FROM {table} "  # noqa: S608
            f"WHERE {row_id} > %s AND {token} ORDER BY {row_id} LIMIT {_PAGE}"
        )

    def read(self, row_id: str) -> Statement:
        """Version and content of a row."""
        return self._read, (row_id,)

    def lock(self, row_id: str) -> Statement:
        """Version of a row that nobody else may change until the transaction ends."""
        return f"{self._version} FOR UPDATE", (row_id,)

    def version(self, row_id: str) -> Statement:
        """Version of a row."""
        return self._version, (row_id,)

    def update(self, row_id: str, row: Row, over: int | None) -> Statement:
        """Write over a row, of any version or of a given one."""
        values = row.version, row.sealed, _now(), row_id
        if over is None:
            return f"{self._update} {self._row}", values
        return f"{self._update} {self._row} {self._over}", (*values, over)

    def remove(self, row_id: str, over: int | None) -> Statement:
        """Remove a row, of any version or of a given one."""
        if over is None:
            return f"{self._remove} {self._is_token}", (row_id,)
        return f"{self._remove} {self._over}", (row_id, over)

    def of_owner(self, owner_id: str) -> Statement:
        """Id, version and content of the rows of an owner."""
        return self._of_owner, (owner_id,)

    def page(self, after: str) -> Statement:
        """Id and owner of some rows, in order."""
        return self._page, (after,)

    def insert(
        self,
        connection: BaseDatabaseWrapper,
        row_id: str,
        owner_id: str,
        row: Row,
        *,
        is_last: bool,
    ) -> Statement:
        """Make a row, unless there is one.

        :param is_last: whether that would be an error.
        """
        # Through Django's own compiler, for the sake of fields that the application has added.
        instance = self._model(
            id=row_id,
            owner=owner_id,
            version=row.version,
            sealed=row.sealed,
            updated_at=_now(),
        )
        query = InsertQuery(self._model, on_conflict=None if is_last else OnConflict.IGNORE)
        fields = [field for field in self._model._meta.concrete_fields if not field.generated]
        query.insert_values(fields, [instance])
        [(statement, values)] = query.get_compiler(connection=connection).as_sql()
        return statement, tuple(values)


def row_of(found: Any) -> Row | None:
    """A row as the store knows it; one that only holds a place is none."""
    if found is None or found[0] == ABSENT:
        return None
    return Row(int(found[0]), bytes(found[1]))


def _names(model: type[TokenBase], connection: BaseDatabaseWrapper) -> list[str]:
    """The table and its columns, as they may stand in a statement."""
    columns = {field.name: str(field.column) for field in model._meta.concrete_fields}
    names = [model._meta.db_table, *(columns[name] for name in FIELDS)]
    return [connection.ops.quote_name(name) for name in names]


def _now() -> int:
    return int(time.time())
