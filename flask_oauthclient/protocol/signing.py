"""Keys of ours, and the JWTs that they sign: client assertions and assertion grants.

A key is read from whatever form it is configured in, once, and tells which algorithms fit it. No
text of a key ever becomes part of an error or a log record.
"""

from __future__ import annotations

import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from functools import lru_cache
from hashlib import blake2b
from secrets import token_bytes
from typing import Any

from . import jose
from .errors import InvalidSettingError

_log = logging.getLogger(__name__)

# What is kept to know a secret again does not tell the secret, short as it is.
_FINGERPRINT_KEY = token_bytes(32)

#: How keys begin that are neither PEM nor JWK: DER, and public keys of OpenSSH.
_OTHER_KEYS = (b"\x30\x82", b"ssh-", b"ecdsa-sha2-")
_BLANK = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A private key or MAC key, with what its JWK says of it."""

    kty: str
    crv: str | None
    kid: str | None
    stated_alg: str | None
    key: Any = field(repr=False)

    def algorithms(self) -> list[str]:
        """The algorithms that fit this key, the default first."""
        fitting = [alg for alg, needs in jose.ALGORITHMS.items() if self._has(*needs)]
        stated = self.stated_alg
        if stated is None:
            return fitting
        return sorted((alg for alg in fitting if _same(alg, stated)), key=stated.__ne__)

    def public_jwk(self) -> dict[str, Any]:
        """The public half, for servers to verify with (RFC 7517 section 4)."""
        jwk = {**jose.public_jwk(self.key), "use": "sig", "alg": self.algorithms()[0]}
        return jwk if self.kid is None else {**jwk, "kid": self.kid}

    def _has(self, kty: str, crv: str | None) -> bool:
        return kty == self.kty and crv in (None, self.crv)


def _same(alg: str, other: str) -> bool:
    # RFC 9864 section 2.2: two names of one algorithm.
    return alg == other or {alg, other} == {"EdDSA", "Ed25519"}


def is_key_text(value: object) -> bool:
    """Whether a text is a key in any usual form, and so no secret to be sent to anybody."""
    if not isinstance(value, str | bytes):
        return False
    octets = _octets(value)
    # Tools write other lines above a PEM key, and a byte order mark above those.
    if b"-----BEGIN " in octets or octets.startswith(_OTHER_KEYS):
        return True
    return octets.lstrip(_BLANK).startswith(b"{") and b'"kty"' in octets


# -- reading keys ----------------------------------------------------------------------------


def import_private_key(value: Any) -> SigningKey:
    """Read a private key; a text or JWK that has been read lately is not read again.

    :param value: PEM text or bytes (PKCS #1, SEC 1, PKCS #8), a JWK as a mapping or as JSON
        text, a key object of joserfc or cryptography.
    :raises InvalidSettingError: for anything else: a public or encrypted key, one on a curve
        without an algorithm here, or RSA below 2048 bits (RFC 7518 section 3.3).
    """
    found = _read(value)
    if found is None or found.kty == "oct":
        raise InvalidSettingError(
            "invalid_configuration",
            "This is no private key that can sign: pass an unencrypted PEM, a private JWK or a "
            "key object (RSA of 2048 bits at least, P-256, P-384, P-521 or Ed25519). A text "
            "secret signs with alg='HS256' and its kin only.",
        )
    return found


def import_mac_key(secret: Any) -> SigningKey:
    """Read a shared secret (RFC 7518 section 3.2).

    :param secret: text (its UTF-8 octets are the key, Core 10.1), bytes, an ``oct`` JWK as a
        mapping or a key object of joserfc.
    :raises InvalidSettingError: if it is empty, or a key of another kind: who signs with a key
        that may be published as if it were a secret can be impersonated.
    """
    plain = isinstance(secret, str | bytes) and not is_key_text(secret)
    found = _describe(_octets(secret), {}) if plain else _read(secret)
    if found is None or found.kty != "oct":
        raise InvalidSettingError(
            "invalid_configuration", "HS256 and its kin sign with a text secret and nothing else."
        )
    return found


def _read(value: Any) -> SigningKey | None:
    if isinstance(value, str | bytes):
        return _read_text(_octets(value))
    return _read_jwk(value) if isinstance(value, Mapping) else _describe(*jose.unwrap(value))


def _read_jwk(jwk: Mapping[str, Any]) -> SigningKey | None:
    try:
        text = json.dumps(dict(jwk))
    except (TypeError, ValueError, RecursionError):
        return None
    return _read_text(text.encode("ascii"))


# Reading an RSA key takes far longer than signing with it.
@lru_cache(maxsize=64)
def _read_text(octets: bytes) -> SigningKey | None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if octets.lstrip(_BLANK).startswith(b"{"):
            jwk = json.loads(octets.lstrip(_BLANK))
            return _describe(jose.native_key(jwk), jwk)
        return _describe(load_pem_private_key(octets, None), {})
    except Exception as failure:  # noqa: BLE001  whatever a broken key makes parsers raise
        _log.info("a key cannot be read: %s", type(failure).__name__)
        return None


def _describe(native: Any, jwk: Mapping[str, Any]) -> SigningKey | None:
    key = jose.wrap(native)
    # RFC 7517 sections 4.2 and 4.3
    meant = jwk.get("use") in (None, "sig") and "sign" in (jwk.get("key_ops") or ["sign"])
    if key is None or not meant:
        return None
    kid, alg = jwk.get("kid"), jwk.get("alg")
    found = SigningKey(
        kty=key.key_type,
        crv=jose.curve_name(key),
        kid=kid if isinstance(kid, str) else None,
        stated_alg=None if alg is None else str(alg),
        key=key,
    )
    return found if found.algorithms() else None


def _octets(text: str | bytes) -> bytes:
    return text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)


# -- signing ---------------------------------------------------------------------------------


def sign_jwt(
    key: SigningKey,
    claims: Mapping[str, Any],
    header: Mapping[str, Any] | None = None,
    alg: str | None = None,
) -> str:
    """Sign a JWT (RFC 7519 section 7.1) in the compact form.

    :param key: the key; its ``kid`` goes into the header unless the header has another.
    :param claims: the payload.
    :param header: further header parameters; an ``alg`` counts like the argument.
    :param alg: algorithm; default is what fits the key.
    :raises InvalidSettingError: if key and algorithm don't fit, or the claims are no JSON.
    """
    chosen = choose_alg(key, alg, header)
    kid = {} if key.kid is None else {"kid": key.kid}
    fields = {"typ": "JWT", **kid, **(header or {}), "alg": chosen}
    signing_input = b".".join([_segment(fields), _segment(claims)])
    if key.kty == "oct":
        _report_short_secret(key.key.raw_value, chosen)
    signature = jose.signer(key.key, chosen)(signing_input)
    return b".".join([signing_input, _b64(signature)]).decode("ascii")


def choose_alg(key: SigningKey, alg: str | None, header: Mapping[str, Any] | None = None) -> str:
    """The algorithm to sign with: the one asked for, else the key's first.

    :raises InvalidSettingError: if two are asked for, or the key cannot do it.
    """
    fitting = key.algorithms()
    stated = (header or {}).get("alg")
    chosen = alg or stated or fitting[0]
    if chosen not in fitting or stated not in (None, chosen):
        raise InvalidSettingError(
            "invalid_configuration",
            "alg does not fit the key; with this one it can be " + ", ".join(fitting) + ".",
        )
    return str(chosen)


def _report_short_secret(octets: bytes, alg: str) -> None:
    # RFC 7518 section 3.2 demands as many bits as the hash has. It was the server that chose the
    # secret; refusing to use it would help nobody. Said once for each.
    if len(octets) * 8 < int(alg[2:]):
        _report_short(blake2b(octets, digest_size=16, key=_FINGERPRINT_KEY).digest(), alg)


@lru_cache(maxsize=64)
def _report_short(fingerprint: bytes, alg: str) -> None:
    _log.warning("a secret that signs with %s is shorter than RFC 7518 3.2 demands", alg)


def _segment(value: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(dict(value), separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = ""
    if not text:  # raised here, so that the encoder's exception does not stand behind this one
        raise InvalidSettingError("invalid_configuration", "Claims and header have to be JSON.")
    return _b64(text.encode("ascii"))


def _b64(octets: bytes) -> bytes:
    return urlsafe_b64encode(octets).rstrip(b"=")
