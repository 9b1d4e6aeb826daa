"""Client authentication with a signed JWT (RFC 7523 section 2.2, OpenID Connect Core 9).

The audience is what keeps an assertion from being used elsewhere. A token endpoint is a poor one:
a hostile server can name another server's endpoint as its own, and pass the assertion on there.
So it is the issuer identifier, as a single string, wherever the issuer is known
(draft-ietf-oauth-rfc7523bis section 4).
"""

from __future__ import annotations

import math
import time
from abc import ABC
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import TypeAlias

from .. import jose
from ..error_codes import clean_text
from ..errors import ConfigurationError
from ..errors import InvalidSettingError
from ..random import generate_token
from ..signing import SigningKey
from ..signing import choose_alg
from ..signing import import_mac_key
from ..signing import import_private_key
from ..signing import sign_jwt
from ..urls import add_params
from .client_auth import AuthMethod
from .client_auth import Headers
from .client_auth import check_no_header
from .client_auth import own_credential

CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#: Seconds that an assertion is good for at the most (RFC 7523 section 3: "unreasonably far").
MAX_LIFETIME = 3600

Claims: TypeAlias = Mapping[str, Any]


class ClientAssertion(ABC):
    """What the two methods have in common; an object of them serves any number of clients.

    :param token_endpoint: audience of the assertions; kept for the established spelling.
    :param claims: claims to add or to replace. The mapping is copied.
    :param headers: header parameters to add or to replace.
    :param alg: signature algorithm.
    :param audience: audience of the assertions, before all others. Default is
        ``token_endpoint``, else the server's issuer if it is known, else the request's URL.
    :param lifetime: seconds from ``iat`` to ``exp``.
    :raises InvalidSettingError: for an algorithm of another kind or a lifetime that makes none.
    """

    name: ClassVar[str]
    algorithms: ClassVar[frozenset[str]]
    #: Signature algorithm; ``None`` leaves it to the key. A subclass may have another.
    alg: str | None = None

    def __init__(
        self,
        token_endpoint: str | None = None,
        claims: Claims | None = None,
        headers: Mapping[str, Any] | None = None,
        alg: str | None = None,
        *,
        audience: str | None = None,
        lifetime: float = 60,
    ) -> None:
        self.token_endpoint = token_endpoint
        self.claims = dict(claims or {})
        self.headers = dict(headers or {})
        stated = alg or self.headers.get("alg")
        if stated is not None:
            self.alg = stated
        self.audience = audience
        self.lifetime = check_lifetime(lifetime, MAX_LIFETIME)
        if self.alg is not None and self.alg not in self.algorithms:
            known = ", ".join(sorted(self.algorithms))
            raise InvalidSettingError("invalid_configuration", f"alg is one of {known}.")

    def __call__(
        self, auth: Any, method: str, uri: str, headers: Headers, body: str
    ) -> tuple[str, Headers, str]:
        """Add a fresh assertion to the form (RFC 7521 section 4.2)."""
        own = own_credential(auth, headers, body)
        if own is not None:
            return uri, headers, own
        check_no_header(headers)
        issuer = getattr(auth, "issuer", None)
        assertion = self.sign(auth, self.token_endpoint or issuer or uri.partition("#")[0])
        added = [("client_assertion_type", CLIENT_ASSERTION_TYPE), ("client_assertion", assertion)]
        return uri, headers, add_params("?" + body, added)[1:]

    def sign(self, auth: Any, token_endpoint: str) -> str:
        """Make an assertion.

        :param auth: carries ``client_id`` and ``client_secret``.
        :param token_endpoint: the audience, unless the object has one of its own.
        :raises InvalidSettingError: if key, algorithm and claims make no JWT.
        """
        issued_at = int(time.time())
        claims = {
            "iss": auth.client_id,
            "sub": auth.client_id,
            "aud": self.audience or token_endpoint,
            "iat": issued_at,
            "exp": issued_at + self.lifetime,
            "jti": generate_token(36),  # RFC 7523 section 3: never the same twice
            **self.claims,
        }
        return sign_jwt(self.signing_key(auth), claims, self.headers, self._stated_alg())

    def _stated_alg(self) -> str | None:
        return self.alg

    @abstractmethod
    def signing_key(self, auth: Any) -> SigningKey:
        """The key of a client."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.alg or 'alg by key'}>"


class ClientSecretJWT(ClientAssertion):
    """``client_secret_jwt``: the assertion is signed with the client secret, which stays here.

    The parameters are those of :class:`ClientAssertion`; ``alg`` is HS256 unless it is HS384 or
    HS512. A secret that is shorter than the hash is used all the same, and reported once in the
    log: it is the server that chose it.
    """

    name = "client_secret_jwt"
    algorithms = jose.SYMMETRIC
    alg = "HS256"

    def _stated_alg(self) -> str | None:
        # The default says nothing against a JWK of another algorithm (RFC 7517 section 4.4).
        is_default = "alg" not in vars(self) and type(self).alg == ClientSecretJWT.alg
        return None if is_default else self.alg

    def signing_key(self, auth: Any) -> SigningKey:
        """The client's secret as a key."""
        return import_mac_key(auth.client_secret)


