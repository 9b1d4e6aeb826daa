"""A client of an OAuth 2 server: its metadata, its tokens, and API calls with them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from typing import cast

from ..protocol.errors import OAuthError
from ..protocol.errors import ProviderResponseError
from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.oauth2.client_assertion import PrivateKeyJWT
from ..protocol.oauth2.client_auth import ClientAuth
from ..protocol.oauth2.client_auth import method_for
from ..protocol.oauth2.grants import client_credentials_exchange
from ..protocol.oauth2.grants import refresh_exchange
from ..protocol.oauth2.metadata import endpoint
from ..protocol.oauth2.metadata import string_list
from ..protocol.oauth2.token import OAuth2Token
from ..protocol.signing import SigningKey
from ..protocol.signing import import_private_key
from ..protocol.signing import is_key_text
from ..transport._run import Steps
from .options import ClientOptions
from .refresh import RefreshingApp
from .remote_app import without_ours
from .server import Server

_log = logging.getLogger(__name__)

#: Seconds that a provider may take to revoke a token of somebody who waits.
_REVOCATION_TIME = 3
#: Client authentication for which nothing needs to be known of the server.
_METHODS_WITHOUT_METADATA = ("none", "client_secret_basic", "client_secret_post")


class OAuth2App(RefreshingApp):
    """A client of one OAuth 2 server."""

    oauth_version = 2
    async_client_name = "AsyncOAuth2Client"
    NOT_FOR_THE_SESSION = ("code_challenge_method",)

    client_auth_methods: Any
    server_metadata: dict[str, Any]
    _server: Server | None

    def _settings(self, options: ClientOptions, metadata: dict[str, Any]) -> dict[str, Any]:
        return {
            "client_auth_methods": options.client_auth_methods,
            "server_metadata": metadata,
            "_server": None,
            **super()._settings(options, metadata),
        }

    def _session_defaults(self) -> dict[str, Any]:
        return {
            "token_endpoint_auth_method": self._options.token_endpoint_auth_method,
            "basic_encoding": self._options.basic_encoding,
        }

    def _prepare_session(self, session: Any) -> None:
        for method in self.client_auth_methods or ():
            session.register_client_auth_method(method)
        super()._prepare_session(session)

    # -- the server -----------------------------------------------------------------------

    def prepare_to_share(self) -> None:
        """Make what a copy for another account has to have in common with this client."""
        super().prepare_to_share()
        self.server  # noqa: B018  made when it is asked for

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
        method = method or self._stated_method()
        # A refresh may be the first thing that a process does. The choice of a method depends on
        # the metadata, and so do audience and algorithm of what a method signs.
        if method not in _METHODS_WITHOUT_METADATA:
            self.load_server_metadata()
        auth: ClientAuth = self.session.client_auth(self._fitted(method))
        if auth is not method:  # a finished one stays as the caller made it
            auth.issuer = self.server.issuer
        return auth

    def public_jwks(self) -> list[dict[str, Any]]:
        """The public keys with which this client authenticates, for the server to look up.

        :returns: JWKs (RFC 7517); none for a client that authenticates in another way.
        :raises InvalidSettingError: if a registered key cannot be read.
        """
        methods = [self._stated_method(), *(self.client_auth_methods or ())]
        keys = [m.signing_key(self) for m in methods if isinstance(m, PrivateKeyJWT)]
        is_key = is_key_text(self.client_secret) or PrivateKeyJWT.name in methods
        if not keys and is_key:
            keys = [import_private_key(self.client_secret)]
        return [_published(key) for key in keys]

    def _stated_method(self) -> Any:
        stated = self.client_kwargs.get("token_endpoint_auth_method")
        stated = stated or self._options.token_endpoint_auth_method
        return stated or (None if self.client_secret else "none")

    def _fitted(self, method: Any) -> Any:
        """The method, chosen if it is ``None``, with an algorithm that the server accepts."""
        own = self.session.own_auth_methods  # they have settings of their own
        if not isinstance(method, str | None) or method in own:
            return method
        chosen = method_for(
            self.client_secret,
            string_list(self.server_metadata, "token_endpoint_auth_methods_supported"),
            string_list(self.server_metadata, "token_endpoint_auth_signing_alg_values_supported"),
            stated=method,
        )
        name = getattr(chosen, "name", chosen)
        return name if name in own else chosen

    def _token_endpoint(self) -> str:
        if self.access_token_url:
            return str(self.access_token_url)
        return endpoint(self.load_server_metadata(), "token_endpoint")

    def _run(self, exchange: Any, hook: str, **settings: Any) -> OAuth2Token:
        token = self.session.run_exchange(exchange, hook, **settings)
        return cast("OAuth2Token", without_ours(token))

    # -- tokens ---------------------------------------------------------------------------

    def _get_ready(self, token: OAuth2Token | None) -> None:
        if not (token and self._options.refresh_token_url):
            self._token_endpoint()
        self._client_auth()

    def _renew(self, token: OAuth2Token | None) -> OAuth2Token:
        # A client that acts for itself can prove who it is at any time (RFC 6749 section 4.4.3).
        if token is None or self._has_own_tokens:
            return self._fetch_own_token()
        return self._refresh(token)

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
        self._check_scope(fresh, old)
        return fresh

    def _check_refreshed(self, fresh: OAuth2Token, old: OAuth2Token) -> None:
        """Whatever a refresh response has to fulfil beyond being a token."""

    def _check_scope(self, fresh: OAuth2Token, old: OAuth2Token) -> None:
        """A refresh grants no more than there was (RFC 6749 section 6)."""
        before = scope_to_list(old.get("scope"))
        if before and set(scope_to_list(fresh.get("scope"))) - set(before):
            _log.warning("client %r: the refreshed token's scope is wider than before", self.name)

    def _fetch_own_token(self) -> OAuth2Token:
        url = self._token_endpoint()  # first: the metadata say how to authenticate there
        exchange = client_credentials_exchange(
            self._client_auth(),
            url,
            scope=self.client_kwargs.get("scope"),
            insecure_http=self._options.insecure_http,
        )
        return self._run(exchange, "access_token")

    def revoke_token(
        self, token: Any = None, token_type_hint: str | None = None, **settings: Any
    ) -> None:
        """Ask the server to forget a token (RFC 7009 section 2.1).

        :param token: a token, or a token response, of which the refresh token is meant; default is
            the stored token of the current user.
        :param token_type_hint: ``access_token`` or ``refresh_token``.
        :param settings: ``timeout``, ``verify``, ``cert``, ``proxies`` of this call.
        :raises MissingEndpointError: if the server has no revocation endpoint.
        :raises ProviderError: if it does not do it. A token that it does not know is no failure.
        """
        url = endpoint(self.load_server_metadata(), "revocation_endpoint")
        response = self.session.revoke_token(
            url,
            token or self._resolve_token(None),
            token_type_hint=token_type_hint,
            auth=self._client_auth(),
            **settings,
        )
        if response.status_code != 200:
            raise ProviderResponseError(
                "invalid_response",
                "The server did not revoke the token.",
                detail={"status": response.status_code},
            )

    def revoke_quietly(self, token: Any) -> bool:
        """Ask the provider to revoke a token, if it can; a failure is noted in the log.

        :param token: the token response, or a token.
        :returns: whether it was asked and has done it.
        """
        try:
            if not self.load_server_metadata().get("revocation_endpoint"):
                return False
            self.revoke_token(token, timeout=_REVOCATION_TIME)
        except OAuthError as error:
            _log.warning("client %r: no revocation: %s", self.name, error.error)
            return False
        return True

    # -- API calls ------------------------------------------------------------------------

    def _call(
        self,
        session: Any,
        apart: Callable[[Callable[[], Any]], Any],
        method: str,
        url: str,
        token: Any,
        kwargs: dict[str, Any],
    ) -> Steps[Any]:
        auth = kwargs.pop("auth", None)
        if kwargs.pop("withhold_token", False) or auth is not None:
            other = {} if auth is None else {"auth": auth}
            return (yield session.request(method, url, withhold_token=True, **other, **kwargs))
        self._check_token_origin(url)
        found = self.at_hand(token) or (yield apart(lambda: self.find_token(token)))
        active = self._good(found) or (yield apart(lambda: self._made_good(found)))
        present = session.token_auth.for_token
        response = yield session.request(method, url, auth=present(active), **kwargs)
        if not (self._can_replace(active) and session.was_refused(response, kwargs)):
            return response
        # Not once more after this (RFC 6750 section 3.1): what it refuses then, it refuses.
        active = yield apart(lambda: self._replaced(found._replace(token=active)))
        return (yield session.request(method, url, auth=present(active), **kwargs))

    @property
    def _has_own_tokens(self) -> bool:
        return self.client_kwargs.get("grant_type") == "client_credentials"

    def _token_urls(self) -> list[Any]:
        return [*super()._token_urls(), self.server_metadata.get("userinfo_endpoint")]


def _published(key: SigningKey) -> dict[str, Any]:
    """What the server needs of a key."""
    jwk = key.public_jwk()
    if key.stated_alg is None:
        # Which one is used is agreed on with the server. A key bound to another would be refused.
        del jwk["alg"]
    return jwk
