"""``OAuth2Session``: a requests session that speaks OAuth 2."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import requests

from ..protocol.errors import InsecureTransportError
from ..protocol.errors import InvalidTokenError
from ..protocol.errors import MissingEndpointError
from ..protocol.errors import MissingTokenError
from ..protocol.errors import OAuthError
from ..protocol.messages import Exchange
from ..protocol.messages import Purpose
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.oauth2.client import OAuth2Client
from ..protocol.oauth2.client_auth import AuthMethod
from ..protocol.oauth2.client_auth import ClientAuth
from ..protocol.oauth2.token import OAuth2Token
from ..protocol.oauth2.token import parse_token_response
from ..transport._run import finish
from ..transport._run import run
from ..transport.answers import to_message
from ..transport.policy import POLICIES
from ..transport.requests import PooledSession
from ..transport.requests import no_auth
from .auth import OAuth2Auth
from .calls import is_implicit
from .calls import is_replaced
from .calls import is_replayable
from .calls import read_form
from .calls import take_transport_settings
from .calls import token_was_refused
from .calls import without_none

_SESSION_ATTRIBUTES = ("proxies", "hooks", "stream", "verify", "cert", "max_redirects", "trust_env")


class OAuth2Session(OAuth2Client, PooledSession):
    """A :class:`requests.Session` that gets a token and presents it.

    :param client_id: the client's identifier.
    :param client_secret: its secret, or ``None`` for a public client.
    :param token_endpoint_auth_method: how the client authenticates at the token endpoint.
    :param revocation_endpoint_auth_method: the same for the revocation endpoint.
    :param scope: scope to ask for, a string or a list.
    :param state: state to compare authorization responses with.
    :param redirect_uri: where authorization responses go.
    :param token: a token to begin with, a dict.
    :param token_placement: where the token goes in a request: ``header``, ``body`` or ``uri``.
    :param update_token: ``(token, refresh_token=None, access_token=None)``, called when a token
        was replaced; a coroutine function may be given.
    :param leeway: seconds before its expiry from which a token is refreshed.
    :param default_timeout: seconds for a whole call, or ``(connect, total)``.
    :param kwargs: attributes of the requests session (``verify``, ``proxies``, ...),
        ``code_challenge_method``, ``timeout`` (the same as ``default_timeout``), ``max_bytes``,
        ``insecure_http``; anything else is server metadata (``token_endpoint``, ...).
    """

    oauth_error_class = OAuthError
    token_auth_class = OAuth2Auth
    SESSION_REQUEST_PARAMS = (
        "allow_redirects",
        "timeout",
        "cookies",
        "files",
        "proxies",
        "hooks",
        "stream",
        "verify",
        "cert",
        "json",
    )

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: Any = None,
        token_endpoint_auth_method: str | AuthMethod | None = None,
        revocation_endpoint_auth_method: str | AuthMethod | None = None,
        scope: str | Iterable[str] | None = None,
        state: str | None = None,
        redirect_uri: str | None = None,
        token: Any = None,
        token_placement: str = "header",  # noqa: S107
        update_token: Callable[..., Any] | None = None,
        leeway: float = 60,
        default_timeout: float | tuple[float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if "token_updater" in kwargs:
            raise ValueError("token_updater is called update_token, with keyword arguments.")
        timeout = kwargs.pop("timeout", None)
        PooledSession.__init__(
            self,
            default_timeout=timeout if default_timeout is None else default_timeout,
            max_bytes=kwargs.pop("max_bytes", None),
        )
        for name in _SESSION_ATTRIBUTES:
            if name in kwargs:
                setattr(self, name, kwargs.pop(name))
        self.insecure_http = kwargs.pop("insecure_http", False)
        OAuth2Client.__init__(
            self,
            client_id,
            client_secret,
            token_endpoint_auth_method,
            revocation_endpoint_auth_method,
            scope,
            state,
            redirect_uri,
            **kwargs,
        )
        self.token_auth = self.token_auth_class(token, token_placement, self)
        self.token_auth.insecure_http = self.insecure_http
        self.update_token = update_token
        self.leeway = leeway
        self._refreshing = threading.RLock()

    # -- the token ------------------------------------------------------------------------

    @property
    def token(self) -> Any:
        """The current token, an :class:`OAuth2Token`, or ``None``."""
        return self.token_auth.token

    @token.setter
    def token(self, token: Any) -> None:
        self.token_auth.set_token(token)

    def _hooks(self, hook_type: str) -> list[Any] | None:
        known = super()._hooks(hook_type)
        return self.token_auth.hooks.get(hook_type) if known is None else known

    def fetch_token(
        self,
        url: str | None = None,
        body: str = "",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        grant_type: str | None = None,
        state: str | None = None,
        **kwargs: Any,
    ) -> OAuth2Token:
        """Get a token and keep it.

        :param url: token endpoint; default is the session's ``token_endpoint``.
        :param body: form parameters to add, encoded.
        :param method: ``POST``, or ``GET`` for servers outside the RFC.
        :param headers: headers to add.
        :param auth: client authentication of this call: a name, a callable, or a pair of user
            and password.
        :param grant_type: default follows from the parameters.
        :param state: state to compare ``authorization_response`` with.
        :param kwargs: ``code`` or ``authorization_response``, parameters of the grant, and
            ``timeout``, ``verify``, ``cert``, ``proxies`` of this call.
        :returns: the token.
        :raises OAuthError: if there is none to be had.
        """
        state = state or self.state
        response = kwargs.pop("authorization_response", None)
        if response and is_implicit(response):
            return self.token_from_fragment(response, state)
        settings, form = self.transport_settings(kwargs), read_form(body)
        if response:
            # An error redirect ends here; it must not fall through to another grant.
            kwargs["code"] = self.read_authorization_response(response, state)
        grant_type = str(grant_type or form.pop("grant_type", self.guess_grant_type(kwargs)))
        form.pop("grant_type", None)
        self.metadata["grant_type"] = grant_type
        name = "redirect_uri" if grant_type == "authorization_code" else "scope"
        kwargs.setdefault(name, getattr(self, name))
        exchange = self.token_exchange(
            self._token_endpoint(url),
            grant_type,
            auth=self._call_auth(auth),
            method=method,
            headers=headers,
            insecure_http=self.insecure_http,
            **{**form, **kwargs},
        )
        self.token = token = self.run_exchange(exchange, "access_token", **settings)
        return token

    def fetch_access_token(self, url: str | None = None, **kwargs: Any) -> OAuth2Token:
        """The same as :meth:`fetch_token`."""
        return self.fetch_token(url, **kwargs)

    def token_from_fragment(
        self, authorization_response: str, state: str | None = None
    ) -> OAuth2Token:
        """Take a token out of the fragment of a redirect (RFC 6749 section 4.2.2).

        :raises OAuthError: if the state is another one, the server reports an error, or there is
            no token.
        """
        self.token = token = self.read_fragment(authorization_response, state or self.state)
        return token

    def refresh_token(
        self,
        url: str | None = None,
        refresh_token: str | None = None,
        body: str = "",
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> OAuth2Token:
        """Trade a refresh token for a new token (RFC 6749 section 6) and keep it.

        What the answer leaves out stays as it was. ``scope`` is sent only if it is given here.

        :param url: token endpoint; default is the session's ``token_endpoint``.
        :param refresh_token: default is the one of the current token.
        :param body: form parameters to add, encoded.
        :param auth: client authentication of this call.
        :param headers: headers to add.
        :param kwargs: further parameters, and ``timeout``, ``verify``, ``cert``, ``proxies``.
        :raises OAuthError: if the server refuses.
        """
        old = self.token or {}
        refresh_token = refresh_token or old.get("refresh_token")
        if not refresh_token:
            raise MissingTokenError("missing_token", "There is no refresh token.")
        settings = self.transport_settings(kwargs)
        exchange = self.token_exchange(
            self._token_endpoint(url),
            "refresh_token",
            auth=self._call_auth(auth),
            headers=headers,
            insecure_http=self.insecure_http,
            **{**read_form(body), "refresh_token": refresh_token, **kwargs},
        )
        fresh = self.run_exchange(exchange, "refresh_token", **settings)
        self.token = token = fresh.merged_over({**old, "refresh_token": refresh_token})
        self._tell(refresh_token=refresh_token)
        return token

    def ensure_active_token(self, token: Any = None) -> bool | None:
        """Replace the current token if it has expired.

        However many threads ask at once, one of them replaces it.

        :param token: the token to judge; default is the current one.
        :returns: ``True`` if there is a usable token now, ``None`` if it has expired for good.
        """
        token = OAuth2Token.from_dict(self.token if token is None else token)
        if token is None:
            return None
        if not token.is_expired(self.leeway):
            return True
        with self._refreshing:
            if is_replaced(token, self.token) and not self.token.is_expired(self.leeway):
                return True
            return self._replace(token)

    def _replace(self, token: OAuth2Token) -> bool | None:
        endpoint = self.metadata.get("token_endpoint")
        if token.get("refresh_token") and endpoint:
            self.refresh_token(endpoint, refresh_token=token["refresh_token"])
            return True
        if self.metadata.get("grant_type") == "client_credentials" and endpoint:
            self.fetch_token(endpoint, grant_type="client_credentials")
            self._tell(access_token=token.get("access_token"))
            return True
        return None

    def _tell(self, **old: Any) -> None:
        if self.update_token is not None:
            finish(self.update_token(self.token, **old))

    def _token_endpoint(self, url: str | None) -> str:
        endpoint = url or self.metadata.get("token_endpoint")
        if not endpoint:
            raise MissingEndpointError("missing_configuration", 'Missing "token_endpoint".')
        return str(endpoint)

    def _call_auth(self, auth: Any) -> ClientAuth:
        if isinstance(auth, ClientAuth):
            return auth
        if isinstance(auth, tuple):
            return ClientAuth(auth[0], auth[1], "client_secret_basic")
        return self.client_auth(auth)

    def parse_response_token(self, response: Any) -> OAuth2Token:
        """Read the response of a token endpoint.

        :param response: a response of requests.
        :raises OAuthError: if it is no token.
        """
        return parse_token_response(to_message(response, POLICIES[Purpose.TOKEN].max_bytes))

    # -- sending --------------------------------------------------------------------------

    def run_exchange(
        self, exchange: Exchange[OAuth2Token], hook: str, **settings: Any
    ) -> OAuth2Token:
        """Drive a token exchange, with the compliance hooks of its kind.

        :param exchange: the exchange.
        :param hook: ``access_token`` or ``refresh_token``.
        :param settings: ``timeout``, ``verify``, ``cert``, ``proxies`` of this call.
        """

        def on_response(answer: Any) -> Any:
            for change in self.compliance_hooks[f"{hook}_response"]:
                answer = change(answer)
            return answer

        def send(request: Request) -> Response:
            url, headers, body = request.url, dict(request.headers), request.body
            for change in self.compliance_hooks[f"{hook}_request"]:
                url, headers, body = change(url, headers, body)
            changed = Request(request.purpose, request.method, url, headers, body)
            return self.send_message(
                changed, on_response=on_response, insecure_http=self.insecure_http, **settings
            )

        return run(exchange, send)

    @staticmethod
    def transport_settings(kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take the HTTP library's keywords out of those of a token request.

        :param kwargs: the keywords; what is left are parameters of the form.
        :raises InvalidSettingError: for a body of another kind.
        """
        return take_transport_settings(kwargs)

    def request(  # type: ignore[override]  # requests names every keyword; they are passed on
        self,
        method: str,
        url: str,
        withhold_token: bool = False,
        auth: Any = None,
        **kwargs: Any,
    ) -> requests.Response:
        """Send a request with the token, refreshed if it has expired.

        A 401 that says ``invalid_token`` leads to one refresh and one more try, if there is a
        refresh token (RFC 6750 section 3.1).

        :param method: HTTP method.
        :param url: absolute URL.
        :param withhold_token: send no token.
        :param auth: another ``auth`` object of requests instead of the token.
        :param kwargs: as :meth:`requests.Session.request` takes them.
        :raises MissingTokenError: if there is no token.
        :raises InvalidTokenError: if it has expired and cannot be refreshed.
        :raises InsecureTransportError: if the token would travel in the clear.
        :raises requests.RequestException: if the call fails.
        """
        if withhold_token or auth is not None:
            return self._call(method, url, auth=auth or no_auth, **kwargs)
        if not self.token:
            raise MissingTokenError
        if not self.ensure_active_token():
            raise InvalidTokenError
        used = self.token
        response = self._call(method, url, auth=self.token_auth, **kwargs)
        refreshable = bool(self.metadata.get("token_endpoint"))
        if not refreshable or not self.may_retry_with_new_token(response, used, kwargs):
            return response
        close = getattr(response, "close", None)
        if close is not None:
            close()
        with self._refreshing:
            if not is_replaced(used, self.token):
                self.refresh_token(self.metadata["token_endpoint"])
        return self._call(method, url, auth=self.token_auth, **kwargs)

    @staticmethod
    def may_retry_with_new_token(
        response: Any, token: Mapping[str, Any], kwargs: Mapping[str, Any]
    ) -> bool:
        """Whether a call that was refused may be sent once more with a refreshed token.

        :param response: the refusal.
        :param token: the token that was used.
        :param kwargs: the call's keywords; a stream is gone after the first time.
        """
        refused = bool(token.get("refresh_token")) and token_was_refused(response)
        return refused and is_replayable(kwargs)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Drop credentials when a redirect leaves the origin.

        :raises InsecureTransportError: if the token stands in the body, which goes with it.
        """
        super().rebuild_auth(prepared_request, response)
        before, after = str(response.request.url), str(prepared_request.url)
        if (
            self.token_auth.token_placement == "body"  # noqa: S105
            and prepared_request.body
            and self.should_strip_auth(before, after)  # type: ignore[no-untyped-call]
        ):
            raise InsecureTransportError("token_origin")

    def _call(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        auth = kwargs.pop("auth")
        sending = {name: kwargs.pop(name, None) for name in ("proxies", "stream", "verify", "cert")}
        timeout = kwargs.pop("timeout", None)
        allow_redirects = kwargs.pop("allow_redirects", method.upper() != "HEAD")
        prepared = self.prepare_request(
            requests.Request(method.upper(), url, auth=auth, **without_none(kwargs))
        )
        settings = self.merge_environment_settings(prepared.url, **sending)
        response: requests.Response = self.call_api(
            prepared, timeout=timeout, allow_redirects=allow_redirects, **settings
        )
        return response
