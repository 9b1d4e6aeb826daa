"""The way to a provider and back, for everything that leads there: signing in, and linking."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import MismatchingStateError
from ..protocol.errors import OAuthError
from .failure import fail
from .identity import Identity
from .pages import url_of

if TYPE_CHECKING:
    from .site import Site


def send_to_provider(site: Site, client: Any, extra: Mapping[str, Any], **params: Any) -> Any:
    """Begin a login, or say why that cannot be.

    :param site: the visit.
    :param client: the client.
    :param extra: what the callback has to know.
    :param params: of the authorization request.
    """
    known = {name: value for name, value in extra.items() if value is not None}
    known["at"] = round(time.time(), 3)
    if site.has_other_mounts:
        known["in"] = site.mount
    try:
        response = site.authorize_redirect(
            client, url_of(site, "callback", provider=client.name), extra=known, **params
        )
    except OAuthError as error:
        error.extra = known
        return fail(site, client.name, error)
    site.send("login_started", name=client.name)
    return response


def check_same_mount(site: Site, about: Mapping[str, Any]) -> None:
    """Where a login began it ends: other routes may have functions and people of their own.

    :param site: the visit.
    :param about: what the callback knows.
    :raises MismatchingStateError: if it began elsewhere.
    """
    if about.get("in", site.mount) != site.mount:
        raise MismatchingStateError("mismatching_state")


def check_not_ended(site: Site, identity: Identity, about: Mapping[str, Any]) -> None:
    """The provider has not ended its session while the browser was on its way back.

    :param site: the visit.
    :param identity: who comes back.
    :param about: what the callback knows.
    :raises MismatchingStateError: if it has; the login may begin anew.
    :raises StateStoreError: if the cache cannot be asked.
    """
    since = about.get("at")
    if identity.issuer is None or not isinstance(since, int | float):
        return
    told = identity.provider, identity.issuer, identity.sub, identity.sid
    if site.state.sign_outs.ended(*told, since=since):
        raise MismatchingStateError("state_expired")


def issuer_of(client: Any) -> str | None:
    """The issuer that a client signs people in at, which may have to be asked for."""
    try:
        issuer: str | None = client.load_server_metadata().get("issuer")
    except (AttributeError, OAuthError):  # OAuth 1.0a has none; a provider may be out of reach
        return None
    return issuer
