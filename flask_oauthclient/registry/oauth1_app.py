"""A client of an OAuth 1.0a server (RFC 5849): login, and signed API calls."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import cast

from ..protocol.errors import MismatchingStateError
from ..protocol.errors import MissingRequestTokenError
from ..protocol.errors import MissingTokenError
from ..protocol.masked import MaskedDict
from ..protocol.oauth1.callback import AuthorizationResponse
from ..protocol.oauth1.callback import check_callback
from ..protocol.oauth1.callback import parse_callback
from ..protocol.oauth1.client_auth import ClientAuth
from ..protocol.oauth1.credentials import temporary_credentials_exchange
from ..protocol.oauth1.credentials import token_credentials_exchange
from ..protocol.oauth1.token import OAuth1Token
from ..protocol.oauth2.authorization import authorization_url
from ..transport._run import Steps
from .options import ClientOptions
from .remote_app import RemoteApp
from .remote_app import keeping_extra
from .remote_app import merged
from .remote_app import missing
from .remote_app import without_ours

#: What is kept of temporary credentials, and what of that is no business of the browser. A server
#: may send the verifier right away; then it opens nothing but its own door, since the callback has
#: to come from the browser that started the login in any case.
_KEPT = ("oauth_token", "oauth_token_secret", "oauth_verifier", "oauth_callback_confirmed")
_SEALED = frozenset({"oauth_token_secret", "oauth_verifier"})


class OAuth1App(RemoteApp):
    """A client of one OAuth 1.0a server."""

    oauth_version = 1
    async_client_name = "AsyncOAuth1Client"
    token_cls = OAuth1Token

    request_token_url: str | None
    request_token_params: dict[str, Any]

    def _settings(self, options: ClientOptions, metadata: dict[str, Any]) -> dict[str, Any]:
        return {
            "request_token_url": options.request_token_url,
            "request_token_params": options.request_token_params or {},
            **super()._settings(options, metadata),
        }

    def _session_defaults(self) -> dict[str, Any]:
        return {"require_callback_confirmed": self._options.require_callback_confirmed}

    # -- out ------------------------------------------------------------------------------

    def create_authorization_url(
        self, redirect_uri: str | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Get temporary credentials and build an authorization request (RFC 5849 2.1, 2.2).

        :param redirect_uri: where the server shall send the browser back to; default is the
            registered one.
        :param kwargs: parameters of the authorization request.
        :returns: ``url``, ``request_token`` and ``state``, which is the token of the temporary
            credentials.
        :raises OAuthError: if the settings do not suffice or the server gives no credentials.
        """
        if not self.authorize_url:
            raise missing("authorize_url")
        redirect_uri = redirect_uri or self._options.redirect_uri
        if redirect_uri != "oob":  # no redirect: the user types the verifier in (2.1)
            self._warn_of_plain_http(redirect_uri)
        request_token = self._fetch_request_token(redirect_uri)
        name = request_token["oauth_token"]
        ours = {"oauth_token": name, "oauth_callback": redirect_uri}
        url = authorization_url(self.authorize_url, merged(self.authorize_params, kwargs, ours))
        return {"url": url, "request_token": request_token, "state": name}

    def _fetch_request_token(self, redirect_uri: str | None) -> OAuth1Token:
        if not self.request_token_url:
            raise missing("request_token_url")
        params = dict(self.request_token_params)
        settings, realm = self._take_settings(params)
        exchange = temporary_credentials_exchange(
            self._signer(redirect_uri=redirect_uri, **realm),
            self.request_token_url,
            require_callback_confirmed=self._options.require_callback_confirmed,
            insecure_http=self._options.insecure_http,
            **params,
        )
        token: OAuth1Token = self.session.run_exchange(exchange, **settings)
        return token

    def _take_settings(self, params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Take out of registered parameters what is not about the request: HTTP, and the realm."""
        settings = self.session.signed_settings(params)
        return settings, {name: params.pop(name) for name in ("realm",) if name in params}

    def save_authorize_data(self, *args: Any, **data: Any) -> None:
        """Keep the data of a login until its callback; the temporary secret is kept sealed.

        :param args: older code passes the request first; it is not needed.
        :param data: ``state``, ``request_token``, and everything else to keep.
        :raises MissingConfigurationError: without a state.
        :raises StateStoreError: if it cannot be kept.
        """
        given, context = data.get("request_token") or {}, _context(data.get("state"))
        credentials = {name: given[name] for name in _KEPT if name in given}
        for name in _SEALED & credentials.keys():
            credentials[name] = self.framework.seal(str(credentials[name]), context)
        data["request_token"] = credentials or None
        super().save_authorize_data(*args, **data)

    # -- back -----------------------------------------------------------------------------

    def authorize_access_token(self, **kwargs: Any) -> OAuth1Token:
        """Complete a login at the redirect URI (RFC 5849 2.3).

        The callback has to name the temporary credentials of a login that this browser started;
        they are used up before anything else.

        :param kwargs: members to add to the credentials, such as ``oauth_verifier``; and
            ``timeout``, ``verify``, ``cert``, ``proxies`` of the call.
        :returns: the token; ``extra`` holds what :meth:`authorize_redirect` was given.
        :raises OAuthError: a subclass, with a stable code for each cause; nothing else.
        """
        response = parse_callback(self.framework.read_callback().params)
        pending = self._take_pending(response)
        found = {"oauth_verifier": response.oauth_verifier} if response.oauth_verifier else {}
        with keeping_extra(pending):
            check_callback(response)
            token = self.fetch_access_token(pending["request_token"], **{**found, **kwargs})
        if "extra" in pending:
            token["extra"] = pending["extra"]
        self.framework.set_current_token(token)
        return token

    def _take_pending(self, response: AuthorizationResponse) -> dict[str, Any]:
        name = response.request_token
        if not name or "oauth_token" in response.repeated:
            raise MismatchingStateError("missing_state", 'Missing "oauth_token" parameter')
        pending = self._take_login(name)
        credentials = pending.get("request_token")
        if not isinstance(credentials, Mapping) or credentials.get("oauth_token") != name:
            raise MismatchingStateError(
                "state_unreadable", 'Missing "request_token" in temporary data'
            )
        return MaskedDict({**pending, "request_token": self._opened(credentials, name)})

    def _take_login(self, name: str) -> dict[str, Any]:
        failure: MismatchingStateError
        try:
            pending: dict[str, Any] = self.framework.take_login(name)
        except MismatchingStateError as error:
            failure = error
        else:
            return pending
        if failure.error == "mismatching_state":  # the state is the server's, and tells nothing
            failure = MismatchingStateError(
                "mismatching_state", 'Missing "request_token" in temporary data'
            )
        raise failure

    def _opened(self, credentials: Mapping[str, Any], name: str) -> dict[str, Any]:
        opened = MaskedDict(credentials)
        for sealed in _SEALED & opened.keys():
            value = opened[sealed] or ""
            text = self.framework.unseal(value, _context(name)) if isinstance(value, str) else None
            if text is None:
                raise MismatchingStateError("state_unreadable")
            opened[sealed] = text
        return opened

    def fetch_access_token(
        self, request_token: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> OAuth1Token:
        """Trade temporary credentials for token credentials (RFC 5849 2.3).

        :param request_token: the temporary credentials.
        :param kwargs: members to add to them, such as ``oauth_verifier``; and ``timeout``,
            ``verify``, ``cert``, ``proxies`` of the call.
        :raises MissingRequestTokenError: without temporary credentials.
        :raises OAuthError: without a verifier, or if the server refuses.
        """
        if request_token is None:
            raise MissingRequestTokenError
        if not self.access_token_url:
            raise missing("access_token_url")
        of_the_call = self.session.transport_settings(kwargs)
        credentials = {**request_token, **kwargs}
        params = dict(self.access_token_params)
        settings, realm = self._take_settings(params)
        exchange = token_credentials_exchange(
            self._signer(
                token=credentials.get("oauth_token"),
                token_secret=credentials.get("oauth_token_secret"),
                verifier=credentials.get("oauth_verifier"),
                **realm,
            ),
            self.access_token_url,
            insecure_http=self._options.insecure_http,
            **params,
        )
        token = self.session.run_exchange(exchange, **{**settings, **of_the_call})
        return cast("OAuth1Token", without_ours(token))

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
        if kwargs.pop("withhold_token", False):
            may_sign = self._may_see_token(url)
            auth = auth or (session.auth.replaced() if may_sign else session.no_auth)
        elif auth is None:
            self._check_token_origin(url)
            known = self.at_hand(token)
            found = known.token if known else (yield apart(lambda: self._resolve_token(token)))
            auth = _signer_with(session, found)
        return (yield session.request(method, url, auth=auth, **kwargs))

    def _signer(self, **credentials: Any) -> ClientAuth:
        signer: ClientAuth = self.session.auth.replaced(**credentials)
        return signer


def _context(state: object) -> bytes:
    return f"request_token {state}".encode()


def _signer_with(session: Any, token: Mapping[str, Any]) -> ClientAuth:
    if not token.get("oauth_token"):
        raise MissingTokenError
    signer: ClientAuth = session.auth.replaced(
        token=token["oauth_token"], token_secret=token.get("oauth_token_secret")
    )
    return signer
