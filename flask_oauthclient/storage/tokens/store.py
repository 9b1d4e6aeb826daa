"""What a store of tokens does, whatever it keeps them in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from typing import NamedTuple
from typing import Protocol

from ..single_flight import SingleFlight
from .envelope import TokenSealer
from .guarded import GuardedRows
from .kept import Kept
from .kept import Token
from .kept import is_other
from .kept import without_extra
from .key import TokenKey
from .key import owner_id
from .refresh import Refresher
from .rows import TokenRows
from .sealing import Sealing
from .unsaved import UnsavedTokens


class TokenStore(Protocol):
    """Where tokens are kept. :class:`SealedTokenStore` does all of it over a few rows.

    Each method raises :class:`TokenStoreError` if the store cannot be asked.
    """

    def get(self, key: TokenKey) -> Token | None:
        """The token of a key, or ``None``."""
        ...

    def put(self, key: TokenKey, token: Mapping[str, Any]) -> None:
        """Keep a token; one that is there is replaced."""
        ...

    def delete(self, key: TokenKey, only: Mapping[str, Any] | None = None) -> bool:
        """Remove a token.

        :param only: remove it only if it is still this one.
        :returns: whether it was there.
        """
        ...

    def list(self, owner: str) -> list[TokenKey]:
        """The keys of all tokens of an owner."""
        ...

    def refresh(
        self,
        key: TokenKey,
        stale: Mapping[str, Any] | None,
        do: Callable[[Token | None], Mapping[str, Any]],
    ) -> Token | None:
        """Replace a token, once for all who want that at the same time.

        :param stale: the token that is to be replaced, or ``None`` to get a first one.
        :param do: called by one of all, with the token that is there, to get another.
        :returns: the token that is there now: of ``do`` or of somebody who was faster; ``None`` if
            there is none any more, since its owner has signed out.
        :raises OAuthError: what ``do`` raises. With ``invalid_grant`` the token is removed.
        """
        ...


class Resealed(NamedTuple):
    """What sealing anew has done, in numbers of rows."""

    #: Sealed with the current key now.
    resealed: int
    #: Sealed with it before.
    current: int
    #: Opened by none of the keys.
    unreadable: int


class SealedTokenStore:
    """A token store over rows of any kind; :mod:`.refresh` says how a token is refreshed.

    :param rows: where the tokens are kept.
    :param keys: the keys that seal them, the current one first; default is
        ``OAUTHCLIENT_TOKEN_KEYS`` of the application, else its ``SECRET_KEY``.
    """

    #: Whether everybody who asks sees the same rows.
    _is_shared = True

    def __init__(self, rows: TokenRows, keys: Sequence[str | bytes] | None = None) -> None:
        self._rows = GuardedRows(rows)
        self._sealing = Sealing(keys)
        self._unsaved = UnsavedTokens(self._rows)
        self._refresher = Refresher(self._rows, self._sealing, self._unsaved)
        self._flights: SingleFlight[Token | None] = SingleFlight(memory=0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    # -- keys -----------------------------------------------------------------------------

    def use_keys(self, find: Callable[[], Sequence[str | bytes]]) -> None:
        """Take the keys of an application, unless the store was given keys of its own.

        :param find: gives them when the first token is sealed or opened.
        """
        self._sealing.use_keys(find)

    @property
    def sealer(self) -> TokenSealer:
        """Seals the tokens.

        :raises MissingConfigurationError: without keys.
        """
        return self._sealing.sealer

    def reseal(self) -> Resealed | None:
        """Seal with the current key what was sealed with an older one, while the store is in use.

        :returns: what was done; ``None`` if the back end cannot list what it has.
        :raises TokenStoreError: if it cannot be asked.
        """
        every = self._rows.every()
        if every is None:
            return None
        resealed = current = unreadable = 0
        for row_id, owner in every:
            row = self._rows.read(row_id)
            if row is None or not row.sealed:
                continue
            if self.sealer.is_current(row.sealed):
                current += 1
                continue
            anew = self._sealing.resealed(row_id, row)
            if anew is None:
                unreadable += 1
            else:
                resealed += self._rows.write(row_id, owner, anew, over=row.version)
        return Resealed(resealed, current, unreadable)

    # -- tokens ---------------------------------------------------------------------------

    def get(self, key: TokenKey) -> Token | None:
        """The token of a key, or ``None``."""
        if self._unsaved:
            unsaved = self._unsaved.save(key)
            if unsaved is not None:
                return deepcopy(unsaved)
        kept = self._sealing.open(key.row_id, self._rows.read(key.row_id))
        if self._unsaved and self._is_shared:
            self._unsaved.save_all()  # the back end has just answered
        return None if kept is None else kept.token

    def put(self, key: TokenKey, token: Mapping[str, Any]) -> None:
        """Keep a token; one that is there is replaced.

        :raises TokenStoreError: if it is too large, or the store cannot be asked.
        """
        row = self._sealing.seal(Kept(key, without_extra(token)))
        self._rows.write(key.row_id, key.owner_id, row)
        self._unsaved.forget(key)

    def delete(self, key: TokenKey, only: Mapping[str, Any] | None = None) -> bool:
        """Remove a token.

        :param key: its key.
        :param only: remove it only if it is still this one.
        :returns: whether it was there.
        """
        over = None
        if only is not None:
            self._unsaved.save(key)
            row = self._rows.read(key.row_id)
            kept = self._sealing.open(key.row_id, row)
            if row is None or kept is None or kept.token is None or is_other(only, kept.token):
                return False
            over = row.version
        removed = self._rows.remove(key.row_id, key.owner_id, over)
        self._unsaved.forget(key)
        return removed

    def purge(self, owner: str) -> int:
        """Remove all that there is of an owner, also what no key opens any more.

        :returns: how many rows there were.
        """
        purged = 0
        for row_id, row in self._rows.of_owner(owner_id(owner)):
            kept = self._sealing.open(row_id, row)
            if kept is None or kept.key.owner == owner:
                purged += self._rows.remove(row_id, owner_id(owner))
        self._unsaved.forget_owner(owner)
        return purged

    def list(self, owner: str) -> list[TokenKey]:
        """The keys of all tokens of an owner, in order."""
        rows = self._rows.of_owner(owner_id(owner))
        found = [self._sealing.open(row_id, row) for row_id, row in rows]
        kept = [each for each in found if each is not None and each.token is not None]
        return sorted(each.key for each in kept if each.key.owner == owner)

    def refresh(
        self,
        key: TokenKey,
        stale: Mapping[str, Any] | None,
        do: Callable[[Token | None], Mapping[str, Any]],
    ) -> Token | None:
        """Replace a token, once for all who want that at the same time.

        See :class:`TokenStore`.
        """
        name = f"{key.row_id} {_short(stale)}"
        token = self._flights.do(name, lambda: self._refresher.refresh(key, stale, do))
        return deepcopy(token)  # several threads have got the same one


def _short(token: Mapping[str, Any] | None) -> str:
    """A name for a token that may stand in memory for long."""
    text = "" if token is None else str(token.get("access_token"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
