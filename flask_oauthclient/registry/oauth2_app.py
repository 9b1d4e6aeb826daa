"""A client of an OAuth 2 server: its metadata, its tokens, and API calls with them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from typing import cast

from ..protocol.errors import InvalidTokenError
from ..protocol.errors import LoginRequired
from ..protocol.errors import OAuthError
from ..protocol.errors import ProviderResponseError
from ..protocol.errors import TokenRequestError
from ..protocol.errors import TokenStoreError
from ..protocol.errors import TransportError
from ..protocol.errors import UnsupportedTokenTypeError
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
from ..storage.single_flight import SingleFlight
from ..storage.tokens.account import Account
from .accounts import Found
from .options import ClientOptions
from .remote_app import RemoteApp
from .remote_app import without_ours
from .server import Server

_log = logging.getLogger(__name__)

#: What may pass before a stored token expires.
_STORED = (
    TransportError,
    ProviderResponseError,
    TokenRequestError,
    UnsupportedTokenTypeError,
    TokenStoreError,
)
#: Seconds that a provider may take to revoke a token of somebody who waits.
_REVOCATION_TIME = 3
#: Client authentication for which nothing needs to be known of the server.
_METHODS_WITHOUT_METADATA = ("none", "client_secret_basic", "client_secret_post")


class OAuth2App(RemoteApp):
    """A client of one OAuth 2 server."""

    oauth_version = 2
    token_cls = OAuth2Token
    NOT_FOR_THE_SESSION = ("code_challenge_method",)

    client_auth_methods: Any
    server_metadata: dict[str, Any]
    _server: Server | None
    _flights: SingleFlight[OAuth2Token] | None

    def _settings(self, options: ClientOptions, metadata: dict[str, Any]) -> dict[str, Any]:
        return {
            "client_auth_methods": options.client_auth_methods,
            "server_metadata": metadata,
            "_server": None,
            "_flights": None,
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
        self._refreshes  # noqa: B018  the same

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

    @property
    def _refreshes(self) -> SingleFlight[OAuth2Token]:
        with self._lock:
            if self._flights is None:
                self._flights = SingleFlight()
            return self._flights

    # -- tokens ---------------------------------------------------------------------------

    def ensure_active_token(self, token: Any = None) -> OAuth2Token:
        """A token that has not expired: the given one, or its replacement.

        However many threads ask with one expired token, one request replaces it; with a store of
        tokens, however many processes.

        :param token: default is the stored token of the current user.
        :raises MissingTokenError: if there is none.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        :raises LoginRequired: for both, if tokens are kept in a store.
        """
        return self._active(self.find_token(token))

    def _active(self, found: Found) -> OAuth2Token:
        token: OAuth2Token | None = found.token
        if not token:
            if not self._has_own_tokens:
                raise self._no_token(found.account)
            return self._replaced(found)
        has_access_token = bool(token.get("access_token"))
        if has_access_token and not token.is_due(self._leeway_of_tokens):
            return token
        is_good_still = has_access_token and token.is_expired(0) is False
        if is_good_still and found.account is not None and not self._can_replace(token):
            return token
        try:
            return self._replaced(found)
        except OAuthError as failure:
            # There is time left, in which the provider, or the store, may recover.
            passes = _STORED if found.account is not None else (TransportError, TokenStoreError)
            if not (is_good_still and isinstance(failure, passes)):
                raise
            _log.info("client %r: early refresh failed: %s", self.name, failure.error)
            return token

    @property
    def _leeway_of_tokens(self) -> float:
        leeway: float = self.client_kwargs.get("leeway", 60)
        return leeway

    def refresh_token(self, token: Any = None) -> OAuth2Token:
        """Replace a token now, store the new one and tell whoever listens.

        :param token: the token to replace; default is the stored token of the current user.
        :returns: the new token; what the provider left out stays as it was. If somebody else has
            replaced it already, theirs.
        :raises InvalidTokenError: if there is nothing to replace it with.
        :raises LoginRequired: if tokens are kept in a store, and the provider refuses this one.
        :raises OAuthError: if the provider cannot be asked, or refuses.
        """
        found = self.find_token(token)
        if found.token is None and not self._has_own_tokens:
            raise self._no_token(found.account)
        return self._replaced(found)

    def _account_with(self, token: OAuth2Token) -> Account | None:
        """The account of the current owner in which a token is kept that the caller has.

        Replaced anywhere else, the one that is kept would be spent.
        """
        try:
            account: Account | None = self.framework.account(own=self._has_own_tokens)
        except LoginRequired:
            return None
        if account is None or _is_same(token, account.get()):
            return account
        for key in account.store.list(account.key.owner):
            other = account._replace(key=key)
            if key.client == self.name and _is_same(token, other.get()):
                return other
        return None

    def _replaced(self, found: Found) -> OAuth2Token:
        """Another token for one that is spent, or a first one of the client's own."""
        token, account = found
        if account is None and token is not None:
            account = self._account_with(token)
        if not self._can_replace(token):
            raise InvalidTokenError if account is None else self._no_token(account)
        if account is None:
            fresh = self._refreshes.do(self._flight_of(token), lambda: self._renew_and_tell(token))
        else:
            fresh = self._replace_stored(token, account)
            self.framework.set_current_token(fresh, account)
        # Somebody else's token may be replaced here as well; it is not this request's then.
        current = self.framework.current_token() or {}
        if token and current.get("access_token") == token.get("access_token"):
            self.framework.set_current_token(fresh)
        return fresh

    def _flight_of(self, token: OAuth2Token | None) -> str:
        return "" if token is None else str(token.get("refresh_token") or token["access_token"])

    def _can_replace(self, token: Any) -> bool:
        return bool((token or {}).get("refresh_token")) or self._has_own_tokens

    def _replace_stored(self, token: OAuth2Token | None, account: Account) -> OAuth2Token:
        """Replace a token in a store; of all processes that want to, one asks the provider."""
        # What this caller asked the provider to replace, and what it got.
        replaced: list[OAuth2Token | None] = []
        renewed: list[OAuth2Token] = []

        def renew(current: Any) -> OAuth2Token:
            replaced.append(OAuth2Token.from_dict(current))
            renewed.append(self._renew(replaced[0]))
            return renewed[0]

        failure: OAuthError
        with suppress(OAuthError):  # it comes again, and is noted beside the token then
            self._get_ready(token)
        try:
            fresh = self._read_token(account.refresh(token, renew))
        except OAuthError as error:
            failure = error
        else:
            if fresh is None:  # its owner has signed out meanwhile
                self._revoke_what_came_late(renewed)
                raise self._no_token(account)
            if replaced:  # and it is written
                self._tell(fresh, replaced[0])
                self.framework.refresh_told(account)
            return cast("OAuth2Token", fresh)
        self.framework.set_current_token(None, account)  # it may be gone: the store knows
        if replaced:
            self.framework.refresh_told(account, failure)
        if failure.error == "invalid_grant" and not self._has_own_tokens:
            raise self._no_token(account)
        raise failure

    def _get_ready(self, token: OAuth2Token | None) -> None:
        """Ask for what a refresh needs besides: the life of a lock is that of one request."""
        if not (token and self._options.refresh_token_url):
            self._token_endpoint()
        self._client_auth()

    def _revoke_what_came_late(self, tokens: list[OAuth2Token]) -> None:
        """A sign-out has overtaken the refresh: what came of it is nobody's, and still valid."""
        for token in tokens:
            self.revoke_quietly(token)

    def _renew_and_tell(self, token: OAuth2Token | None) -> OAuth2Token:
        fresh = self._renew(token)
        self._tell(fresh, token)
        return fresh

    def _renew(self, token: OAuth2Token | None) -> OAuth2Token:
        """Ask the provider for another token."""
        # A client that acts for itself can prove who it is at any time (RFC 6749 section 4.4.3).
        if token is None or self._has_own_tokens:
            return self._fetch_own_token()
        return self._refresh(token)

    def _tell(self, fresh: OAuth2Token, old: OAuth2Token | None) -> None:
        """Hand a new token to whoever keeps tokens, or wants to know."""
        known = OAuth2Token({}) if old is None else old
        spent = known.get("refresh_token")
        before = None if spent else known.get("access_token")
        self.framework.token_updated(fresh, refresh_token=spent, access_token=before)

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

    def request(self, method: str, url: str, token: Any = None, **kwargs: Any) -> Any:
        """Call an API with the user's token.

        :param method: HTTP method.
        :param url: absolute, or relative to ``api_base_url``.
        :param token: default is the stored token of the current user; an expired one is replaced.
        :param kwargs: as :meth:`requests.Session.request` takes them; ``withhold_token=True``
            sends no token, ``auth`` sends something else instead.
        :returns: the response, whatever its status.
        :raises MissingTokenError: if there is no token.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        :raises InsecureTransportError: if the URL is not one that may see the token.
        :raises requests.RequestException: if the call fails.
        """
        url = self._absolute(url)
        if kwargs.pop("withhold_token", False) or kwargs.get("auth") is not None:
            return self.session.request(method, url, withhold_token=True, **kwargs)
        self._check_token_origin(url)
        found = self.find_token(token)
        active = self._active(found)
        response = self.session.request(method, url, auth=self._token_auth(active), **kwargs)
        if not (self._can_replace(active) and self.session.was_refused(response, kwargs)):
            return response
        # Not once more after this (RFC 6750 section 3.1): what it refuses then, it refuses.
        active = self._replaced(found._replace(token=active))
        return self.session.request(method, url, auth=self._token_auth(active), **kwargs)

    @property
    def _has_own_tokens(self) -> bool:
        return self.client_kwargs.get("grant_type") == "client_credentials"

    def is_usable(self, token: Any) -> bool:
        """Whether a call can be made with a token: it has not expired, or can be refreshed."""
        if not token:
            return False
        is_good = bool(token.get("access_token")) and token.is_expired(0) is not True
        return is_good or self._can_replace(token)

    def _token_auth(self, token: OAuth2Token) -> Any:
        return self.session.token_auth.for_token(token)

    def _token_urls(self) -> list[Any]:
        return [*super()._token_urls(), self.server_metadata.get("userinfo_endpoint")]


def _is_same(token: Mapping[str, Any], stored: Mapping[str, Any] | None) -> bool:
    names = "access_token", "refresh_token"
    return stored is not None and any(
        token.get(name) and token[name] == stored.get(name) for name in names
    )


def _published(key: SigningKey) -> dict[str, Any]:
    """What the server needs of a key."""
    jwk = key.public_jwk()
    if key.stated_alg is None:
        # Which one is used is agreed on with the server. A key bound to another would be refused.
        del jwk["alg"]
    return jwk
