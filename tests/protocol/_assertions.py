"""Reading assertions with the cryptography library alone, and keys in all their forms."""

from __future__ import annotations

import base64
import functools
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed448
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat

from tests.protocol._keys import b64
from tests.protocol._keys import b64_int
from tests.protocol._keys import public_parameters
from tests.protocol._keys import rsa_key

_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
_CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}

SECRET = "a-shared-secret-of-sixty-four-octets-which-is-enough-for-any-hash"


@functools.cache
def private_key(kind: str) -> Any:
    """A private key, made once: ``RSA``, a curve's name, or one that JOSE has no use for."""
    if kind == "RSA":
        return rsa_key()
    if kind == "RSA-1024":
        return rsa.generate_private_key(65537, 1024)
    if kind == "secp256k1":
        return ec.generate_private_key(ec.SECP256K1())
    if kind == "brainpool":
        return ec.generate_private_key(ec.BrainpoolP256R1())
    if kind == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(_CURVES[kind])


def kind_for(alg: str) -> str:
    """The kind of key that an algorithm needs."""
    curves = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
    return curves.get(alg, "Ed25519" if alg[:2] == "Ed" else "RSA")


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> str:
    """A private key as PEM text."""
    hidden = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, hidden).decode()


def public_pem(key: Any) -> str:
    """The public half of a key as PEM text."""
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    """A private key as a JWK, with further members."""
    return {**public_parameters(key.public_key()), **_private_parameters(key), **more}


def _private_parameters(key: Any) -> dict[str, str]:
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        named = {"d": n.d, "p": n.p, "q": n.q, "dp": n.dmp1, "dq": n.dmq1, "qi": n.iqmp}
        return {name: b64_int(value) for name, value in named.items()}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {"d": b64_int(key.private_numbers().private_value, (key.key_size + 7) // 8)}
    return {"d": b64(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))}


def read(assertion: str, key: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check the signature of an assertion.

    :param key: the private key or the secret that must have made it.
    :returns: header and claims.
    """
    signing_input, _, signature = assertion.rpartition(".")
    header, claims = (json.loads(_decode(part)) for part in signing_input.split("."))
    if isinstance(key, str | bytes):
        key = key.encode() if isinstance(key, str) else key
        made = hmac.digest(key, signing_input.encode(), f"sha{header['alg'][2:]}")
        assert hmac.compare_digest(made, _decode(signature))
    else:
        _verify(key.public_key(), header["alg"], signing_input.encode(), _decode(signature))
    return header, claims


def _verify(public: Any, alg: str, data: bytes, signature: bytes) -> None:
    if alg[:2] == "Ed":
        return public.verify(signature, data)
    digest = _HASHES[alg[2:]]()
    if alg[:2] == "RS":
        return public.verify(signature, data, padding.PKCS1v15(), digest)
    if alg[:2] == "PS":
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return public.verify(signature, data, pss, digest)
    half = len(signature) // 2
    assert half == (public.key_size + 7) // 8
    r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    return public.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest))


def _decode(segment: str) -> bytes:
    assert "=" not in segment
    return base64.b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)
