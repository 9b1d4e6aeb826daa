"""A cookie for each pending login.

Two tabs that start a login at the same moment each answer with a session cookie, and the second
one overwrites the first. A cookie of its own name for each login cannot be overwritten by another
tab. It is sealed, lives for ten minutes, and leaves a short mark behind when the login is over.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .sealing import Sealer

PREFIX = "oac_"
HOST_PREFIX = "__Host-oac_"
#: Hexadecimal digits of a time; a browser may send any number of them.
_TIME_DIGITS = 12
#: What stands in the cookie of a login that is over.
USED = "used"

#: The usual data of a login under one-letter names: each byte is sent with every request.
_SHORT: dict[str, str] = {
    "redirect_uri": "r",
    "nonce": "n",
    "code_verifier": "v",
    "extra": "x",
    "max_age": "m",
}
_encode = json.JSONEncoder(separators=(",", ":")).encode
_LONG = {short: long for long, short in _SHORT.items()}


@dataclass(frozen=True, slots=True)
class LoginCookie:
    """What a valid cookie says."""

    expires: int
    #: The login's data; ``None`` if they are kept in a cache.
    data: dict[str, Any] | None


def cookie_names(client: str, state: str) -> tuple[str, str]:
    """The names that a login's cookie may have: over plain http, and over https.

    A cookie of the second name can be set over https only, by this very host, so that no other
    host of the domain can plant it (RFC 6265bis section 4.1.3.2).

    :param client: name of the client.
    :param state: the state of the login.
    """
    digest = hashlib.sha256(f"{client}\0{state}".encode()).digest()
    label = urlsafe_b64encode(digest[:9]).decode("ascii")
    return PREFIX + label, HOST_PREFIX + label


def is_login_cookie(name: str) -> bool:
    """Whether a cookie belongs to a pending login."""
    return name.startswith((PREFIX, HOST_PREFIX))


def seal_login(
    sealer: Sealer,
    client: str,
    state: str,
    expires: int,
    data: Mapping[str, Any] | None,
    *,
    secure: bool = False,
) -> str:
    """Write the value of a login's cookie.

    :param secure: whether it has the name that it may have over https only.
    :param data: the login's data, or ``None`` if the cookie only has to prove the browser.
    """
    text = b"" if data is None else _write(data)
    return f"{expires:x}.{sealer.seal(text, _context(client, state, expires, secure))}"


def open_login(
    sealer: Sealer, client: str, state: str, value: str, *, secure: bool = False
) -> LoginCookie | None:
    """Read the value of a login's cookie; ``None`` unless it was sealed for this very login.

    A value that was sealed for the name which only this host can set is worth nothing under the
    other one, under which a neighbour in the domain could plant it.
    """
    stated, _, sealed = value.partition(".")
    expires = cookie_expiry(value)
    if expires is None or f"{expires:x}" != stated:
        return None
    text = sealer.open(sealed, _context(client, state, expires, secure))
    if text is None:
        return None
    return LoginCookie(expires, _read(text))


def _write(data: Mapping[str, Any]) -> bytes:
    short: dict[str, Any] = {_SHORT.get(name, name): value for name, value in data.items()}
    return _encode(short).encode("utf-8")


def _read(text: bytes) -> dict[str, Any] | None:
    try:
        short = json.loads(text) if text else None
    except ValueError:  # sealed here, but by another version of this package
        return None
    if not isinstance(short, dict):
        return None
    return {_LONG.get(str(name), str(name)): value for name, value in short.items()}


def cookie_expiry(value: str) -> int | None:
    """When a cookie says that its login ends, without believing it."""
    stated = value.partition(".")[0]
    try:
        return int(stated, 16) if len(stated) <= _TIME_DIGITS else None
    except ValueError:
        return None


def _context(client: str, state: str, expires: int, secure: bool) -> bytes:
    host = " host" if secure else ""
    return f"{len(client)} {client} {len(state)} {state} {expires}{host}".encode()
