"""The provider's word that somebody has signed out there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import LogoutTokenError
from ..protocol.errors import OAuthError
from ..protocol.errors import StateStoreError
from ..protocol.urls import origin
from .form_post import FORM
from .signed_in import read_identity
from .signed_in import sign_out
from .to_provider import issuer_of
from .visit import mimetype

if TYPE_CHECKING:
    from .site import Site


def backchannel_logout(site: Site, provider: str) -> Any:
    """A provider says that somebody has signed out there (Back-Channel Logout 1.0)."""
    client = site.client(provider)
    try:
        _end_by_token(site, client)
    except OAuthError as error:
        site.logger.warning(
            "logout token of %s refused: %s %s", provider, error.error, error.detail
        )
        told = {"error": "invalid_request", "error_description": str(error)}
        # Back-Channel Logout 2.8. What could not be judged now may be sent again.
        return site.json(told, 400 if isinstance(error, LogoutTokenError) else 503, {})
    return site.text("", 200, {})


def _end_by_token(site: Site, client: Any) -> None:
    given = site.form("logout_token")
    parse = getattr(client, "parse_logout_token", None)  # OAuth 1.0a has none
    if mimetype(site.headers) != FORM or len(given) != 1 or parse is None:
        raise LogoutTokenError("invalid_logout_token", "One form field logout_token is needed.")
    token, known = parse(given[0]), site.state.sign_outs
    now, used = time.time(), (client.name, token.issuer, token.jti)
    if known.was_used(*used):
        raise LogoutTokenError("logout_token_replayed")
    # Used up when it has done its work: what fails half-way may be told again.
    known.end(client.name, token.issuer, sub=token.sub, sid=token.sid, at=now)
    if not known.first_use(*used, seconds=token.acceptable_until - now):
        raise LogoutTokenError("logout_token_replayed")
    _tell(site, client.name, token.issuer, sub=token.sub, sid=token.sid)


def frontchannel_logout(site: Site, provider: str) -> Any:
    """The same by a frame in a page of the provider (Front-Channel Logout 1.0).

    The frame comes without cookies where these are ``SameSite=Lax``, and from anybody who
    likes. So what it names must be a session that there is; the provider's name of it is a
    secret between the three.
    """
    issuer = issuer_of(site.client(provider))
    sids = site.query("sid")
    if [issuer] != site.query("iss") or len(sids) != 1 or not sids[0]:
        return site.text("", 400, {})
    try:
        ended = _end_named(site, provider, str(issuer), sids[0])
    except StateStoreError as error:
        site.logger.warning("sign-out at %s is not known: %s", provider, error.detail)
        return site.text("", error.http_status, {})
    if ended:
        _tell(site, provider, str(issuer), sub=None, sid=sids[0])
    return _frame(site, str(issuer))


def _end_named(site: Site, provider: str, issuer: str, sid: str) -> bool:
    """End a session by its name: in this browser, if it has come with its cookies, and elsewhere.

    :returns: whether there was one.
    """
    identity = read_identity(site)
    is_here = identity is not None and (
        (identity.provider, identity.issuer, identity.sid) == (provider, issuer, sid)
    )
    if is_here:
        sign_out(site)
    return site.state.sign_outs.end_known(provider, issuer, sid, at=time.time()) or is_here


def _tell(site: Site, name: str, issuer: str, *, sub: str | None, sid: str | None) -> None:
    site.send("logged_out", name=name, identity=None, issuer=issuer, sub=sub, sid=sid)


def _frame(site: Site, issuer: str) -> Any:
    """An empty document that the provider, and nobody else, may show in a frame."""
    scheme, host, port = origin(issuer)
    policy = f"default-src 'none'; frame-ancestors {scheme}://{host}:{port}"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return site.text("<!doctype html><title></title>", 200, headers)
