"""How one token is refreshed exactly once.

::

    in this process    one thread for each token goes on, the others get what it gets
    lock               of all processes: see the back ends
    re-read            somebody else may have been faster: then theirs is the result
    refresh            one request; it is never sent a second time
    write              if the version is still the one that was read, or the lock was lost
    release

What fails for reasons that may pass leaves the token as it is, and is noted beside it, so that for
half a minute nobody, in no process, asks the provider about it again; so is what ends in a way that
leaves open whether the request was sent. A refresh token that the provider does not accept is
looked at once more (somebody may have replaced it), and then the token is dropped. And a refreshed
token that cannot be written, since the database restarts just now, is written as soon as it can be:
the one that it replaces is worth nothing any more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from ...protocol.errors import ConfigurationError
from ...protocol.errors import IDTokenError
from ...protocol.errors import OAuthError
from ...protocol.errors import TokenStoreError
from ...protocol.errors import TransportError
from .guarded import GuardedAccess
from .guarded import GuardedRows
from .kept import Failure
from .kept import Kept
from .kept import Token
from .kept import is_other
from .kept import now
from .kept import without_extra
from .key import TokenKey
from .rows import ABSENT
from .rows import Row
from .sealing import Sealing
from .unsaved import Unsaved
from .unsaved import UnsavedTokens

_log = logging.getLogger(__name__)

#: Seconds for which a refreshed token is tried to be written, before it is kept in memory.
_PATIENCE = 5.0
#: Seconds between two tries.
_PAUSE = 0.1
#: Failures of a refresh that are no news of the provider.
_OURS = (ConfigurationError, TokenStoreError)


class _Locked(NamedTuple):
    """A token that is locked, and where."""

    rows: GuardedAccess
    kept: Kept
    version: int


class Refresher:
    """Refreshes the tokens of a store, for one thread each.

    :param rows: where they are kept.
    :param sealing: opens and seals them.
    :param unsaved: those that could not be written.
    """

    def __init__(self, rows: GuardedRows, sealing: Sealing, unsaved: UnsavedTokens) -> None:
        self._rows = rows
        self._sealing = sealing
        self._unsaved = unsaved

    def refresh(
        self,
        key: TokenKey,
        stale: Mapping[str, Any] | None,
        do: Callable[[Token | None], Mapping[str, Any]],
    ) -> Token | None:
        """Replace a token; see :meth:`TokenStore.refresh`."""
        if key not in self._unsaved:
            self._rows.settle()
        elif self._unsaved.save(key) is not None:
            # The back end may answer again at any moment, with what that token has replaced.
            raise TokenStoreError
        with self._rows.locked(key.row_id, key.owner_id) as rows:
            row = rows.read(key.row_id)
            kept = self._sealing.open(key.row_id, row) or Kept(key, None)
            token = kept.token
            if (token is None and stale is not None) or is_other(stale, token):
                return token
            if kept.failure is not None:
                kept.failure.check_is_over(now())
            locked = _Locked(rows, Kept(key, token), ABSENT if row is None else row.version)
            try:
                fresh = without_extra(do(token))
            except OAuthError as error:
                return self._after(error, locked)
            except BaseException:
                self._note_unknown_end(locked)
                raise
            return self._keep(fresh, locked)

    # -- what has failed ------------------------------------------------------------------

    def _after(self, error: OAuthError, locked: _Locked) -> Token | None:
        """Do what a failed refresh leaves to do.

        :returns: the token of somebody else who has refreshed it meanwhile, or ``None`` if it is
            gone.
        :raises OAuthError: the error, in all other cases.
        """
        rows, kept, version = locked
        if error.error == "invalid_grant":  # of whatever class: a session may have its own
            # The lock may have been lost, or somebody refreshes without one.
            again = self._sealing.open(kept.key.row_id, rows.read(kept.key.row_id))
            if kept.token is not None and (again is None or is_other(kept.token, again.token)):
                return None if again is None else again.token
            _drop(locked)
        elif isinstance(error, IDTokenError):
            # Whoever that answer was about, the refresh token is spent and the new one not ours.
            _drop(locked)
        elif not isinstance(error, _OURS):
            self._note(rows, kept._replace(failure=Failure.of(error, now())), version)
        raise error

    def _note_unknown_end(self, locked: _Locked) -> None:
        """Note a refresh that a worker's end, or an error of the application's own, has cut off.

        It may have been sent, and the next worker must not send it again at once.
        """
        rows, kept, version = locked
        if kept.token is not None:
            failure = Failure.of(TransportError(), now())
            self._note(rows, kept._replace(failure=failure), version)

    def _note(self, rows: GuardedAccess, kept: Kept, version: int) -> None:
        try:
            rows.write(kept.key.row_id, kept.key.owner_id, self._sealing.seal(kept), version)
        except TokenStoreError as failure:
            _log.warning("a failed refresh could not be noted: %s", failure)

    # -- what has come --------------------------------------------------------------------

    def _keep(self, fresh: Token, locked: _Locked) -> Token | None:
        """Write a refreshed token, unless another one has come to be there meanwhile."""
        key = locked.kept.key
        try:
            row = self._sealing.seal(Kept(key, fresh))
        except OAuthError:  # it will never fit, and what it replaces is spent
            _drop(locked)
            raise
        try:
            return self._write(fresh, row, locked)
        except Exception:
            raise
        except BaseException:
            # The worker, or its greenlet, is to end, and nobody else has what it has.
            self._write_at_last(key, Unsaved(row, locked.version, fresh))
            raise

    def _write(self, fresh: Token, row: Row, locked: _Locked) -> Token | None:
        rows, (key, before, _), over = locked
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                if rows.write(key.row_id, key.owner_id, row, over):
                    return fresh
                found = rows.read(key.row_id)
            except TokenStoreError as failure:
                if failure.error != TokenStoreError.error:
                    _drop(locked)
                    raise
                if time.monotonic() > deadline:
                    self._unsaved.add(key, Unsaved(row, over, fresh), failure)
                    return fresh
                time.sleep(_PAUSE)
                rows = self._rows  # the connection that held the lock is gone
                continue
            # The lock was lost. What is there now counts, unless it is what we have replaced.
            there = self._sealing.open(key.row_id, found)
            token = None if there is None else there.token
            if found is None or token is None or is_other(before, token):
                return token
            over = found.version

    def _write_at_last(self, key: TokenKey, unsaved: Unsaved) -> None:
        try:
            self._rows.write(key.row_id, key.owner_id, unsaved.row, unsaved.over)
        except OAuthError as failure:
            self._unsaved.add(key, unsaved, failure)


def _drop(locked: _Locked) -> None:
    """Remove a token that must not be sent a second time."""
    key = locked.kept.key
    locked.rows.remove(key.row_id, key.owner_id, locked.version)
