"""Clients that sign, by a JOSE library that the provider doesn't use."""

from __future__ import annotations

import secrets
import time
import typing as t

from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jwk import Key
from joserfc.jwk import OctKey
from joserfc.jwk import OKPKey
from joserfc.jwk import RSAKey

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def new_key(alg: str) -> Key:
    if alg in _CURVES:
        return ECKey.generate_key(_CURVES[alg])
    if alg in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519")
    return RSAKey.generate_key(2048)


def jwks(*keys: Key) -> dict[str, t.Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def signed(
    key: Key | str,
    alg: str,
    client_id: str,
    *,
    sub: str | None = None,
    header: t.Mapping[str, t.Any] | None = None,
    **claims: t.Any,
) -> str:
    """A JWT that a client made; a claim that is ``None`` is left out."""
    payload: dict[str, t.Any] = {
        "iss": client_id,
        "sub": client_id if sub is None else sub,
        "aud": "http://127.0.0.1:5001",
        "exp": int(time.time()) + 60,
        "jti": secrets.token_urlsafe(16),
        **claims,
    }
    sent = {name: value for name, value in payload.items() if value is not None}
    signing_key = OctKey.import_key(key) if isinstance(key, str) else key
    return jwt.encode({"alg": alg, **(header or {})}, sent, signing_key, algorithms=[alg])
