"""RSA private keys: reading them, and signing with them (RFC 5849 section 3.4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ..errors import InvalidSettingError

_PADDING = PKCS1v15()
_DIGESTS: Mapping[str, HashAlgorithm] = {
    "sha1": SHA1(),  # noqa: S303 - RSA-SHA1 is the RFC's method
    "sha256": SHA256(),
    "sha512": SHA512(),
}


def read_private_key(key: Any) -> RSAPrivateKey:
    """Read an RSA private key.

    :param key: PEM (PKCS#1 or PKCS#8, unencrypted) as text or bytes, or the key object.
    :raises InvalidSettingError: if it is anything else; the message doesn't show it.
    """
    if not key:
        raise InvalidSettingError(
            "missing_configuration", "rsa_key is needed for the RSA signature methods."
        )
    parsed = _parse(key) if isinstance(key, str | bytes) else key
    if not isinstance(parsed, RSAPrivateKey):
        raise InvalidSettingError(
            "invalid_configuration", "rsa_key is no unencrypted RSA private key in PEM form."
        )
    return parsed


def _parse(key: str | bytes) -> object:
    try:
        return load_pem_private_key(
            key.encode("utf-8", "replace") if isinstance(key, str) else key, None
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None  # the reason may quote the key; it is told apart above


def sign_pkcs1_v15(key: RSAPrivateKey, text: bytes, digest: str) -> bytes:
    """RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2)."""
    return key.sign(text, _PADDING, _DIGESTS[digest])
