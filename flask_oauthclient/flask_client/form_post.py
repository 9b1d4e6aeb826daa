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
from collections.abc import Callable
from collections.abc import Iterable
from typing import TYPE_CHECKING
from typing import Any

from flask import redirect
from flask import request

from ..protocol.oauth2.callback import PARAMETERS
from ..protocol.urls import add_params
from .visit import place_of

if TYPE_CHECKING:
    from ..storage.sealing import Sealer
    from .app_state import AppState

#: Query parameter under which the sealed form travels.
HANDLE = "oauthclient_form"
#: Bytes that a posted callback may have.
MAX_FORM_BYTES = 64 * 1024
FORM = "application/x-www-form-urlencoded"

_MAX_HANDLE = 6000
_LIFETIME = 60


def relay(state: AppState, names: Callable[[], Iterable[str]]) -> Callable[[], Any]:
    """Make the function that looks at each request before its view does.

    :param state: what the registry keeps for the application.
    :param names: gives the names of the registered clients.
    """

    def relay_form_post() -> Any:
        if request.method != "POST" or not _is_small_foreign_form():
            return None
        request.get_data(cache=True)  # so that a view can still read the body as it came
        login_state = request.form.get("state", "")
        if state.sealer is None or not state.logins.made_here(names(), request.host, login_state):
            return None
        handle = _seal(state.sealer, request.form.items(multi=True))
        # Relative, because an app behind a proxy may not know the scheme that the browser sees.
        here = f"?{request.query_string.decode('latin-1')}"
        return redirect(add_params(here, [(HANDLE, handle)]), 303) if handle else None

    return relay_form_post


def read_handle(sealer: Sealer | None, handle: str) -> list[tuple[str, str]] | None:
    """What was posted, from the handle of the GET that followed; ``None`` if it is not good."""
    text = sealer.open(handle, _context()) if sealer is not None else None
    if text is None:
        return None
    expires, params = json.loads(text)
    return [(name, value) for name, value in params] if expires > time.time() else None


def _seal(sealer: Sealer, form: Iterable[tuple[str, str]]) -> str | None:
    params = [(name, value) for name, value in form if name in PARAMETERS]
    text = json.dumps([int(time.time()) + _LIFETIME, params], separators=(",", ":"))
    handle = sealer.seal(text.encode("utf-8"), _context())
    return handle if len(handle) <= _MAX_HANDLE else None


def _context() -> bytes:
    return f"form_post {request.path}".encode()


def _is_small_foreign_form() -> bool:
    if request.url_rule is None or request.mimetype != FORM:
        return False
    if not 0 < (request.content_length or 0) <= MAX_FORM_BYTES:
        return False
    # Browsers name the origin of every form that is posted across sites; servers do not.
    sender = request.headers.get("Origin")
    return sender is not None and place_of(sender)[1] != request.host
