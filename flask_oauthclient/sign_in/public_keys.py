"""The public keys with which our clients sign, for providers to fetch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import InvalidSettingError

if TYPE_CHECKING:
    from .site import Site

_log = logging.getLogger(__name__)


def public_keys(site: Site) -> Any:
    """Answer with them (OpenID Connect Registration 2, jwks_uri)."""
    keys: list[dict[str, Any]] = []
    for client in map(site.client, site.settings.names()):
        keys += [key for key in _keys_of(client) if key not in keys]
    # The answer to somebody with a session may bring its cookie along.
    kind = "private" if site.has_session_cookie else "public"
    headers = {
        "Cache-Control": f"{kind}, max-age=300",
        "Content-Type": "application/jwk-set+json",
    }
    return site.json({"keys": keys}, 200, headers)


def _keys_of(client: Any) -> list[dict[str, Any]]:
    """The public keys of one client; one whose key is broken does not take the others' along."""
    find = getattr(client, "public_jwks", list)  # OAuth 1.0a has none
    try:
        found: list[dict[str, Any]] = find()
    except InvalidSettingError as error:
        _log.warning("the key of %r is not published: %s", client.name, error.description)
        return []
    return found
