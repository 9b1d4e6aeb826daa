"""Refreshed tokens that could not be written yet, while their back end is down."""

from __future__ import annotations

import logging
from typing import NamedTuple

from ...protocol.errors import OAuthError
from ...protocol.errors import TokenStoreError
from .guarded import GuardedRows
from .kept import Token
from .key import TokenKey
from .rows import Row

_log = logging.getLogger(__name__)


class Unsaved(NamedTuple):
    """A token, and the row in which it is to stand."""

    row: Row
    #: The version of the row that it replaces.
    over: int
    token: Token


class UnsavedTokens:
    """The tokens that this process alone has.

    What they replace, and is still stored, is spent; so they are written as soon as that can be.

    :param rows: where they belong.
    """

    def __init__(self, rows: GuardedRows) -> None:
        self._rows = rows
        self._tokens: dict[TokenKey, Unsaved] = {}

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def __contains__(self, key: object) -> bool:
        return key in self._tokens

    def add(self, key: TokenKey, unsaved: Unsaved, failure: OAuthError) -> None:
        """Remember a token.

        :param failure: why it cannot be written.
        """
        self._tokens[key] = unsaved
        _log.error(
            "a refreshed token of client %r is in the memory of this process only: %s",
            key.client,
            failure,
        )

    def save(self, key: TokenKey) -> Token | None:
        """Write the token of a key, if there is one.

        :returns: the token, while it still cannot be written.
        """
        unsaved = self._tokens.get(key)
        if unsaved is None:
            return None
        try:
            self._rows.write(key.row_id, key.owner_id, unsaved.row, unsaved.over)
        except TokenStoreError:
            return unsaved.token
        self._tokens.pop(key, None)
        return None

    def save_all(self) -> None:
        """Write all of them, before another worker looks for them."""
        for key in list(self._tokens):
            if self._rows.unsettled or self.save(key) is not None:
                return

    def forget(self, key: TokenKey) -> None:
        """Drop the token of a key, which is worth nothing any more."""
        self._tokens.pop(key, None)

    def forget_owner(self, owner: str) -> None:
        """Drop all tokens of an owner."""
        for key in list(self._tokens):
            if key.owner == owner:
                self.forget(key)