class PrivateKeyJWT(ClientAssertion):
    """``private_key_jwt``: the assertion is signed with a private key.

    :param key: the key: PEM, JWK, or a key object of joserfc or cryptography. Default is the
        client's ``client_secret``.

    The other parameters are those of :class:`ClientAssertion`. ``alg`` is RS256 for RSA, ES256,
    ES384 or ES512 by the curve, and EdDSA for Ed25519, unless another is given that fits the key.
    """

    name = "private_key_jwt"
    algorithms = jose.ASYMMETRIC

    def __init__(
        self,
        token_endpoint: str | None = None,
        claims: Claims | None = None,
        headers: Mapping[str, Any] | None = None,
        alg: str | None = None,
        *,
        audience: str | None = None,
        lifetime: float = 60,
        key: Any = None,
    ) -> None:
        super().__init__(token_endpoint, claims, headers, alg, audience=audience, lifetime=lifetime)
        self._key = None if key is None else import_private_key(key)
        if self._key is not None:
            choose_alg(self._key, self.alg, self.headers)

    def signing_key(self, auth: Any) -> SigningKey:
        """The key of this object, else the client's."""
        return self._key or import_private_key(auth.client_secret)


def narrow_method(
    name: str, client_secret: Any, signing_algs: list[str], *, is_stated: bool = False
) -> str | AuthMethod:
    """Fit a method to the algorithms that the server accepts (RFC 8414 section 2).

    :param name: name of the method.
    :param client_secret: the secret or private key.
    :param signing_algs: ``token_endpoint_auth_signing_alg_values_supported`` of the server.
    :param is_stated: whether the method was registered, and not chosen.
    :returns: the name, if its default is accepted, or the method with another algorithm.
    :raises ConfigurationError: if the server accepts none that fits the key.
    """
    secret = name == ClientSecretJWT.name
    key = import_mac_key(client_secret) if secret else import_private_key(client_secret)
    fitting = key.algorithms()
    usable = [alg for alg in fitting if alg in signing_algs]
    if not usable and not is_stated:
        raise ConfigurationError(
            "unsupported_client_auth",
            f"The key can sign with {', '.join(fitting)}; the server's metadata list others.",
            detail={"supported": [clean_text(alg, 20) for alg in signing_algs[:20]]},
        )
    if not usable or usable[0] == fitting[0]:
        return name
    return ClientSecretJWT(alg=usable[0]) if secret else PrivateKeyJWT(alg=usable[0])


def check_lifetime(lifetime: object, longest: float = math.inf) -> int:
    """Whole seconds of a lifetime.

    :raises InvalidSettingError: unless it is a finite number above zero and not above ``longest``.
    """
    number = lifetime if isinstance(lifetime, int | float) and lifetime is not True else 0
    if not 0 < number <= longest or number == math.inf:
        raise InvalidSettingError(
            "invalid_configuration",
            f"The lifetime of an assertion is a number of seconds, above 0 and up to {longest}.",
        )
    return math.ceil(number)


#: What the names of the two methods stand for.
CLIENT_SECRET_JWT = ClientSecretJWT()
PRIVATE_KEY_JWT = PrivateKeyJWT()
