"""The port between signing in and a web framework: one visit to the routes.

All that the steps of a login or sign-out need of a framework stands here; the faces of Flask and
of Django fulfil it, and decide nothing themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import MutableMapping
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple
from typing import NoReturn
from typing import Protocol

if TYPE_CHECKING:
    from ..registry.app_state import AppState
    from .identity import Identity
    from .settings import SignInSettings
    from .texts import Words
    from .visit import Headers


class Cookie(NamedTuple):
    """A cookie for our own routes; no script sees it, and no other site sends it."""

    name: str
    value: str
    #: Seconds, or ``None`` for as long as the browser runs.
    max_age: int | None
    path: str


class Visit(Protocol):
    """A request, as far as it says where it comes from."""

    @property
    def method(self) -> str:
        """The method, in capitals."""
        ...

    @property
    def headers(self) -> Headers:
        """The headers, by names in any case."""
        ...

    @property
    def host(self) -> str:
        """Host and port that the browser has asked."""
        ...

    @property
    def is_secure(self) -> bool:
        """Whether the request has come over TLS, as far as the application knows."""
        ...

    @property
    def base_url(self) -> str:
        """``OAUTHCLIENT_BASE_URL``, or an empty string."""
        ...

    @property
    def host_with_subdomains(self) -> str | None:
        """The name of the application's host, if hosts below it are the application's too."""
        ...

    @property
    def prefers_json(self) -> bool:
        """Whether ``Accept`` ranks JSON before HTML."""
        ...


class Site(Visit, Protocol):
    """A visit to the routes, and what the framework can do for it."""

    # -- the application ------------------------------------------------------------------

    @property
    def settings(self) -> SignInSettings:
        """What the application says about its routes."""
        ...

    @property
    def state(self) -> AppState:
        """What the registry keeps for the application."""
        ...

    @property
    def logger(self) -> logging.Logger:
        """The application's log."""
        ...

    @property
    def debug(self) -> bool:
        """Whether a page may have a word for the developer."""
        ...

    def send(self, signal: str, **values: Any) -> None:
        """Send a signal.

        :param signal: its name.
        :param values: its arguments.
        """
        ...

    def call(self, function: Callable[..., Any] | None, *args: Any) -> Any:
        """Ask a function of the application, if there is one; else ``None``."""
        ...

    # -- the request ----------------------------------------------------------------------

    def query(self, name: str) -> list[str]:
        """The values of a parameter of the query."""
        ...

    def form(self, name: str) -> list[str]:
        """The values of a field of the posted form."""
        ...

    def cookie(self, name: str) -> str | None:
        """The value of a cookie."""
        ...

    @property
    def words(self) -> Words:
        """The strings of the pages in the language of whoever reads them."""
        ...

    # -- addresses ------------------------------------------------------------------------

    @property
    def root(self) -> str:
        """The path that the application is mounted at; an empty string at the top."""
        ...

    @property
    def path(self) -> str:
        """The path of the request below that."""
        ...

    @property
    def here(self) -> str:
        """Path and query as the browser has asked for them."""
        ...

    @property
    def host_url(self) -> str:
        """Scheme, host and one slash."""
        ...

    @property
    def mount(self) -> str:
        """A name for where the routes are mounted."""
        ...

    @property
    def has_other_mounts(self) -> bool:
        """Whether a login that has begun elsewhere could end here."""
        ...

    def at(self, provider: str | None) -> Site:
        """The same visit, at the routes where people can sign in at a provider."""
        ...

    def path_of(self, endpoint: str, **values: str) -> str:
        """The path of one of the routes, as the browser has to ask for it."""
        ...

    def absolute_url_of(self, endpoint: str, **values: str) -> str:
        """The same as a URL, as far as the application knows its own address."""
        ...

    def is_own_path(self, path: str) -> bool:
        """Whether a path leads to one of the routes."""
        ...

    # -- the answer -----------------------------------------------------------------------

    def redirect(self, url: str, status: int = 302) -> Any:
        """Send the browser on."""
        ...

    def page(self, template: str, status: int = 200, **values: Any) -> Any:
        """Show a page; the application may have a template of its own for it.

        :param template: its name, below ``oauthclient/``.
        :param status: the HTTP status.
        :param values: what the template shows.
        """
        ...

    def json(self, content: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Any:
        """An answer to a program."""
        ...

    def text(self, content: str, status: int, headers: Mapping[str, str]) -> Any:
        """An answer that is a document of a line, or empty."""
        ...

    def refuse(self, status: int) -> NoReturn:
        """Give up with a status, which the application has a page for, or the framework."""
        ...

    def finished(self, answer: Any) -> Any:
        """An answer that no route of ours gives, as our routes would give it."""
        ...

    def when_answering(self, make: Callable[[int], Cookie | None]) -> None:
        """Set a cookie when the answer is there.

        :param make: is told how many bytes its head has by then, and gives the cookie.
        """
        ...

    # -- the session ----------------------------------------------------------------------

    @property
    def session(self) -> MutableMapping[str, Any]:
        """The session."""
        ...

    @property
    def session_seconds(self) -> int | None:
        """How long the browser keeps the session; ``None`` for as long as it runs."""
        ...

    @property
    def lifetime(self) -> int:
        """Seconds that a session may last."""
        ...

    @property
    def has_session_cookie(self) -> bool:
        """Whether the browser has brought a session."""
        ...

    @property
    def pinned(self) -> frozenset[str]:
        """What the framework itself keeps in a session, whoever's it is."""
        ...

    @property
    def memo(self) -> MutableMapping[str, Any]:
        """What is remembered for the rest of the request."""
        ...

    def check_session(self) -> None:
        """Refuse a session that the browser would drop: people would sign in for ever.

        :raises ConfigurationError: if there is more in it than a cookie holds.
        """
        ...

    def renew_session_id(self) -> None:
        """Give a session that is kept on the server another name (session fixation)."""
        ...

    def end_session(self) -> None:
        """Empty the session, and let whatever else signs people in here forget this one."""
        ...

    # -- people ---------------------------------------------------------------------------

    def is_response(self, answer: Any) -> bool:
        """Whether ``on_login`` has answered with something to show to the browser."""
        ...

    def key_of(self, answer: Any) -> str | int:
        """The application's key of the person that ``on_login`` has answered with.

        :raises TypeError: if that is no person.
        """
        ...

    def enter(self, answer: Any) -> None:
        """Let the framework know whom ``on_login`` has answered with."""
        ...

    @property
    def user(self) -> str | int | None:
        """The key of the person whom the framework itself knows to be signed in."""
        ...

    def owner_of(self, identity: Identity) -> str | None:
        """Whose tokens those of a signed-in person are."""
        ...

    # -- clients --------------------------------------------------------------------------

    def client(self, provider: str) -> Any:
        """A client by the name that stands in a URL; any other name is a page not found."""
        ...

    def registered(self, name: str) -> Any:
        """Any client of the registry, or ``None``."""
        ...

    def authorize_redirect(self, client: Any, redirect_uri: str, **params: Any) -> Any:
        """Begin a login: a redirect to the provider."""
        ...

    def authorize_access_token(self, client: Any) -> Mapping[str, Any]:
        """Complete a login: the token."""
        ...

    def logout_redirect(self, client: Any, uri: str, **params: Any) -> Any:
        """Begin a sign-out at the provider."""
        ...

    def validate_logout_response(self, client: Any) -> None:
        """Check that this browser has been sent to sign out where it comes from."""
        ...
