"""One login, as its ID token has to describe it; cases change a detail."""

from __future__ import annotations

import hashlib
from typing import Any

from flask_oauthclient.protocol.jose import ASYMMETRIC
from flask_oauthclient.protocol.oidc.id_token import Expected
from flask_oauthclient.protocol.oidc.id_token import IDTokenContent
from flask_oauthclient.protocol.oidc.id_token import verify_id_token
from flask_oauthclient.protocol.oidc.jwks import JWKSet
from tests.protocol._keys import SECRET
from tests.protocol._keys import Key
from tests.protocol._keys import b64
from tests.protocol._keys import compact
from tests.protocol._keys import make_key

NOW = 1_760_000_000.0
ISSUER = "https://op.test"
CLIENT = "me"
NONCE = "nonce-of-this-login"
ACCESS_TOKEN = "access-token-of-this-login"
CODE = "code-of-this-login"
STATE = "state-of-this-login"

#: What this login expects of its ID token, as the fields of :class:`Expected`.
LOGIN = {"client_id": CLIENT, "issuer": ISSUER, "nonce": NONCE, "access_token": ACCESS_TOKEN}

#: Every algorithm that an ID token may be signed with, as the tests make them.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256", "HS384", "HS512"),
)

#: Stands for a member that is left out.
ABSENT = object()


def edit(members: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Change members, or take them out."""
    return {k: v for k, v in {**members, **changes}.items() if v is not ABSENT}


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good ID token."""
    good = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": CLIENT,
        "exp": int(NOW) + 300,
        "iat": int(NOW),
        "nonce": NONCE,
    }
    return edit(good, **changes)


def left_half(alg: str, value: str) -> str:
    """The hash of Core 3.1.3.6, computed a second time."""
    name = "sha512" if alg in ("EdDSA", "Ed25519") else f"sha{alg[-3:]}"
    digest = hashlib.new(name, value.encode()).digest()
    return b64(digest[: len(digest) // 2])


def key_set(*keys: Key | dict[str, Any]) -> JWKSet:
    """A published key set."""
    return JWKSet([key.jwk if isinstance(key, Key) else key for key in keys])


def verify(token: object, keys: JWKSet | None = None, **changes: Any) -> IDTokenContent:
    """Verify a token of this login; by default the key is our RS256 one."""
    expected = Expected(**{**LOGIN, **changes})
    keys = key_set(make_key("RS256")) if keys is None else keys
    return verify_id_token(token, keys, expected, NOW)


def verify_by(alg: str, header: Any = None, payload: Any = None, **changes: Any) -> IDTokenContent:
    """Sign with the right key of an algorithm, then verify.

    :param header: changes of the header.
    :param payload: the payload, if not the good one.
    """
    key = make_key(alg)
    token = compact(edit({"alg": alg, "kid": key.kid}, **(header or {})), payload or claims(), key)
    algs = changes.pop("algs", ASYMMETRIC | {alg})
    keys = JWKSet.from_secret(SECRET) if alg.startswith("HS") else key_set(key)
    return verify(token, keys, algs=algs, **changes)
