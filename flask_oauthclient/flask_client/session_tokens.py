"""Tokens in the Flask session: no database, and no token that outlives the session.

A session that lies in a cookie holds one or two small tokens, and everything about it that is
shared by several requests is in the browser's hands: requests that run side by side bring the same
old token, and one that takes long puts an old cookie back. So for a while it is remembered what a
spent token was replaced with; in the cache of the registry if it has one, where all workers see
it, else in this process.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from base64 import urlsafe_b64encode
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from typing import Any

from flask import current_app
from flask import has_request_context
from flask import session
from flask.sessions import SecureCookieSessionInterface

from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import TokenStoreError
from ..storage import cache as one_time
from ..storage.sign_outs import ProcessCache
from ..storage.tokens.cache import locks_of
from ..storage.tokens.kept import Token
from ..storage.tokens.key import TokenKey
from ..storage.tokens.leases import Locks
from ..storage.tokens.memory import ProcessLocks
from ..storage.tokens.rows import ABSENT
from ..storage.tokens.rows import Row
from ..storage.tokens.rows import TokenRows
from ..storage.tokens.store import SealedTokenStore

#: Where the session keeps them: by row, version and envelope in one text.
_KEY = "_oauthclient_tokens"
#: Characters of all tokens together in a session that is a cookie.
MAX_CHARACTERS = 3500
#: Seconds for which a request may go on with the session that it has begun with.
_SUCCESSOR_SECONDS = 600
#: What stands there for a token that was removed.
_REMOVED = "removed"
_VERSION_BYTES = 8


class _SessionRows(TokenRows):
    """Rows of the session of the current request."""

    def __init__(self) -> None:
        self.cache: Any = ProcessCache()
        self.locks: Locks = ProcessLocks()

    def read(self, row_id: str) -> Row | None:
        """The row, or what another request of this session has replaced it with."""
        kept = _kept().get(row_id)
        row = _parse(kept)
        seen: set[int] = set()  # a cache that was tampered with may lead round in circles
        while row is not None and row.version not in seen:
            seen.add(row.version)
            text = one_time.read(self.cache, _successor_of(row_id, row))
            newer = _parse(text)
            if newer is None and text != _REMOVED:
                return row
            row = newer
            self._set(row_id, text if newer is not None else None)
        return row

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        """Write a row into the session, and let the session's other requests know."""
        before = self.read(row_id)
        if over is not None and over != (ABSENT if before is None else before.version):
            return False
        text = _text(row)
        _check_size({**_kept(), row_id: text})
        if over is not None and before is not None:
            key = _successor_of(row_id, before)
            one_time.put(self.cache, key, text, _SUCCESSOR_SECONDS)
        self._set(row_id, text)
        return True

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        """Remove a row from the session."""
        before = self.read(row_id)
        if before is None or over not in (None, before.version):
            return False
        one_time.put(self.cache, _successor_of(row_id, before), _REMOVED, _SUCCESSOR_SECONDS)
        self._set(row_id, None)
        return True

    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        """The rows of the session, whoever's they are: few, and the store looks at each."""
        found = [(row_id, self.read(row_id)) for row_id in _kept()]
        return [(row_id, row) for row_id, row in found if row is not None]

    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[TokenRows]:
        """Lock a row, of all processes that share the cache."""
        return self._held(row_id)

    @contextmanager
    def _held(self, row_id: str) -> Generator[TokenRows]:
        with self.locks.hold(row_id):
            yield self

    @staticmethod
    def _set(row_id: str, text: str | None) -> None:
        rows = dict(_kept())
        rows.pop(row_id, None)
        if text is not None:
            rows[row_id] = text
        session[_KEY] = rows


class SessionTokenStore(SealedTokenStore):
    """Tokens, sealed, in the Flask session of whoever is signed in.

    For small applications: work without a request does not find them, and a session in a cookie
    has room for one or two. With several worker processes the registry needs a cache.

    :param keys: the keys that seal them, the current one first; default is
        ``OAUTHCLIENT_TOKEN_KEYS`` of the application, else its ``SECRET_KEY``.
    :param cache: a cachelib cache that all workers share; default is the registry's.
    """

    #: What a sign-out does not leave behind.
    ends_with_session = True
    _is_shared = False

    def __init__(self, keys: Sequence[str | bytes] | None = None, cache: Any = None) -> None:
        self._of_session = _SessionRows()
        super().__init__(self._of_session, keys)
        self._own_cache = cache is not None
        if cache is not None:
            self._use(cache)

    def use_cache(self, cache: Any) -> None:
        """Take the cache of a registry, unless the store was given one of its own."""
        if cache is not None and not self._own_cache:
            self._use(cache)

    def _use(self, cache: Any) -> None:
        self._of_session.cache = cache
        self._of_session.locks = locks_of(cache)

    def refresh(
        self,
        key: TokenKey,
        stale: Mapping[str, Any] | None,
        do: Callable[[Token | None], Mapping[str, Any]],
    ) -> Token | None:
        """Replace a token, once for all who want that at the same time."""
        fresh = super().refresh(key, stale, do)
        if fresh is not None:
            self.get(key)  # into the session of this request too, if another one was faster
        return fresh


def _kept() -> dict[str, str]:
    if not has_request_context():
        raise MissingConfigurationError(
            "missing_configuration",
            "A SessionTokenStore has the tokens of the current request's session. Work without a "
            "request needs a CacheTokenStore or SQLAlchemyTokenStore.",
        )
    kept = session.get(_KEY)
    return kept if isinstance(kept, dict) else {}


def _text(row: Row) -> str:
    return urlsafe_b64encode(row.version.to_bytes(_VERSION_BYTES) + row.sealed).decode("ascii")


def _parse(text: object) -> Row | None:
    try:
        raw = urlsafe_b64decode(text if isinstance(text, str) else "")
    except ValueError:
        return None
    return Row(int.from_bytes(raw[:_VERSION_BYTES]), raw[_VERSION_BYTES:]) if raw else None


def _successor_of(row_id: str, row: Row) -> str:
    name = f"{row_id} {row.version}".encode("ascii")
    return f"oauthclient_next_{hashlib.sha256(name).hexdigest()}"


def _check_size(rows: Mapping[str, str]) -> None:
    """Refuse what the browser would drop: the person would be sent to sign in for ever.

    :raises TokenStoreError: if the tokens do not fit a cookie.
    """
    size = sum(map(len, rows.values()))
    in_cookie = isinstance(current_app.session_interface, SecureCookieSessionInterface)
    if in_cookie and size > MAX_CHARACTERS:
        raise TokenStoreError(
            "token_too_large",
            "The token does not fit a session that is a cookie. Keep tokens in a CacheTokenStore "
            "(Redis) or a SQLAlchemyTokenStore, or sessions on the server.",
            detail={"size": size, "limit": MAX_CHARACTERS},
        )
