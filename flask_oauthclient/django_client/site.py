"""A request at the routes of a project: what signing in needs of Django."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import MutableMapping
from typing import TYPE_CHECKING
from typing import Any
from typing import NoReturn
from typing import cast
from urllib.parse import urlencode

from django.conf import settings as project
from django.contrib import auth
from django.contrib.sessions.backends.signed_cookies import SessionStore as SignedCookies
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.http import HttpRequest
from django.http import HttpResponse
from django.http import JsonResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404
from django.urls import resolve
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from ..sign_in.identity import Identity
from ..sign_in.logout_ticket import in_base64
from ..sign_in.pages import HEADERS
from ..sign_in.pages import HEADERS_FOR_ALL
from ..sign_in.pages import home
from ..sign_in.settings import SignInSettings
from . import people
from . import signals
from .cookies import apply_cookies
from .integration import DjangoIntegration
from .integration import is_secure
from .mounted import Mount
from .mounted import mount_for
from .mounted import mounts
from .pages import render
from .transactions import call_in_transaction
from .visit import DjangoVisit

if TYPE_CHECKING:
    from ..sign_in.site import Cookie
    from .state import AppState

_log = logging.getLogger(__name__)

#: Where a request remembers that its session has got another key already.
_RENEWED = "_oauthclient_renewed"


class Refused(Exception):
    """A request that gets no more than a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.response = HttpResponse(status=status)


