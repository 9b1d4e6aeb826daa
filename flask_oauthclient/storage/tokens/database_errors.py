"""What the drivers of databases say, whatever library calls them: the codes of their errors."""

from __future__ import annotations

import sqlite3
from typing import Any

#: A lock was waited for, for as long as it was to be: PostgreSQL, MySQL.
_BUSY = frozenset({"55P03", 1205})
#: Two transactions were in each other's way, and this one was undone: PostgreSQL, MySQL, MariaDB.
_UNDONE = frozenset({"40001", "40P01", 1213, 1020})
#: The low bits of SQLite's codes.
_SQLITE_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def is_busy(error: Any) -> bool:
    """Whether somebody else has kept a lock for too long.

    :param error: the driver's, or ``None``, like that of the functions below.
    """
    return bool(_codes(error) & _BUSY)


def is_undone(error: Any) -> bool:
    """Whether the same transaction may succeed now."""
    return bool(_codes(error) & _UNDONE)


def is_sqlite_locked(error: Any) -> bool:
    """Whether a transaction of somebody else has locked the file."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _SQLITE_LOCKED


def is_of_lost_file(error: Any) -> bool:
    """Whether SQLite has another file open than the one that is there now."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_DBMOVED


def _codes(error: Any) -> set[Any]:
    codes = {getattr(error, name, None) for name in ("sqlstate", "pgcode", "errno")}
    first = next(iter(getattr(error, "args", ())), None)
    # pg8000 has the fields of the answer, the drivers of MySQL the number.
    return codes | {first.get("C") if isinstance(first, dict) else first}
