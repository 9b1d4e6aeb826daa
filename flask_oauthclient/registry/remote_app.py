"""A registered client, whatever its protocol: settings, session, logins, and API calls."""

from __future__ import annotations

import threading
from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urljoin

from .._version import __version__
from ..protocol.error_codes import clean_text
from ..protocol.errors import InsecureTransportError
from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.urls import is_http_url
from ..protocol.urls import is_secure
from ..protocol.urls import origin
from ..transport._run import Steps
from ..transport._run import arun_steps
from ..transport._run import run_steps
from .accounts import Accounts
from .async_calls import AsyncCalls
from .async_calls import LoopClients
from .async_calls import for_a_loop
from .async_calls import in_thread
from .framework import Framework
from .options import ClientOptions

if TYPE_CHECKING:
    import httpx2

#: Members that we add to a token: the claims of the verified ID token, and what the application
#: sent along. A provider has no say in them.
_OURS = ("userinfo", "extra")


class RemoteApp(Accounts, AsyncCalls, ABC):
    """A client of one server.

    :param framework: the web framework, as this client sees it.
    :param name: the client's name.
    """

    #: 1 or 2; a class that serves both has none.
    oauth_version: int | None = None
    #: Class of the session; the registry of each framework sets it.
    client_cls: Any = None
    #: Name of the class of the clients in event loops, in the room of httpx2.
    async_client_name: str
    #: Calls what blocks from within an event loop.
    _apart: Callable[[Callable[[], Any]], Any] = staticmethod(in_thread)
    #: ``client_kwargs`` that are about authorization requests and not about the session.
    NOT_FOR_THE_SESSION: tuple[str, ...] = ()

    _options: ClientOptions
    client_id: str | None
    client_secret: Any
    authorize_url: str | None
    authorize_params: dict[str, Any]
    access_token_url: str | None
    access_token_params: dict[str, Any]
    api_base_url: str | None
    client_kwargs: dict[str, Any]
    compliance_fix: Callable[[Any], Any] | None
    _session: Any
    _of_loops: LoopClients
    _lock: threading.RLock

    def __init__(self, framework: Framework, name: str) -> None:
        self.framework: Any = framework
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        # Settings are read when the first of them is asked for, so that ten thousand registered
        # clients cost next to nothing until they are used. After that they are plain attributes.
        if attribute.startswith("__") or "_lock" in self.__dict__:
            if isinstance(getattr(type(self), attribute, None), property):
                # Something that it calls has failed, and says better what was missing.
                return object.__getattribute__(self, attribute)
            raise AttributeError(attribute)
        options, metadata = self.framework.settings()
        for name, value in self._settings(options, metadata).items():
            vars(self).setdefault(name, value)  # what was set by hand before stays
        return getattr(self, attribute)

    def _settings(self, options: ClientOptions, metadata: dict[str, Any]) -> dict[str, Any]:
        """The attributes that follow from the options."""
        return {
            "_options": options,
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "authorize_url": options.authorize_url,
            "authorize_params": options.authorize_params or {},
            "access_token_url": options.access_token_url,
            "access_token_params": options.access_token_params or {},
            "api_base_url": options.api_base_url,
            "client_kwargs": dict(options.client_kwargs or {}),
            "compliance_fix": options.compliance_fix,
            "_session": None,
            "_of_loops": LoopClients(self._make_loop_client),
            "_lock": threading.RLock(),
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    # -- the session ----------------------------------------------------------------------

    @property
    def session(self) -> Any:
        """The session that carries every request of this client in this process.

        It is made when it is first needed, and kept: connections are reused by all threads. It
        holds neither cookies nor a token.
        """
        if getattr(self, "_session", None) is None:
            with self._lock:
                if self._session is None:
                    self._session = self._make_session()
        return self._session

    def prepare_to_share(self) -> None:
        """Make what a copy for another account has to have in common with this client."""
        self.session  # noqa: B018  made when it is asked for

    def _make_session(self) -> Any:
        return self._prepared(self.client_cls, self._session_settings())

    def _make_loop_client(self) -> Any:
        from .. import httpx_client

        settings = for_a_loop(self._session_settings())
        return self._prepared(getattr(httpx_client, self.async_client_name), settings)

    def _session_settings(self) -> dict[str, Any]:
        own = {k: v for k, v in self.client_kwargs.items() if k not in self.NOT_FOR_THE_SESSION}
        return {**self._session_defaults(), **own}

    def _prepared(self, session_cls: Any, settings: dict[str, Any]) -> Any:
        session = session_cls(
            client_id=self.client_id,
            client_secret=self.client_secret,
            insecure_http=self._options.insecure_http,
            **settings,
        )
        session.headers["User-Agent"] = (
            self._options.user_agent or f"flask_oauthclient/{__version__}"
        )
        session.refuse_cookies()
        self._prepare_session(session)
        return session

    def _session_defaults(self) -> dict[str, Any]:
        """Keywords of the session, unless ``client_kwargs`` have them."""
        return {}

    def _prepare_session(self, session: Any) -> None:
        """Adapt a new session to the server; the application has the last word."""
        if self.compliance_fix is not None:
            self.compliance_fix(session)

    # -- login ----------------------------------------------------------------------------

    @abstractmethod
    def create_authorization_url(
        self, redirect_uri: str | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Build an authorization request.

        :param redirect_uri: where the server shall send the browser back to; default is the
            registered one.
        :param kwargs: parameters of the request.
        :returns: ``url`` and ``state``, and whatever else the callback will be measured by.
        :raises OAuthError: if the settings do not suffice or the server cannot be asked.
        """

    def save_authorize_data(self, *args: Any, **data: Any) -> None:
        """Keep the data of a login until its callback.

        :param args: older code passes the request first; it is not needed.
        :param data: ``state``, and everything to keep.
        :raises MissingConfigurationError: without a state.
        :raises StateStoreError: if it cannot be kept.
        """
        state = data.pop("state", None)
        if not state:
            raise MissingConfigurationError("missing_configuration", "Missing state value")
        # The URL is on its way to the browser and says nothing that is not here already.
        data.pop("url", None)
        self.framework.keep_login(state, {k: v for k, v in data.items() if v is not None})

    def authorize_redirect(self, redirect_uri: str | None = None, **kwargs: Any) -> Any:
        """Send the browser to the provider.

        :param redirect_uri: where the provider shall send it back to; default is the registered
            one.
        :param kwargs: parameters of the authorization request, and ``extra``: data of the
            application's own (JSON) that :meth:`authorize_access_token` gives back.
        :returns: a 302 response.
        :raises OAuthError: if the settings do not suffice, the provider cannot be asked or the
            login cannot be kept.
        """
        extra = kwargs.pop("extra", None)
        request = self.create_authorization_url(redirect_uri, **kwargs)
        redirect_uri = redirect_uri or self._options.redirect_uri
        self.save_authorize_data(redirect_uri=redirect_uri, extra=extra, **request)
        return self.framework.redirect(request["url"])

    @abstractmethod
    def authorize_access_token(self, **kwargs: Any) -> Any:
        """Complete a login at the redirect URI.

        :returns: the token, a dict; ``extra`` is what :meth:`authorize_redirect` was given.
        :raises OAuthError: a subclass, with a stable code for each cause; nothing else.
        """

    def _warn_of_plain_http(self, redirect_uri: str | None) -> None:
        if redirect_uri and is_http_url(redirect_uri) and not is_secure(redirect_uri):
            self.framework.warn_of_plain_http()

    # -- API calls ------------------------------------------------------------------------

    def request(self, method: str, url: str, token: Any = None, **kwargs: Any) -> Any:
        """Call an API with the user's token.

        :param method: HTTP method.
        :param url: absolute, or relative to ``api_base_url``.
        :param token: default is the stored token of the current user; an expired one is replaced.
        :param kwargs: as :meth:`requests.Session.request` takes them; ``withhold_token=True``
            sends no token (OAuth 1.0a: signs as the client alone, and not at all for an origin
            that must not see the token), ``auth`` sends something else instead.
        :returns: the response, whatever its status.
        :raises MissingTokenError: if there is no token.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        :raises InsecureTransportError: if the URL is not one that may see the token.
        :raises requests.RequestException: if the call fails.
        """
        absolute = self._absolute(url)
        return run_steps(self._call(self.session, _at_once, method, absolute, token, kwargs))

    async def arequest(
        self, method: str, url: str, token: Any = None, **kwargs: Any
    ) -> httpx2.Response:
        """Call an API with the user's token, in an event loop.

        :param method: HTTP method.
        :param url: absolute, or relative to ``api_base_url``.
        :param token: as for :meth:`request`.
        :param kwargs: as :meth:`httpx2.AsyncClient.request` takes them; ``withhold_token`` and
            ``auth`` as for :meth:`request`.
        :returns: the response of httpx2, whatever its status.
        :raises OAuthError: as :meth:`request` does.
        :raises ImportError: without the extra ``httpx``.
        :raises httpx2.HTTPError: if the call fails.
        """
        client, absolute = await self._of_loops.here(), self._absolute(url)
        response: httpx2.Response = await arun_steps(
            self._call(client, self._apart, method, absolute, token, kwargs)
        )
        return response

    @abstractmethod
    def _call(
        self,
        session: Any,
        apart: Callable[[Callable[[], Any]], Any],
        method: str,
        url: str,
        token: Any,
        kwargs: dict[str, Any],
    ) -> Steps[Any]:
        """The steps of a call.

        :param session: the session that sends it.
        :param apart: calls what blocks.
        :param method: HTTP method.
        :param url: absolute.
        :param token: what the caller has.
        :param kwargs: keywords of the HTTP library, and ours.
        """

    def _absolute(self, url: str) -> str:
        return urljoin(self.api_base_url, url) if self.api_base_url else url

    def _check_token_origin(self, url: str) -> None:
        """A client that is bound to an API sends its token nowhere else."""
        if not self._may_see_token(url):
            raise InsecureTransportError(
                "token_origin", detail={"client": self.name, "origin": clean_text(_host_of(url))}
            )

    def _may_see_token(self, url: str) -> bool:
        if not self.api_base_url and not self._options.token_origins:
            return True
        return origin(url) in {origin(known) for known in self._token_urls() if known}

    def _token_urls(self) -> list[Any]:
        return [self.api_base_url, *(self._options.token_origins or ())]

    def get(self, url: str, **kwargs: Any) -> Any:
        """``GET``; see :meth:`request`."""
        return self.request("GET", url, **kwargs)

    def options(self, url: str, **kwargs: Any) -> Any:
        """``OPTIONS``; see :meth:`request`."""
        return self.request("OPTIONS", url, **kwargs)

    def head(self, url: str, **kwargs: Any) -> Any:
        """``HEAD``, which follows no redirect unless it is told to; see :meth:`request`."""
        return self.request("HEAD", url, **{**self.session.not_followed, **kwargs})

    def post(self, url: str, **kwargs: Any) -> Any:
        """``POST``; see :meth:`request`."""
        return self.request("POST", url, **kwargs)

    def put(self, url: str, **kwargs: Any) -> Any:
        """``PUT``; see :meth:`request`."""
        return self.request("PUT", url, **kwargs)

    def patch(self, url: str, **kwargs: Any) -> Any:
        """``PATCH``; see :meth:`request`."""
        return self.request("PATCH", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> Any:
        """``DELETE``; see :meth:`request`."""
        return self.request("DELETE", url, **kwargs)


@cache
def speaking(given: type[Any], base: type[Any], protocol_cls: type[Any]) -> type[Any]:
    """The class to build a client of.

    :param given: the class that was registered.
    :param base: the class of a framework's clients, whatever their protocol.
    :param protocol_cls: the one that derives from it and speaks the protocol.
    :returns: ``given`` itself if it speaks a protocol, else a class that adds one to it.
    """
    if not issubclass(given, base) or not given.__abstractmethods__:
        return given
    if given is base:
        return protocol_cls
    members = {"__module__": given.__module__, "__doc__": given.__doc__}
    return type(given.__name__, (given, protocol_cls), members)


def _at_once(do: Callable[[], Any]) -> Any:
    return do()


@contextmanager
def keeping_extra(pending: Mapping[str, Any]) -> Generator[None]:
    """Let an error of a login carry what the application sent along."""
    try:
        yield
    except OAuthError as error:
        error.extra = pending.get("extra")
        raise


def without_ours(token: Any) -> Any:
    """Take out of a provider's answer what only we add to a token."""
    for name in _OURS:
        token.pop(name, None)
    return token


def missing(option: str) -> MissingConfigurationError:
    """The error for an option that a call needs and nobody gave."""
    instead = ", or the issuer of an OpenID provider" if option == "authorize_url" else ""
    return MissingConfigurationError(
        "missing_configuration", f'Missing "{option}" value. Configure it{instead}.'
    )


def _host_of(url: str) -> str:
    scheme, host, port = origin(url)
    return f"{scheme}://{host}:{port}"


def merged(*params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Combine parameters; the later ones win."""
    result: dict[str, Any] = {}
    for some in params:
        result |= some or {}
    return result
