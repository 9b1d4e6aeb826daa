"""Signing in: the page with the providers, the way to one of them, and the way back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import AccountMismatchError
from ..protocol.errors import MismatchingStateError
from ..protocol.errors import OAuthError
from .failure import fail
from .failure import tell
from .identity import Identity
from .identity import identity_of
from .linking import complete_link
from .login_result import LoginResult
from .logout import end_here
from .logout_ticket import give_ticket
from .next_url import safe_next
from .pages import home
from .pages import target_in_site
from .pages import value
from .pages import wanted_next
from .remembered import AGAIN
from .remembered import DONE
from .remembered import is_begun_anew
from .remembered import remember_start
from .remembered import remember_success
from .signed_in import read_identity
from .signed_in import renewed_session
from .signed_in import sign_in
from .step_up import take_demand
from .step_up import take_label
from .stored_tokens import keep_token
from .to_provider import check_not_ended
from .to_provider import check_same_mount
from .to_provider import issuer_of
from .to_provider import send_to_provider
from .visit import is_by_the_person
from .visit import is_only_looking

if TYPE_CHECKING:
    from .site import Site

_log = logging.getLogger(__name__)

#: What another site says of the login that it wants to start (Core 4).
_OF_THIRD_PARTIES = ("iss", "target_link_uri", "login_hint")


# -- out -----------------------------------------------------------------------------------------


def login(site: Site) -> Any:
    """List the providers; with one alone, go straight there."""
    issuer = value(site, "iss")
    if issuer:
        return _login_at_issuer(site, issuer)
    names = site.settings.names()
    if len(names) == 1 and is_by_the_person(site):
        return _start(site, names[0], wanted_next(site))
    return _page(site, names, wanted_next(site))


def _login_at_issuer(site: Site, issuer: str) -> Any:
    """Another site wants a login at one issuer (Core 4); a person says yes to that here."""
    name = _name_of(site, issuer, _known_issuer) or _name_of(site, issuer, issuer_of)
    if name is None:
        return _page(site, site.settings.names(), home(site))
    asked = _given(site, _OF_THIRD_PARTIES)
    is_pressed = site.method == "POST" and is_by_the_person(site)
    if not is_pressed and (is_only_looking(site) or not site.settings.third_party_login):
        return _page(site, [name], home(site), site.path_of("login", **asked))
    if site.method == "POST" and not is_pressed:
        # Without the cookies, which a form of another site doesn't bring, whoever is signed in
        # would lose their session.
        return site.redirect(site.path_of("login", **asked), 303)
    target = target_in_site(site, asked.get("target_link_uri"))
    return _start(site, name, target, login_hint=asked.get("login_hint"))


def _given(site: Site, names: tuple[str, ...]) -> dict[str, str]:
    found = {name: value(site, name) for name in names}
    return {name: given for name, given in found.items() if given is not None}


def _name_of(site: Site, issuer: str, find: Callable[[Any], str | None]) -> str | None:
    clients = map(site.client, site.settings.names())
    return next((str(client.name) for client in clients if find(client) == issuer), None)


def start(site: Site, provider: str) -> Any:
    """Send the browser to a provider, if the person wants that."""
    site.client(provider)
    if site.query(AGAIN) and not is_only_looking(site):
        return _start_anew(site, provider)
    if not is_by_the_person(site):
        return _page(site, [provider], wanted_next(site))
    if site.method == "POST" and any(site.form("switch")):
        end_here(site)
    return _start(site, provider, wanted_next(site))


def _start_anew(site: Site, provider: str) -> Any:
    if is_begun_anew(site, provider):
        return _start(site, provider, wanted_next(site))
    if read_identity(site) is not None:  # another tab was faster
        return site.redirect(wanted_next(site))
    # The browser keeps no cookie, so what it brings is all that is known of where to go.
    error = MismatchingStateError("state_lost")
    error.extra = {"next": wanted_next(site)}
    return tell(site, provider, error)


def _start(site: Site, provider: str, next_url: str, **params: Any) -> Any:
    client, identity = site.client(provider), read_identity(site)
    remember_start(site, next_url)
    extra: dict[str, Any] = {"next": next_url, "label": take_label(site, client, next_url)}
    if identity is not None:
        extra["by"] = identity.sign_in_id
    try:
        extra["app"] = site.call(site.settings.on_start, provider)
    except OAuthError as error:
        error.extra = extra
        return tell(site, provider, error)
    chosen = _given(site, site.settings.query_params)
    given = {name: param for name, param in params.items() if param}
    demanded = take_demand(site, client, next_url)
    return send_to_provider(site, client, extra, **{**chosen, **given, **demanded})


def _page(site: Site, names: list[str], next_url: str, url: str | None = None) -> Any:
    providers = [
        {
            "name": name,
            "label": site.settings.label(name),
            "url": url or site.path_of("start", provider=name),
        }
        for name in names
    ]
    return site.page("login.html", providers=providers, next=next_url)


# -- back ----------------------------------------------------------------------------------------


def callback(site: Site, provider: str) -> Any:
    """Complete a login, or say why it cannot be."""
    client = site.client(provider)
    try:
        token = site.authorize_access_token(client)
    except OAuthError as error:
        return fail(site, provider, error)
    result, about = _result(site, client, token)
    try:
        check_same_mount(site, about)
        if about.get("link"):
            return complete_link(site, result, about["link"])
        return _complete(site, result, about)
    except OAuthError as error:
        error.extra = about
        return fail(site, provider, error)


def _complete(site: Site, result: LoginResult, about: Mapping[str, Any]) -> Any:
    settings, started_by, current = site.settings, about.get("by"), result.signed_in
    identity, known_user = None, site.user  # while the session says who that is
    is_told = current is not None and current.provider == result.name and result.key[1]
    if settings.on_login is None or is_told:
        check_same_person(result, current, started_by)  # before anybody is made of it
    with renewed_session(site, (*settings.keep_in_session, DONE)):
        answer = site.call(settings.on_login, result)
        result.take_newer_token()
        is_response = answer is not None and site.is_response(answer)
        user = None if answer is None or is_response else site.key_of(answer)
        if answer is None and known_user is None:
            user = site.user  # on_login may have logged somebody in itself
        check_same_person(result, current, started_by, user)
        if known_user is not None and not is_response and user != known_user:
            raise AccountMismatchError
        if not is_response:
            identity = identity_of(result, user)
            check_not_ended(site, identity, about)
            sign_in(site, identity)
            metadata = getattr(result.client, "server_metadata", {})  # OAuth 1.0a has none
            give_ticket(site, identity.sign_in_id, result.token, metadata)
            _warn_without_cache(site, result.name, metadata)
        keep_token(site, result, identity)
        remember_success(site, result.next_url)
        if answer is not None and not is_response:
            site.enter(answer)
    site.send(
        "login_succeeded",
        name=result.name,
        identity=identity,
        claims=result.claims,
        **settings.with_token(result.token),
    )
    return answer if is_response else site.redirect(result.next_url)


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


def _result(
    site: Site, client: Any, token: Mapping[str, Any]
) -> tuple[LoginResult, dict[str, Any]]:
    about = dict(token.get("extra") or {})
    result = LoginResult(
        client,
        token,
        claims=token.get("userinfo"),
        next_url=safe_next(about.get("next"), default=home(site)),
        extra=about.get("app"),
        signed_in=read_identity(site),
        label=str(about.get("label", "")),
    )
    return result, about


def _warn_without_cache(site: Site, name: str, metadata: Mapping[str, Any]) -> None:
    """Say once that a sign-out at the provider will be heard by one process only."""
    state = site.state
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
