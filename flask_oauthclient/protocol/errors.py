"""The one error tree. Whatever goes wrong in a login is an :class:`OAuthError`.

::

    OAuthError
      ConfigurationError            ours: registration, app.config, a missing call
        MissingConfigurationError     (also RuntimeError)
        MissingEndpointError          (also RuntimeError, KeyError)
        InvalidSettingError           (also ValueError)
        UnknownOptionError            (also TypeError)
        InsecureTransportError        a URL that would show a credential
      TokenError                    the token at hand cannot be used
        MissingTokenError  InvalidTokenError  TokenExpiredError  UnsupportedTokenTypeError
        MissingRequestTokenError
        LoginRequired                 also MissingTokenError and InvalidTokenError
      ProviderError                 the provider refused, or broke the protocol
        TransportError                not reached, too slow, too big, redirected
        ProviderResponseError         an answer that makes no sense (also ValueError)
          MissingAccessTokenError  MissingTokenTypeError
        MetadataError                 discovery (also ValueError)
        TokenRequestError             an OAuth error answer; .error is the provider's code
        IDTokenError                  an ID token that must not be believed
        UserInfoError
      CallbackError                 what the browser brought to the redirect URI
        MismatchingStateError         every way in which a state cannot be accepted
        MissingCodeError
        MissingVerifierError
        AuthorizationError            an error redirect; .error is the provider's code
      LogoutTokenError              what was posted to end sessions is no good logout token
      StateStoreError               the place where pending logins live is down
      TokenStoreError               the place where tokens are kept is

``.error`` is a stable code, listed once in :data:`CODES` with its HTTP status hint and a
sentence that says what to do. The provider's own text never becomes part of the message: it
stands, cleaned, in ``.detail``.

Where callers of the established client catch ``RuntimeError``, ``ValueError``, ``KeyError`` or
a joserfc error, the class here is one of those as well. Names of the family of errors that it has
beside this one are aliases; they stand at the end.
"""

from __future__ import annotations

from typing import Any

from joserfc import errors as jose

from .oauth_error import OAuthError as OAuthError  # noqa: PLC0414  it is one of the tree

# -- ours --------------------------------------------------------------------------------


class ConfigurationError(OAuthError):
    """The registration, the configuration or a call is wrong; only the developer can help."""

    error = "invalid_configuration"


class MissingConfigurationError(ConfigurationError, RuntimeError):
    """Something that has to be configured is not."""

    error = "missing_configuration"


class MissingEndpointError(MissingConfigurationError, KeyError):
    """Neither registration nor metadata name the endpoint that a call needs."""


class InvalidSettingError(ConfigurationError, ValueError):
    """A setting or argument has a value that cannot work."""


class UnknownOptionError(ConfigurationError, TypeError):
    """A keyword that is no option: a typo must never mean "off"."""

    error = "unknown_option"


class InsecureTransportError(ConfigurationError):
    """A credential would travel in the clear, or to an origin that must not have it."""

    error = "insecure_transport"


# -- the token at hand -------------------------------------------------------------------


class TokenError(OAuthError):
    """The token at hand cannot be used for this call."""

    http_status = 401


class MissingTokenError(TokenError):
    """No token was given and none is stored."""

    error = "missing_token"


class MissingRequestTokenError(TokenError):
    """An OAuth 1.0a access token was asked for without temporary credentials."""

    error = "missing_request_token"


class InvalidTokenError(TokenError):
    """The token has expired and cannot be refreshed."""

    error = "token_invalid"


class TokenExpiredError(TokenError):
    """The token has expired."""

    error = "token_expired"


class LoginRequired(MissingTokenError, InvalidTokenError):
    """There is no token of the user in the store, or none that works any more.

    A view that lets it pass sends the person to sign in, if the blueprint is mounted; a script
    gets status 401.

    ``detail`` names the client, and the account if it has a label.
    """

    error = "sign_in_required"

    @property
    def client(self) -> str | None:
        """Name of the client at which to sign in."""
        name: str | None = self.detail.get("client")
        return name

    @property
    def label(self) -> str:
        """Which of several accounts of the person it is about."""
        return str(self.detail.get("label", ""))


class UnsupportedTokenTypeError(TokenError):
    """The token type is none that this client can present (RFC 6749 section 7.1)."""

    error = "unsupported_token_type"
    http_status = 502


# -- the provider ------------------------------------------------------------------------


class ProviderError(OAuthError):
    """The provider refused, failed, or broke the protocol."""

    http_status = 502


class TransportError(ProviderError):
    """No complete, acceptable answer arrived."""

    error = "provider_unreachable"


class ProviderResponseError(ProviderError, ValueError):
    """An answer arrived that makes no sense."""

    error = "invalid_response"


