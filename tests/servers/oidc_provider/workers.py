"""Clients without users: what they are registered with, and the key they sign with."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any

from joserfc.jwk import ECKey
from joserfc.jwk import OKPKey
from joserfc.jwk import RSAKey

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_USUAL_ALGORITHM = {"client_secret_jwt": "HS256", "private_key_jwt": "RS256"}


@dataclass(frozen=True, slots=True)
class Worker:
    """A client that gets its tokens without a user, and what it proves itself with."""

    client_id: str
    #: ``token_endpoint_auth_method`` of its registration.
    method: str
    #: What it signs with: as ``method``, or its assertions for the grant; ``None`` for nothing.
    algorithm: str | None
    #: Empty for a client without a secret.
    client_secret: str = field(repr=False)
    #: In PEM; empty for a client without a key.
    private_key: str = field(repr=False)


def make_worker(
    client_id: str, method: str, *, algorithm: str | None = None, **metadata: Any
) -> tuple[Worker, dict[str, Any]]:
    """A new client, with a new key where it signs with one, and its metadata for the provider."""
    algorithm = algorithm or _USUAL_ALGORITHM.get(method)
    key = None if algorithm is None or algorithm.startswith("HS") else _new_key(algorithm)
    worker = Worker(
        client_id,
        method,
        algorithm,
        # As long as the hash of HS512, which is keyed with it.
        client_secret=f"{client_id}-secret-".ljust(64, "0") if "secret" in method else "",
        private_key=key.as_pem(private=True).decode() if key else "",
    )
    jwks = {"jwks": {"keys": [key.as_dict(private=False)]}} if key else {}
    return worker, {**_metadata(worker), **jwks, **metadata}


def _metadata(worker: Worker) -> dict[str, Any]:
    signs = worker.method.endswith("_jwt")
    return {
        "client_id": worker.client_id,
        "token_endpoint_auth_method": worker.method,
        "grant_types": ["client_credentials", JWT_BEARER],
        "redirect_uris": [],
        "response_types": [],
        **({"client_secret": worker.client_secret} if worker.client_secret else {}),
        **({"token_endpoint_auth_signing_alg": worker.algorithm} if signs else {}),
    }


def _new_key(algorithm: str) -> RSAKey | ECKey | OKPKey:
    if algorithm in _CURVES:
        return ECKey.generate_key(_CURVES[algorithm])
    if algorithm in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519")
    return RSAKey.generate_key(2048)
