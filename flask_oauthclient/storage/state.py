"""Pending logins: kept at the redirect, taken once at the callback.

A login is kept in up to three places. The *session* has an entry under
``_state_{client}_{state}``: all of the login, or only a marker when a *cache* holds it. The
login's own *cookie* (:mod:`.login_cookie`) says the same once more. Either of the two proves that
the callback comes from the browser that started the login; a state that is merely known is proof
of nothing (a state in a shared cache is known to whoever started it).

Each login is good for ten minutes and for one callback. At most eight are pending in one browser,
within a bounded number of bytes; the oldest give way.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from ..protocol.errors import MismatchingStateError
from ..protocol.errors import StateStoreError
from . import cache as one_time
from .login_cookie import HOST_PREFIX
from .login_cookie import USED
from .login_cookie import cookie_expiry
from .login_cookie import cookie_names
from .login_cookie import is_login_cookie
from .login_cookie import open_login
from .login_cookie import seal_login
from .sealing import Sealer
from .spent import SpentSet
from .state_value import make_state
from .state_value import read_state
from .state_value import state_age

#: Seconds in which a login has to be completed.
LIFETIME = 600
#: Pending logins in one browser.
MAX_PENDING = 8
#: Bytes that all login cookies of one browser may have together, and one of them alone.
MAX_COOKIE_BYTES = 3200
#: Bytes that pending logins may add to a session cookie; less, if the cookie of the login that is
#: beginning is longer than most: both are in the head of one answer, for which many a proxy has no
#: more than 4 KiB.
MAX_SESSION_BYTES = 1850
_USUAL_COOKIE_BYTES = 450

_PREFIX = "_state_"
_FITS_EVERY_CACHE = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Browser:
    """What a request tells of the browser, and how to answer it."""

    session: MutableMapping[str, Any]
    cookies: Mapping[str, str]
    host: str
    secure: bool
    #: ``(name, value, seconds to live)``; no seconds removes the cookie.
    set_cookie: Callable[[str, str, int], None]


class PendingLogins:
    """The pending logins of one application.

    :param sealer: seals the cookies; ``None`` without a secret key, then there are no cookies.
    :param cache: keeps the data of the logins, if it is there.
    :param lifetime: seconds in which a login has to be completed.
    """

    def __init__(self, sealer: Sealer | None, cache: Any = None, lifetime: int = LIFETIME) -> None:
        self._sealer = sealer
        self._cache = cache
        self._lifetime = lifetime
        self._spent = SpentSet(lifetime)

    def new_state(self, client: str, host: str) -> str:
        """Make a state value that can explain itself later."""
        key = self._sealer.mac_keys[0] if self._sealer else b""
        return make_state(key, client, host, time.time())

    def made_here(self, clients: Iterable[str], host: str, state: str) -> bool:
        """Whether a state was made here for one of the clients, for this host and just now."""
        keys, now = self._sealer.mac_keys if self._sealer else [], time.time()
        if state_age(state, now) > self._lifetime // 60:
            return False
        hints = (read_state(keys, client, host, state, now) for client in clients)
        return any(hint is not None and hint.same_host for hint in hints)

    # -- keep -----------------------------------------------------------------------------

    def keep(self, browser: Browser, client: str, state: str, data: Mapping[str, Any]) -> None:
        """Keep a login until its callback.

        :param browser: who starts it.
        :param client: name of the client.
        :param state: its state.
        :param data: everything the callback will need; JSON values.
        :raises StateStoreError: if it cannot be kept.
        """
        expires = round(time.time() + self._lifetime, 3)
        self._spent.forget(_key(client, state))  # a state that is given, and given again
        if self._cache is not None:
            self._put(
                _cache_key(client, state), json.dumps({"data": data, **_owner(client, state)})
            )
        room = MAX_SESSION_BYTES
        if self._sealer is not None:
            size = self._keep_in_cookie(self._sealer, browser, client, state, int(expires), data)
            room -= max(size - _USUAL_COOKIE_BYTES, 0)
        self._keep_in_session(browser.session, client, state, expires, data, room)

    def _put(self, key: str, text: str) -> None:
        failure: str | None = None
        try:
            one_time.put(self._cache, key, text, self._lifetime)
        except Exception as exception:  # noqa: BLE001  each back end has errors of its own
            failure = type(exception).__name__
        if failure is not None:
            raise StateStoreError(detail={"failure": failure})

    def _keep_in_session(
        self,
        session: MutableMapping[str, Any],
        client: str,
        state: str,
        expires: float,
        data: Mapping[str, Any],
        room: int,
    ) -> None:
        entry: dict[str, Any] = {"exp": expires, **_owner(client, state)}
        if self._cache is None:
            entry = {"data": dict(data), **entry}
        _sweep(session)
        session.pop(_key(client, state), None)
        session[_key(client, state)] = entry
        # A login that application data make too large for the session has its cookie.
        _make_room(session, room, least=0 if self._sealer and "extra" in data else 1)

    def _keep_in_cookie(
        self,
        sealer: Sealer,
        browser: Browser,
        client: str,
        state: str,
        expires: int,
        data: Mapping[str, Any],
    ) -> int:
        kept = None if self._cache is not None else data
        name = cookie_names(client, state)[browser.secure]
        value = seal_login(sealer, client, state, expires, kept, secure=browser.secure)
        if len(name) + len(value) > MAX_COOKIE_BYTES:
            raise StateStoreError("state_too_large", http_status=500)
        for old in _cookies_that_give_way(browser.cookies, name, value):
            browser.set_cookie(old, "", 0)
        browser.set_cookie(name, value, self._lifetime)
        return len(name) + len(value)

    # -- take -----------------------------------------------------------------------------

    def take(self, browser: Browser, client: str, state: str) -> dict[str, Any]:
        """Take a login, once.

        :param browser: who comes back.
        :param client: name of the client whose callback was called.
        :param state: the state of the callback.
        :returns: the data that were kept.
        :raises MismatchingStateError: if this browser has no such login; the code says why.
        :raises StateStoreError: if the cache cannot be asked. No check is skipped then.
        """
        entry = _session_entry(browser.session, client, state)
        carried = _carried_cookies(browser, client, state)
        self._forget(browser, client, state, carried)
        if USED in carried.values():  # another tab's response may have brought the entry back
            raise MismatchingStateError("state_used")
        cookie = self._open_cookie(carried, client, state) if entry is None else None
        if entry is None and cookie is None:
            raise MismatchingStateError(self._explain(browser, client, state))
        if _is_over(entry, cookie, time.time()):
            raise MismatchingStateError("state_expired")
        data = self._take_data(client, state, entry, cookie)
        if data is None:
            raise _used(_data_of(entry) if cookie is None else cookie.data)
        return data

    def peek(self, session: Mapping[str, Any], client: str, state: str) -> dict[str, Any] | None:
        """Read the data of a login that the session vouches for, without taking it."""
        entry = _session_entry(session, client, state)
        if entry is not None and self._cache is not None:
            entry = _load(self._ask(one_time.read, _cache_key(client, state)) or "")
        return _data_of(entry) if _belongs_to(client, entry) else None

    def drop(self, browser: Browser, client: str, state: str) -> None:
        """Forget a login wherever it is kept."""
        self.forget(browser, client, state)
        if self._cache is not None:
            self._ask(one_time.take, _cache_key(client, state))

    def _take_data(self, client: str, state: str, entry: Any, cookie: Any) -> dict[str, Any] | None:
        """The data of a login whose browser is proven; ``None`` if somebody was faster."""
        kept: Any
        if self._cache is not None:
            text = self._ask(one_time.take, _cache_key(client, state))
            kept = None if text is None else _load(text)
            taken = text is not None
        else:
            kept = {"data": cookie.data} if entry is None else entry
            taken = True
        # Who took nothing must not mark it as used: the one who did take it still has to pass here.
        if not taken or not self._spent.spend(_key(client, state)):
            return None
        data = _data_of(kept) if _belongs_to(client, kept) else None
        if data is None:
            raise MismatchingStateError("state_unreadable")
        return data

    def _ask(self, how: Callable[[Any, str], str | None], key: str) -> str | None:
        failure: str | None = None
        text: str | None = None
        try:
            text = how(self._cache, key)
        except Exception as exception:  # noqa: BLE001  each back end has errors of its own
            failure = type(exception).__name__
        if failure is not None:
            raise StateStoreError(detail={"failure": failure})
        return text

    def _open_cookie(self, carried: Mapping[str, str], client: str, state: str) -> Any:
        sealer = self._sealer
        if sealer is None:
            return None
        for name, value in carried.items():
            secure = name.startswith(HOST_PREFIX)
            opened = open_login(sealer, client, state, value, secure=secure)
            if opened is not None:
                return opened
        return None

    def forget(self, browser: Browser, client: str, state: str) -> None:
        """Remove a login from the browser, and whatever else has expired there."""
        self._forget(browser, client, state, _carried_cookies(browser, client, state))

    def _forget(
        self, browser: Browser, client: str, state: str, carried: Mapping[str, str]
    ) -> None:
        if _session_entry(browser.session, client, state) is not None:
            del browser.session[_key(client, state)]
        _sweep(browser.session)
        for name in carried:
            browser.set_cookie(name, USED, self._lifetime)

    def _explain(self, browser: Browser, client: str, state: str) -> str:
        """Why a state that nobody vouches for is not accepted."""
        if _key(client, state) in self._spent:
            return "state_used"
        keys = self._sealer.mac_keys if self._sealer else [b""]
        hint = read_state(keys, client, browser.host, state, time.time())
        if hint is None:
            return "mismatching_state"
        if not hint.same_host:
            return "state_other_host"
        if hint.age_minutes * 60 > self._lifetime:
            return "state_expired"
        return "state_foreign" if _is_known(browser) else "state_lost"


def _key(client: str, state: str) -> str:
    return f"{_PREFIX}{client}_{state}"


def _cache_key(client: str, state: str) -> str:
    """The same key, where every cache can take it: memcached knows short ASCII keys only.

    An OAuth 1.0a state is the server's, and may be anything.
    """
    key = _key(client, state)
    if _FITS_EVERY_CACHE.fullmatch(key):
        return key
    return _PREFIX + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _carried_cookies(browser: Browser, client: str, state: str) -> dict[str, str]:
    names = cookie_names(client, state)
    return {name: browser.cookies[name] for name in names if name in browser.cookies}


def _is_known(browser: Browser) -> bool:
    return bool(browser.session) or any(map(is_login_cookie, browser.cookies))


def _session_entry(session: Mapping[str, Any], client: str, state: str) -> Any:
    entry = session.get(_key(client, state))
    return entry if _belongs_to(client, entry) else None


def _owner(client: str, state: str) -> dict[str, str]:
    # "git" + "hub_x" and "git_hub" + "x" have one key. A state of ours has no such character, but
    # one of an OAuth 1.0a server may be anything.
    return {"client": client} if "_" in client + state else {}


def _belongs_to(client: str, kept: Any) -> bool:
    return not isinstance(kept, dict) or kept.get("client", client) == client


def _is_over(entry: Any, cookie: Any, now: float) -> bool:
    times = [cookie.expires] if cookie is not None else []
    if isinstance(entry, dict) and isinstance(entry.get("exp"), int | float):
        times.append(entry["exp"])
    return bool(times) and max(times) <= now


def _data_of(value: Any) -> dict[str, Any] | None:
    data = value.get("data") if isinstance(value, dict) else None
    return data if isinstance(data, dict) else None


def _used(data: Mapping[str, Any] | None) -> MismatchingStateError:
    """The error for a login that was completed already; it says what the login was for."""
    error = MismatchingStateError("state_used")
    error.extra = (data or {}).get("extra")
    return error


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _states(session: Mapping[str, Any]) -> Iterator[str]:
    """The keys of pending logins; the application may have keys of its own that begin so."""
    keys = [key for key in session if isinstance(key, str) and key.startswith(_PREFIX)]
    return (key for key in keys if _is_ours(session[key]))


def _is_ours(entry: Any) -> bool:
    return isinstance(entry, dict) and not entry.keys().isdisjoint(("data", "exp"))


def _sweep(session: MutableMapping[str, Any]) -> None:
    """Remove what has expired, for every client."""
    now = time.time()
    for key in _states(session):
        expires = session[key].get("exp")
        if not isinstance(expires, int | float) or expires <= now:
            del session[key]


def _make_room(session: MutableMapping[str, Any], room: int, least: int) -> None:
    """Drop the oldest logins beyond the limits, down to the least number that stays."""
    keys = list(_states(session))
    if len(keys) <= least:
        return
    keys.sort(key=lambda key: session[key]["exp"])
    while len(keys) > least and (len(keys) > MAX_PENDING or _size_in_cookie(session, keys) > room):
        del session[keys.pop(0)]


def _size_in_cookie(session: Mapping[str, Any], keys: list[str]) -> int:
    """About how much some entries add to a session cookie, which is compressed and in base64."""
    text = "".join(key + json.dumps(session[key]) for key in keys).encode("utf-8")
    size = len(text) * 4 // 3
    return size if size <= MAX_SESSION_BYTES else len(zlib.compress(text)) * 4 // 3


def _cookies_that_give_way(cookies: Mapping[str, str], name: str, value: str) -> Iterator[str]:
    others = [(n, v) for n, v in cookies.items() if is_login_cookie(n) and n != name]
    # The newest first; a value that cannot be read is the first to go. Of one second, the newest
    # is the last that the browser sends (RFC 6265 section 5.4).
    others.reverse()
    others.sort(key=lambda item: cookie_expiry(item[1]) or 0, reverse=True)
    size = len(name) + len(value)
    for count, (other, content) in enumerate(others, start=2):
        size += len(other) + len(content)
        if count > MAX_PENDING or size > MAX_COOKIE_BYTES:
            yield other
