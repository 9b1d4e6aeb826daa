"""The part of an OAuth 2 session that is the same for every HTTP library.

It knows the client's settings, builds authorization URLs and token exchanges, and keeps the
compliance hooks. Sending is left to the class that mixes it in.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

from ..errors import CallbackError
from ..errors import InvalidSettingError
from ..errors import MismatchingStateError
from ..errors import MissingCodeError
from ..errors import ProviderResponseError
from ..messages import Exchange
from ..random import generate_token
from .authorization import authorization_url
from .callback import AuthorizationResponse
from .callback import check_no_authorization_error
from .callback import check_no_repetition
from .callback import parse_callback
from .client_auth import AuthMethod
from .client_auth import ClientAuth
from .grants import check_token_endpoint
from .grants import token_request
from .pkce import check_code_challenge_method
from .pkce import create_s256_code_challenge
from .token import OAuth2Token
from .token import check_access_token
from .token import check_token_type
from .token import parse_token_response

Hook = Callable[..., Any]

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


class OAuth2Client:
    """Settings of a client, and what follows from them without a network.

    :param client_id: the client's identifier.
    :param client_secret: its secret, or ``None`` for a public client.
    :param token_endpoint_auth_method: a registered name or a callable (see
        :mod:`.client_auth`); default is ``client_secret_basic`` with a secret, else ``none``.
    :param revocation_endpoint_auth_method: the same for the revocation endpoint.
    :param scope: scope to ask for, a string or a list.
    :param state: state to compare callbacks with.
    :param redirect_uri: where authorization responses go.
    :param code_challenge_method: ``S256``, to send a code challenge whenever a verifier is given.
    :param metadata: ``token_endpoint``, ``grant_type`` and other facts about the server.
    """

    EXTRA_AUTHORIZE_PARAMS = EXTRA_AUTHORIZE_PARAMS

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
        **metadata: Any,
    ) -> None:
        check_code_challenge_method(code_challenge_method)
        default = "client_secret_basic" if client_secret else "none"
        self.client_id = client_id
        self.client_secret = client_secret
        self.state = state
        self.token_endpoint_auth_method = token_endpoint_auth_method or default
        self.revocation_endpoint_auth_method = revocation_endpoint_auth_method or default
        self.scope = scope
        self.redirect_uri = redirect_uri
        self.code_challenge_method = code_challenge_method
        self.metadata = metadata
        self.compliance_hooks: dict[str, list[Hook]] = {name: [] for name in HOOK_TYPES}
        self._auth_methods: dict[str, AuthMethod] = {}

    # -- settings -------------------------------------------------------------------------

    def register_client_auth_method(self, auth: Any) -> None:
        """Make a client authentication method known.

        :param auth: ``(name, callable)``, or an object with ``name`` that is callable.
        """
        name, method = auth if isinstance(auth, tuple) else (auth.name, auth)
        self._auth_methods[name] = method

    def client_auth(self, auth_method: str | AuthMethod | None = None) -> ClientAuth:
        """This client's identity with a way to prove it.

        :raises ConfigurationError: for a method that is not known.
        """
        method = auth_method or self.token_endpoint_auth_method
        return ClientAuth(self.client_id or "", self.client_secret, method, self._auth_methods)

    def register_compliance_hook(self, hook_type: str, hook: Hook) -> None:
        """Register a function that adapts to a server outside the standard.

        :param hook_type: one of :data:`HOOK_TYPES`, or ``protected_request``. Request hooks are
            called with ``(url, headers, body)`` and give the three back; response hooks are
            called with the HTTP library's response and give one back.
        :raises ConfigurationError: (a ``ValueError``) for another type.
        """
        hooks = self._hooks(hook_type)
        if hooks is None:
            raise InvalidSettingError(
                "invalid_configuration", f"There is no compliance hook {hook_type!r}."
            )
        if hook not in hooks:
            hooks.append(hook)

    def _hooks(self, hook_type: str) -> list[Hook] | None:
        return self.compliance_hooks.get(hook_type)

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
        :raises CallbackError: if the URL is malformed or repeats parameters.
        :raises AuthorizationError: if the server reports an error.
        :raises MissingCodeError: if there is no code.
        """
        response = parse_callback(_pairs_of(url, "query"))
        _check_state(response, state)
        check_no_repetition(response)
        check_no_authorization_error(response)
        if not response.code:
            raise MissingCodeError
        return response.code

    def read_fragment(self, url: str, state: str | None) -> OAuth2Token:
        """Take the token out of a fragment (RFC 6749 section 4.2.2).

        :raises MismatchingStateError: if the state is another one.
        :raises CallbackError: if the URL is malformed or repeats parameters.
        :raises AuthorizationError: if the server reports an error.
        :raises ProviderResponseError: if there is no usable token.
        """
        pairs = _pairs_of(url, "fragment")
        params = dict(pairs)
        response = parse_callback(pairs)
        _check_state(response, state)
        if len(params) != len(pairs):
            raise CallbackError
        check_no_authorization_error(response)
        check_access_token(params, 200)
        if not params.get("token_type"):
            raise ProviderResponseError("missing_access_token")
        check_token_type(params, frozenset({"bearer"}))
        return OAuth2Token(params)

    # -- the token request ----------------------------------------------------------------

    def guess_grant_type(self, params: Mapping[str, Any]) -> str:
        """The grant that a set of parameters belongs to, unless the session names one."""
        known = self.metadata.get("grant_type")
        if known:
            return str(known)
        if params.get("code"):
            return "authorization_code"
        if params.get("username") and params.get("password"):
            return "password"
        return "client_credentials"

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
        response = yield token_request(
            auth or self.client_auth(),
            endpoint,
            grant_type,
            method=method,
            headers=headers,
            insecure_http=insecure_http,
            **params,
        )
        return parse_token_response(response)


def _pairs_of(url: str, part: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(getattr(urlsplit(url), part), keep_blank_values=True)
    except ValueError:  # a host that cannot be read
        raise CallbackError from None


def _check_state(response: AuthorizationResponse, state: str | None) -> None:
    if state is not None and response.state != state:
        raise MismatchingStateError
