"""Sealed values: AES-256-GCM under keys derived from the application's secret.

A sealed value can be neither read nor made nor moved to another place by whoever carries it. The
first secret seals; every secret opens, so that a secret can be rotated while logins are pending.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_INFO = b"flask_oauthclient sealed value v1"


def derive_key(secret: str | bytes, info: bytes) -> bytes:
    """Derive 32 bytes from a secret of any length by HKDF-SHA256 (RFC 5869).

    :param secret: the application's secret.
    :param info: what the key is for; other purposes give independent keys.
    """
    material = secret.encode("utf-8") if isinstance(secret, str) else secret
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), material, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


class Sealer:
    """Seal and open short values.

    :param secrets_: the current secret first, then those that were current before.
    """

    def __init__(self, secrets_: Sequence[str | bytes]) -> None:
        self._secrets = tuple(secrets_)

    @cached_property
    def _ciphers(self) -> list[AESGCM]:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return [AESGCM(derive_key(secret, _INFO)) for secret in self._secrets]

    @cached_property
    def mac_keys(self) -> list[bytes]:
        """Keys for short authentication tags, in the same order as the secrets."""
        return [derive_key(secret, b"flask_oauthclient tag v1") for secret in self._secrets]

    def seal(self, data: bytes, context: bytes) -> str:
        """Encrypt for one place.

        :param data: what to keep.
        :param context: where it belongs; it can be opened with the same context only.
        :returns: URL- and cookie-safe text.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _encode(nonce + self._ciphers[0].encrypt(nonce, data, context))

    def open(self, sealed: str, context: bytes) -> bytes | None:
        """Decrypt; ``None`` if the value was not sealed here for this context."""
        from cryptography.exceptions import InvalidTag

        raw = _decode(sealed)
        if len(raw) <= _NONCE_BYTES:
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context)
            except InvalidTag:
                continue
        return None


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    """Decode what :func:`_encode` wrote; nothing for any other text that means the same bytes."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return raw if _encode(raw) == text else b""
