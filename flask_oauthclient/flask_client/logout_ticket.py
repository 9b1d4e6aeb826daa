"""What a sign-out at the provider needs, kept by the browser: ID token and refresh token, sealed.

They have no place in the session, which anybody with the browser can read. The ticket is a cookie
of its own that is sent to the logout route alone, sealed for one sign-in. So no store is needed,
and no request but that one is any longer for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from flask import after_this_request
from flask import current_app
from flask import request
from flask import session
from werkzeug.wrappers import Response

from .mounted import app_state
from .pages import path_of

COOKIE = "oauthclient_logout"
#: Bytes that browsers accept for a cookie with its name and attributes, and some to spare.
_MAX_BYTES = 3800


def give_ticket(sign_in_id: str, token: Mapping[str, Any]) -> None:
    """Let the browser keep what its sign-out will need.

    :param sign_in_id: the sign-in that it belongs to.
    :param token: the token of the login.
    """
    sealer = app_state().sealer
    id_token = token.get("id_token")
    revocable = token.get("refresh_token") or token.get("access_token")
    if sealer is None or not (id_token or revocable):  # of OAuth 1.0a there is nothing to tell
        return
    for content in ([id_token, revocable], [id_token, None]):  # as far as there is room
        sealed = sealer.seal(json.dumps(content).encode(), _context(sign_in_id))
        if len(sealed) <= _MAX_BYTES:
            _set_cookie(sealed)
            return


class Ticket(NamedTuple):
    """What was kept of a login's token."""

    id_token: str | None = None
    #: The refresh token; the access token where there is none.
    revocable: str | None = None


def take_ticket(sign_in_id: str) -> Ticket:
    """What was kept for a sign-in; nothing if the browser does not have it."""
    value, sealer = request.cookies.get(COOKIE), app_state().sealer
    if value is None:
        return Ticket()
    _set_cookie("")
    text = sealer.open(value, _context(sign_in_id)) if sealer is not None else None
    return Ticket(*json.loads(text)) if text is not None else Ticket()


def _context(sign_in_id: str) -> bytes:
    return f"logout ticket {sign_in_id}".encode()


def _set_cookie(value: str) -> None:
    path = path_of("logout")
    lives = current_app.permanent_session_lifetime if session.permanent else None

    @after_this_request
    def add(response: Response) -> Response:
        response.set_cookie(
            COOKIE,
            value,
            max_age=lives if value else 0,
            path=path,
            secure=request.is_secure or bool(current_app.config["SESSION_COOKIE_SECURE"]),
            httponly=True,
            samesite="Strict",
        )
        return response
