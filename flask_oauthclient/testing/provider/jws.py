"""Compact JSON Web Signatures, made straight on ``cryptography``.

A JOSE library would refuse to write most of the tokens that a client has to be tested with, and a
counterparty that shares one with the client would share its mistakes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import typing as t

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
SigningSecret = PrivateKey | str | bytes | None

#: By the size in an algorithm's name.
HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}


def b64url(data: bytes) -> str:
    """Encode as unpadded base64url (RFC 7515 2).

    :param data: The bytes.
    :returns: The text.
    """
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_number(number: int, size: int | None = None) -> str:
    """Encode a whole number as JWK members carry it (RFC 7518 6).

    :param number: The number.
    :param size: The fixed length in bytes, or ``None`` for the shortest.
    :returns: The text.
    """
    return b64url(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


def dump(document: object) -> bytes:
    """Encode a header or a claims set.

    :param document: What to encode.
    :returns: JSON without spaces, in UTF-8.
    """
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def sign(alg: str, key: SigningSecret, data: bytes) -> bytes:
    """Sign bytes by a JWS algorithm (RFC 7518 3, RFC 8037).

    :param alg: The algorithm's name; ``none`` gives an empty signature.
    :param key: A private key, or the secret of an HMAC algorithm.
    :param data: The signing input.
    :returns: The raw signature.
    :raises ValueError: if the algorithm is unknown or the key doesn't fit it.
    """
    if alg.lower() == "none":
        return b""
    if alg.startswith("HS") and isinstance(key, str | bytes):
        secret = key.encode() if isinstance(key, str) else key
        return hmac.digest(secret, data, f"sha{alg[2:]}")
    if isinstance(key, rsa.RSAPrivateKey) and alg[:2] in ("RS", "PS"):
        return _sign_rsa(alg, key, data)
    if isinstance(key, ec.EllipticCurvePrivateKey) and alg.startswith("ES"):
        return _sign_ec(key, data, HASHES[alg[2:]])
    if isinstance(key, ed25519.Ed25519PrivateKey) and alg in ("EdDSA", "Ed25519"):
        return key.sign(data)
    raise ValueError(f"A {type(key).__name__} cannot sign with {alg!r}.")


def _sign_rsa(alg: str, key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    digest = HASHES[alg[2:]]
    if alg.startswith("RS"):
        return key.sign(data, padding.PKCS1v15(), digest)
    # RFC 7518 3.5: the salt is as long as the hash.
    return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)


def _sign_ec(key: ec.EllipticCurvePrivateKey, data: bytes, digest: hashes.HashAlgorithm) -> bytes:
    # RFC 7518 3.4: R and S side by side at the width of the curve, not DER.
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def half_hash(alg: str, value: str) -> str:
    """Compute ``at_hash`` (OpenID Connect Core 3.1.3.6).

    :param alg: The ID token's algorithm, which decides the hash.
    :param value: The access token.
    :returns: The left half of the hash, encoded.
    """
    name = f"sha{alg[2:]}" if alg[2:] in HASHES else "sha512"
    digest = hashlib.new(name, value.encode("ascii")).digest()
    return b64url(digest[: len(digest) // 2])


def public_jwk(key: PrivateKey) -> dict[str, t.Any]:
    """Describe the public half of a key (RFC 7518 6, RFC 8037 2).

    :param key: The private key.
    :returns: Its JWK members, without ``kid``, ``alg`` and ``use``.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "n": b64url_number(numbers.n), "e": b64url_number(numbers.e)}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        point = key.public_key().public_numbers()
        x, y = b64url_number(point.x, size), b64url_number(point.y, size)
        return {"kty": "EC", "crv": f"P-{key.curve.key_size}", "x": x, "y": y}
    x = b64url(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x}
