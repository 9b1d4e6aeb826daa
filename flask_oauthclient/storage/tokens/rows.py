"""What a store of tokens asks of the place where it keeps them."""

from __future__ import annotations

import secrets
from abc import ABC
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

#: The version of a row that must not be there yet.
ABSENT = 0


class Row(NamedTuple):
    """One row: what stands in it, and a number that each writing changes."""

    version: int
    #: The envelope; empty for a row that holds a place for a token that is yet to come.
    sealed: bytes


def new_version() -> int:
    """A version for a row that is written.

    It is random, so that a row that was removed and made anew has another one too.
    """
    return secrets.randbits(62) + 1


class RowAccess(ABC):
    """Rows by their ids: all that there is to do while one of them is locked.

    Errors of the back end may come through as they are.
    """

    @abstractmethod
    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""

    @abstractmethod
    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row.

        :param row_id: its id.
        :param owner_id: whose it is, for :meth:`of_owner`.
        :param row: what to write.
        :param over: the version that has to be there, :data:`ABSENT` for none; by default
            whatever is there is replaced.
        :returns: whether it was written. ``False``: another version is there.
        """

    @abstractmethod
    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row.

        :param over: the version that has to be there; by default any.
        :returns: whether it was there and is removed.
        """


class TokenRows(RowAccess):
    """Rows by their ids, and a lock for each."""

    #: When a connection was last found to be broken, by the monotonic clock, also if another one
    #: took its place at once: a lock may have ended with it.
    broke_at: float = float("-inf")

    @abstractmethod
    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        """The rows of an owner, with their ids."""

    @abstractmethod
    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[RowAccess]:
        """Lock a row, of all processes that use this place, while a token is refreshed.

        The row need not be there. Whoever waits goes on as soon as the holder is done, or gone.

        :returns: a context, in which the rows are to be used that it gives.
        :raises TokenStoreError: if others hold the lock for too long.
        """

    def every(self) -> Iterator[tuple[str, str]] | None:
        """Id of row and owner of all rows, for sealing them anew.

        :returns: ``None`` where the back end cannot list what it has.
        """
        return None
