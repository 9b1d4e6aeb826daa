"""Verifying compact JSON Web Signatures that clients made, straight on ``cryptography``.

The counterpart of :mod:`.jws`, and apart from the client's own verification for the same reason.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import typing as t
from collections.abc import Iterable
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from . import jws

Jwk = Mapping[str, t.Any]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

#: What a client may sign with its secret, and with a private key (RFC 7518 3.1, RFC 8037 3.1).
SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
KEY_ALGORITHMS = (
    *(f"{kind}{size}" for kind in ("RS", "PS", "ES") for size in (256, 384, 512)),
    "EdDSA",
    "Ed25519",
)
_EC_CURVES: Mapping[str, tuple[str, ec.EllipticCurve]] = {
    "ES256": ("P-256", ec.SECP256R1()),
    "ES384": ("P-384", ec.SECP384R1()),
    "ES512": ("P-521", ec.SECP521R1()),
}


class MalformedToken(Exception):
    """A text that is no compact JWS with two JSON objects in it."""


class SignedToken(t.NamedTuple):
    """A compact JWS, taken apart and not verified."""

    header: dict[str, t.Any]
    claims: dict[str, t.Any]
    signing_input: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        """The algorithm that the header names; empty if it names none."""
        return str(self.header.get("alg", ""))

    def is_signed_by_secret(self, secret: str) -> bool:
        """Verify an HMAC (RFC 7518 3.2).

        :param secret: The client secret, whose bytes are the key (OpenID Connect Core 10.1).
        :returns: Whether the signature is right.
        """
        if self.alg not in SECRET_ALGORITHMS:
            return False
        expected = jws.sign(self.alg, secret, self.signing_input)
        return hmac.compare_digest(expected, self.signature)

    def is_signed_by_one_of(self, keys: Iterable[Jwk]) -> bool:
        """Verify a signature by public keys, of which the header's ``kid`` may choose one.

        :param keys: The signer's keys (RFC 7517 4).
        :returns: Whether one of them made the signature.
        """
        kid = self.header.get("kid")
        candidates = [key for key in keys if kid is None or key.get("kid", kid) == kid]
        return any(self._is_signed_by(key) for key in candidates)

    def _is_signed_by(self, jwk: Jwk) -> bool:
        try:
            _verify(self.alg, _public_key(self.alg, jwk), self.signature, self.signing_input)
        except (InvalidSignature, ValueError, KeyError, TypeError):
            # Besides a wrong signature: a key that is broken, or of a kind that doesn't fit.
            return False
        return True


def read_token(token: str) -> SignedToken:
    """Take a compact JWS apart (RFC 7515 7.1).

    :param token: The compact form.
    :returns: Its parts.
    :raises MalformedToken: if it isn't one.
    """
    signing_input, _, signature = token.rpartition(".")
    header, _, claims = signing_input.partition(".")
    try:
        parts = json.loads(_decode(header)), json.loads(_decode(claims))
        decoded = _decode(signature)
    except (ValueError, RecursionError):
        raise MalformedToken from None
    if not all(isinstance(part, dict) for part in parts):
        raise MalformedToken
    return SignedToken(*parts, signing_input.encode(), decoded)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError from error


def _number(text: str) -> int:
    return int.from_bytes(_decode(text), "big")


def _public_key(alg: str, jwk: Jwk) -> PublicKey:
    kind = jwk["kty"]
    if kind == "RSA" and alg[:2] in ("RS", "PS"):
        return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    if kind == "OKP" and alg in ("EdDSA", "Ed25519"):
        return ed25519.Ed25519PublicKey.from_public_bytes(_decode(jwk["x"]))
    # RFC 7518 3.4: the algorithm has one curve.
    name, curve = _EC_CURVES[alg]
    if (kind, jwk["crv"]) != ("EC", name):
        raise ValueError(f"A key of the kind {kind!r} verifies no {alg!r}.")
    return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), curve).public_key()


def _verify(alg: str, key: PublicKey, signature: bytes, data: bytes) -> None:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.verify(signature, data)
    digest = jws.HASHES[alg[2:]]
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.verify(_der(key, signature), data, ec.ECDSA(digest))
    if alg.startswith("RS"):
        return key.verify(signature, data, padding.PKCS1v15(), digest)
    # RFC 7518 3.5: the salt is as long as the hash.
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
    return key.verify(signature, data, scheme, digest)


def _der(key: ec.EllipticCurvePublicKey, signature: bytes) -> bytes:
    # RFC 7518 3.4: R and S side by side at the width of the curve.
    size = (key.key_size + 7) // 8
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = signature[:size], signature[size:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
