"""The part of an OAuth 2 session that is the same for every HTTP library.

It knows the client's settings, builds authorization URLs and token exchanges, and keeps the
compliance hooks. Sending is left to the class that mixes it in.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import cast

from ..errors import CallbackError
from ..errors import InvalidSettingError
from ..errors import MismatchingStateError
from ..errors import MissingCodeError
from ..errors import MissingTokenTypeError
from ..messages import Exchange
from ..random import generate_token
from ..urls import callback_pairs
from ..warn import warn_caller
from .authorization import authorization_url
from .callback import AuthorizationResponse
from .callback import check_iss
from .callback import check_no_authorization_error
from .callback import check_no_repetition
from .callback import parse_callback
from .client_auth import AuthMethod
from .client_auth import ClientAuth
from .client_auth import check_basic_encoding
from .client_auth import choose_method
from .grants import check_token_endpoint
from .grants import token_exchange
from .hooks import Hook
from .hooks import HookList
from .hooks import add_hook
from .metadata import flag
from .pkce import check_code_challenge_method
from .pkce import create_s256_code_challenge
from .token import OAuth2Token
from .token import check_access_token
from .token import check_token_type

#: Authorization request parameters that may be set once, for all requests of a session.
EXTRA_AUTHORIZE_PARAMS = ("response_mode", "nonce", "prompt", "login_hint")

HOOK_TYPES = (
    "access_token_request",
    "access_token_response",
    "refresh_token_request",
    "refresh_token_response",
    "revoke_token_request",
    "introspect_token_request",
)

_GUESSED_GRANTS = ("authorization_code", "client_credentials", "password", "refresh_token")


class OAuth2Client:
    """Settings of a client, and what follows from them without a network.

    :param client_id: the client's identifier.
    :param client_secret: its secret, or ``None`` for a public client.
    :param token_endpoint_auth_method: a registered name or a callable (see
        :mod:`.client_auth`); default is ``client_secret_basic`` with a secret, else ``none``.
    :param revocation_endpoint_auth_method: the same for the revocation endpoint; default is
        that of the token endpoint.
    :param scope: scope to ask for, a string or a list.
    :param state: state to compare callbacks with.
    :param redirect_uri: where authorization responses go.
    :param code_challenge_method: ``S256``, to send a code challenge whenever a verifier is given.
    :param basic_encoding: ``form`` (RFC 6749 section 2.3.1), or ``raw`` for servers that do not
        decode what ``client_secret_basic`` sends.
    :param metadata: ``token_endpoint``, ``grant_type`` and other facts about the server.
    """

    EXTRA_AUTHORIZE_PARAMS = EXTRA_AUTHORIZE_PARAMS
    client_auth_class = ClientAuth

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: Any = None,
        token_endpoint_auth_method: str | AuthMethod | None = None,
        revocation_endpoint_auth_method: str | AuthMethod | None = None,
        scope: str | Iterable[str] | None = None,
        state: str | None = None,
        redirect_uri: str | None = None,
        code_challenge_method: str | None = None,
        basic_encoding: str = "form",
        **metadata: Any,
    ) -> None:
        check_code_challenge_method(code_challenge_method)
        check_basic_encoding(basic_encoding)
        default = choose_method(client_secret, None)
        self.client_id = client_id
        self.client_secret = client_secret
        self.state = state
        self.token_endpoint_auth_method = token_endpoint_auth_method or default
        # A client is registered with one method (RFC 7591 section 2). Sending the secret of one
        # that signs would give it away, and be refused.
        self.revocation_endpoint_auth_method = (
            revocation_endpoint_auth_method or self.token_endpoint_auth_method
        )
        self.scope = scope
        self.redirect_uri = redirect_uri
        self.code_challenge_method = code_challenge_method
        self.basic_encoding = basic_encoding
        self.metadata = metadata
        self.compliance_hooks: dict[str, HookList] = {name: HookList() for name in HOOK_TYPES}
        self._auth_methods: dict[str, AuthMethod] = {}

    # -- settings -------------------------------------------------------------------------

    def register_client_auth_method(self, auth: Any) -> None:
        """Make a client authentication method known.

        :param auth: ``(name, callable)``, or an object with ``name`` that is callable.
        :raises InvalidSettingError: for anything else.
        """
        pair = auth if isinstance(auth, tuple) else (getattr(auth, "name", None), auth)
        if len(pair) != 2 or not isinstance(pair[0], str) or not callable(pair[1]):
            raise InvalidSettingError(
                "invalid_configuration",
                "A client authentication method is a pair of name and callable, or a callable "
                "with a name.",
            )
        self._auth_methods[str(pair[0])] = cast("AuthMethod", pair[1])

    @property
    def own_auth_methods(self) -> frozenset[str]:
        """Names of the client authentication methods that were registered with this client."""
        return frozenset(self._auth_methods)

    def client_auth(self, auth_method: str | AuthMethod | None = None) -> ClientAuth:
        """This client's identity with a way to prove it.

        :raises ConfigurationError: for a method that is not known.
        """
        return self.client_auth_class(
            self.client_id or "",
            self.client_secret,
            auth_method or self.token_endpoint_auth_method,
            self._auth_methods,
            basic_encoding=self.basic_encoding,
            issuer=self.metadata.get("issuer"),
        )

    def register_compliance_hook(self, hook_type: str, hook: Hook) -> None:
        """Register a function that adapts to a server outside the standard.

        :param hook_type: one of :data:`HOOK_TYPES`, or ``protected_request``. Request hooks are
            called with ``(url, headers, body)`` and give the three back; response hooks are
            called with the HTTP library's response and give one back.
        :param hook: the function.
        :raises ConfigurationError: (a ``ValueError``) for another type.
        """
        add_hook(self._hooks(), hook_type, hook)

    @property
    def compliance_hook(self) -> dict[str, HookList]:
        """The hooks by their type, under the name that users know."""
        return self.compliance_hooks

    def _hooks(self) -> Mapping[str, HookList]:
        """Every hook by its type."""
        return self.compliance_hooks

    # -- the authorization request --------------------------------------------------------

    def create_authorization_url(
        self, url: str, state: str | None = None, code_verifier: str | None = None, **kwargs: Any
    ) -> tuple[str, str]:
        """Build an authorization URL (RFC 6749 section 4.1.1).

        :param url: the authorization endpoint.
        :param state: state to send; default is a random one.
        :param code_verifier: PKCE verifier; its challenge is sent if the session has
            ``code_challenge_method="S256"``.
        :param kwargs: further parameters.
        :returns: the URL and the state.
        """
        state = state or generate_token()
        response_type = kwargs.pop("response_type", self.metadata.get("response_type", "code"))
        params: dict[str, Any] = {
            "response_type": response_type,
            "client_id": self.client_id,
            "redirect_uri": kwargs.pop("redirect_uri", self.redirect_uri),
            "scope": kwargs.pop("scope", self.scope) or None,
            "state": state,
        }
        if code_verifier and self.code_challenge_method and "code" in str(response_type).split():
            params["code_challenge"] = create_s256_code_challenge(code_verifier)
            params["code_challenge_method"] = self.code_challenge_method
        for name in self.EXTRA_AUTHORIZE_PARAMS:
            params[name] = kwargs.pop(name, self.metadata.get(name))
        return authorization_url(url, {**params, **kwargs}), state

    # -- the authorization response -------------------------------------------------------

    def read_authorization_response(self, url: str, state: str | None) -> str:
        """Take the code out of the URL that the browser was sent back to.

        :param url: the whole URL.
        :param state: the state to compare with, if one is known.
        :raises MismatchingStateError: if it is another one.
        :raises CallbackError: if the URL is malformed, repeats parameters, or comes from another
            issuer than the one that is known.
        :raises AuthorizationError: if the server reports an error.
        :raises MissingCodeError: if there is no code.
        """
        response = parse_callback(callback_pairs(url, "query"))
        _check_state(response, state)
        check_no_repetition(response)
        self._check_iss(response)
        check_no_authorization_error(response)
        if not response.code:
            raise MissingCodeError
        return response.code

    def read_fragment(self, url: str, state: str | None) -> OAuth2Token:
        """Take the token out of a fragment (RFC 6749 section 4.2.2).

        :raises MismatchingStateError: if the state is another one.
        :raises CallbackError: if the URL is malformed or repeats parameters.
        :raises AuthorizationError: if the server reports an error.
        :raises ProviderResponseError: if there is no usable token, or its type is missing.
        """
        pairs = callback_pairs(url, "fragment")
        params = dict(pairs)
        response = parse_callback(pairs)
        _check_state(response, state)
        if len(params) != len(pairs):
            raise CallbackError
        self._check_iss(response)
        check_no_authorization_error(response)
        check_access_token(params, 200)
        if not params.get("token_type"):
            raise MissingTokenTypeError
        check_token_type(params, frozenset({"bearer"}))
        return OAuth2Token(params)

    def check_redirect(self, url: str, state: str | None) -> None:
        """An error that the browser came back with counts, whatever else the URL carries.

        :param url: the whole URL; query and fragment are looked at.
        :param state: the state to compare with, if one is known.
        :raises MismatchingStateError: if there is an error, but with another state.
        :raises CallbackError: if there is an error, but from another issuer.
        :raises AuthorizationError: if the server reports an error.
        """
        for part in ("query", "fragment"):
            response = parse_callback(callback_pairs(url, part))
            if response.error is not None:
                _check_state(response, state)
                self._check_iss(response)
                check_no_authorization_error(response)

    def _check_iss(self, response: AuthorizationResponse) -> None:
        """Whose response it is counts before what it says (RFC 9207 section 2.4)."""
        required = flag(self.metadata, "authorization_response_iss_parameter_supported")
        check_iss(response, issuer=self.metadata.get("issuer"), required=required)

    # -- the token request ----------------------------------------------------------------

    def guess_grant_type(self, params: Mapping[str, Any]) -> str:
        """The grant that a set of parameters belongs to, unless the session names one.

        A code or a password is never spent on a grant that has no use for it: what a session did
        before must not turn a user's login into a token of the client's own.

        :param params: the parameters of the call.
        """
        known, shown = self.metadata.get("grant_type"), _grant_of(params)
        if known and (shown is None or known not in _GUESSED_GRANTS):
            return str(known)
        return shown or "client_credentials"

    @staticmethod
    def warn_of_grant(grant_type: str) -> None:
        """Say that a grant must not be used any more (RFC 9700 section 2.4)."""
        if grant_type == "password":
            warn_caller(
                "The password grant shows the user's password to the client and must not be used "
                "(RFC 9700 section 2.4). Use the authorization code flow.",
            )

    def token_exchange(
        self,
        endpoint: str,
        grant_type: str,
        *,
        auth: ClientAuth | None = None,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        insecure_http: bool = False,
        **params: Any,
    ) -> Exchange[OAuth2Token]:
        """One token request and its answer, for any grant."""
        check_token_endpoint(endpoint, insecure_http=insecure_http)
        exchange = token_exchange(
            auth or self.client_auth(),
            endpoint,
            grant_type,
            method=method,
            headers=headers,
            insecure_http=insecure_http,
            **params,
        )
        return (yield from exchange)


def _grant_of(params: Mapping[str, Any]) -> str | None:
    """The grant that parameters belong to beyond doubt."""
    if params.get("code"):
        return "authorization_code"
    return "password" if params.get("username") and params.get("password") else None


def _check_state(response: AuthorizationResponse, state: str | None) -> None:
    if state is not None and response.state != state:
        raise MismatchingStateError
