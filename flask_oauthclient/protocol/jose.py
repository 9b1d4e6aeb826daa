"""The only file that touches the JOSE library, which is imported on first use.

joserfc knows how keys are encoded and how signatures are computed. What may be accepted, and
from whom, is decided here and in the files above.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

_log = logging.getLogger(__name__)

#: Signature check of one key and algorithm: (signed data, signature) -> whether it is good.
Verifier = Callable[[bytes, bytes], bool]

#: Signature of one key and algorithm: data -> signature.
Signer = Callable[[bytes], bytes]

#: What each algorithm needs: key type, and curve or ``None`` (RFC 7518 3.1, RFC 8037, RFC 9864).
ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
    "HS256": ("oct", None),
    "HS384": ("oct", None),
    "HS512": ("oct", None),
}

#: What a key that was fetched may verify: never a MAC, whose key would be public.
ASYMMETRIC = frozenset(name for name, (kty, _) in ALGORITHMS.items() if kty != "oct")
SYMMETRIC = frozenset(ALGORITHMS) - ASYMMETRIC

MIN_RSA_BITS = 2048  # RFC 7518 section 3.3


def import_jwk(jwk: Mapping[str, Any]) -> Any | None:
    """Import one key of a set (RFC 7517).

    :returns: the key object, or ``None`` for a key that is broken, too weak or of an unknown
        kind: a set may hold keys for others (section 5).
    """
    from joserfc.jwk import JWKRegistry

    try:
        key: Any = JWKRegistry.import_key(dict(jwk))
        weak = key.key_type == "RSA" and key.raw_value.key_size < MIN_RSA_BITS
    except Exception as failure:  # noqa: BLE001  whatever a hostile key makes parsers raise
        _log.info("skipped a key of the key set: %s", type(failure).__name__)
        return None
    return None if weak else key


def import_secret(secret: str) -> Any:
    """Make a MAC key of a client secret (Core 10.1: its UTF-8 octets)."""
    from joserfc.jwk import OctKey

    octets = secret.encode("utf-8")
    return OctKey(octets, octets)  # its length is judged when the client is registered


def verifier(key: Any, alg: str) -> Verifier:
    """Bind a key to the one algorithm it is used with."""
    from joserfc.jws import JWSRegistry

    model = JWSRegistry.algorithms[alg]
    # RFC 8017 8.1.2, 8.2.2: exactly as long as the modulus. The primitive forgives a missing zero
    # at the front of a PSS signature, which makes two strings of one token.
    length = (key.raw_value.key_size + 7) // 8 if key.key_type == "RSA" else None

    def verify(data: bytes, signature: bytes) -> bool:
        if length is not None and len(signature) != length:
            return False
        try:
            return model.verify(data, signature, key)
        except ValueError:  # a signature that the primitive cannot even read
            return False

    return verify


def native_key(jwk: Mapping[str, Any]) -> Any:
    """Take the key itself out of a JWK.

    :returns: a key of the cryptography library, public or private, or the octets of a MAC key.
    :raises Exception: whatever a broken key makes the parsers raise.
    """
    from joserfc.jwk import JWKRegistry

    # The binding alone: the key classes warn of a weak key, which the caller refuses anyway.
    binding: Any = JWKRegistry.key_types[jwk["kty"]].binding
    return binding.import_from_dict(dict(jwk))


def unwrap(value: Any) -> tuple[Any, Mapping[str, Any]]:
    """Take a key object of the library apart: the key itself, and its JWK.

    :returns: the value and nothing for any other object.
    """
    from joserfc.jwk import ECKey
    from joserfc.jwk import OctKey
    from joserfc.jwk import OKPKey
    from joserfc.jwk import RSAKey

    if isinstance(value, RSAKey | ECKey | OKPKey | OctKey):
        return value.raw_value, value.dict_value
    return value, {}


def wrap(native: Any) -> Any | None:
    """Make a key object of a private key or of the octets of a MAC key.

    :returns: the key object, or ``None`` for a public key, a weak one, or anything else.
    """
    from joserfc.jwk import ECKey
    from joserfc.jwk import OctKey
    from joserfc.jwk import OKPKey
    from joserfc.jwk import RSAKey

    if isinstance(native, bytes):
        return OctKey(native, native) if native else None
    kinds: tuple[Any, ...] = (RSAKey, ECKey, OKPKey)
    kind = next((kind for kind in kinds if kind.binding.check_cryptography_key(native)), None)
    key = kind(native, native) if kind else None
    if key is None or not key.is_private:
        return None
    return None if kind is RSAKey and native.key_size < MIN_RSA_BITS else key


def public_jwk(key: Any) -> dict[str, Any]:
    """The public half of a key object of ours, as a JWK (RFC 7517)."""
    jwk: dict[str, Any] = key.as_dict(private=False)
    return jwk


def curve_name(key: Any) -> str | None:
    """The JOSE name of a key's curve, if it has a curve and that a name."""
    try:
        return getattr(key, "curve_name", None)
    except KeyError:
        return None


def signer(key: Any, alg: str) -> Signer:
    """Bind a key object to the algorithm that it signs with."""
    from joserfc.jws import JWSRegistry

    model = JWSRegistry.algorithms[alg]
    return lambda data: model.sign(data, key)
