"""Assertions as authorization grants (RFC 7521 section 4.1, RFC 7522, RFC 7523 section 2.1)."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import ClassVar

from .. import jose
from ..errors import InvalidSettingError
from ..errors import UnknownOptionError
from ..messages import Exchange
from ..random import generate_token
from ..signing import SigningKey
from ..signing import import_mac_key
from ..signing import import_private_key
from ..signing import sign_jwt
from ..urls import is_http_url
from ..urls import without_query
from .client_assertion import check_lifetime
from .client_auth import ClientAuth
from .client_auth import Headers
from .grants import check_token_endpoint
from .grants import token_exchange
from .token import OAuth2Token

JWT_BEARER_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SAML2_BEARER_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:saml2-bearer"

_SIGNER_OPTIONS = frozenset({"key", "issued_at", "expires_at", "header", "alg", "expires_in"})


def sign_jwt_bearer_assertion(
    key: Any,
    issuer: str,
    audience: str,
    subject: str | None = None,
    issued_at: int | None = None,
    expires_at: int | None = None,
    claims: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
    alg: str | None = None,
    expires_in: float = 3600,
) -> str:
    """Make an assertion for the JWT bearer grant (RFC 7523 section 3).

    :param key: private key (PEM, JWK, key object), or a text secret together with an HS ``alg``.
    :param issuer: who signs.
    :param audience: the authorization server.
    :param subject: for whom a token is asked; left out when ``None``, which some servers read as
        the issuer itself.
    :param issued_at: POSIX time; default is now.
    :param expires_at: POSIX time; default is ``expires_in`` seconds after ``issued_at``.
    :param claims: claims to add or to replace; the mapping is not changed.
    :param header: header parameters to add.
    :param alg: algorithm; default is the header's, else what fits the private key.
    :param expires_in: seconds that the assertion is good for.
    :raises InvalidSettingError: (a ``ValueError``) if key, algorithm and claims make no JWT.
    """
    if not issuer or not audience:
        raise InvalidSettingError(
            "invalid_configuration", "An assertion needs an issuer and an audience."
        )
    issued_at = int(time.time()) if issued_at is None else issued_at
    ending = issued_at + check_lifetime(expires_in) if expires_at is None else expires_at
    payload = {
        "iss": issuer,
        "aud": audience,
        "iat": issued_at,
        "exp": ending,
        "jti": generate_token(36),
        **({} if subject is None else {"sub": subject}),
        **(claims or {}),
    }
    return sign_jwt(_signing_key(key, alg or (header or {}).get("alg")), payload, header, alg)


def _signing_key(key: Any, alg: object) -> SigningKey:
    return import_mac_key(key) if alg in jose.SYMMETRIC else import_private_key(key)


def encode_assertion(assertion: str | bytes) -> str:
    """Put an assertion into the form that is sent.

    :param assertion: a JWT, or what is base64url already, is kept; XML is encoded (RFC 7522
        section 2.1, without the padding that it advises against).
    :raises InvalidSettingError: if it is empty or no text.
    """
    octets = assertion.encode("utf-8", "replace") if isinstance(assertion, str) else assertion
    octets = octets.strip() if isinstance(octets, bytes) else b""
    if octets.startswith((b"<", b"\xef\xbb\xbf<")):
        octets = urlsafe_b64encode(octets).rstrip(b"=")
    if not octets.isascii() or not octets:
        raise InvalidSettingError(
            "invalid_configuration", "An assertion is a JWT, XML, or XML in base64url."
        )
    return octets.decode("ascii")


def assertion_exchange(
    endpoint: str,
    grant_type: str,
    assertion: str | bytes | Callable[[], str | bytes],
    *,
    auth: ClientAuth | None = None,
    client_id: str | None = None,
    **params: Any,
) -> Exchange[OAuth2Token]:
    """Trade an assertion for a token.

    :param endpoint: URL of the token endpoint.
    :param grant_type: the grant's registered name.
    :param assertion: the assertion, or what makes one when it is needed.
    :param auth: how the client authenticates; it need not (RFC 7521 section 4.1).
    :param client_id: the client's name, sent when there is no ``auth``.
    :param params: ``scope``, and whatever :func:`.grants.token_request` knows.
    :raises InsecureTransportError: if the endpoint is not https.
    :raises InvalidSettingError: if there is no usable assertion.
    """
    # Before anything is signed: who may not have the assertion should not cause one.
    check_token_endpoint(endpoint, insecure_http=bool(params.get("insecure_http")))
    made = assertion() if callable(assertion) else assertion
    if auth is None:
        auth = ClientAuth(client_id or "", None, _stay_anonymous)
        params["client_id"] = client_id
    encoded = encode_assertion(made)
    return (yield from token_exchange(auth, endpoint, grant_type, assertion=encoded, **params))


def _stay_anonymous(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    return uri, headers, body


class AssertionClient:
    """A client whose tokens come from assertions: the part that is the same for all transports.

    :param token_endpoint: URL of the token endpoint.
    :param issuer: who signs (JWT bearer).
    :param subject: for whom tokens are asked.
    :param audience: the authorization server; default is the token endpoint.
    :param grant_type: default is :attr:`DEFAULT_GRANT_TYPE`, which is JWT bearer.
    :param claims: claims to add to each assertion.
    :param scope: scope to ask for, a string or a list.
    :param client_id: sent along if it is given.
    :param assertion: a finished assertion, or a callable that gives one each time; the way for
        SAML 2.0 (RFC 7522) and for every other grant that has no signer here.
    :param signer_options: for the signer: ``key``, ``header``, ``alg``, ``issued_at``,
        ``expires_at``, ``expires_in`` of :func:`sign_jwt_bearer_assertion`.
    :raises UnknownOptionError: for another keyword.
    :raises InvalidSettingError: for a grant type without signer or ``assertion``.
    """

    JWT_BEARER_GRANT_TYPE = JWT_BEARER_GRANT_TYPE
    SAML2_BEARER_GRANT_TYPE = SAML2_BEARER_GRANT_TYPE
    #: The grant type of an object that is given none; a subclass may have another.
    DEFAULT_GRANT_TYPE = JWT_BEARER_GRANT_TYPE

    #: Who makes the assertions of each grant type; called with keywords.
    ASSERTION_METHODS: ClassVar[dict[str, Callable[..., str | bytes]]] = {
        JWT_BEARER_GRANT_TYPE: sign_jwt_bearer_assertion
    }

    def __init__(
        self,
        token_endpoint: str,
        issuer: str | None = None,
        subject: str | None = None,
        audience: str | None = None,
        grant_type: str | None = None,
        claims: Mapping[str, Any] | None = None,
        scope: str | Iterable[str] | None = None,
        client_id: str | None = None,
        *,
        assertion: str | bytes | Callable[[], str | bytes] | None = None,
        **signer_options: Any,
    ) -> None:
        self.token_endpoint = token_endpoint
        self.issuer = issuer
        self.subject = subject
        self.audience = audience or token_endpoint
        self.grant_type = grant_type or self.DEFAULT_GRANT_TYPE
        self.claims = claims
        self.scope = scope
        self.client_id = client_id
        self.assertion = assertion
        self._signer_options = signer_options
        self._check_signer()

    def _check_signer(self) -> None:
        signer = self.ASSERTION_METHODS.get(self.grant_type)
        if self.assertion is None and signer is None:
            raise InvalidSettingError(
                "invalid_configuration", "Nothing here makes assertions for this grant; pass one."
            )
        unknown = sorted(self._signer_options.keys() - _SIGNER_OPTIONS)
        if unknown and signer in (None, sign_jwt_bearer_assertion):
            raise UnknownOptionError("unknown_option", f"There is no option {unknown[0]!r}.")

    def make_assertion(self) -> str | bytes:
        """Make an assertion, or give back the one that was passed.

        :raises InvalidSettingError: if key, algorithm and claims make none.
        """
        if self.assertion is not None:
            return self.assertion() if callable(self.assertion) else self.assertion
        return self.ASSERTION_METHODS[self.grant_type](
            **{"key": None, **self._signer_options},
            issuer=self.issuer,
            subject=self.subject,
            audience=self.audience,
            claims=self.claims,
        )

    def assertion_exchange(self, **params: Any) -> Exchange[OAuth2Token]:
        """One token request with a fresh assertion, and its answer.

        :param params: as for :func:`assertion_exchange`.
        """
        return assertion_exchange(
            self.token_endpoint,
            self.grant_type,
            self.make_assertion,
            **{"scope": self.scope, "client_id": self.client_id, **params},
        )

    def __repr__(self) -> str:
        # What is no plain URL may have a password in it.
        endpoint = without_query(self.token_endpoint) if is_http_url(self.token_endpoint) else "***"
        return f"<{type(self).__name__} {self.issuer!r} at {endpoint}>"
