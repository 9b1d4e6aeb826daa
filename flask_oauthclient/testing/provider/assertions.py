"""JWTs that clients sign, to say who they are or on whose behalf they ask (RFC 7523)."""

from __future__ import annotations

import threading
import typing as t

from .clients import ClientRecord
from .grants import Bounded
from .jws_verification import KEY_ALGORITHMS
from .jws_verification import SECRET_ALGORITHMS
from .jws_verification import MalformedToken
from .jws_verification import SignedToken
from .jws_verification import read_token

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider

#: The ``client_assertion_type`` (RFC 7523 2.2) and the ``grant_type`` (RFC 7523 2.1).
CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: How far a client's clock may be ahead, in seconds.
_SKEW = 5


class BadAssertion(Exception):
    """An assertion that proves nothing; the text says why, to the developer."""


class Assertions:
    """Verifies assertions, and remembers them so that each counts once.

    :param provider: The provider.
    """

    def __init__(self, provider: DevelopmentProvider) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._seen: Bounded[tuple[str, str], None] = Bounded()

    def read(self, assertion: str) -> SignedToken:
        """Take an assertion apart, to find out whose it claims to be.

        :param assertion: The compact JWT.
        :returns: Its parts, of which nothing is verified.
        :raises BadAssertion: if it is no JWT.
        """
        try:
            return read_token(assertion)
        except MalformedToken:
            raise BadAssertion("The assertion is not a signed JWT.") from None

    def verify(self, token: SignedToken, signer: ClientRecord, endpoint: str) -> None:
        """Verify an assertion (RFC 7523 3), and use it up if it has a ``jti``.

        :param token: The assertion.
        :param signer: Whose it has to be.
        :param endpoint: The URL that it was sent to, which may be its audience.
        :raises BadAssertion: if anything about it is wrong.
        """
        if not _is_signed_by(token, signer):
            raise BadAssertion("The signature of the assertion is wrong, or its key unknown.")
        if token.claims.get("iss") != signer.client_id:
            raise BadAssertion("The assertion's iss is not the client.")
        self._check_audience(token, endpoint)
        self._check_times(token)
        self._check_first_use(token)

    def _check_audience(self, token: SignedToken, endpoint: str) -> None:
        sent = token.claims.get("aud")
        audiences = sent if isinstance(sent, list) else [sent]
        base = self._provider.base_url
        if not {self._provider.issuer, f"{base}/token", endpoint}.intersection(
            audience for audience in audiences if isinstance(audience, str)
        ):
            raise BadAssertion("The assertion's aud is neither the issuer nor the token endpoint.")

    def _check_times(self, token: SignedToken) -> None:
        now = self._provider.clock()
        exp = token.claims.get("exp")
        if not _is_number(exp) or not exp > now:
            raise BadAssertion("The assertion has expired, or says no exp.")
        for name in ("nbf", "iat"):
            begin = token.claims.get(name, now)
            if not _is_number(begin) or not begin <= now + _SKEW:
                raise BadAssertion(f"The assertion's {name} is in the future.")

    def _check_first_use(self, token: SignedToken) -> None:
        jti = token.claims.get("jti")
        if jti is None:
            return
        use = (str(token.claims["iss"]), str(jti))
        with self._lock:
            if use in self._seen:
                raise BadAssertion("The assertion was used before.")
            self._seen[use] = None


def _is_signed_by(token: SignedToken, signer: ClientRecord) -> bool:
    registered = signer.token_endpoint_auth_signing_alg
    if registered is not None and token.alg != registered:
        return False
    if token.alg in SECRET_ALGORITHMS and signer.client_secret is not None:
        return token.is_signed_by_secret(signer.client_secret)
    if token.alg in KEY_ALGORITHMS and signer.jwks is not None:
        return token.is_signed_by_one_of(signer.jwks.get("keys", ()))
    return False


def _is_number(value: object) -> t.TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
