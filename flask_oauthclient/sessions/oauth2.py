"""What an OAuth 2 session does, as steps."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingEndpointError
from ..protocol.errors import MissingTokenError
from ..protocol.errors import OAuthError
from ..protocol.masked import MaskedTuple
from ..protocol.messages import Response
from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.oauth2.client import OAuth2Client
from ..protocol.oauth2.client_auth import ClientAuth
from ..protocol.oauth2.hooks import HookList
from ..protocol.oauth2.token import OAuth2Token
from ..protocol.oauth2.token import parse_token_response
from ..transport._run import Steps
from ..transport._run import run_steps
from .blocking import BlockingUpkeep
from .blocking import blocking
from .calls import CallKeywords
from .calls import is_implicit
from .calls import read_form
from .management import TokenManagement
from .upkeep import TokenUpkeep

if TYPE_CHECKING:
    from ..protocol.oauth2.client_auth import AuthMethod

_log = logging.getLogger(__name__)


class OAuth2Steps(TokenManagement, OAuth2Client, TokenUpkeep):
    """A client that gets a token, presents it and replaces it.

    A session class calls :meth:`begin_upkeep` and the constructor of
    :class:`~flask_oauthclient.protocol.oauth2.client.OAuth2Client` in its own.
    """

    #: The keywords of the HTTP library in calls that get a token.
    call_keywords: CallKeywords
    #: How an object with which the HTTP library authenticates calls is recognized, and used.
    http_auth_class: type[Any]

    _own_request: Mapping[str, Any] = {}
    _refused: tuple[str, OAuthError] | None = None

    def _hooks(self) -> Mapping[str, HookList]:
        return {**super()._hooks(), "protected_request": self.token_auth.hooks}

    def transport_settings(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take the HTTP library's keywords out of those of a token request.

        :param kwargs: the keywords; what is left are parameters of the form.
        :raises InvalidSettingError: for a body of another kind.
        """
        return self.call_keywords.take(kwargs)

    # -- client authentication ------------------------------------------------------------

    def client_auth(
        self, auth_method: str | AuthMethod | tuple[str, Any] | ClientAuth | Any | None = None
    ) -> ClientAuth:
        """This client's identity with a way to prove it.

        :param auth_method: a registered name, a callable, a pair of user and password, an
            ``auth`` object of the HTTP library, or a finished :class:`ClientAuth`; default is the
            session's method.
        :raises ConfigurationError: for a method that is not known, or a pair that is none.
        """
        if isinstance(auth_method, ClientAuth):
            return auth_method
        if isinstance(auth_method, self.http_auth_class):
            return super().client_auth(self._as_auth_method(auth_method))
        if not isinstance(auth_method, tuple):
            return super().client_auth(auth_method)
        if len(auth_method) != 2:
            raise InvalidSettingError("invalid_configuration", "auth is a pair of two texts.")
        client_id, client_secret = auth_method  # as HTTP libraries take it
        return self.client_auth_class(
            client_id, client_secret, "client_secret_basic", basic_encoding=self.basic_encoding
        )

    @abstractmethod
    def _as_auth_method(self, auth: Any) -> AuthMethod:
        """Use an ``auth`` object of the HTTP library to prove who the client is."""

    # -- tokens ---------------------------------------------------------------------------

    def fetch_steps(
        self,
        url: str | None = None,
        body: str = "",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        grant_type: str | None = None,
        state: str | None = None,
        **kwargs: Any,
    ) -> Steps[OAuth2Token]:
        """Get a token and keep it.

        :param url: token endpoint; default is the session's ``token_endpoint``.
        :param body: form parameters to add, encoded.
        :param method: ``POST``, or ``GET`` for servers outside the RFC, which warns: the
            parameters stand in the URL then.
        :param headers: headers to add.
        :param auth: client authentication of this call: a name, a callable, a pair of user and
            password, or an ``auth`` object of the HTTP library.
        :param grant_type: default follows from the parameters.
        :param state: state to compare ``authorization_response`` with.
        :param kwargs: ``code`` or ``authorization_response``, parameters of the grant, and
            keywords of the HTTP library for this call, such as ``timeout``.
        :returns: the token.
        :raises OAuthError: if there is none to be had.
        """
        state = state or self.state
        response = kwargs.pop("authorization_response", None)
        if response is not None:
            # An error redirect ends here; it must not fall through to another grant.
            self.check_redirect(response, state)
            if is_implicit(response):
                return (yield from self._kept(self.token_from_fragment(response, state)))
        form = read_form(body)
        if response is not None:
            kwargs["code"] = self.read_authorization_response(response, state)
        grant_type = str(grant_type or form.pop("grant_type", self.guess_grant_type(kwargs)))
        form.pop("grant_type", None)
        self.metadata["grant_type"] = grant_type
        self.warn_of_grant(grant_type)
        call = {"auth": auth, "method": method, "headers": headers}
        token = yield from self._requested(url, grant_type, form, **call, **kwargs)
        if grant_type == "client_credentials":
            self._own_request = {**form, **call, **kwargs}
        return (yield from self._kept(token))

    def _requested(
        self,
        url: str | None,
        grant_type: str,
        form: Mapping[str, Any],
        *,
        auth: Any = None,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Steps[OAuth2Token]:
        """Ask for a token, and remember where, for its renewal."""
        settings = self.transport_settings(kwargs)
        name = "redirect_uri" if grant_type == "authorization_code" else "scope"
        endpoint = self._endpoint("token", url)
        exchange = self.token_exchange(
            endpoint,
            grant_type,
            auth=self.client_auth(auth),
            method=method,
            headers=headers,
            insecure_http=self.insecure_http,
            **{name: getattr(self, name), **form, **kwargs},
        )
        token = yield from self.exchange_steps(exchange, "access_token", **settings)
        self.metadata["token_endpoint"] = self.metadata.get("token_endpoint") or endpoint
        return token

    def token_from_fragment(
        self, authorization_response: str, state: str | None = None
    ) -> OAuth2Token:
        """Take a token out of the fragment of a redirect (RFC 6749 section 4.2.2).

        A store does not hear of it.

        :raises OAuthError: if the state is another one, the server reports an error, or there is
            no token.
        """
        state = state or self.state
        self.check_redirect(authorization_response, state)
        self.token = token = self.read_fragment(authorization_response, state)
        return token

    def refresh_steps(
        self,
        url: str | None = None,
        refresh_token: str | None = None,
        body: str = "",
        auth: Any = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Steps[OAuth2Token]:
        """Trade a refresh token for a new token (RFC 6749 section 6) and keep it.

        What the answer leaves out stays as it was. ``scope`` is sent only if it is given here.

        :param url: token endpoint; default is the session's ``token_endpoint``.
        :param refresh_token: default is the one of the current token.
        :param body: form parameters to add, encoded.
        :param auth: client authentication of this call.
        :param headers: headers to add.
        :param kwargs: further parameters, and keywords of the HTTP library for this call.
        :returns: the new token, which may be the one that somebody else has brought meanwhile.
        :raises OAuthError: if the server refuses.
        """
        if self.token is None and self._account is not None:
            yield from self.active_steps()
        old = self.token or OAuth2Token({})
        spent = refresh_token or old.get("refresh_token")
        if not spent:
            raise MissingTokenError("missing_token", "There is no refresh token.")
        call = partial(self._refreshed, url, body, auth, headers, kwargs)
        if old.get("refresh_token") in (None, spent):
            known = OAuth2Token({**old, "refresh_token": spent})
            replaced = yield from self._renew_in_turn(known, call)
            if replaced is not None:
                yield from self._tell(refresh_token=replaced.get("refresh_token"))
        else:
            # Another grant, maybe another user's: nothing of the token at hand is its.
            yield from self._kept((yield from call(OAuth2Token({"refresh_token": spent}))))
            yield from self._tell(refresh_token=spent)
        fresh: Any = self.token
        return cast("OAuth2Token", fresh)

    def _refreshed(
        self,
        url: str | None,
        body: str,
        auth: Any,
        headers: Mapping[str, str] | None,
        kwargs: Mapping[str, Any],
        old: OAuth2Token | None,
    ) -> Steps[OAuth2Token]:
        """Trade the refresh token of a token for another token."""
        known, params = old or OAuth2Token({}), dict(kwargs)
        settings = self.transport_settings(params)
        exchange = self.token_exchange(
            self._endpoint("token", url),
            "refresh_token",
            auth=self.client_auth(auth),
            headers=headers,
            insecure_http=self.insecure_http,
            **{**read_form(body), "refresh_token": known.get("refresh_token"), **params},
        )
        fresh = yield from self.exchange_steps(exchange, "refresh_token", **settings)
        token = fresh.merged_over(known)
        _flag_wider_scope(token, params.get("scope") or known.get("scope"))
        return token

    def parse_response_token(self, resp: Any) -> OAuth2Token:
        """Read the response of a token endpoint.

        :param resp: a response of the HTTP library, which was read.
        :returns: the token; it is not kept.
        :raises OAuthError: if it is none.
        """
        message = self.as_message(resp)
        is_text = isinstance(self.client_secret, str)
        secrets = MaskedTuple([self.client_secret] if is_text else [])

        def read() -> Steps[OAuth2Token]:
            yield from ()
            return parse_token_response(message, secrets=secrets)

        return run_steps(self._with_own_errors(read()))

    @abstractmethod
    def as_message(self, response: Any) -> Response:
        """What the protocol looks at of a response of the HTTP library."""

    def is_replaceable(self, token: Any) -> bool:
        """Whether there is a way to get another token for this one."""
        if not token or not self.metadata.get("token_endpoint"):
            return False
        return bool(token.get("refresh_token") or self._has_own_token)

    @property
    def _has_own_token(self) -> bool:
        return self.metadata.get("grant_type") == "client_credentials"

    def _replace(self, token: Any) -> Steps[None]:
        endpoint = self.metadata["token_endpoint"]
        if token.get("refresh_token"):
            yield from self._refresh(endpoint, token["refresh_token"])
            return
        replaced, request = token, {"grant_type": "client_credentials", **self._own_request}
        if self._account is None:
            yield self._methods.fetch_token(endpoint, **request)
        else:
            replaced = yield from self._renew(token, self._own)
        if replaced is not None:
            yield from self._tell(access_token=replaced.get("access_token"))

    def _own(self, old: OAuth2Token | None) -> Steps[OAuth2Token]:
        """Another token of the client's own (RFC 6749 section 4.4)."""
        return self._requested(None, "client_credentials", {}, **self._own_request)

    def _refresh(self, endpoint: str, refresh_token: str) -> Steps[None]:
        """Refresh for a call; what the server refused for good is not tried with every call."""
        if self._refused is not None and self._refused[0] == refresh_token:
            raise self._refused[1].again()
        try:
            yield self._methods.refresh_token(endpoint, refresh_token=refresh_token)
        except OAuthError as refusal:
            if refusal.error == "invalid_grant":  # RFC 6749 section 5.2
                self._refused = (refresh_token, refusal.again())
            raise

    @property
    def _methods(self) -> Any:
        """The methods of the session, of which a subclass may have replaced some."""
        return self

    def _endpoint(self, name: str, url: str | None) -> str:
        endpoint = url or self.metadata.get(f"{name}_endpoint")
        if not endpoint:
            raise MissingEndpointError("missing_configuration", f'Missing "{name}_endpoint".')
        return str(endpoint)


class BlockingOAuth2(BlockingUpkeep, OAuth2Steps):
    """The same with methods that block."""

    fetch_token = blocking(OAuth2Steps.fetch_steps)
    refresh_token = blocking(OAuth2Steps.refresh_steps)
    revoke_token = blocking(OAuth2Steps.revoke_steps)
    introspect_token = blocking(OAuth2Steps.introspect_steps)

    def fetch_access_token(self, url: str | None = None, **kwargs: Any) -> OAuth2Token:
        """The same as :meth:`fetch_token`."""
        return self.fetch_token(url, **kwargs)


def _flag_wider_scope(token: Mapping[str, Any], granted: Any) -> None:
    # RFC 6749 section 6: a refreshed token has no scope that was not granted before.
    now = token.get("scope")
    if not granted or not isinstance(now, str | list):
        return
    if set(scope_to_list(now)) - set(scope_to_list(granted)):
        _log.warning("a refreshed token has a wider scope than the one that it replaces")
