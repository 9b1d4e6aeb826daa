"""Callbacks that the provider's page posts (OAuth 2.0 Form Post Response Mode).

Such a POST crosses sites, and browsers send no ``SameSite=Lax`` cookie with it: neither the
login's own nor the session's. It is answered by a redirect to the same URL with GET, which they
send their cookies with. What was posted travels along sealed, is good for a minute, and completes
the login no more than once, like any other callback.

Only a form that carries a state made here is treated like that. Everything else that is posted to
the application is left alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..protocol.oauth2.callback import PARAMETERS
from ..protocol.urls import add_params
from .visit import Headers
from .visit import mimetype
from .visit import place_of

if TYPE_CHECKING:
    from ..storage.sealing import Sealer

#: Query parameter under which the sealed form travels.
HANDLE = "oauthclient_form"
#: Bytes that a posted callback may have.
MAX_FORM_BYTES = 64 * 1024
FORM = "application/x-www-form-urlencoded"

_MAX_HANDLE = 6000
_LIFETIME = 60


def is_small_foreign_form(method: str, headers: Headers, host: str) -> bool:
    """Whether a request can be a posted callback that has come without its cookies.

    :param method: of the request.
    :param headers: of the request, by names in any case.
    :param host: that it was sent to.
    """
    if method != "POST" or mimetype(headers) != FORM:
        return False
    length = headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit() and 0 < int(length) <= MAX_FORM_BYTES):
        return False
    # Browsers name the origin of every form that is posted across sites; servers do not.
    sender = headers.get("Origin")
    return sender is not None and place_of(sender)[1] != host


def where_to_get(
    sealer: Sealer, path: str, query: str, form: Iterable[tuple[str, str]]
) -> str | None:
    """Where the browser shall ask for the same once more, with its cookies.

    :param sealer: seals what was posted.
    :param path: path of the request, without where the application is mounted.
    :param query: its query.
    :param form: what was posted.
    :returns: a relative URL, since an application behind a proxy may not know the scheme that the
        browser sees; ``None`` for more than an address has room for.
    """
    params = [(name, value) for name, value in form if name in PARAMETERS]
    text = json.dumps([int(time.time()) + _LIFETIME, params], separators=(",", ":"))
    handle = sealer.seal(text.encode("utf-8"), _context(path))
    return add_params(f"?{query}", [(HANDLE, handle)]) if len(handle) <= _MAX_HANDLE else None


def read_handle(sealer: Sealer | None, path: str, handle: str) -> list[tuple[str, str]] | None:
    """What was posted, from the handle of the GET that followed; ``None`` if it is not good.

    :param sealer: what has sealed it.
    :param path: path of the request, as above.
    :param handle: the value of the parameter :data:`HANDLE`.
    """
    text = sealer.open(handle, _context(path)) if sealer is not None else None
    if text is None:
        return None
    expires, params = json.loads(text)
    return [(name, value) for name, value in params] if expires > time.time() else None


def _context(path: str) -> bytes:
    return f"form_post {path}".encode()
