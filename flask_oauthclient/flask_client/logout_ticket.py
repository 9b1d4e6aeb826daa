"""What a sign-out at the provider needs: the ID token, and a token to revoke; sealed.

They have no place in the session, which anybody with the browser can read. With a cache they are
kept there. Without one the browser keeps them, in a cookie of its own that it sends to the logout
route alone, so that no other request is any longer for it. Many a proxy allows 4 KiB for the head
of an answer, so a token that is too long for that is not kept, and the provider is told who signs
out without it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from flask import after_this_request
from flask import current_app
from flask import request
from flask import session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response

from ..protocol.errors import MissingConfigurationError
from ..storage import cache as one_time
from .mounted import app_state
from .pages import path_of
from .visit import is_secure

_log = logging.getLogger(__name__)

COOKIE = "oauthclient_logout"
_KEY = "oauthclient_logout_"
#: Bytes for the head of an answer, and what else is in it than headers that are known here.
_MAX_HEAD = 4000
_OTHER_HEADERS = 900


class Ticket(NamedTuple):
    """What was kept of a login's token."""

    id_token: str | None = None
    #: The refresh token; the access token where there is none.
    revocable: str | None = None


def give_ticket(sign_in_id: str, token: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Keep what a sign-out will need, and nothing that the provider has no use for then.

    :param sign_in_id: the sign-in that it belongs to.
    :param token: the token of the login.
    :param metadata: what is known of the provider.
    """
    revocable = token.get("refresh_token") or token.get("access_token")
    ticket = Ticket(
        token.get("id_token") if metadata.get("end_session_endpoint") else None,
        revocable if metadata.get("revocation_endpoint") else None,
    )
    # The more the better, as far as there is room.
    tickets = [one for one in (ticket, Ticket(ticket.id_token)) if any(one)]
    state = app_state()
    if state.sealer is None or not tickets:
        return
    if state.cache is not None:
        _keep_in_cache(sign_in_id, tickets[0])
    else:
        _keep_in_cookie(sign_in_id, tickets)


def take_ticket(sign_in_id: str) -> Ticket:
    """What was kept for a sign-in; nothing if it is not there any more."""
    state = app_state()
    in_cookie, in_cache = request.cookies.get(COOKIE), None
    if in_cookie is not None:
        _set_cookie_later("", 0)
    if state.cache is not None:
        in_cache = _take_from_cache(sign_in_id)
    sealed = in_cache or in_cookie  # which may be older than the cache
    if sealed is None or state.sealer is None:
        return Ticket()
    text = state.sealer.open(sealed, _context(sign_in_id))
    return Ticket(*json.loads(text)) if text is not None else Ticket()


def _seal(sign_in_id: str, ticket: Ticket) -> str:
    sealer = app_state().sealer
    if sealer is None:
        raise MissingConfigurationError("missing_configuration", "Set SECRET_KEY.")
    return sealer.seal(json.dumps(ticket).encode(), _context(sign_in_id))


def _context(sign_in_id: str) -> bytes:
    return f"logout ticket {sign_in_id}".encode()


# -- in the cache ------------------------------------------------------------------------------


def _cache_key(sign_in_id: str) -> str:
    return _KEY + hashlib.sha256(sign_in_id.encode()).hexdigest()


def _keep_in_cache(sign_in_id: str, ticket: Ticket) -> None:
    lifetime = int(current_app.permanent_session_lifetime.total_seconds())
    sealed = _seal(sign_in_id, ticket)
    try:
        one_time.put(app_state().cache, _cache_key(sign_in_id), sealed, lifetime)
    except Exception as failure:  # noqa: BLE001  each back end has errors of its own
        _log.warning("what a sign-out needs was not kept: %s", type(failure).__name__)


def _take_from_cache(sign_in_id: str) -> str | None:
    try:
        return one_time.take(app_state().cache, _cache_key(sign_in_id))
    except Exception as failure:  # noqa: BLE001  each back end has errors of its own
        _log.warning("what a sign-out needs was not found: %s", type(failure).__name__)
        return None


# -- in a cookie -------------------------------------------------------------------------------


def _keep_in_cookie(sign_in_id: str, tickets: list[Ticket]) -> None:
    lives = int(current_app.permanent_session_lifetime.total_seconds())
    seconds = lives if session.permanent else None

    @after_this_request
    def add(response: Response) -> Response:
        room = _MAX_HEAD - _OTHER_HEADERS - _size_of_head(response)
        for ticket in tickets:
            if _in_base64(json.dumps(ticket)) <= room:
                return _set_cookie(response, _seal(sign_in_id, ticket), seconds)
        return response


def _size_of_head(response: Response) -> int:
    """The bytes of the headers that there are, and of the session cookie that is still to come."""
    headers = sum(len(name) + len(value) + 4 for name, value in response.headers)
    if not isinstance(current_app.session_interface, SecureCookieSessionInterface):
        return headers
    # Flask compresses it where that makes it shorter; this is what it has at most.
    return headers + _in_base64(json.dumps(dict(session), default=str))


def _in_base64(text: str) -> int:
    """About how long a text is when it is sealed or signed."""
    return len(text) * 4 // 3 + 60


def _set_cookie_later(value: str, seconds: int | None) -> None:
    @after_this_request
    def add(response: Response) -> Response:
        return _set_cookie(response, value, seconds)


def _set_cookie(response: Response, value: str, seconds: int | None) -> Response:
    response.set_cookie(
        COOKIE,
        value,
        max_age=seconds,
        path=path_of("logout"),
        secure=is_secure(),
        httponly=True,
        samesite="Strict",
    )
    return response