class MissingAccessTokenError(ProviderResponseError):
    """A successful answer without a usable ``access_token`` (RFC 6749 section 5.1)."""

    error = "missing_access_token"


class MissingTokenTypeError(ProviderResponseError):
    """A token in a fragment without its ``token_type`` (RFC 6749 section 4.2.2)."""

    error = "missing_token_type"


class MetadataError(ProviderError, ValueError):
    """The metadata document or key set cannot be used."""

    error = "invalid_metadata"


class TokenRequestError(ProviderError):
    """The token endpoint answered with an OAuth error (RFC 6749 section 5.2)."""

    error = "invalid_request"


class IDTokenError(ProviderError):
    """An ID token that must not be believed (OpenID Connect Core 3.1.3.7)."""

    error = "invalid_id_token"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The claim that is the reason, or an empty string.
        self.claim: str = self.detail.get("claim", "")


class MalformedIDTokenError(IDTokenError, jose.DecodeError):
    """Not a well-formed signed JWT (RFC 7515, RFC 7519)."""


class MissingIDTokenError(IDTokenError):
    """The login asked for ``openid`` and got no ID token (Core 3.1.3.3)."""

    error = "missing_id_token"


class UnsupportedAlgError(IDTokenError, jose.UnsupportedAlgorithmError):
    """The signature algorithm is not allowed for this client."""

    error = "unsupported_alg"


class UnknownKeyError(IDTokenError, jose.InvalidKeyIdError):
    """No key of the provider fits the token's ``kid`` and algorithm."""

    error = "unknown_key"


class BadSignatureError(IDTokenError, jose.BadSignatureError):
    """The signature does not verify."""

    error = "bad_signature"


class MissingClaimError(IDTokenError, jose.MissingClaimError):
    """A required claim is absent."""

    error = "missing_claim"


class InvalidClaimError(IDTokenError, jose.InvalidClaimError):
    """A claim has a value that does not fit this login."""

    error = "invalid_claim"


class ImmatureIDTokenError(InvalidClaimError, jose.InvalidTokenError):
    """``iat`` or ``nbf`` lies in the future (RFC 7519 sections 4.1.5, 4.1.6)."""


class ExpiredIDTokenError(IDTokenError, jose.ExpiredTokenError):
    """``exp`` has passed (RFC 7519 section 4.1.4)."""

    error = "expired_id_token"


class UserInfoError(ProviderError):
    """The userinfo response must not be used (Core 5.3)."""

    error = "invalid_userinfo"


# -- the browser -------------------------------------------------------------------------


class CallbackError(OAuthError):
    """What the browser brought to the redirect URI cannot complete a login."""

    error = "invalid_callback"
    http_status = 400


class MismatchingStateError(CallbackError):
    """The state cannot be accepted; the code says why (RFC 6749 section 10.12)."""

    error = "mismatching_state"


class MissingCodeError(CallbackError):
    """Neither ``code`` nor ``error`` came back (RFC 6749 section 4.1.2)."""

    error = "missing_code"


class MissingVerifierError(CallbackError):
    """No ``oauth_verifier`` came back, or none was given (RFC 5849 section 2.2)."""

    error = "missing_verifier"


class AuthorizationError(CallbackError):
    """The provider sent the browser back with an error (RFC 6749 section 4.1.2.1)."""

    error = "authorization_error"


# -- whoever is signed in ----------------------------------------------------------------


class AccountMismatchError(OAuthError):
    """The login is another person's than the one who is signed in here."""

    error = "account_mismatch"


class LinkMismatchError(OAuthError):
    """The account to link was asked for during another sign-in."""

    error = "link_mismatch"


class DemandNotMetError(OAuthError):
    """The provider was asked for scopes, a fresh or a stronger login, and gave less."""

    error = "demand_not_met"


# -- the back channel --------------------------------------------------------------------


class LogoutTokenError(OAuthError):
    """A logout token that must not be believed (Back-Channel Logout 1.0 section 2.6)."""

    error = "invalid_logout_token"


# -- the store ---------------------------------------------------------------------------


class StateStoreError(OAuthError):
    """The store of pending logins failed; no check is ever skipped because of that."""

    error = "state_unavailable"
    http_status = 503


class TokenStoreError(OAuthError):
    """The store of tokens failed, or cannot take what it was given."""

    error = "token_store_unavailable"


# -- names that users of the established client know --------------------------------------

OAuth2Error = OAuthError
MissingCodeException = MissingCodeError
MissingTokenException = MissingAccessTokenError
MissingTokenTypeException = MissingTokenTypeError
MismatchingStateException = MismatchingStateError
