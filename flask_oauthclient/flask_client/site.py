"""The current request at the routes of a blueprint: what signing in needs of Flask."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import MutableMapping
from typing import TYPE_CHECKING
from typing import Any
from typing import NoReturn

from flask import abort
from flask import after_this_request
from flask import current_app
from flask import jsonify
from flask import make_response
from flask import redirect
from flask import render_template
from flask import session
from flask import url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ..sign_in.identity import Identity
from ..sign_in.identity import is_key
from ..sign_in.logout_ticket import in_base64
from ..sign_in.pages import HEADERS
from ..sign_in.pages import STYLESHEET
from ..sign_in.pages import home
from ..sign_in.settings import SignInSettings
from . import signals
from .mounted import app_state
from .mounted import blueprint_for
from .mounted import has_several
from .mounted import settings_for
from .mounted import this_blueprint
from .pages import add_headers
from .session import check_size
from .session import end_session
from .session import renew_id
from .unproxied import this_app
from .unproxied import this_request
from .visit import FlaskVisit
from .visit import is_secure

if TYPE_CHECKING:
    from ..sign_in.site import Cookie
    from .app_state import AppState


class FlaskSite(FlaskVisit):
    """The current request, at the routes of a blueprint; see :class:`..sign_in.site.Site`.

    :param settings: of the blueprint whose route answers it.
    :param provider: where no route of ours does, the client whose blueprint is meant.
    """

    __slots__ = ("_provider", "_settings")

    #: What Flask itself keeps in a session.
    pinned = frozenset({"_permanent"})
    #: Flask knows nobody; the extensions that do are told by functions of the application.
    user = None

    def __init__(self, settings: SignInSettings | None = None, provider: str | None = None) -> None:
        self._settings = settings
        self._provider = provider

    # -- the application ------------------------------------------------------------------

    @property
    def settings(self) -> SignInSettings:
        """What the application says about its routes."""
        return settings_for(self._provider) if self._settings is None else self._settings

    @property
    def state(self) -> AppState:
        """What the registry keeps for the application."""
        return app_state()

    @property
    def logger(self) -> logging.Logger:
        """The application's log."""
        return current_app.logger

    @property
    def debug(self) -> bool:
        """Whether a page may have a word for the developer."""
        return current_app.debug

    def send(self, signal: str, **values: Any) -> None:
        """Send a signal."""
        getattr(signals, signal).send(this_app(), **values)

    def call(self, function: Callable[..., Any] | None, *args: Any) -> Any:
        """Ask a function of the application, if there is one; else ``None``."""
        return None if function is None else function(*args)

    # -- addresses ------------------------------------------------------------------------

    @property
    def mount(self) -> str:
        """The full name of the blueprint."""
        return this_blueprint() if self._settings is not None else blueprint_for(self._provider)

    @property
    def has_other_mounts(self) -> bool:
        """Whether the application has more than one blueprint."""
        return has_several()

    def at(self, provider: str | None) -> FlaskSite:
        """The same visit, at the blueprint where people can sign in at a provider."""
        return FlaskSite(provider=provider)

    def path_of(self, endpoint: str, **values: str) -> str:
        """The path of one of the routes, as the browser has to ask for it."""
        return url_for(f"{self.mount}.{endpoint}", _external=False, **values)

    def absolute_url_of(self, endpoint: str, **values: str) -> str:
        """The same as a URL, as far as the application knows its own address."""
        return url_for(f"{self.mount}.{endpoint}", _external=True, **values)

    def is_own_path(self, path: str) -> bool:
        """Whether a path leads to one of the routes."""
        adapter = current_app.create_url_adapter(this_request())
        try:
            endpoint, _ = adapter.match(path, method="GET") if adapter is not None else ("", {})
        except HTTPException:  # nothing there, or nothing to GET
            return False
        return str(endpoint).rpartition(".")[0] == self.mount

    # -- the answer -----------------------------------------------------------------------

    def redirect(self, url: str, status: int = 302) -> Any:
        """Send the browser on."""
        return redirect(url, status)

    def page(self, template: str, status: int = 200, **values: Any) -> Any:
        """Show a page; the application may have a template of its own for it."""
        page = render_template(
            f"oauthclient/{template}",
            words=self.words,
            stylesheet=self.path_of("static", filename=STYLESHEET),
            home_url=home(self),
            status=status,
            **values,
        )
        response = make_response(page, status)
        response.headers.update(HEADERS)
        return response

    def json(self, content: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Any:
        """An answer to a program."""
        response = jsonify(content)
        response.status_code = status
        response.headers.update(headers)
        return response

    def text(self, content: str, status: int, headers: Mapping[str, str]) -> Any:
        """An answer that is a document of a line, or empty."""
        return make_response(content, status, headers)

    def refuse(self, status: int) -> NoReturn:
        """Give up with a status, which the application may have a page for."""
        abort(status)

    def finished(self, answer: Any) -> Any:
        """An answer that no route of ours gives, as our routes would give it."""
        return add_headers(make_response(answer))

    def when_answering(self, make: Callable[[int], Cookie | None]) -> None:
        """Set a cookie when the answer is there."""

        @after_this_request
        def add(response: Response) -> Response:
            cookie = make(_size_of_head(response))
            if cookie is not None:
                response.set_cookie(
                    cookie.name,
                    cookie.value,
                    max_age=cookie.max_age,
                    path=cookie.path,
                    secure=is_secure(),
                    httponly=True,
                    samesite="Strict",
                )
            return response

    # -- the session ----------------------------------------------------------------------

    @property
    def session(self) -> MutableMapping[str, Any]:
        """The session."""
        return session

    @property
    def session_seconds(self) -> int | None:
        """How long the browser keeps the session; ``None`` for as long as it runs."""
        return self.lifetime if session.permanent else None

    @property
    def lifetime(self) -> int:
        """Seconds that a session may last."""
        return int(current_app.permanent_session_lifetime.total_seconds())

    @property
    def has_session_cookie(self) -> bool:
        """Whether the browser has brought a session."""
        return current_app.config["SESSION_COOKIE_NAME"] in this_request().cookies

    @property
    def memo(self) -> MutableMapping[str, Any]:
        """What is remembered for the rest of the request."""
        # On the request, as several requests have one ``g`` where a test holds a context open.
        return this_request().__dict__

    def check_session(self) -> None:
        """Refuse a session that the browser would drop: people would sign in for ever."""
        check_size()

    def renew_session_id(self) -> None:
        """Give a session that is kept on the server another name (session fixation)."""
        renew_id()

    def end_session(self) -> None:
        """Empty the session, and let Flask-Login forget whom it knows."""
        end_session()

    # -- people ---------------------------------------------------------------------------

    def is_response(self, answer: Any) -> bool:
        """Whether ``on_login`` has answered with something to show to the browser."""
        return isinstance(answer, Response | tuple)

    def key_of(self, answer: Any) -> str | int:
        """The application's key of the person that ``on_login`` has answered with."""
        if is_key(answer):
            key: str | int = answer
            return key
        kind = "an empty string" if answer == "" else type(answer).__name__
        raise TypeError(
            "on_login has to return the key of the person (a string or whole number, as in "
            f"str(user.id)), a response, or None, and not {kind}."
        )

    def enter(self, answer: Any) -> None:
        """Nobody else is to know who has signed in."""

    def owner_of(self, identity: Identity) -> str | None:
        """Whose tokens those of a signed-in person are."""
        return self.state.owner_of(identity)

    # -- clients --------------------------------------------------------------------------

    def client(self, provider: str) -> Any:
        """A client by the name that stands in a URL; any other name is a page not found."""
        if provider not in self.settings.names():
            abort(404)
        return self.registered(provider)

    def registered(self, name: str) -> Any:
        """Any client of the registry, or ``None``."""
        return self.settings.oauth.create_client(name)

    def authorize_redirect(self, client: Any, redirect_uri: str, **params: Any) -> Any:
        """Begin a login: a redirect to the provider."""
        return client.authorize_redirect(redirect_uri, **params)

    def authorize_access_token(self, client: Any) -> Mapping[str, Any]:
        """Complete a login: the token."""
        token: Mapping[str, Any] = client.authorize_access_token()
        return token

    def logout_redirect(self, client: Any, uri: str, **params: Any) -> Any:
        """Begin a sign-out at the provider."""
        return client.logout_redirect(uri, **params)

    def validate_logout_response(self, client: Any) -> None:
        """Check that this browser has been sent to sign out where it comes from."""
        client.validate_logout_response()


def _size_of_head(response: Response) -> int:
    """The bytes of the headers that there are, and of the session cookie that is still to come."""
    headers = sum(len(name) + len(value) + 4 for name, value in response.headers)
    if not isinstance(current_app.session_interface, SecureCookieSessionInterface):
        return headers
    # Flask compresses it where that makes it shorter; this is what it has at most.
    return headers + in_base64(json.dumps(dict(session), default=str))
