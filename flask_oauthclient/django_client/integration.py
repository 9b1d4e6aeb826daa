"""What Django gives a client: the session, cookies, the request, the token of a request."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any
from typing import Self

from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import BadRequest
from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest
from django.http import HttpResponseRedirect
from django.http import QueryDict
from django.urls import get_script_prefix

from ..protocol.errors import CallbackError
from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..protocol.random import generate_token
from ..registry.app_state import Registration
from ..registry.framework import CallbackRequest
from ..registry.integration import Integration
from ..registry.options import ClientOptions
from ..sign_in.callback_request import read_callback
from ..storage.state import Browser
from ..storage.tokens.account import Account
from ..transport._run import finish
from . import signals
from .cookies import Cookie
from .cookies import apply_cookies
from .cookies import note_cookie
from .proxy import warn_of_plain_http
from .session import as_mapping
from .session import session_of
from .settings import config
from .state import AppState

#: Where a request remembers the tokens that it has used.
_KNOWN = "_oauthclient_tokens"


class DjangoIntegration(Integration):
    """One client's view of a project, and of one request if it is bound to one.

    :param name: the client's name.
    :param state: what the registry keeps for the project.
    :param registration: what ``register`` was given.
    """

    __slots__ = ("request",)

    _state: AppState

    def __init__(self, name: str, state: AppState, registration: Registration) -> None:
        super().__init__(name, state, registration)
        #: The request as the application has it, or ``None``.
        self.request: Any = None

    def at(self, request: Any) -> Self:
        """The same for a request.

        :param request: the request, or one that wraps it, as Django REST framework's do.
        :raises InvalidSettingError: for what is no request.
        """
        if not isinstance(_innermost(request), HttpRequest):
            raise InvalidSettingError(
                "invalid_configuration",
                f"The first argument is the request; this is {type(request).__name__}.",
            )
        other = copy.copy(self)
        other.request = request
        return other

    def settings(self) -> tuple[ClientOptions, dict[str, Any]]:
        """The client's options and what is known of its server's metadata."""
        options, metadata = super().settings()
        self._state.check_redirect_uri(self.name, options.redirect_uri)
        return options, metadata

    @property
    def _request(self) -> Any:
        return self.request

    @property
    def http_request(self) -> HttpRequest:
        """Django's request.

        :raises MissingConfigurationError: without one.
        """
        if self.request is None:
            raise MissingConfigurationError(
                "missing_configuration",
                "A login belongs to a request. Pass it, or take client.at(request).",
            )
        request: HttpRequest = _innermost(self.request)
        return request

    # -- pending logins -------------------------------------------------------------------

    def new_state(self) -> str:
        """Make a state value."""
        if self.request is None:
            return generate_token()
        return self._state.logins.new_state(self.name, self.http_request.get_host())

    def browser(self, store: MutableMapping[str, Any] | None = None) -> Browser:
        """The browser of the request.

        :param store: its session, if that is not the one of the request.
        :raises MissingConfigurationError: if there is no session to keep a login in, or no
            ``SECRET_KEY``.
        """
        if self._state.sealer is None:
            raise MissingConfigurationError("missing_configuration", "Set SECRET_KEY.")
        request = self.http_request
        secure = is_secure(request)

        def set_cookie(name: str, value: str, seconds: int) -> None:
            note_cookie(request, Cookie(name, value, seconds, secure))

        return Browser(
            session=session_of(request) if store is None else as_mapping(store),
            cookies=request.COOKIES,
            host=request.get_host(),
            secure=secure,
            set_cookie=set_cookie,
        )

    def take_login(self, state: str) -> dict[str, Any]:
        """Take the data of a login, once, if this browser started it."""
        try:
            return super().take_login(state)
        finally:
            self._save_session()

    def _save_session(self) -> None:
        # A login that a failure of the provider ends is answered with a 5xx, and with such an
        # answer the middleware saves no session: the login would be there for a second try.
        session = self.http_request.session
        if session.modified and session.session_key:
            with suppress(UpdateError):  # somebody has ended the session, and the login with it
                session.save()

    # -- the request ----------------------------------------------------------------------

    def read_callback(self) -> CallbackRequest:
        """The request, if it is one that a browser makes to complete a login.

        :raises CallbackError: for another method, a prefetch, or a body that is no small form.
            No pending login is used up by these.
        """
        request = self.http_request
        try:
            return read_callback(
                request.method or "",
                request.path_info,
                request.headers,
                query=lambda: list(_items(request.GET)),
                form=lambda: list(_items(request.POST)),
                sealer=self._state.sealer,
            )
        except RequestDataTooBig:
            reason = "callback_too_large"
        except (TooManyFieldsSent, BadRequest):
            reason = "invalid_callback"
        raise CallbackError(reason)

    def redirect(self, url: str) -> Any:
        """A 302 response, which sets the cookies of the login."""
        return apply_cookies(self.http_request, HttpResponseRedirect(url))

    def absolute(self, redirect_uri: str | None) -> str | None:
        """A redirect URI that begins with the host, from one that begins with the path.

        :param redirect_uri: as the application gives it; an absolute one stays as it is.
        """
        if redirect_uri is None or not redirect_uri.startswith("/"):
            return redirect_uri
        base = config.get("OAUTHCLIENT_BASE_URL")
        if not base:
            return self.http_request.build_absolute_uri(redirect_uri)
        # The path of a view begins with where the project is mounted, and so does the base.
        path = redirect_uri.removeprefix(get_script_prefix().rstrip("/"))
        return str(base).rstrip("/") + path

    def warn_of_plain_http(self) -> None:
        """Say, once, that a redirect URI is plain http, and what can be done about it."""
        request = None if self.request is None else self.http_request
        warn_of_plain_http(self._state.warned_of, self.name, request)

    # -- tokens ---------------------------------------------------------------------------

    def current_token(self, account: Account | None = None) -> Any:
        """The token that this request has used already, or ``None``.

        :param account: where it is kept; by default it is one that was set by hand.
        """
        if self.request is None:  # work in the background may go on for days
            return None
        known: dict[Any, Any] = self.http_request.__dict__.get(_KNOWN, {})
        return known.get(self._place_of(account))

    def set_current_token(self, token: Any, account: Account | None = None) -> None:
        """Remember the token for the rest of the request."""
        if self.request is not None:
            known = self.http_request.__dict__.setdefault(_KNOWN, {})
            known[self._place_of(account)] = token

    def _place_of(self, account: Account | None) -> Any:
        if account is not None:
            # By its key, as somebody may sign in or out in the middle of a request.
            return self._state, account.key
        return self._state, self.name, self._bound if self._is_bound else None

    def fetch_token(self) -> Any:
        """The token of the user as a function of the application finds it, or ``None``."""
        fetch = self._function("fetch_token")
        if fetch is None or self.request is None:
            return None
        return finish(fetch(self.request))

    def _send(self, signal: str, **values: Any) -> None:
        getattr(signals, signal).send(sender=DjangoIntegration, **values)


def is_secure(request: HttpRequest) -> bool:
    """Whether the browser speaks https with the project, or with the proxy before it."""
    at_proxy = str(config.get("OAUTHCLIENT_BASE_URL") or "").lower().startswith("https:")
    return request.is_secure() or at_proxy or bool(config["SESSION_COOKIE_SECURE"])


def _innermost(request: Any) -> Any:
    """Django's own request, which others wrap."""
    return getattr(request, "_request", request)


def _items(params: QueryDict) -> Iterator[tuple[str, str]]:
    for name, values in params.lists():
        for value in values:
            yield _as_utf8(name), _as_utf8(str(value))


def _as_utf8(text: str) -> str:
    """Text without halves of surrogate pairs, which some charsets that a header may name have."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
