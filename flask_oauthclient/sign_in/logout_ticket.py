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
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from ..protocol.errors import MissingConfigurationError
from ..storage import cache as one_time
from .site import Cookie

if TYPE_CHECKING:
    from ..registry.app_state import AppState
    from .site import Site

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


def give_ticket(
    site: Site, sign_in_id: str, token: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
    """Keep what a sign-out will need, and nothing that the provider has no use for then.

    :param site: the visit.
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
    if site.state.sealer is None or not tickets:
        return
    if site.state.cache is not None:
        _keep_in_cache(site, sign_in_id, tickets[0])
    else:
        _keep_in_cookie(site, sign_in_id, tickets)


def take_ticket(site: Site, sign_in_id: str) -> Ticket:
    """What was kept for a sign-in; nothing if it is not there any more."""
    state = site.state
    in_cookie, in_cache = site.cookie(COOKIE), None
    if in_cookie is not None:
        site.when_answering(lambda _: _cookie(site, "", 0))
    if state.cache is not None:
        in_cache = _take_from_cache(state, sign_in_id)
    sealed = in_cache or in_cookie  # which may be older than the cache
    if sealed is None or state.sealer is None:
        return Ticket()
    text = state.sealer.open(sealed, _context(sign_in_id))
    return Ticket(*json.loads(text)) if text is not None else Ticket()


def _seal(state: AppState, sign_in_id: str, ticket: Ticket) -> str:
    if state.sealer is None:
        raise MissingConfigurationError("missing_configuration", "Set SECRET_KEY.")
    return state.sealer.seal(json.dumps(ticket).encode(), _context(sign_in_id))


def _context(sign_in_id: str) -> bytes:
    return f"logout ticket {sign_in_id}".encode()


# -- in the cache ------------------------------------------------------------------------------


def _cache_key(sign_in_id: str) -> str:
    return _KEY + hashlib.sha256(sign_in_id.encode()).hexdigest()


def _keep_in_cache(site: Site, sign_in_id: str, ticket: Ticket) -> None:
    sealed = _seal(site.state, sign_in_id, ticket)
    try:
        one_time.put(site.state.cache, _cache_key(sign_in_id), sealed, site.lifetime)
    except Exception as failure:  # noqa: BLE001  each back end has errors of its own
        _log.warning("what a sign-out needs was not kept: %s", type(failure).__name__)


def _take_from_cache(state: AppState, sign_in_id: str) -> str | None:
    try:
        return one_time.take(state.cache, _cache_key(sign_in_id))
    except Exception as failure:  # noqa: BLE001  each back end has errors of its own
        _log.warning("what a sign-out needs was not found: %s", type(failure).__name__)
        return None


# -- in a cookie -------------------------------------------------------------------------------


def _keep_in_cookie(site: Site, sign_in_id: str, tickets: list[Ticket]) -> None:
    seconds = site.session_seconds

    def make(size_of_head: int) -> Cookie | None:
        room = _MAX_HEAD - _OTHER_HEADERS - size_of_head
        for ticket in tickets:
            if in_base64(json.dumps(ticket)) <= room:
                return _cookie(site, _seal(site.state, sign_in_id, ticket), seconds)
        return None

    site.when_answering(make)


def in_base64(text: str) -> int:
    """About how long a text is when it is sealed or signed."""
    return len(text) * 4 // 3 + 60


def _cookie(site: Site, value: str, seconds: int | None) -> Cookie:
    return Cookie(COOKIE, value, max_age=seconds, path=site.path_of("logout"))
