"""Signing out: here first, then at the provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import MissingEndpointError
from ..protocol.errors import OAuthError
from ..protocol.errors import StateStoreError
from .identity import Identity
from .logout_ticket import take_ticket
from .next_url import safe_next
from .pages import home
from .pages import url_of
from .pages import wanted_next
from .signed_in import read_identity
from .signed_in import sign_out
from .stored_tokens import ending_with_session
from .stored_tokens import keeps_tokens
from .texts import LOGOUT_UNCONFIRMED
from .visit import check_is_ours
from .visit import is_only_looking

if TYPE_CHECKING:
    from .site import Site

_LEAVING = "_oauthclient_leaving"


def logout(site: Site) -> Any:
    """End the session here, whatever the provider does; then the one there."""
    check_is_ours(site)
    next_url = wanted_next(site) if any(site.form("next")) else None
    stored = _stored_token(site)  # while it is known whose
    identity, answer = end_here(site)
    if identity is not None:
        ticket = take_ticket(site, identity.sign_in_id)
        if identity.provider in site.settings.names():
            client = site.client(identity.provider)
            # A token that stays in the store is to go on working, in background jobs for instance.
            if site.settings.revoke and not keeps_tokens(client):
                _revoke(client, stored or ticket.revocable)
            if answer is None:
                answer = _leave(site, client, ticket.id_token, next_url)
    if answer is None:
        return site.redirect(next_url or site.path_of("logout_callback"))
    return answer


def _stored_token(site: Site) -> str | None:
    """What to revoke of the token that functions of the application keep.

    The one of the login, which the ticket has, may have been replaced since.
    """
    identity = read_identity(site)
    if identity is None or identity.provider not in site.settings.names():
        return None
    try:
        token = site.client(identity.provider).framework.fetch_token()
    except Exception as failure:  # noqa: BLE001  a function of the application
        site.logger.warning("no stored token to revoke: %s", type(failure).__name__)
        return None
    if not isinstance(token, Mapping):
        return None
    return token.get("refresh_token") or token.get("access_token")


def logout_callback(site: Site) -> Any:
    """Receive the browser after a sign-out."""
    if is_only_looking(site):
        site.refuse(405)
    left = site.session.pop(_LEAVING, None)
    provider, next_url = left if isinstance(left, list) and len(left) == 2 else (None, None)
    if provider in site.settings.names() or site.query("state"):
        failure = _check_return(site, provider)
        if failure is not None:
            return failure
    if next_url:
        return site.redirect(safe_next(next_url, default=home(site)))
    return site.page("signed_out.html", login_url=site.path_of("login"))


def _check_return(site: Site, provider: str | None) -> Any:
    """The provider sends nobody back whom this browser has not sent there.

    The person is signed out here in any case; only what the provider says is not believed.
    """
    error = "missing_state"
    try:
        if provider is not None:
            site.validate_logout_response(site.client(provider))
            return None
    except StateStoreError as failure:
        # It is we who do not know, and nothing depends on it.
        site.logger.warning("return from %s not checked: %s", provider, failure.error)
        return None
    except OAuthError as failure:
        error = failure.error
    words = site.words
    return site.page(
        "error.html",
        400,
        title=words.gettext(LOGOUT_UNCONFIRMED.title),
        message=words.gettext(LOGOUT_UNCONFIRMED.message),
        code=error,
    )


def end_here(site: Site) -> tuple[Identity | None, Any]:
    """End the session of this browser and the tokens that end with it; tell the application.

    :param site: the visit.
    :returns: who was signed in, and what ``on_logout`` answers.
    """
    before = read_identity(site)
    ending = (
        None if before is None else ending_with_session(site, before)
    )  # while it is known whose
    identity = sign_out(site)
    try:
        if identity is None:
            return None, None
        site.send("logged_out", name=identity.provider, identity=identity)
        return identity, site.call(site.settings.on_logout, identity)
    finally:
        if ending is not None:
            ending.carry_out()


def _leave(site: Site, client: Any, id_token: str | None, next_url: str | None) -> Any:
    """Send the browser to the provider, where it has an end session endpoint."""
    # Without a hint the provider has to learn from the client_id who asks.
    hint = {"id_token_hint": id_token} if id_token else {"client_id": client.client_id}
    try:
        response = site.logout_redirect(client, url_of(site, "logout_callback"), **hint)
    except (AttributeError, MissingEndpointError):  # it has no such thing
        return None
    except OAuthError as error:
        site.logger.warning("no sign-out at %s: %s", client.name, error.error)
        return None
    site.session[_LEAVING] = [client.name, next_url]
    return response


def _revoke(client: Any, token: str | None) -> None:
    """Make the tokens of the login worthless; that it cannot be done keeps nobody signed in."""
    if token:
        client.revoke_quietly(token)
