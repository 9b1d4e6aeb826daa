"""The back end of a store as it really is: it fails, restarts, and comes back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from functools import partial
from typing import Any
from typing import TypeVar

from ...protocol.errors import OAuthError
from ...protocol.errors import TokenStoreError
from .rows import Row
from .rows import TokenRows

_log = logging.getLogger(__name__)

T = TypeVar("T")

_END: Any = None
#: Seconds after a failure of the back end in which nobody here refreshes.
_GRACE = 1.0


class GuardedRows(TokenRows):
    """Rows whose errors are ours, and which remember when there was one.

    :param rows: the rows of the back end.
    :param whole: where a failure is remembered; default is here.
    """

    def __init__(self, rows: TokenRows, whole: GuardedRows | None = None) -> None:
        self._rows = rows
        self._whole = self if whole is None else whole
        self._failed_at = float("-inf")

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        return self._ask(self._rows.read, row_id)

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row, over any version or over a given one."""
        return self._ask(self._rows.write, row_id, owner_id, row, over)

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, of any version or of a given one."""
        return self._ask(self._rows.remove, row_id, owner_id, over)

    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        """The rows of an owner, with their ids."""
        return self._ask(self._rows.of_owner, owner_id)

    def every(self) -> Iterator[tuple[str, str]]:
        """Id of row and owner of all rows."""
        found = self._rows.every()  # unguarded: that it cannot list them is no failure
        return iter(partial(self._ask, next, found, _END), _END)

    @contextmanager
    def locked(self, row_id: str, owner_id: str) -> Generator[GuardedRows]:
        """Lock a row; that the lock cannot be given back is no failure of what was done."""
        context = self._ask(self._rows.locked, row_id, owner_id)
        rows = self._ask(context.__enter__)
        try:
            yield GuardedRows(rows, self._whole)
        finally:
            self._release(context)

    @staticmethod
    def _release(context: AbstractContextManager[TokenRows]) -> None:
        try:
            context.__exit__(None, None, None)
        except Exception as failure:  # noqa: BLE001  each back end has errors of its own
            _log.warning("a lock could not be released, and ends by itself: %s", _kind(failure))

    def _ask(self, how: Callable[..., T], *arguments: Any) -> T:
        """Ask the back end, whose errors become ours.

        :raises TokenStoreError: if it fails.
        """
        try:
            return how(*arguments)
        except OAuthError as error:
            if error.error == TokenStoreError.error:
                self._whole._failed_at = time.monotonic()
            raise
        except Exception as exception:  # noqa: BLE001  each back end has errors of its own
            failure = _kind(exception)
        self._whole._failed_at = time.monotonic()
        raise TokenStoreError(detail={"failure": failure})

    # -- after a failure ------------------------------------------------------------------

    @property
    def unsettled(self) -> float:
        """Seconds in which it may still be coming back."""
        latest = max(self._failed_at, self._rows.broke_at)
        return max(latest + _GRACE - time.monotonic(), 0.0)

    def settle(self) -> None:
        """Wait for a moment if the back end has just come back.

        Locks that live with a connection have ended with it, and whoever held one may have a token
        in hand that could not be written yet. What it replaces must not be sent a second time.
        """
        left = self.unsettled
        if left:
            time.sleep(left)


def _kind(exception: Exception) -> str:
    return type(exception).__name__
