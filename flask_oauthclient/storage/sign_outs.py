"""Sign-ins that a provider has ended, where the sessions themselves lie in cookies.

A cookie cannot be taken back. What can be kept is a *mark*: "the sign-ins of this user, or of this
session at the provider, that are older than now are over". Every request of somebody who is signed
in looks for the marks that could concern them, in one round trip.

The key of an entry is a hash: who reads the cache learns no user, no session and no token.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Sequence
from functools import lru_cache
from time import monotonic
from typing import Any
from typing import TypeVar

from ..protocol.errors import StateStoreError
from . import cache as one_time

T = TypeVar("T")

_PREFIX = "oauthclient_out_"
_CAPACITY = 50_000
_NOTHING = (0.0, None)
#: Sign-ins whose keys are not made anew for each request.
_REMEMBERED = 256


class ProcessCache:
    """The cache of an application that has none: good for one process.

    :param capacity: entries beyond this number drive the oldest out.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> str | None:
        """The value of a key, or ``None``."""
        until, value = self._entries.get(key, _NOTHING)
        return value if until > monotonic() else None

    def get_many(self, *keys: str) -> list[str | None]:
        """The values of several keys."""
        entries, now = self._entries, monotonic()
        found = [entries.get(key, _NOTHING) for key in keys]
        return [value if until > now else None for until, value in found]

    def set(self, key: str, value: str, timeout: float) -> None:
        """Keep a value for some seconds."""
        with self._lock:
            self._keep(key, value, timeout)

    def add(self, key: str, value: str, timeout: float) -> bool:
        """Keep a value, if the key has none."""
        with self._lock:
            free = self.get(key) is None
            if free:
                self._keep(key, value, timeout)
            return free

    def delete(self, key: str) -> bool:
        """Remove a value; true if it was there."""
        with self._lock:
            return self._entries.pop(key, None) is not None

    def _keep(self, key: str, value: str, timeout: float) -> None:
        now = monotonic()
        self._entries.pop(key, None)
        while self._entries and (
            next(iter(self._entries.values()))[0] <= now or len(self._entries) >= self._capacity
        ):
            self._entries.popitem(last=False)
        self._entries[key] = (now + timeout, value)


class SignOuts:
    """What an application remembers of ended sign-ins.

    Each method raises :class:`StateStoreError` if the cache cannot be asked.

    :param cache: a cachelib cache, or ``None``: then it is known to this process only.
    :param lifetime: seconds for which a session can live, and a mark has to.
    """

    def __init__(self, cache: Any, lifetime: int) -> None:
        self._cache: Any = ProcessCache() if cache is None else cache
        self._lifetime = lifetime

    def end(self, client: str, issuer: str, *, sub: str | None, sid: str | None, at: float) -> None:
        """End the sign-ins up to a moment: of a session at the provider, else of a user.

        :param client: name of the client.
        :param issuer: the provider.
        :param sub: the user. Together with ``sid`` nobody else's session is meant, whatever it is
            called (Back-Channel Logout 1.0 section 2.6).
        :param sid: the session at the provider.
        :param at: seconds since the epoch.
        """
        if sid is None:
            self._mark(_of_user(client, issuer, sub or ""), at)
        else:
            self._mark(_of_session(client, issuer, sid, sub or ""), at)

    def end_sign_in(self, sign_in_id: str, at: float) -> None:
        """End one sign-in.

        :param sign_in_id: its random name.
        :param at: seconds since the epoch.
        """
        self._mark(_PREFIX + sign_in_id, at)

    def ended(
        self,
        client: str,
        issuer: str | None,
        sub: str,
        sid: str | None,
        since: float,
        sign_in_id: str = "",
    ) -> bool:
        """Whether a sign-in has been ended.

        :param issuer: the provider, if it can end sign-ins.
        :param sub: its user.
        :param sid: its session at the provider, if that has a name.
        :param since: when it was made; sign-ins after a mark are not concerned.
        :param sign_in_id: its random name, if it has one.
        """
        return self._latest(_concerning(client, issuer, sub, sid, sign_in_id)) >= since

    def note(self, client: str, issuer: str, sid: str) -> None:
        """Remember that there is a sign-in of this session, for :meth:`end_known`."""
        key = _key("known", client, issuer, sid)
        self._ask(one_time.put, key, json.dumps(True), self._lifetime)

    def end_known(self, client: str, issuer: str, sid: str, at: float) -> bool:
        """End the sign-ins of a session, if there are any: not everybody who asks is the provider.

        :returns: whether there were, for one caller; nothing is kept for a session that is unknown.
        """
        key = _key("known", client, issuer, sid)
        if self._ask(one_time.read, key) is None:
            return False
        self.end(client, issuer, sub=None, sid=sid, at=at)  # first: a failure can be repeated
        return self._ask(one_time.take, key) is not None

    def was_used(self, client: str, issuer: str, jti: str) -> bool:
        """Whether a token was used up already.

        :param jti: what the token is known by.
        """
        return self._ask(one_time.read, _key("token", client, issuer, jti)) is not None

    def first_use(self, client: str, issuer: str, jti: str, seconds: float) -> bool:
        """Use a token up: of all who try, one gets true.

        :param jti: what the token is known by.
        :param seconds: for how long it would be accepted once more.
        """
        key = _key("token", client, issuer, jti)
        return self._ask(one_time.claim, key, max(math.ceil(seconds), 1))

    def _mark(self, key: str, at: float) -> None:
        # Messages may overtake each other; an older one must not bring sign-ins back.
        latest = max(at, self._latest([key]))
        self._ask(one_time.put, key, json.dumps(latest), self._lifetime)

    def _latest(self, keys: Sequence[str]) -> float:
        found = self._ask(one_time.read_many, keys)
        marks = [text for text in found if text is not None]
        return max(map(_moment, marks)) if marks else -math.inf

    def _ask(self, how: Callable[..., T], *arguments: Any) -> T:
        try:
            return how(self._cache, *arguments)
        except Exception as exception:  # noqa: BLE001  each back end has errors of its own
            failure = type(exception).__name__
        raise StateStoreError(detail={"failure": failure})


@lru_cache(maxsize=_REMEMBERED)
def _concerning(
    client: str, issuer: str | None, sub: str, sid: str | None, sign_in_id: str
) -> tuple[str, ...]:
    """The keys of all marks that can concern a sign-in."""
    keys = [_PREFIX + sign_in_id] if sign_in_id else []
    if issuer is not None:
        keys.append(_of_user(client, issuer, sub))
    if issuer is not None and sid is not None:
        keys += [_of_session(client, issuer, sid, whose) for whose in {"", sub}]
    return tuple(keys)


def _of_user(client: str, issuer: str, sub: str) -> str:
    return _key("user", client, issuer, sub)


def _of_session(client: str, issuer: str, sid: str, sub: str) -> str:
    return _key("session", client, issuer, sid, sub)


def _key(*parts: str) -> str:
    """One key for each list of parts: their lengths stand before them."""
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return _PREFIX + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _moment(text: str) -> float:
    """The time of a mark. One that cannot be read is no reason to skip the check."""
    try:
        moment = float(json.loads(text))
    except (ValueError, TypeError, OverflowError, RecursionError):
        moment = math.nan
    if not math.isfinite(moment):
        raise StateStoreError(detail={"failure": "an unreadable mark"})
    return moment
