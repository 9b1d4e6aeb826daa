"""Row ``id-token``: the check of an ID token over the bare verification of its signature."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask

from flask_oauthclient.protocol.oidc.id_token import Expected
from flask_oauthclient.protocol.oidc.id_token import verify_id_token
from flask_oauthclient.protocol.oidc.jwks import JWKSet
from tests.benchmarks._apps import each_side
from tests.benchmarks._apps import oauth_class
from tests.benchmarks._floor import check_id_token
from tests.benchmarks._floor import parse_keys
from tests.benchmarks._harness import Contender
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Samples
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._harness import repeat
from tests.benchmarks._server import API_TOKEN
from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET
from tests.benchmarks._server import SigningKey
from tests.benchmarks._server import id_token_claims

ISSUER = "https://op.example.com"
METADATA = {"issuer": ISSUER, "id_token_signing_alg_values_supported": ["RS256"]}
NONCE = "Fy3kqYtq0nJ1mTgV2v0b9uQ7cXw8sZ5dLhR4pKaBeMo"


def id_tokens(settings: Settings) -> Iterator[Row]:
    """Check a token against sets of 1, 3 and 8 keys."""
    for count in (1, 3, 8):
        keys = [SigningKey() for _ in range(count)]
        id_token = keys[-1].sign(id_token_claims(ISSUER, NONCE, API_TOKEN))
        samples = compare(_contenders(keys, id_token), settings.rounds)
        title = f"ID token check RS256, {count} in the set / raw verify"
        yield _row(f"id-token-{count}", title, samples, "core", 2.2)
        yield _row(f"id-token-{count}-app", f"{title}, by parse_id_token()", samples, "ours", None)


def _row(name: str, what: str, samples: Samples, ours: str, limit: float | None) -> Row:
    authlib, own = (samples.ratio(side, over="raw") for side in ("authlib", ours))
    return Row(name, what, authlib, own, limit, detail=samples.microseconds())


def _contenders(keys: list[SigningKey], id_token: str) -> dict[str, Contender]:
    jwk_set = {"keys": [key.jwk() for key in keys]}
    parsed = parse_keys(jwk_set)
    return {
        "raw": _raw(keys[-1], id_token),
        "floor": repeat(lambda: check_id_token(id_token, parsed, ISSUER, NONCE, API_TOKEN)),
        "core": _core(jwk_set, id_token),
        **each_side(lambda side: _library(side, jwk_set, id_token)),
    }


def _raw(key: SigningKey, id_token: str) -> Contender:
    public_key = key.private_key.public_key()
    signing_input, _, _ = id_token.rpartition(".")
    message = signing_input.encode()
    signature = key.private_key.sign(message, PKCS1v15(), SHA256())
    padding, digest = PKCS1v15(), SHA256()
    return repeat(lambda: public_key.verify(signature, message, padding, digest))


def _core(jwk_set: dict[str, Any], id_token: str) -> Contender:
    keys = JWKSet(jwk_set["keys"])
    algs = frozenset({"RS256"})

    def check() -> None:
        expected = Expected(CLIENT_ID, ISSUER, algs, NONCE, API_TOKEN)
        verify_id_token(id_token, keys, expected, time.time())

    return repeat(check)


def _library(side: str, jwk_set: dict[str, Any], id_token: str) -> Contender:
    app = Flask(side)
    oauth = oauth_class(side)()
    oauth.init_app(app)
    metadata = METADATA | {"jwks": jwk_set}
    client = oauth.register(
        "demo",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        **(metadata if side == "authlib" else {"server_metadata": metadata}),
    )
    token = {"access_token": API_TOKEN, "id_token": id_token}
    check = repeat(lambda: client.parse_id_token(token, nonce=NONCE))

    def run(times: int) -> float:
        with app.app_context():
            return check(times)

    return run
