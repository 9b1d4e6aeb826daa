"""Rows as what stands in them: opened with the keys of an application, and sealed again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Sequence

from .envelope import TokenSealer
from .kept import Kept
from .kept import read_kept
from .rows import Row
from .rows import new_version

_log = logging.getLogger(__name__)


class Sealing:
    """The keys of a store, and what they do.

    :param keys: the keys, the current one first; ``None`` for those of the application.
    """

    def __init__(self, keys: Sequence[str | bytes] | None) -> None:
        self._own = keys is not None
        self._sealer: TokenSealer | None = None if keys is None else TokenSealer(keys)
        self._find_keys: Callable[[], Sequence[str | bytes]] = tuple
        self._last_key_id: str | None = None

    def use_keys(self, find: Callable[[], Sequence[str | bytes]]) -> None:
        """Take the keys of an application, unless the store was given keys of its own."""
        if not self._own:
            self._find_keys = find
            self._sealer = None

    @property
    def sealer(self) -> TokenSealer:
        """Seals and opens.

        :raises MissingConfigurationError: without keys.
        """
        if self._sealer is None:
            self._sealer = TokenSealer(self._find_keys())
            _warn_of_other_keys(self._last_key_id, self._sealer.current_key_id)
            self._last_key_id = self._sealer.current_key_id
        return self._sealer

    def seal(self, kept: Kept) -> Row:
        """A new row.

        :raises InvalidSettingError: for a token that is no JSON.
        :raises TokenStoreError: for one that is too large.
        """
        return Row(new_version(), self.sealer.seal(kept.write(), kept.key.row_id))

    def open(self, row_id: str, row: Row | None) -> Kept | None:
        """What stands in a row; ``None`` for a place that is held, and for what does not open."""
        if row is None or not row.sealed:
            return None
        data = self.sealer.open(row.sealed, row_id)
        try:
            return None if data is None else read_kept(data)
        except ValueError:
            _log.warning("a stored token has a form of another version, and counts as none")
            return None

    def resealed(self, row_id: str, row: Row) -> Row | None:
        """The row under the current key; ``None`` if it does not open."""
        data = self.sealer.open(row.sealed, row_id)
        # The version stays: whoever refreshes this token just now has to find it.
        return None if data is None else Row(row.version, self.sealer.seal(data, row_id))


def _warn_of_other_keys(before: str | None, current: str) -> None:
    if before not in (None, current):
        _log.warning(
            "a store of tokens takes the keys of another application than before; if both are in "
            "use, pass keys to the store"
        )
