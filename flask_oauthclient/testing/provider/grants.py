"""What has been granted: codes, access tokens and refresh tokens, all in memory.

Everything that was issued from one authorization belongs to one :class:`Grant`. A code or a
refresh token that is presented a second time has been stolen or replayed, so the whole grant ends
with it (RFC 6749 4.1.2, RFC 9700 4.14.2).
"""

from __future__ import annotations

import collections
import dataclasses
import secrets
import threading
import typing as t
from collections.abc import Callable

from .errors import Refusal

K = t.TypeVar("K")
V = t.TypeVar("V")

#: How many codes, tokens, sessions and pages under way are remembered, each.
MEMORY_LIMIT = 20_000


class Bounded(collections.OrderedDict[K, V]):
    """A dictionary that forgets its oldest entry when it is full.

    :param limit: How many entries it holds.
    """

    def __init__(self, limit: int = MEMORY_LIMIT) -> None:
        super().__init__()
        self._limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > self._limit:
            self.popitem(last=False)


@dataclasses.dataclass(slots=True)
class Grant:
    """One authorization by one person for one client."""

    client_id: str
    sub: str
    scopes: tuple[str, ...]
    auth_time: int
    sid: str | None = None
    acr: str | None = None
    revoked: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for."""

    grant: Grant
    redirect_uri: str
    #: RFC 6749 4.1.3: the token request repeats the URI only if the first request had it.
    redirect_uri_given: bool
    nonce: str | None = dataclasses.field(repr=False)
    code_challenge: str | None = dataclasses.field(repr=False)
    expires_at: float


@dataclasses.dataclass(frozen=True, slots=True)
class IssuedToken:
    """What an access or a refresh token stands for."""

    grant: Grant
    scopes: tuple[str, ...]
    expires_at: float


class GrantStore:
    """Codes and tokens, each of which can be redeemed by one thread only.

    :param clock: Tells the time in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: Bounded[str, Code] = Bounded()
        self._used_codes: Bounded[str, Grant] = Bounded()
        self._access: Bounded[str, IssuedToken] = Bounded()
        self._refresh: Bounded[str, IssuedToken] = Bounded()
        self._used_refresh: Bounded[str, Grant] = Bounded()

    def add_code(self, code: Code) -> str:
        """Issue an authorization code.

        :param code: What it stands for.
        :returns: The code.
        """
        return self._issue(self._codes, code)

    def add_access(self, token: IssuedToken) -> str:
        """Issue an access token.

        :param token: What it stands for.
        :returns: The token.
        """
        return self._issue(self._access, token)

    def add_refresh(self, token: IssuedToken) -> str:
        """Issue a refresh token.

        :param token: What it stands for.
        :returns: The token.
        """
        return self._issue(self._refresh, token)

    def _issue(self, where: Bounded[str, V], value: V) -> str:
        name = secrets.token_urlsafe(32)
        with self._lock:
            where[name] = value
        return name

    def redeem_code(self, name: str, client_id: str) -> Code:
        """Use a code up (RFC 6749 4.1.2).

        :param name: The code.
        :param client_id: The client that presents it.
        :returns: What it stands for.
        :raises Refusal: ``invalid_grant``, if it is unknown, used, expired or another client's.
        """
        with self._lock:
            code = self._codes.get(name)
            if code is None:
                self._replayed(self._used_codes.get(name), client_id)
                raise Refusal("invalid_grant", "The code is unknown or was used before.")
            if code.grant.client_id != client_id:
                raise Refusal("invalid_grant", "The code belongs to another client.")
            del self._codes[name]
            self._used_codes[name] = code.grant
        if code.expires_at <= self._clock():
            raise Refusal("invalid_grant", "The code has expired.")
        return code

    def redeem_refresh(self, name: str, client_id: str, keep: bool) -> IssuedToken:
        """Use a refresh token, and use it up when tokens rotate (RFC 9700 4.14.2).

        :param name: The refresh token.
        :param client_id: The client that presents it.
        :param keep: Leave it valid.
        :returns: What it stands for.
        :raises Refusal: ``invalid_grant``, if it is unknown, used, expired, revoked or another
            client's.
        """
        with self._lock:
            token = self._refresh.get(name)
            if token is None:
                self._replayed(self._used_refresh.get(name), client_id)
                raise Refusal("invalid_grant", "The refresh token is unknown or was used before.")
            if token.grant.client_id != client_id:
                raise Refusal("invalid_grant", "The refresh token belongs to another client.")
            if token.grant.revoked or token.expires_at <= self._clock():
                raise Refusal("invalid_grant", "The refresh token was revoked or has expired.")
            if not keep:
                del self._refresh[name]
                self._used_refresh[name] = token.grant
        return token

    @staticmethod
    def _replayed(grant: Grant | None, client_id: str) -> None:
        # Another client that got hold of a used code must not be able to end the grant with it.
        if grant is not None and grant.client_id == client_id:
            grant.revoked = True

    def find_access(self, name: str) -> IssuedToken | None:
        """Look up an access token.

        :param name: The token.
        :returns: What it stands for; ``None`` if it is unknown, expired or revoked.
        """
        return self._alive(self._access.get(name))

    def find_refresh(self, name: str) -> IssuedToken | None:
        """Look up a refresh token without using it.

        :param name: The token.
        :returns: What it stands for; ``None`` if it is unknown, used, expired or revoked.
        """
        return self._alive(self._refresh.get(name))

    def _alive(self, token: IssuedToken | None) -> IssuedToken | None:
        if token is None or token.grant.revoked or token.expires_at <= self._clock():
            return None
        return token

    def revoke_token(self, name: str, client_id: str) -> None:
        """End a token on its client's behalf (RFC 7009 2.1).

        :param name: An access token, which ends alone, or a refresh token, which ends the grant.
        :param client_id: The client that presents it.
        :raises Refusal: ``invalid_grant``, if it is another client's.
        """
        with self._lock:
            issued = self._access.get(name) or self._refresh.get(name)
            if issued is None:
                return
            if issued.grant.client_id != client_id:
                raise Refusal("invalid_grant", "The token belongs to another client.")
            if self._access.pop(name, None) is None:
                issued.grant.revoked = True

    def revoke(self, name: str) -> bool:
        """End the grant that a code or token belongs to, as an administrator would.

        :param name: A code, an access token or a refresh token.
        :returns: Whether it was known.
        """
        with self._lock:
            issued = self._access.get(name) or self._refresh.get(name) or self._codes.get(name)
        if issued is not None:
            issued.grant.revoked = True
        return issued is not None
