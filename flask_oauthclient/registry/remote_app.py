"""A registered client: its settings, its session, its tokens, and API calls with them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from .._version import __version__
from ..protocol.error_codes import clean_text
from ..protocol.errors import InsecureTransportError
from ..protocol.errors import InvalidTokenError
from ..protocol.errors import MissingTokenError
from ..protocol.oauth2.client_auth import ClientAuth
from ..protocol.oauth2.client_auth import choose_method
from ..protocol.oauth2.grants import client_credentials_exchange
from ..protocol.oauth2.grants import refresh_exchange
from ..protocol.oauth2.metadata import endpoint
from ..protocol.oauth2.metadata import string_list
from ..protocol.oauth2.token import OAuth2Token
from ..protocol.urls import origin
from .framework import Framework
from .options import ClientOptions
from .server import Server
from .single_flight import SingleFlight

#: ``client_kwargs`` that are about authorization requests and not about the session.
_NOT_FOR_THE_SESSION = ("code_challenge_method",)

#: Members that we add to a token: the claims of the verified ID token, and what the application
#: sent along. A provider has no say in them.
_OURS = ("userinfo", "extra")


class RemoteApp:
    """A client of one OAuth 2 server.

    :param framework: the web framework, as this client sees it.
    :param name: the client's name.
    """

    #: Class of the session; the registry of each framework sets it.
    client_cls: Any = None

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
    client_auth_methods: Any
    server_metadata: dict[str, Any]
    _server: Server | None
    _session: Any
    _flights: SingleFlight[OAuth2Token] | None
    _lock: threading.RLock

    def __init__(self, framework: Framework, name: str) -> None:
        self.framework: Any = framework
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        # Settings are read when the first of them is asked for, so that ten thousand registered
        # clients cost next to nothing until they are used. After that they are plain attributes.
        if attribute.startswith("__") or "_lock" in self.__dict__:
            raise AttributeError(attribute)
        options, metadata = self.framework.settings()
        self._adopt(options, metadata)
        return getattr(self, attribute)

    def _adopt(self, options: ClientOptions, metadata: dict[str, Any]) -> None:
        settings = {
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
            "client_auth_methods": options.client_auth_methods,
            "server_metadata": metadata,
            "_server": None,
            "_session": None,
            "_flights": None,
            "_lock": threading.RLock(),
        }
        for name, value in settings.items():  # what was set by hand before stays
            self.__dict__.setdefault(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    # -- the session and the server -------------------------------------------------------

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

    def _make_session(self) -> Any:
        kwargs = {k: v for k, v in self.client_kwargs.items() if k not in _NOT_FOR_THE_SESSION}
        kwargs.setdefault("token_endpoint_auth_method", self._options.token_endpoint_auth_method)
        session = self.client_cls(
            client_id=self.client_id,
            client_secret=self.client_secret,
            insecure_http=self._options.insecure_http,
            **kwargs,
        )
        session.headers["User-Agent"] = (
            self._options.user_agent or f"flask_oauthclient/{__version__}"
        )
        session.refuse_cookies()
        for method in self.client_auth_methods or ():
            session.register_client_auth_method(method)
        if self.compliance_fix is not None:
            self.compliance_fix(session)
        return session

    @property
    def server(self) -> Server:
        """The authorization server as this client knows it."""
        server = getattr(self, "_server", None)
        if server is None:
            with self._lock:
                server = self._server = self._server or Server(
                    self._options, self.server_metadata, self._send
                )
        return server

    def _send(self, request: Any, **settings: Any) -> Any:
        return self.session.send_message(
            request, insecure_http=self._options.insecure_http, **settings
        )

    def load_server_metadata(self) -> dict[str, Any]:
        """Everything that is known of the server: registered values, completed by discovery.

        The document is fetched when it is first needed, and again when its time is up.

        :returns: the live dict.
        :raises OAuthError: if the metadata cannot be had or must not be used.
        """
        metadata = self.server.load_metadata()
        self.server_metadata = metadata
        return metadata

    # -- client authentication ------------------------------------------------------------

    def _client_auth(self, method: Any = None) -> ClientAuth:
        chosen = method or self._auth_method()
        auth: ClientAuth = self.session.client_auth(chosen)
        return auth

    def _auth_method(self) -> Any:
        stated = self.client_kwargs.get("token_endpoint_auth_method")
        stated = stated or self._options.token_endpoint_auth_method
        if stated:
            return stated
        supported = string_list(self.server_metadata, "token_endpoint_auth_methods_supported")
        return choose_method(self.client_secret, supported)

    def _token_endpoint(self) -> str:
        if self.access_token_url:
            return str(self.access_token_url)
        return endpoint(self.load_server_metadata(), "token_endpoint")

    def _run(self, exchange: Any, hook: str, **settings: Any) -> OAuth2Token:
        token: OAuth2Token = self.session.run_exchange(exchange, hook, **settings)
        for name in _OURS:
            token.pop(name, None)
        return token

    @property
    def _refreshes(self) -> SingleFlight[OAuth2Token]:
        with self._lock:
            if self._flights is None:
                self._flights = SingleFlight()
            return self._flights

    # -- tokens ---------------------------------------------------------------------------

    def _resolve_token(self, token: Any) -> OAuth2Token:
        found = OAuth2Token.from_dict(token or self.framework.current_token())
        if found is None:
            found = OAuth2Token.from_dict(self.framework.fetch_token())
            self.framework.set_current_token(found)
        if not found:
            raise MissingTokenError
        resolved: OAuth2Token = found
        return resolved

    def ensure_active_token(self, token: Any = None) -> OAuth2Token:
        """A token that has not expired: the given one, or its replacement.

        However many threads ask with one expired token, one request replaces it.

        :param token: default is the stored token of the current user.
        :raises MissingTokenError: if there is none.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        """
        found = self._resolve_token(token)
        if not found.is_expired(self.client_kwargs.get("leeway", 60)):
            return found
        return self.refresh_token(found)

    def refresh_token(self, token: Any = None) -> OAuth2Token:
        """Replace a token now, store the new one and tell whoever listens.

        :param token: the token to replace; default is the stored token of the current user.
        :returns: the new token; what the provider left out stays as it was.
        :raises InvalidTokenError: if there is nothing to replace it with.
        :raises OAuthError: if the provider refuses.
        """
        found = self._resolve_token(token)
        spent = found.get("refresh_token")
        if spent:
            fresh = self._refreshes.do(str(spent), lambda: self._refresh(found))
        elif self.client_kwargs.get("grant_type") == "client_credentials":
            old = str(found.get("access_token"))
            fresh = self._refreshes.do(old, lambda: self._fetch_own_token(old))
        else:
            raise InvalidTokenError
        self.framework.set_current_token(fresh)
        return fresh

    def _refresh(self, old: OAuth2Token) -> OAuth2Token:
        url = self._options.refresh_token_url or self._token_endpoint()
        exchange = refresh_exchange(
            self._client_auth(),
            url,
            refresh_token=old["refresh_token"],
            insecure_http=self._options.insecure_http,
            **(self._options.refresh_token_params or {}),
        )
        fresh = self._run(exchange, "refresh_token").merged_over(old)
        self._check_refreshed(fresh, old)
        self.framework.token_updated(fresh, refresh_token=old["refresh_token"])
        return fresh

    def _check_refreshed(self, fresh: OAuth2Token, old: OAuth2Token) -> None:
        """Whatever a refresh response has to fulfil beyond being a token."""

    def _fetch_own_token(self, old: str) -> OAuth2Token:
        exchange = client_credentials_exchange(
            self._client_auth(),
            self._token_endpoint(),
            scope=self.client_kwargs.get("scope"),
            insecure_http=self._options.insecure_http,
        )
        fresh = self._run(exchange, "access_token")
        self.framework.token_updated(fresh, access_token=old)
        return fresh

    # -- API calls ------------------------------------------------------------------------

    def request(self, method: str, url: str, token: Any = None, **kwargs: Any) -> Any:
        """Call an API with the user's token.

        :param method: HTTP method.
        :param url: absolute, or relative to ``api_base_url``.
        :param token: default is the stored token of the current user; an expired one is replaced.
        :param kwargs: as :meth:`requests.Session.request` takes them; ``withhold_token=True``
            sends no token.
        :returns: the response, whatever its status.
        :raises MissingTokenError: if there is no token.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        :raises InsecureTransportError: if the URL is not one that may see the token.
        :raises requests.RequestException: if the call fails.
        """
        url = urljoin(self.api_base_url, url) if self.api_base_url else url
        if kwargs.pop("withhold_token", False):
            return self.session.request(method, url, withhold_token=True, **kwargs)
        self._check_token_origin(url)
        active = self.ensure_active_token(token)
        response = self.session.request(method, url, auth=self._token_auth(active), **kwargs)
        if not self.session.may_retry_with_new_token(response, active, kwargs):
            return response
        active = self.refresh_token(active)
        return self.session.request(method, url, auth=self._token_auth(active), **kwargs)

    def _token_auth(self, token: OAuth2Token) -> Any:
        return self.session.token_auth.for_token(token)

    def _check_token_origin(self, url: str) -> None:
        """A client that is bound to an API sends its token nowhere else."""
        if not self.api_base_url and not self._options.token_origins:
            return
        if origin(url) not in self._token_origins():
            raise InsecureTransportError(
                "token_origin", detail={"client": self.name, "origin": clean_text(_host_of(url))}
            )

    def _token_origins(self) -> set[tuple[str, str, int]]:
        userinfo = self.server_metadata.get("userinfo_endpoint")
        urls = [self.api_base_url, userinfo, *(self._options.token_origins or ())]
        return {origin(url) for url in urls if url}

    def get(self, url: str, **kwargs: Any) -> Any:
        """``GET``; see :meth:`request`."""
        return self.request("GET", url, **kwargs)

    def options(self, url: str, **kwargs: Any) -> Any:
        """``OPTIONS``; see :meth:`request`."""
        return self.request("OPTIONS", url, **kwargs)

    def head(self, url: str, **kwargs: Any) -> Any:
        """``HEAD``; see :meth:`request`."""
        return self.request("HEAD", url, **kwargs)

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


def _host_of(url: str) -> str:
    scheme, host, port = origin(url)
    return f"{scheme}://{host}:{port}"


def merged(*params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Combine parameters; the later ones win."""
    result: dict[str, Any] = {}
    for some in params:
        result |= some or {}
    return result
