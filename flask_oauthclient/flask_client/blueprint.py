"""The routes of signing in and out, to be mounted and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from flask import Blueprint
from flask import Flask
from flask import abort
from flask import current_app
from flask import redirect
from flask import render_template
from flask import request
from flask import session
from flask import url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from ..protocol.errors import MissingEndpointError
from ..protocol.errors import OAuthError
from ..protocol.oidc.claims import UserInfo
from . import signals
from .failure import NEXT
from .failure import Failure
from .identity import Identity
from .identity import identity_of
from .identity import read_identity
from .identity import sign_in
from .identity import sign_out
from .login_result import LoginResult
from .safe_next import safe_next
from .step_up import MOUNTED
from .step_up import take_demand
from .texts import translator
from .visit import is_ours
from .visit import is_prefetch

if TYPE_CHECKING:
    from .extension import OAuth

#: Default paths, below the prefix that the blueprint is mounted at.
PATHS: Mapping[str, str] = {
    "login": "/login",
    "start": "/login/<provider>",
    "callback": "/callback/<provider>",
    "logout": "/logout",
    "logout_callback": "/logout/callback",
}

_LOGOUT = "_oauthclient_logout"

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # No form-action: browsers apply it to redirects too, and sign-in ends at the provider.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}


class SignInRoutes:
    """The views of one blueprint.

    :param oauth: the registry.
    :param providers: names of the clients to sign in at; default is all.
    :param on_login: ``(result)`` -> a response, the application's key of the person, or ``None``.
    :param on_error: ``(error, failure)`` -> a response, or ``None`` for the page.
    :param on_logout: ``(identity)`` -> a response, or ``None``.
    """

    def __init__(
        self,
        oauth: OAuth,
        providers: Iterable[str] | None,
        on_login: Callable[[LoginResult], Any] | None,
        on_error: Callable[[OAuthError, Failure], Any] | None,
        on_logout: Callable[[Identity], Any] | None,
    ) -> None:
        self._oauth = oauth
        self._providers = None if providers is None else tuple(providers)
        self._on_login = on_login
        self._on_error = on_error
        self._on_logout = on_logout

    # -- in -------------------------------------------------------------------------------

    def login(self) -> Any:
        """List the providers; with one alone, go straight there."""
        names = self._names()
        if len(names) == 1 and _may_start():
            return self._start(names[0])
        return self._page(names)

    def start(self, provider: str) -> Any:
        """Send the browser to a provider, if the person wants that."""
        self._client(provider)
        return self._start(provider) if _may_start() else self._page([provider])

    def _start(self, provider: str) -> Any:
        client, next_url = self._client(provider), self._next()
        session[NEXT] = next_url
        try:
            response = client.authorize_redirect(
                _external("callback", provider=provider),
                extra={"next": next_url},
                **take_demand(provider),
            )
        except OAuthError as error:
            return self._failed(provider, error)
        signals.login_started.send(self._app(), name=provider)
        return response

    def callback(self, provider: str) -> Any:
        """Complete a login, or say why it cannot be."""
        client = self._client(provider)
        try:
            token = client.authorize_access_token()
            result = _result(client, token)
            return self._complete(result)
        except OAuthError as error:
            return self._failed(provider, error)

    def _complete(self, result: LoginResult) -> Any:
        answer = self._on_login(result) if self._on_login is not None else None
        is_key = isinstance(answer, str | int)
        if answer is None or is_key:
            sign_in(identity_of(result, answer if is_key else None))
        Failure.remember_success(result.next_url)
        signals.login_succeeded.send(
            self._app(),
            name=result.name,
            identity=read_identity(),
            claims=result.claims,
        )
        return redirect(result.next_url) if answer is None or is_key else answer

    def _failed(self, provider: str, error: OAuthError) -> Any:
        failure = Failure(provider, error)
        repeated = failure.next_of_repeated()
        if repeated is not None:
            return redirect(repeated)
        current_app.logger.info("login at %s failed: %s %s", provider, error.error, error.detail)
        signals.login_failed.send(self._app(), name=provider, error=error)
        answer = self._on_error(error, failure) if self._on_error is not None else None
        return failure.page(_url("start", provider=provider)) if answer is None else answer

    # -- out ------------------------------------------------------------------------------

    def logout(self) -> Any:
        """End the session here, whatever the provider does; then the one there."""
        if not is_ours():
            abort(403)
        identity = sign_out()
        if identity is None:
            return redirect(_url("login"))
        signals.logged_out.send(self._app(), identity=identity)
        answer = self._on_logout(identity) if self._on_logout is not None else None
        return self._leave(identity) if answer is None else answer

    def _leave(self, identity: Identity) -> Any:
        if identity.provider not in self._names():
            return redirect(_url("logout_callback"))
        client = self._client(identity.provider)
        try:
            response = client.logout_redirect(
                _external("logout_callback"), client_id=client.client_id
            )
        except (AttributeError, MissingEndpointError):  # it has no such thing
            return redirect(_url("logout_callback"))
        except OAuthError as error:
            current_app.logger.warning("no sign-out at %s: %s", identity.provider, error.error)
            return redirect(_url("logout_callback"))
        session[_LOGOUT] = identity.provider
        return response

    def logout_callback(self) -> Any:
        """Receive the browser after a sign-out."""
        provider = session.pop(_LOGOUT, None)
        if provider in self._names():
            try:
                self._client(provider).validate_logout_response()
            except OAuthError as error:
                # Nothing depends on it: the person is signed out here in any case.
                current_app.logger.info("return from %s: %s", provider, error.error)
        return _render("signed_out.html", home_url=_home(), login_url=_url("login"))

    # -- help -----------------------------------------------------------------------------

    @staticmethod
    def _app() -> Flask:
        """The application itself, the sender of signals."""
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        return app

    def _names(self) -> list[str]:
        known = self._oauth.names()
        if self._providers is None:
            return known
        return [name for name in self._providers if name in known]

    def _client(self, provider: str) -> Any:
        if provider not in self._names():
            abort(404)
        return self._oauth.create_client(provider)

    def _page(self, names: list[str]) -> Any:
        providers = [
            {"name": name, "label": _label(name), "url": _url("start", provider=name)}
            for name in names
        ]
        return _render("login.html", providers=providers, next=self._next())

    def _next(self) -> str:
        wanted = request.values.get("next", "")
        target = safe_next(wanted, default=_home())
        own = {_url(name) for name in ("login", "logout", "logout_callback")}
        return _home() if target.partition("?")[0] in own else target


def _may_start() -> bool:
    """Whether a person has asked for it, here: HEAD, prefetch and foreign pages only look."""
    return request.method != "HEAD" and is_ours() and not is_prefetch()


def _result(client: Any, token: Mapping[str, Any]) -> LoginResult:
    extra = dict(token.get("extra") or {})
    next_url = safe_next(extra.pop("next", None), default=_home())
    return LoginResult(client, token, UserInfo(token.get("userinfo") or {}), next_url, extra)


def _label(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").title()


def _url(endpoint: str, **values: Any) -> str:
    return url_for(f".{endpoint}", **values)


def _external(endpoint: str, **values: Any) -> str:
    """A URL for the provider to send the browser to; ``OAUTHCLIENT_BASE_URL`` knows best."""
    base = current_app.config.get("OAUTHCLIENT_BASE_URL")
    if base:
        return str(base).rstrip("/") + _url(endpoint, **values).removeprefix(request.script_root)
    return url_for(f".{endpoint}", _external=True, **values)


def _home() -> str:
    return f"{request.script_root}/"


def _render(template: str, **values: Any) -> str:
    words = translator([language for language, _ in request.accept_languages])
    return render_template(f"oauthclient/{template}", words=words, **values)


def make_blueprint(
    oauth: OAuth,
    name: str,
    *,
    providers: Iterable[str] | None = None,
    on_login: Callable[[LoginResult], Any] | None = None,
    on_error: Callable[[OAuthError, Failure], Any] | None = None,
    on_logout: Callable[[Identity], Any] | None = None,
    paths: Mapping[str, str] | None = None,
) -> Blueprint:
    """Make the blueprint; see :meth:`OAuth.create_blueprint`."""
    blueprint = Blueprint(
        name,
        __name__,
        template_folder="templates",
        static_folder="static/oauthclient",
        static_url_path="/static",
    )
    routes = SignInRoutes(oauth, providers, on_login, on_error, on_logout)
    where = {**PATHS, **(paths or {})}
    rules: list[tuple[str, Callable[..., Any], list[str]]] = [
        ("login", routes.login, ["GET"]),
        ("start", routes.start, ["GET", "POST"]),
        ("callback", routes.callback, ["GET", "POST"]),
        ("logout", routes.logout, ["POST"]),
        ("logout_callback", routes.logout_callback, ["GET"]),
    ]
    for endpoint, view, methods in rules:
        blueprint.add_url_rule(where[endpoint], endpoint, view, methods=methods)
    blueprint.after_request(_add_headers)
    blueprint.record(_note_mount)
    return blueprint


def _add_headers(response: Response) -> Response:
    if request.endpoint and not request.endpoint.endswith(".static"):
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response


def _note_mount(state: BlueprintSetupState) -> None:
    state.app.extensions.setdefault(MOUNTED, []).append(state.name)
