"""Keys and signatures made without the JOSE library that the package uses."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed448
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat

SECRET = "a client secret of thirty-two characters"

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
_CURVE_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def b64(data: bytes | str) -> str:
    """Base64url without padding."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def b64_int(number: int, length: int | None = None) -> str:
    """A number in base64url (RFC 7518 section 2)."""
    return b64(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


@dataclasses.dataclass(frozen=True)
class Key:
    """A private key, with the algorithm that it signs with."""

    alg: str
    private: Any
    kid: str | None = "key-1"

    def sign(self, data: bytes) -> bytes:
        """The raw signature of RFC 7518."""
        return _SIGN[self.alg[:2]](self, data)

    @property
    def hash(self) -> Any:
        return _HASHES[self.alg[-3:]]

    @property
    def parameters(self) -> dict[str, Any]:
        """The members of the JWK that hold the key itself."""
        if isinstance(self.private, bytes):
            return {"kty": "oct", "k": b64(self.private)}
        return public_parameters(self.private.public_key())

    @property
    def jwk(self) -> dict[str, Any]:
        """The public JWK (the secret one of a MAC key)."""
        named = {} if self.kid is None else {"kid": self.kid}
        return {**self.parameters, "alg": self.alg, "use": "sig", **named}


def public_parameters(public: Any) -> dict[str, Any]:
    """A public key as the members of a JWK."""
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": b64_int(numbers.n), "e": b64_int(numbers.e)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        point, size = public.public_numbers(), (public.key_size + 7) // 8
        crv = _CURVE_NAMES[public.curve.name]
        return {"kty": "EC", "crv": crv, "x": b64_int(point.x, size), "y": b64_int(point.y, size)}
    crv = "Ed25519" if isinstance(public, ed25519.Ed25519PublicKey) else "Ed448"
    return {"kty": "OKP", "crv": crv, "x": b64(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def _sign_rsa(key: Key, data: bytes) -> bytes:
    return key.private.sign(data, padding.PKCS1v15(), key.hash)


def _sign_pss(key: Key, data: bytes) -> bytes:
    pss = padding.PSS(padding.MGF1(key.hash), key.hash.digest_size)
    return key.private.sign(data, pss, key.hash)


def _sign_ec(key: Key, data: bytes) -> bytes:
    r, s = decode_dss_signature(key.private.sign(data, ec.ECDSA(key.hash)))
    size = (key.private.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


_SIGN: dict[str, Callable[[Key, bytes], bytes]] = {
    "RS": _sign_rsa,
    "PS": _sign_pss,
    "ES": _sign_ec,
    "Ed": lambda key, data: key.private.sign(data),
    "HS": lambda key, data: hmac.digest(key.private, data, f"sha{key.alg[-3:]}"),
}


@functools.cache
def rsa_key(name: str = "ours", bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key, made once for each name."""
    return rsa.generate_private_key(65537, bits)


@functools.cache
def make_key(alg: str, name: str = "ours", kid: str | None = "key-1") -> Key:
    """A key for an algorithm, made once for each name."""
    if alg[:2] in ("RS", "PS"):
        return Key(alg, rsa_key(name), kid)
    if alg in _CURVES:
        return Key(alg, ec.generate_private_key(_CURVES[alg]), kid)
    if alg == "Ed448":
        return Key(alg, ed448.Ed448PrivateKey.generate(), kid)
    if alg[:2] == "HS":
        return Key(alg, SECRET.encode() if name == "ours" else name.encode() * 8, kid)
    return Key(alg, ed25519.Ed25519PrivateKey.generate(), kid)


def compact(header: Any, payload: Any, key: Key | None) -> str:
    """A compact JWS; header and payload are objects, or text that is taken as it is."""
    signing_input = f"{_segment(header)}.{_segment(payload)}"
    signature = b"" if key is None else key.sign(signing_input.encode())
    return f"{signing_input}.{b64(signature)}"


def _segment(value: Any) -> str:
    return b64(value if isinstance(value, str | bytes) else json.dumps(value))
