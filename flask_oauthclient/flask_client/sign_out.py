"""Signing out: here first, then at the provider; and the provider's word that it is over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import abort
from flask import current_app
from flask import jsonify
from flask import make_response
from flask import redirect
from flask import request
from flask import session

from ..protocol.errors import LogoutTokenError
from ..protocol.errors import MissingEndpointError
from ..protocol.errors import OAuthError
from ..protocol.errors import StateStoreError
from ..protocol.urls import origin
from . import signals
from .identity import Identity
from .logout_ticket import take_ticket
from .mounted import sign_outs
from .next_url import safe_next
from .pages import home
from .pages import path_of
from .pages import render
from .pages import url_of
from .pages import wanted_next
from .settings import BlueprintSettings
from .settings import this_app
from .signed_in import read_identity
from .signed_in import sign_out
from .stored_tokens import Ending
from .stored_tokens import ending_with_session
from .stored_tokens import keeps_tokens
from .texts import LOGOUT_UNCONFIRMED
from .texts import words_of_request
from .visit import check_is_ours
from .visit import is_only_looking

_LEAVING = "_oauthclient_leaving"
_FORM = "application/x-www-form-urlencoded"


class SignOutRoutes:
    """The views about signing out.

    :param settings: of the blueprint.
    """

    def __init__(self, settings: BlueprintSettings) -> None:
        self._settings = settings

    # -- by the person --------------------------------------------------------------------

    def logout(self) -> Any:
        """End the session here, whatever the provider does; then the one there."""
        check_is_ours()
        next_url = wanted_next() if request.form.get("next") else None
        stored = self._stored_token()  # while it is known whose
        identity, answer = end_here(self._settings)
        if identity is None:
            return redirect(next_url or path_of("logout_callback"))
        ticket = take_ticket(identity.sign_in_id)
        if identity.provider in self._settings.names():
            client = self._settings.client(identity.provider)
            # A token that stays in the store is to go on working, in background jobs for instance.
            if self._settings.revoke and not keeps_tokens(client):
                _revoke(client, stored or ticket.revocable)
            if answer is None:
                answer = _leave(client, ticket.id_token, next_url)
        return redirect(next_url or path_of("logout_callback")) if answer is None else answer

    def _stored_token(self) -> str | None:
        """What to revoke of the token that functions of the application keep.

        The one of the login, which the ticket has, may have been replaced since.
        """
        identity = read_identity()
        if identity is None or identity.provider not in self._settings.names():
            return None
        try:
            token = self._settings.client(identity.provider).framework.fetch_token()
        except Exception as failure:  # noqa: BLE001  a function of the application
            current_app.logger.warning("no stored token to revoke: %s", type(failure).__name__)
            return None
        if not isinstance(token, Mapping):
            return None
        return token.get("refresh_token") or token.get("access_token")

    def logout_callback(self) -> Any:
        """Receive the browser after a sign-out."""
        if is_only_looking():
            abort(405)
        left = session.pop(_LEAVING, None)
        provider, next_url = left if isinstance(left, list) and len(left) == 2 else (None, None)
        if provider in self._settings.names() or "state" in request.args:
            failure = self._check_return(provider)
            if failure is not None:
                return failure
        if next_url:
            return redirect(safe_next(next_url, default=home()))
        return render("signed_out.html", login_url=path_of("login"))

    def _check_return(self, provider: str | None) -> Any:
        """The provider sends nobody back whom this browser has not sent there.

        The person is signed out here in any case; only what the provider says is not believed.
        """
        error = "missing_state"
        try:
            if provider is not None:
                self._settings.client(provider).validate_logout_response()
                return None
        except StateStoreError as failure:
            # It is we who do not know, and nothing depends on it.
            current_app.logger.warning("return from %s not checked: %s", provider, failure.error)
            return None
        except OAuthError as failure:
            error = failure.error
        words = words_of_request()
        page = render(
            "error.html",
            title=words.gettext(LOGOUT_UNCONFIRMED.title),
            message=words.gettext(LOGOUT_UNCONFIRMED.message),
            code=error,
            status=400,
        )
        return page, 400

    # -- by the provider ------------------------------------------------------------------

    def backchannel_logout(self, provider: str) -> Any:
        """A provider says that somebody has signed out there (Back-Channel Logout 1.0)."""
        client = self._settings.client(provider)
        try:
            self._end_by_token(client)
        except OAuthError as error:
            current_app.logger.warning(
                "logout token of %s refused: %s %s", provider, error.error, error.detail
            )
            answer = jsonify(error="invalid_request", error_description=str(error))
            # Back-Channel Logout 2.8. What could not be judged now may be sent again.
            answer.status_code = 400 if isinstance(error, LogoutTokenError) else 503
            return answer
        return make_response("", 200)

    def _end_by_token(self, client: Any) -> None:
        given = request.form.getlist("logout_token")
        parse = getattr(client, "parse_logout_token", None)  # OAuth 1.0a has none
        if request.mimetype != _FORM or len(given) != 1 or parse is None:
            raise LogoutTokenError("invalid_logout_token", "One form field logout_token is needed.")
        token, known = parse(given[0]), sign_outs()
        now, used = time.time(), (client.name, token.issuer, token.jti)
        if known.was_used(*used):
            raise LogoutTokenError("logout_token_replayed")
        # Used up when it has done its work: what fails half-way may be told again.
        known.end(client.name, token.issuer, sub=token.sub, sid=token.sid, at=now)
        if not known.first_use(*used, seconds=token.acceptable_until - now):
            raise LogoutTokenError("logout_token_replayed")
        signals.logged_out.send(
            this_app(),
            name=client.name,
            identity=None,
            issuer=token.issuer,
            sub=token.sub,
            sid=token.sid,
        )

    def frontchannel_logout(self, provider: str) -> Any:
        """The same by a frame in a page of the provider (Front-Channel Logout 1.0).

        The frame comes without cookies where these are ``SameSite=Lax``, and from anybody who
        likes. So what it names must be a session that there is; the provider's name of it is a
        secret between the three.
        """
        client = self._settings.client(provider)
        issuers, sids = request.args.getlist("iss"), request.args.getlist("sid")
        issuer = _metadata(client).get("issuer")
        if [issuer] != issuers or len(sids) != 1 or not sids[0]:
            return make_response("", 400)
        try:
            ended = _end_named(provider, str(issuer), sids[0])
        except StateStoreError as error:
            current_app.logger.warning("sign-out at %s is not known: %s", provider, error.detail)
            return make_response("", error.http_status)
        if ended:
            signals.logged_out.send(
                this_app(), name=provider, identity=None, issuer=issuer, sub=None, sid=sids[0]
            )
        return _frame(client)


def end_here(settings: BlueprintSettings) -> tuple[Identity | None, Any]:
    """End the session of this browser and the tokens that end with it; tell the application.

    :param settings: of the blueprint.
    :returns: who was signed in, and what ``on_logout`` answers.
    """
    ending = _ending_tokens(settings)  # while it is known whose
    identity = sign_out()
    try:
        if identity is None:
            return None, None
        signals.logged_out.send(this_app(), name=identity.provider, identity=identity)
        return identity, settings.on_logout(identity) if settings.on_logout is not None else None
    finally:
        if ending is not None:
            ending.carry_out()


def _ending_tokens(settings: BlueprintSettings) -> Ending | None:
    identity, wanted = read_identity(), settings.forget_tokens
    if identity is None:
        return None
    return ending_with_session(settings.oauth, identity, is_wanted=wanted)


def _end_named(provider: str, issuer: str, sid: str) -> bool:
    """End a session by its name: in this browser, if it has come with its cookies, and elsewhere.

    :returns: whether there was one.
    """
    identity = read_identity()
    is_here = identity is not None and (
        (identity.provider, identity.issuer, identity.sid) == (provider, issuer, sid)
    )
    if is_here:
        sign_out()
    return sign_outs().end_known(provider, issuer, sid, at=time.time()) or is_here


def _leave(client: Any, id_token: str | None, next_url: str | None) -> Any:
    """Send the browser to the provider, where it has an end session endpoint."""
    # Without a hint the provider has to learn from the client_id who asks.
    hint = {"id_token_hint": id_token} if id_token else {"client_id": client.client_id}
    try:
        response = client.logout_redirect(url_of("logout_callback"), **hint)
    except (AttributeError, MissingEndpointError):  # it has no such thing
        return None
    except OAuthError as error:
        current_app.logger.warning("no sign-out at %s: %s", client.name, error.error)
        return None
    session[_LEAVING] = [client.name, next_url]
    return response


def _revoke(client: Any, token: str | None) -> None:
    """Make the tokens of the login worthless; that it cannot be done keeps nobody signed in."""
    if token:
        client.revoke_quietly(token)


def _metadata(client: Any) -> dict[str, Any]:
    try:
        metadata: dict[str, Any] = client.load_server_metadata()
    except (AttributeError, OAuthError):  # OAuth 1.0a has none; a provider may be out of reach
        return {}
    return metadata


def _frame(client: Any) -> Any:
    """An empty document that the provider, and nobody else, may show in a frame."""
    scheme, host, port = origin(str(_metadata(client).get("issuer")))
    answer = make_response("<!doctype html><title></title>", 200)
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; frame-ancestors {scheme}://{host}:{port}"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