class DjangoSite(DjangoVisit):
    """A request, at the routes of one place; see :class:`..sign_in.site.Site`.

    :param request: the request.
    :param mount: the place; by default the first one in the URLs, looked up when it is needed.
    """

    __slots__ = ("_last", "_mount")

    #: How long the session lasts is no business of one person.
    pinned = frozenset({"_session_expiry"})

    def __init__(self, request: HttpRequest, mount: Mount | None = None) -> None:
        super().__init__(request)
        self._mount = mount
        self._last: list[Callable[[int], Cookie | None]] = []

    # -- the application ------------------------------------------------------------------

    @property
    def _place(self) -> Mount:
        if self._mount is None:
            self._mount = mount_for(None)
        return self._mount

    @property
    def settings(self) -> SignInSettings:
        """What the project says about its routes."""
        return self._place.settings

    @property
    def state(self) -> AppState:
        """What the registry keeps for the project."""
        return cast("AppState", self.settings.oauth.current_state())

    @property
    def logger(self) -> logging.Logger:
        """The log of our own, as a project of Django's has none."""
        return _log

    @property
    def debug(self) -> bool:
        """Whether a page may have a word for the developer."""
        return bool(project.DEBUG)

    def send(self, signal: str, **values: Any) -> None:
        """Send a signal."""
        sender = DjangoIntegration
        getattr(signals, signal).send(sender=sender, request=self.request, **values)

    def call(self, function: Callable[..., Any] | None, *args: Any) -> Any:
        """Ask a function of the project, if there is one; else ``None``."""
        return None if function is None else call_in_transaction(function, self.request, *args)

    # -- addresses ------------------------------------------------------------------------

    @property
    def mount(self) -> str:
        """The namespace of the routes."""
        return self._place.namespace

    @property
    def has_other_mounts(self) -> bool:
        """Whether there are routes at more than one place."""
        return len(mounts()) > 1

    def at(self, provider: str | None) -> DjangoSite:
        """The same visit, at the place where people can sign in at a provider."""
        return DjangoSite(self.request, mount_for(provider, self._mount))

    def path_of(self, endpoint: str, **values: str) -> str:
        """The path of one of the routes, as the browser has to ask for it."""
        named = {"provider": values.pop("provider")} if "provider" in values else None
        path = reverse(f"{self.mount}:{endpoint}", kwargs=named)
        return f"{path}?{urlencode(values, safe='/')}" if values else path

    def absolute_url_of(self, endpoint: str, **values: str) -> str:
        """The same as a URL, as far as the project knows its own address."""
        return self.request.build_absolute_uri(self.path_of(endpoint, **values))

    def is_own_path(self, path: str) -> bool:
        """Whether a path leads to one of the routes."""
        try:
            return resolve(path).namespace == self.mount
        except Resolver404:
            return False

    # -- the answer -----------------------------------------------------------------------

    def redirect(self, url: str, status: int = 302) -> HttpResponse:
        """Send the browser on."""
        return HttpResponse(status=status, headers={"Location": iri_to_uri(url)})

    def page(self, template: str, status: int = 200, **values: Any) -> HttpResponse:
        """Show a page; the project may have a template of its own for it."""
        context = {
            "words": self.words,
            "stylesheet": self.path_of("static"),
            "home_url": home(self),
            "status": status,
            **values,
        }
        content = render(self.request, template, context)
        return HttpResponse(content, status=status, headers=HEADERS)

    def json(
        self, content: Mapping[str, Any], status: int, headers: Mapping[str, str]
    ) -> HttpResponse:
        """An answer to a program."""
        response = JsonResponse(dict(content), status=status)
        for name, value in headers.items():
            response[name] = value
        return response

    def text(self, content: str, status: int, headers: Mapping[str, str]) -> HttpResponse:
        """An answer that is a document of a line, or empty."""
        response = HttpResponse(content, status=status, headers=headers)
        # Who may show it in a frame says the policy among the headers.
        response.xframe_options_exempt = True
        return response

    def refuse(self, status: int) -> NoReturn:
        """Give up with a status, which the project may have a page for."""
        if status == 403:
            raise PermissionDenied
        raise Refused(status)

    def finished(self, answer: HttpResponseBase) -> HttpResponseBase:
        """An answer that no view of ours gives, as our views would give it."""
        return self.answered(answer)

    def when_answering(self, make: Callable[[int], Cookie | None]) -> None:
        """Set a cookie when the answer is there."""
        self._last.append(make)

    def answered(self, response: HttpResponseBase) -> HttpResponseBase:
        """Complete an answer: its cookies, and that nobody else keeps it.

        :param response: the answer.
        """
        for name, value in HEADERS_FOR_ALL.items():
            response.headers.setdefault(name, value)
        people.let_session_be_gone(self.request)
        apply_cookies(self.request, response)
        for make in self._last:
            cookie = make(self._size_of_head(response))
            if cookie is not None:
                response.set_cookie(
                    cookie.name,
                    cookie.value,
                    max_age=cookie.max_age,
                    path=cookie.path,
                    secure=is_secure(self.request),
                    httponly=True,
                    samesite="Strict",
                )
        return response

    def _size_of_head(self, response: HttpResponseBase) -> int:
        """The bytes of the headers that there are, and of the session cookie still to come."""
        headers = sum(len(name) + len(value) + 4 for name, value in response.items())
        cookies = sum(len(cookie.output()) + 2 for cookie in response.cookies.values())
        session = self.request.session
        if not isinstance(session, SignedCookies):
            return headers + cookies
        return headers + cookies + in_base64(json.dumps(dict(session.items()), default=str))

    # -- the session ----------------------------------------------------------------------

    @property
    def session_seconds(self) -> int | None:
        """How long the browser keeps the session; ``None`` for as long as it runs."""
        session = self.request.session
        return None if session.get_expire_at_browser_close() else session.get_expiry_age()

    @property
    def lifetime(self) -> int:
        """Seconds that a session may last."""
        return int(project.SESSION_COOKIE_AGE)

    @property
    def has_session_cookie(self) -> bool:
        """Whether the browser has brought a session."""
        return project.SESSION_COOKIE_NAME in self.request.COOKIES

    @property
    def memo(self) -> MutableMapping[str, Any]:
        """What is remembered for the rest of the request."""
        return self.request.__dict__

    def check_session(self) -> None:
        """Refuse a session that the browser would drop: people would sign in for ever."""
        people.check_size(self.request)

    def renew_session_id(self) -> None:
        """Give a session that is kept on the server another name (session fixation)."""
        if not self.memo.pop(_RENEWED, False):
            self.request.session.cycle_key()

    def end_session(self) -> None:
        """Empty the session, and log the user of Django out."""
        auth.logout(self.request)

    # -- people ---------------------------------------------------------------------------

    def is_response(self, answer: Any) -> bool:
        """Whether ``on_login`` has answered with something to show to the browser."""
        return isinstance(answer, HttpResponseBase)

    def key_of(self, answer: Any) -> str | int:
        """The key of the person that ``on_login`` has answered with."""
        return people.key_of(answer)

    def enter(self, answer: Any) -> None:
        """Log the user in that ``on_login`` has answered with, if it is one of Django's."""
        if people.is_user(answer):
            people.log_in(self.request, answer)
            self.memo[_RENEWED] = True

    @property
    def user(self) -> str | int | None:
        """The key of the user that Django knows to be logged in."""
        return people.user_of(self.request)

    def owner_of(self, identity: Identity) -> str | None:
        """Whose tokens those of a signed-in person are."""
        return self.state.owner_of(identity, self.request)

    # -- clients --------------------------------------------------------------------------

    def client(self, provider: str) -> Any:
        """A client by the name that stands in a URL; any other name is a page not found."""
        if provider not in self.settings.names():
            raise Http404
        return self.registered(provider)

    def registered(self, name: str) -> Any:
        """Any client of the registry, for this request, or ``None``."""
        client = self.settings.oauth.create_client(name)
        return None if client is None else client.at(self.request)

    def authorize_redirect(self, client: Any, redirect_uri: str, **params: Any) -> Any:
        """Begin a login: a redirect to the provider."""
        return client.authorize_redirect(self.request, redirect_uri, **params)

    def authorize_access_token(self, client: Any) -> Mapping[str, Any]:
        """Complete a login: the token."""
        token: Mapping[str, Any] = client.authorize_access_token(self.request)
        return token

    def logout_redirect(self, client: Any, uri: str, **params: Any) -> Any:
        """Begin a sign-out at the provider."""
        return client.logout_redirect(self.request, uri, **params)

    def validate_logout_response(self, client: Any) -> None:
        """Check that this browser has been sent to sign out where it comes from."""
        client.validate_logout_response(self.request)
