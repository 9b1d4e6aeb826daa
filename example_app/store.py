"""Where the tokens are: in this process, never in the browser.

Flask's session cookie is signed but not encrypted, so whoever holds the browser can read it.
The cookie therefore says who it is, and what belongs to that person stays here. A real app would
put a database in this place; the bounds (how many, how long) would be the same.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Refresh:
    """What one refresh did, told without the tokens themselves."""

    at: float
    access_token_changed: bool
    refresh_token_rotated: bool
    expires_at_before: int | None
    expires_at_after: int | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """What is kept of a person who is signed in."""

    #: The token response, with ``access_token``, ``refresh_token`` and ``id_token``.
    token: Mapping[str, Any] = field(repr=False)
    #: Claims of the verified ID token.
    id_claims: Mapping[str, Any] = field(repr=False)
    #: Claims that only the userinfo endpoint gave.
    userinfo_claims: Mapping[str, Any] = field(repr=False)
    at: float
    last_refresh: Refresh | None = None

    @property
    def claims(self) -> dict[str, Any]:
        """All claims; the signed ones win."""
        return {**self.userinfo_claims, **self.id_claims}

    def refreshed(self, token: Mapping[str, Any], at: float) -> SignIn:
        """The same sign-in with a new token, and a note of what changed.

        :param token: the token after the refresh, already merged over the old one.
        :param at: when that was.
        """
        old = self.token
        note = Refresh(
            at=at,
            access_token_changed=token.get("access_token") != old.get("access_token"),
            refresh_token_rotated=token.get("refresh_token") != old.get("refresh_token"),
            expires_at_before=old.get("expires_at"),
            expires_at_after=token.get("expires_at"),
        )
        return replace(self, token=token, last_refresh=note)


#: A person, as ``on_login`` names them.
Key = str | int | None


class SignInStore:
    """Sign-ins by person: bounded in number and age, safe to use from threads.

    :param limit: how many are kept; the one unused for longest goes first.
    :param lifetime: seconds after which a sign-in ends, used or not.
    :param clock: gives the current time; tests pass their own.
    """

    def __init__(
        self,
        limit: int = 1000,
        lifetime: float = 8 * 3600,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._limit = limit
        self._lifetime = lifetime
        self._clock = clock
        self._lock = threading.Lock()
        self._sign_ins: OrderedDict[Key, SignIn] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sign_ins)

    def put(self, person: Key, sign_in: SignIn) -> None:
        """Keep a new sign-in, in the place of an older one of the same person."""
        with self._lock:
            self._sign_ins[person] = sign_in
            self._sign_ins.move_to_end(person)
            while len(self._sign_ins) > self._limit:
                self._sign_ins.popitem(last=False)

    def get(self, person: Key) -> SignIn | None:
        """The sign-in of a person, or ``None`` if there is none or it is too old."""
        with self._lock:
            return self._get(person)

    def refreshed(self, person: Key, token: Mapping[str, Any], spent: str | None) -> None:
        """Put a refreshed token in the place of the old one, if that is still there.

        It is not after a sign-out, and not if what was refreshed is another login's token.

        :param spent: the refresh token that was used.
        """
        with self._lock:
            sign_in = self._get(person)
            if sign_in is not None and sign_in.token.get("refresh_token") == spent:
                self._sign_ins[person] = sign_in.refreshed(token, self._clock())

    def remove(self, person: Key) -> None:
        """Forget a sign-in."""
        with self._lock:
            self._sign_ins.pop(person, None)

    def _get(self, person: Key) -> SignIn | None:
        sign_in = self._sign_ins.get(person)
        if sign_in is None:
            return None
        if self._clock() - sign_in.at > self._lifetime:
            del self._sign_ins[person]
            return None
        self._sign_ins.move_to_end(person)
        return sign_in
