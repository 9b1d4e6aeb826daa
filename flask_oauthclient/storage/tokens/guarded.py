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
from .rows import RowAccess
from .rows import TokenRows

_log = logging.getLogger(__name__)

T = TypeVar("T")

_END: Any = None
#: Seconds after a failure of the back end in which nobody here refreshes.
_GRACE = 1.0


class GuardedAccess(RowAccess):
    """Access to rows whose errors are ours.

    :param access: that of the back end.
    :param on_failure: called when the back end has failed.
    """

    def __init__(self, access: RowAccess, on_failure: Callable[[], None]) -> None:
        self._access = access
        self._on_failure = on_failure

    def read(self, row_id: str) -> Row | None:
        """The row, or ``None``."""
        return self._ask(self._access.read, row_id)

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row, over any version or over a given one."""
        return self._ask(self._access.write, row_id, owner_id, row, over)

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row, of any version or of a given one."""
        return self._ask(self._access.remove, row_id, owner_id, over)

    def _ask(self, how: Callable[..., T], *arguments: Any) -> T:
        """Ask the back end, whose errors become ours.

        :raises TokenStoreError: if it fails.
        """
        try:
            return how(*arguments)
        except OAuthError as error:
            if error.error == TokenStoreError.error:
                self._on_failure()
            raise
        except Exception as exception:  # noqa: BLE001  each back end has errors of its own
            failure = _kind(exception)
        self._on_failure()
        raise TokenStoreError(detail={"failure": failure})


class GuardedRows(GuardedAccess, TokenRows):
    """Rows whose errors are ours, and which remember when there was one.

    :param rows: the rows of the back end.
    """

    def __init__(self, rows: TokenRows) -> None:
        super().__init__(rows, self._note_failure)
        self._rows = rows
        self._failed_at = float("-inf")

    def _note_failure(self) -> None:
        self._failed_at = time.monotonic()

    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        """The rows of an owner, with their ids."""
        return self._ask(self._rows.of_owner, owner_id)

    def every(self) -> Iterator[tuple[str, str]] | None:
        """Id of row and owner of all rows, or ``None``."""
        found = self._ask(self._rows.every)
        return None if found is None else iter(partial(self._ask, next, found, _END), _END)

    @contextmanager
    def locked(self, row_id: str, owner_id: str) -> Generator[GuardedAccess]:
        """Lock a row; that the lock cannot be given back is no failure of what was done."""
        context = self._ask(self._rows.locked, row_id, owner_id)
        rows = self._ask(context.__enter__)
        try:
            yield GuardedAccess(rows, self._note_failure)
        finally:
            self._release(context)

    @staticmethod
    def _release(context: AbstractContextManager[RowAccess]) -> None:
        try:
            context.__exit__(None, None, None)
        except Exception as failure:  # noqa: BLE001  each back end has errors of its own
            _log.warning("a lock could not be released, and ends by itself: %s", _kind(failure))

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
