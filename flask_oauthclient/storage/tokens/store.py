"""What a store of tokens does, and how one token is refreshed exactly once.

::

    in this process    one thread for each token goes on, the others get what it gets
    lock               of all processes: see the back ends
    re-read            somebody else may have been faster: then theirs is the result
    refresh            one request; it is never sent a second time
    write              if the version is still the one that was read, or the lock was lost
    release

What fails for reasons that may pass leaves the token as it is, and is noted beside it, so that for
half a minute nobody, in no process, asks the provider about it again. A refresh token that the
provider does not accept is looked at once more (somebody may have replaced it), and then the token
is dropped. And a refreshed token that cannot be written, since the database restarts just now, is
written as soon as it can be: the one that it replaces is worth nothing any more.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from copy import deepcopy
from typing import Any
from typing import NamedTuple
from typing import Protocol
from typing import TypeVar

from ...protocol.errors import ConfigurationError
from ...protocol.errors import IDTokenError
from ...protocol.errors import OAuthError
from ...protocol.errors import TokenStoreError
from ...protocol.masked import MaskedDict
from ..single_flight import SingleFlight
from .envelope import TokenSealer
from .kept import Failure
from .kept import Kept
from .kept import is_other
from .kept import now
from .kept import read_kept
from .key import TokenKey
from .key import owner_id
from .rows import ABSENT
from .rows import Row
from .rows import TokenRows
from .rows import new_version

_log = logging.getLogger(__name__)

Token = dict[str, Any]
T = TypeVar("T")

#: Seconds for which a refreshed token is tried to be written, before it is kept in memory.
_PATIENCE = 5.0
#: Seconds between two tries.
_PAUSE = 0.1
#: Seconds after a failure of the back end in which nobody here refreshes.
_GRACE = 1.0
#: Failures of a refresh that are no news of the provider.
_OURS = (ConfigurationError, TokenStoreError)
#: Members of a token that belong to the login that gave it.
_NOT_KEPT = frozenset({"extra"})


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


class _Unsaved(NamedTuple):
    """A refreshed token that could not be written yet."""

    row: Row
    over: int
    token: Token


class SealedTokenStore:
    """A token store over rows of any kind.

    :param rows: where the tokens are kept.
    :param keys: the keys that seal them, the current one first; default is
        ``OAUTHCLIENT_TOKEN_KEYS`` of the application, else its ``SECRET_KEY``.
    """

    #: Whether everybody who asks sees the same rows.
    _is_shared = True

    def __init__(self, rows: TokenRows, keys: Sequence[str | bytes] | None = None) -> None:
        self._rows = rows
        self._own_keys = keys is not None
        self._sealer: TokenSealer | None = None if keys is None else TokenSealer(keys)
        self._find_keys: Callable[[], Sequence[str | bytes]] = tuple
        self._last_key_id: str | None = None
        self._flights: SingleFlight[Token | None] = SingleFlight(memory=0)
        self._unsaved: dict[TokenKey, _Unsaved] = {}
        #: When the back end was last found to fail.
        self._failed_at = float("-inf")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    # -- keys -----------------------------------------------------------------------------

    def use_keys(self, find: Callable[[], Sequence[str | bytes]]) -> None:
        """Take the keys of an application, unless the store was given keys of its own.

        :param find: gives them when the first token is sealed or opened.
        """
        if not self._own_keys:
            self._find_keys = find
            self._sealer = None

    @property
    def sealer(self) -> TokenSealer:
        """Seals the tokens.

        :raises MissingConfigurationError: without keys.
        """
        if self._sealer is None:
            self._sealer = TokenSealer(self._find_keys())
            _warn_of_other_keys(self._last_key_id, self._sealer.current_key_id)
            self._last_key_id = self._sealer.current_key_id
        return self._sealer

    def reseal(self) -> Resealed:
        """Seal with the current key what was sealed with an older one, while the store is in use.

        :raises NotImplementedError: if the back end cannot list what it has.
        :raises TokenStoreError: if it cannot be asked.
        """
        return self._ask(self._resealed, self._rows.every())

    def _resealed(self, every: Iterator[tuple[str, str]]) -> Resealed:
        resealed = current = unreadable = 0
        for row_id, owner in every:
            row = self._rows.read(row_id)
            if row is None or not row.sealed:
                continue
            if self.sealer.is_current(row.sealed):
                current += 1
                continue
            data = self.sealer.open(row.sealed, row_id)
            if data is None:
                unreadable += 1
                continue
            # The version stays: whoever refreshes this token just now has to find it.
            anew = Row(row.version, self.sealer.seal(data, row_id))
            resealed += self._rows.write(row_id, owner, anew, over=row.version)
        return Resealed(resealed, current, unreadable)

    # -- tokens ---------------------------------------------------------------------------

    def get(self, key: TokenKey) -> Token | None:
        """The token of a key, or ``None``."""
        if self._unsaved:
            unsaved = self._save_late(key)
            if unsaved is not None:
                return deepcopy(unsaved)
        kept = self._open(key.row_id, self._ask(self._rows.read, key.row_id))
        if self._unsaved and self._is_shared:
            self._save_all_late()  # the back end has just answered
        return None if kept is None else kept.token

    def put(self, key: TokenKey, token: Mapping[str, Any]) -> None:
        """Keep a token; one that is there is replaced.

        :raises TokenStoreError: if it is too large, or the store cannot be asked.
        """
        row = self._sealed(Kept(key, _without_extra(token)))
        self._ask(self._rows.write, key.row_id, key.owner_id, row)
        self._unsaved.pop(key, None)

    def delete(self, key: TokenKey, only: Mapping[str, Any] | None = None) -> bool:
        """Remove a token.

        :param key: its key.
        :param only: remove it only if it is still this one.
        :returns: whether it was there.
        """
        over = None
        if only is not None:
            self._save_late(key)
            row = self._ask(self._rows.read, key.row_id)
            kept = self._open(key.row_id, row)
            if row is None or kept is None or kept.token is None or is_other(only, kept.token):
                return False
            over = row.version
        removed = self._ask(self._rows.remove, key.row_id, key.owner_id, over)
        self._unsaved.pop(key, None)
        return removed

    def purge(self, owner: str) -> int:
        """Remove all that there is of an owner, also what no key opens any more.

        :returns: how many rows there were.
        """
        purged = 0
        for row_id, row in self._ask(self._rows.of_owner, owner_id(owner)):
            kept = self._open(row_id, row)
            if kept is None or kept.key.owner == owner:
                purged += self._ask(self._rows.remove, row_id, owner_id(owner))
        for key in [key for key in list(self._unsaved) if key.owner == owner]:
            self._unsaved.pop(key, None)
        return purged

    def list(self, owner: str) -> list[TokenKey]:
        """The keys of all tokens of an owner, in order."""
        rows = self._ask(self._rows.of_owner, owner_id(owner))
        found = [self._open(row_id, row) for row_id, row in rows]
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
        token = self._flights.do(name, lambda: self._refresh(key, stale, do))
        return deepcopy(token)  # several threads have got the same one

    def _refresh(
        self,
        key: TokenKey,
        stale: Mapping[str, Any] | None,
        do: Callable[[Token | None], Mapping[str, Any]],
    ) -> Token | None:
        if key not in self._unsaved:
            self._let_others_write()
        elif self._save_late(key) is not None:
            # The back end may answer again at any moment, with what that token has replaced.
            raise TokenStoreError
        with self._locked(self._ask(self._rows.locked, key.row_id, key.owner_id)) as rows:
            row = self._ask(rows.read, key.row_id)
            kept = self._open(key.row_id, row) or Kept(key, None)
            token = kept.token
            if (token is None and stale is not None) or is_other(stale, token):
                return token
            if kept.failure is not None:
                kept.failure.check_is_over(now())
            version = ABSENT if row is None else row.version
            try:
                fresh = _without_extra(do(token))
            except OAuthError as error:
                return self._after(error, rows, Kept(key, token), version)
            return self._keep(rows, Kept(key, fresh), version, instead_of=token)

    def _after(self, error: OAuthError, rows: TokenRows, kept: Kept, version: int) -> Token | None:
        """Do what a failed refresh leaves to do.

        :returns: the token of somebody else who has refreshed it meanwhile, or ``None`` if it is
            gone.
        :raises OAuthError: the error, in all other cases.
        """
        if error.error == "invalid_grant":  # of whatever class: a session may have its own
            # The lock may have been lost, or somebody refreshes without one.
            row = self._ask(rows.read, kept.key.row_id)
            again = self._open(kept.key.row_id, row)
            if kept.token is not None and (again is None or is_other(kept.token, again.token)):
                return None if again is None else again.token
            self._ask(rows.remove, kept.key.row_id, kept.key.owner_id, version)
        elif isinstance(error, IDTokenError):
            # Whoever that answer was about, the refresh token is spent and the new one not ours.
            self._ask(rows.remove, kept.key.row_id, kept.key.owner_id, version)
        elif not isinstance(error, _OURS):
            self._note(rows, kept._replace(failure=Failure.of(error, now())), version)
        raise error

    def _note(self, rows: TokenRows, kept: Kept, version: int) -> None:
        try:
            row = self._sealed(kept)
            self._ask(rows.write, kept.key.row_id, kept.key.owner_id, row, version)
        except TokenStoreError as failure:
            _log.warning("a failed refresh could not be noted: %s", failure)

    # -- writing what was refreshed -------------------------------------------------------

    def _keep(
        self, rows: TokenRows, kept: Kept, version: int, instead_of: Token | None
    ) -> Token | None:
        """Write a refreshed token, unless another one has come to be there meanwhile."""
        try:
            row, over = self._sealed(kept), version
        except OAuthError:
            self._give_up(rows, kept.key, version)
            raise
        try:
            return self._written(rows, kept, row, over, instead_of)
        except Exception:
            raise
        except BaseException:
            # The worker, or its greenlet, is to end, and nobody else has what it has.
            self._write_at_last(_Unsaved(row, over, kept.token or {}), kept.key)
            raise

    def _written(
        self, rows: TokenRows, kept: Kept, row: Row, over: int, instead_of: Token | None
    ) -> Token | None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                if self._ask(rows.write, kept.key.row_id, kept.key.owner_id, row, over):
                    return kept.token
                found = self._ask(rows.read, kept.key.row_id)
            except TokenStoreError as failure:
                if failure.error != TokenStoreError.error:
                    self._give_up(rows, kept.key, over)
                    raise
                if time.monotonic() > deadline:
                    return self._remember(_Unsaved(row, over, kept.token or {}), kept.key, failure)
                time.sleep(_PAUSE)
                rows = self._rows  # the connection that held the lock is gone
                continue
            # The lock was lost. What is there now counts, unless it is what we have replaced.
            there = self._open(kept.key.row_id, found)
            token = there.token if there is not None else None
            if found is None or is_other(instead_of, token) or token is None:
                return token
            over = found.version

    def _give_up(self, rows: TokenRows, key: TokenKey, version: int) -> None:
        """It will never fit. What it replaces is spent, and must not be sent a second time."""
        self._ask(rows.remove, key.row_id, key.owner_id, version)

    def _write_at_last(self, unsaved: _Unsaved, key: TokenKey) -> None:
        try:
            self._ask(self._rows.write, key.row_id, key.owner_id, unsaved.row, unsaved.over)
        except OAuthError as failure:
            self._remember(unsaved, key, failure)

    def _remember(self, unsaved: _Unsaved, key: TokenKey, failure: OAuthError) -> Token:
        self._unsaved[key] = unsaved
        _log.error(
            "a refreshed token of client %r is in the memory of this process only: %s",
            key.client,
            failure,
        )
        return unsaved.token

    def _save_late(self, key: TokenKey) -> Token | None:
        """Write a token that could not be written when it came.

        :returns: the token, while it still cannot be.
        """
        unsaved = self._unsaved.get(key)
        if unsaved is None:
            return None
        try:
            self._ask(self._rows.write, key.row_id, key.owner_id, unsaved.row, unsaved.over)
        except TokenStoreError:
            return unsaved.token
        self._unsaved.pop(key, None)
        return None

    def _save_all_late(self) -> None:
        """Write what could not be written when it came, before another worker looks for it."""
        for key in list(self._unsaved):
            if time.monotonic() < self._failed_at + _GRACE or self._save_late(key) is not None:
                return

    # -- sealing --------------------------------------------------------------------------

    def _sealed(self, kept: Kept) -> Row:
        return Row(new_version(), self.sealer.seal(kept.write(), kept.key.row_id))

    def _open(self, row_id: str, row: Row | None) -> Kept | None:
        if row is None or not row.sealed:
            return None
        data = self.sealer.open(row.sealed, row_id)
        try:
            return None if data is None else read_kept(data)
        except ValueError:
            _log.warning("a stored token has a form of another version, and counts as none")
            return None

    # -- the back end ---------------------------------------------------------------------

    @contextmanager
    def _locked(self, context: AbstractContextManager[TokenRows]) -> Generator[TokenRows]:
        """Hold a lock; that it cannot be given back is no failure of what was done."""
        rows = self._ask(context.__enter__)
        try:
            yield rows
        finally:
            try:
                context.__exit__(None, None, None)
            except Exception as failure:  # noqa: BLE001  each back end has errors of its own
                _log.warning("a lock could not be released, and ends by itself: %s", _kind(failure))

    def _ask(self, how: Callable[..., T], *arguments: Any) -> T:
        """Ask the back end, whose errors become ours."""
        try:
            return how(*arguments)
        except OAuthError as error:
            if error.error == TokenStoreError.error:
                self._failed_at = time.monotonic()
            raise
        except Exception as exception:  # noqa: BLE001  each back end has errors of its own
            failure = _kind(exception)
        self._failed_at = time.monotonic()
        raise TokenStoreError(detail={"failure": failure})

    def _let_others_write(self) -> None:
        """Wait for a moment if the back end has just come back.

        Locks that live with a connection have ended with it, and whoever held one may have a token
        in hand that could not be written yet. What it replaces must not be sent a second time.
        """
        left = max(self._failed_at, self._rows.broke_at) + _GRACE - time.monotonic()
        if left > 0:
            time.sleep(left)


def _kind(exception: Exception) -> str:
    return type(exception).__name__


def _short(token: Mapping[str, Any] | None) -> str:
    """A name for a token that may stand in memory for long."""
    text = "" if token is None else str(token.get("access_token"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _without_extra(token: Mapping[str, Any]) -> Token:
    return MaskedDict({n: value for n, value in token.items() if n not in _NOT_KEPT})


def _warn_of_other_keys(before: str | None, current: str) -> None:
    if before not in (None, current):
        _log.warning(
            "a store of tokens takes the keys of another application than before; if both are in "
            "use, pass keys to the store"
        )
