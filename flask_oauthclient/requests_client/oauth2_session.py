"""``OAuth2Session``: a requests session that speaks OAuth 2."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from requests.auth import AuthBase

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingEndpointError
from ..protocol.errors import MissingTokenError
from ..protocol.errors import OAuthError
from ..protocol.masked import MaskedTuple
from ..protocol.messages import Purpose
from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.oauth2.client import OAuth2Client
from ..protocol.oauth2.client_auth import AuthMethod
from ..protocol.oauth2.client_auth import ClientAuth
from ..protocol.oauth2.hooks import HookList
from ..protocol.oauth2.token import OAuth2Token
from ..protocol.oauth2.token import parse_token_response
from ..transport.answers import to_message
from ..transport.policy import POLICIES
from ..transport.requests import SESSION_SETTINGS
from .calls import as_auth_method
from .calls import is_implicit
from .calls import read_form
from .calls import take_transport_settings
from .client_auth import RequestsClientAuth
from .token_management import TokenManagement
from .token_session import TokenSession

_log = logging.getLogger(__name__)


class OAuth2Session(OAuth2Client, TokenManagement, TokenSession):
    """A :class:`requests.Session` that gets a token and presents it.

    :param client_id: the client's identifier.
    :param client_secret: its secret, or ``None`` for a public client.
    :param token_endpoint_auth_method: how the client authenticates at the token endpoint.
    :param revocation_endpoint_auth_method: the same for the revocation endpoint; default is
        that of the token endpoint.
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
        ``code_challenge_method``, ``basic_encoding``, ``timeout`` (the same as
        ``default_timeout``), ``max_bytes``, ``insecure_http``; anything else is server metadata
        (``token_endpoint``, ``issuer``, ...).
    """

    client_auth_class = RequestsClientAuth
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
        settings = {name: kwargs.pop(name) for name in SESSION_SETTINGS & kwargs.keys()}
        TokenSession.__init__(
            self,
            token,
            token_placement,
            leeway,
            update_token,
            default_timeout=default_timeout,
            **settings,
        )
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
        self._own_request: dict[str, Any] = {}
        self._refused: tuple[str, OAuthError] | None = None

    def _hooks(self) -> Mapping[str, HookList]:
        return {**super()._hooks(), "protected_request": self.token_auth.hooks}

    # -- tokens ---------------------------------------------------------------------------

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
        :param method: ``POST``, or ``GET`` for servers outside the RFC, which warns: the
            parameters stand in the URL then.
        :param headers: headers to add.
        :param auth: client authentication of this call: a name, a callable, a pair of user and
            password, or an ``auth`` object of requests.
        :param grant_type: default follows from the parameters.
        :param state: state to compare ``authorization_response`` with.
        :param kwargs: ``code`` or ``authorization_response``, parameters of the grant, and
            ``timeout``, ``verify``, ``cert``, ``proxies`` of this call.
        :returns: the token.
        :raises OAuthError: if there is none to be had.
        """
        state = state or self.state
        response = kwargs.pop("authorization_response", None)
        if response is not None:
            # An error redirect ends here; it must not fall through to another grant.
            self.check_redirect(response, state)
            if is_implicit(response):
                return self.token_from_fragment(response, state)
        settings, form = self.transport_settings(kwargs), read_form(body)
        if response is not None:
            kwargs["code"] = self.read_authorization_response(response, state)
        grant_type = str(grant_type or form.pop("grant_type", self.guess_grant_type(kwargs)))
        form.pop("grant_type", None)
        self.metadata["grant_type"] = grant_type
        self.warn_of_grant(grant_type)
        name = "redirect_uri" if grant_type == "authorization_code" else "scope"
        params = {name: getattr(self, name), **form, **kwargs}
        endpoint = self._endpoint("token", url)
        exchange = self.token_exchange(
            endpoint,
            grant_type,
            auth=self.client_auth(auth),
            method=method,
            headers=headers,
            insecure_http=self.insecure_http,
            **params,
        )
        self.token = token = self.run_exchange(exchange, "access_token", **settings)
        # What a renewal needs: the place, and for a token of the client's own the whole request.
        self.metadata["token_endpoint"] = self.metadata.get("token_endpoint") or endpoint
        if grant_type == "client_credentials":
            call = {"auth": auth, "method": method, "headers": headers}
            self._own_request = {**params, **call, **settings}
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
        state = state or self.state
        self.check_redirect(authorization_response, state)
        self.token = token = self.read_fragment(authorization_response, state)
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
        if old.get("refresh_token") not in (None, refresh_token):
            old = {}  # another grant, maybe another user's: nothing of the token at hand is its
        settings = self.transport_settings(kwargs)
        exchange = self.token_exchange(
            self._endpoint("token", url),
            "refresh_token",
            auth=self.client_auth(auth),
            headers=headers,
            insecure_http=self.insecure_http,
            **{**read_form(body), "refresh_token": refresh_token, **kwargs},
        )
        fresh = self.run_exchange(exchange, "refresh_token", **settings)
        self.token = token = fresh.merged_over({**old, "refresh_token": refresh_token})
        _flag_wider_scope(token, kwargs.get("scope") or old.get("scope"))
        self._tell(refresh_token=refresh_token)
        return token

    def _is_replaceable(self, token: Any) -> bool:
        if not token or not self.metadata.get("token_endpoint"):
            return False
        own = self.metadata.get("grant_type") == "client_credentials"
        return bool(token.get("refresh_token") or own)

    def _replace(self, token: Any) -> None:
        endpoint = self.metadata["token_endpoint"]
        if token.get("refresh_token"):
            self._refresh(endpoint, token["refresh_token"])
        else:
            request = {"grant_type": "client_credentials", **self._own_request}
            self.fetch_token(endpoint, **request)
            self._tell(access_token=token.get("access_token"))

    def _refresh(self, endpoint: str, refresh_token: str) -> None:
        """Refresh for a call; what the server refused for good is not tried with every call."""
        if self._refused is not None and self._refused[0] == refresh_token:
            raise self._refused[1].again()
        try:
            self.refresh_token(endpoint, refresh_token=refresh_token)
        except OAuthError as refusal:
            if refusal.error == "invalid_grant":  # RFC 6749 section 5.2
                self._refused = (refresh_token, refusal.again())
            raise

    def _endpoint(self, name: str, url: str | None) -> str:
        endpoint = url or self.metadata.get(f"{name}_endpoint")
        if not endpoint:
            raise MissingEndpointError("missing_configuration", f'Missing "{name}_endpoint".')
        return str(endpoint)

    def client_auth(
        self, auth_method: str | AuthMethod | tuple[str, Any] | AuthBase | ClientAuth | None = None
    ) -> ClientAuth:
        """This client's identity with a way to prove it.

        :param auth_method: a registered name, a callable, a pair of user and password, an
            ``auth`` object of requests, or a finished :class:`ClientAuth`; default is the
            session's method.
        :raises ConfigurationError: for a method that is not known, or a pair that is none.
        """
        if isinstance(auth_method, ClientAuth):
            return auth_method
        if isinstance(auth_method, AuthBase):
            return super().client_auth(as_auth_method(auth_method))
        if not isinstance(auth_method, tuple):
            return super().client_auth(auth_method)
        if len(auth_method) != 2:
            raise InvalidSettingError("invalid_configuration", "auth is a pair of two texts.")
        client_id, client_secret = auth_method  # as requests takes it
        return self.client_auth_class(
            client_id, client_secret, "client_secret_basic", basic_encoding=self.basic_encoding
        )

    def parse_response_token(self, resp: Any) -> OAuth2Token:
        """Read the response of a token endpoint.

        :param resp: a response of requests.
        :raises OAuthError: if it is no token.
        """
        message = to_message(resp, POLICIES[Purpose.TOKEN].max_bytes)
        is_text = isinstance(self.client_secret, str)
        secrets = MaskedTuple([self.client_secret] if is_text else [])
        return self.with_own_errors(lambda: parse_token_response(message, secrets=secrets))

    # -- sending --------------------------------------------------------------------------

    @staticmethod
    def transport_settings(kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take the HTTP library's keywords out of those of a token request.

        :param kwargs: the keywords; what is left are parameters of the form.
        :raises InvalidSettingError: for a body of another kind.
        """
        return take_transport_settings(kwargs)


def _flag_wider_scope(token: Mapping[str, Any], granted: Any) -> None:
    # RFC 6749 section 6: a refreshed token has no scope that was not granted before.
    now = token.get("scope")
    if not granted or not isinstance(now, str | list):
        return
    if set(scope_to_list(now)) - set(scope_to_list(granted)):
        _log.warning("a refreshed token has a wider scope than the one that it replaces")
