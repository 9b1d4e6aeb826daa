"""Signing in: the page with the providers, the way to one of them, and the way back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from flask import redirect
from flask import request
from werkzeug.wrappers import Response

from ..protocol.errors import AccountMismatchError
from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MismatchingStateError
from ..protocol.errors import OAuthError
from . import signals
from .failure import AGAIN
from .failure import DONE
from .failure import fail
from .failure import is_begun_anew
from .failure import remember_start
from .failure import remember_success
from .failure import tell
from .identity import Identity
from .identity import identity_of
from .linking import complete_link
from .login_result import LoginResult
from .logout_ticket import give_ticket
from .mounted import app_state
from .next_url import safe_next
from .pages import home
from .pages import path_of
from .pages import render
from .pages import target_in_site
from .pages import wanted_next
from .settings import BlueprintSettings
from .settings import this_app
from .sign_out import end_here
from .signed_in import read_identity
from .signed_in import renewed_session
from .signed_in import sign_in
from .step_up import take_demand
from .step_up import take_label
from .stored_tokens import keep_token
from .to_provider import check_not_ended
from .to_provider import check_same_blueprint
from .to_provider import send_to_provider
from .visit import is_by_the_person
from .visit import is_only_looking

_log = logging.getLogger(__name__)

#: Parameters that bind a login together; no visitor has a say in them.
_NEVER_FROM_OUTSIDE = frozenset(
    {
        *("client_id", "client_secret", "response_type", "redirect_uri", "state", "nonce"),
        *("code_challenge", "code_challenge_method", "code_verifier", "request", "request_uri"),
        "extra",
    }
)
#: What another site says of the login that it wants to start (Core 4).
_OF_THIRD_PARTIES = ("iss", "target_link_uri", "login_hint")


class SignInRoutes:
    """The views about signing in.

    :param settings: of the blueprint.
    :raises InvalidSettingError: if visitors shall have a say in what they must not.
    """

    def __init__(self, settings: BlueprintSettings) -> None:
        self._settings = settings
        forbidden = _NEVER_FROM_OUTSIDE.intersection(settings.query_params)
        if forbidden:
            raise InvalidSettingError(
                "invalid_configuration",
                f"query_params: a visitor cannot choose {', '.join(sorted(forbidden))}.",
            )

    # -- out ------------------------------------------------------------------------------

    def login(self) -> Any:
        """List the providers; with one alone, go straight there."""
        if request.values.get("iss"):
            return self._login_at_issuer(request.values["iss"])
        names = self._settings.names()
        if len(names) == 1 and is_by_the_person():
            return self._start(names[0], wanted_next())
        return self._page(names, wanted_next())

    def _login_at_issuer(self, issuer: str) -> Any:
        """Another site wants a login at one issuer (Core 4); a person says yes to that here."""
        names = self._settings.names()
        name = self._name_of(issuer, _known_issuer) or self._name_of(issuer, _issuer_of)
        if name is None:
            return self._page(names, home())
        asked = {k: request.values[k] for k in _OF_THIRD_PARTIES if k in request.values}
        is_pressed = request.method == "POST" and is_by_the_person()
        if not is_pressed and (is_only_looking() or not self._settings.third_party_login):
            return self._page([name], home(), path_of("login", **asked))
        if request.method == "POST" and not is_pressed:
            # Without the cookies, which a form of another site doesn't bring, whoever is signed in
            # would lose their session.
            return redirect(path_of("login", **asked), 303)
        target = target_in_site(asked.get("target_link_uri"))
        return self._start(name, target, login_hint=asked.get("login_hint"))

    def _name_of(self, issuer: str, find: Callable[[Any], str | None]) -> str | None:
        clients = map(self._settings.client, self._settings.names())
        return next((str(client.name) for client in clients if find(client) == issuer), None)

    def start(self, provider: str) -> Any:
        """Send the browser to a provider, if the person wants that."""
        self._settings.client(provider)
        if AGAIN in request.args and not is_only_looking():
            return self._start_anew(provider)
        if not is_by_the_person():
            return self._page([provider], wanted_next())
        if request.method == "POST" and request.form.get("switch"):
            end_here(self._settings)
        return self._start(provider, wanted_next())

    def _start_anew(self, provider: str) -> Any:
        if is_begun_anew(provider):
            return self._start(provider, wanted_next())
        if read_identity() is not None:  # another tab was faster
            return redirect(wanted_next())
        # The browser keeps no cookie, so what it brings is all that is known of where to go.
        error = MismatchingStateError("state_lost")
        error.extra = {"next": wanted_next()}
        return tell(self._settings, provider, error)

    def _start(self, provider: str, next_url: str, **params: Any) -> Any:
        client, identity = self._settings.client(provider), read_identity()
        remember_start(next_url)
        extra: dict[str, Any] = {"next": next_url, "label": take_label(client, next_url)}
        if identity is not None:
            extra["by"] = identity.sign_in_id
        try:
            extra["app"] = self._settings.on_start(provider) if self._settings.on_start else None
        except OAuthError as error:
            error.extra = extra
            return tell(self._settings, provider, error)
        chosen = {k: request.values[k] for k in self._settings.query_params if k in request.values}
        given = {name: value for name, value in params.items() if value}
        return send_to_provider(
            self._settings, client, extra, **{**chosen, **given, **take_demand(client, next_url)}
        )

    def _page(self, names: list[str], next_url: str, url: str | None = None) -> Any:
        providers = [
            {
                "name": name,
                "label": self._settings.label(name),
                "url": url or path_of("start", provider=name),
            }
            for name in names
        ]
        return render("login.html", providers=providers, next=next_url)

    # -- back -----------------------------------------------------------------------------

    def callback(self, provider: str) -> Any:
        """Complete a login, or say why it cannot be."""
        client = self._settings.client(provider)
        try:
            token = client.authorize_access_token()
        except OAuthError as error:
            return fail(self._settings, provider, error)
        result, about = _result(client, token)
        try:
            check_same_blueprint(about)
            if about.get("link"):
                return complete_link(self._settings, result, about["link"])
            return self._complete(result, about)
        except OAuthError as error:
            error.extra = about
            return fail(self._settings, provider, error)

    def _complete(self, result: LoginResult, about: Mapping[str, Any]) -> Any:
        started_by = about.get("by")
        on_login, current = self._settings.on_login, result.signed_in
        identity: Identity | None = None
        is_told = current is not None and current.provider == result.name and result.key[1]
        if on_login is None or is_told:
            check_same_person(result, current, started_by)  # before anybody is made of it
        with renewed_session((*self._settings.keep_in_session, DONE)):
            answer = on_login(result) if on_login is not None else None
            result.take_newer_token()
            is_key = is_key_of_person(answer)
            check_same_person(result, current, started_by, answer if is_key else None)
            if answer is None or is_key:
                identity = identity_of(result, answer if is_key else None)
                check_not_ended(identity, about)
                sign_in(identity)
                metadata = getattr(result.client, "server_metadata", {})  # OAuth 1.0a has none
                give_ticket(identity.sign_in_id, result.token, metadata)
                _warn_without_cache(result.name, metadata)
            keep_token(result, identity)
            remember_success(result.next_url)
        signals.login_succeeded.send(
            this_app(),
            name=result.name,
            identity=identity,
            claims=result.claims,
            **self._settings.with_token(result.token),
        )
        return redirect(result.next_url) if answer is None or is_key else answer


def is_key_of_person(answer: Any) -> bool:
    """Whether ``on_login`` has answered with a key; else it is nothing, or a response.

    :raises TypeError: if it is none of these.
    """
    if isinstance(answer, str | int) and not isinstance(answer, bool) and answer != "":
        return True
    if answer is not None and not isinstance(answer, Response | tuple):
        kind = "an empty string" if answer == "" else type(answer).__name__
        raise TypeError(
            "on_login has to return the key of the person (a string or whole number, as in "
            f"str(user.id)), a response, or None, and not {kind}."
        )
    return False


def check_same_person(
    result: LoginResult,
    current: Identity | None,
    started_by: str | None,
    user: str | int | None = None,
) -> None:
    """Nobody becomes somebody else unnoticed.

    :param result: the login.
    :param current: who is signed in already.
    :param started_by: the sign-in during which the login was started.
    :param user: the application's key of the person who comes in.
    :raises AccountMismatchError: if it is another person, or if that cannot be told.
    """
    if current is None or (user is not None and user == current.user):
        return
    key = result.key
    # Where the provider names nobody, only the application can tell people apart.
    if key == current.key and (key[1] or (user is None and started_by == current.sign_in_id)):
        return
    raise AccountMismatchError


def _result(client: Any, token: Mapping[str, Any]) -> tuple[LoginResult, dict[str, Any]]:
    about = dict(token.get("extra") or {})
    result = LoginResult(
        client,
        token,
        claims=token.get("userinfo"),
        next_url=safe_next(about.get("next"), default=home()),
        extra=about.get("app"),
        signed_in=read_identity(),
        label=str(about.get("label", "")),
    )
    return result, about


def _warn_without_cache(name: str, metadata: Mapping[str, Any]) -> None:
    """Say once that a sign-out at the provider will be heard by one process only."""
    state = app_state()
    can_end = state.cache is None and metadata.get("backchannel_logout_supported")
    if can_end and "cache" not in state.warned_of:
        state.warned_of.add("cache")
        _log.warning(
            "%r can end sessions here (back-channel logout), but without a cache only the process "
            "that hears it knows. Pass one to the registry: OAuth(app, cache=RedisCache(...))",
            name,
        )


def _known_issuer(client: Any) -> str | None:
    """The issuer, as far as that is known without asking anybody."""
    metadata = getattr(client, "server_metadata", {})  # OAuth 1.0a has none
    issuer: str | None = metadata.get("issuer")
    return issuer


def _issuer_of(client: Any) -> str | None:
    try:
        issuer: str | None = client.load_server_metadata().get("issuer")
    except (AttributeError, OAuthError):  # OAuth 1.0a has none; a provider may be out of reach
        return None
    return issuer
