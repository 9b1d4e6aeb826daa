"""The keys that the application publishes for providers (``jwks_uri`` of a client)."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from flask import Flask
from joserfc.jwk import ECKey
from joserfc.jwk import OKPKey
from joserfc.jwk import RSAKey

from flask_oauthclient import OAuth
from flask_oauthclient.protocol.oauth2 import ClientSecretJWT
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from tests.helpers.leaks import Watch

ENDPOINTS = {"authorize_url": "https://op.test/a", "access_token_url": "https://op.test/t"}
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
PUBLIC_MEMBERS = {
    "RSA": {"kty", "n", "e", "use"},
    "EC": {"kty", "crv", "x", "y", "use"},
    "OKP": {"kty", "crv", "x", "use"},
}

MADE = {
    "RSA": rsa.generate_private_key(65537, 2048),
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def pem(kind: str) -> str:
    form = MADE[kind].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return form.decode()


def jwk(kind: str, **members: Any) -> dict[str, Any]:
    cls: Any = {"RSA": RSAKey, "Ed25519": OKPKey}.get(kind, ECKey)
    return {**cls.import_key(pem(kind)).as_dict(private=True), **members}


def published(*registrations: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    """The keys of an application with these clients."""
    return list(answer(*registrations, **settings).json["keys"])


def answer(*registrations: dict[str, Any], **settings: Any) -> Any:
    app = Flask("keys")
    app.config["SECRET_KEY"] = "the secret key of this application"
    oauth = OAuth(app)
    for number, registration in enumerate(registrations):
        endpoints = {} if "request_token_url" in registration else ENDPOINTS
        oauth.register(f"op{number}", **{"client_id": "me", **endpoints, **registration})
    app.register_blueprint(oauth.create_blueprint(**settings), url_prefix="/auth")
    return app.test_client().get("/auth/jwks.json")


@pytest.fixture(autouse=True)
def _keys_are_secret(watch: Watch) -> None:
    for kind in MADE:
        watch.secret(*pem(kind).splitlines()[1:-2])
        watch.secret(jwk(kind)["d"])


FORMS = {
    "PEM": lambda kind: {"client_secret": pem(kind)},
    "bytes": lambda kind: {"client_secret": pem(kind).encode()},
    "JWK": lambda kind: {"client_secret": json.dumps(jwk(kind))},
    "mapping": lambda kind: {
        "client_secret": jwk(kind),
        "token_endpoint_auth_method": "private_key_jwt",
    },
    "object": lambda kind: {"token_endpoint_auth_method": PrivateKeyJWT(key=pem(kind))},
    "object without key": lambda kind: {
        "client_secret": pem(kind),
        "token_endpoint_auth_method": PrivateKeyJWT(),
    },
    "methods": lambda kind: {"client_auth_methods": [PrivateKeyJWT(key=jwk(kind))]},
}


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_public_half_is_published(form: Any, kind: str) -> None:
    [key] = published(form(kind))

    assert not PRIVATE_MEMBERS & key.keys()
    assert key.keys() - {"kid"} == PUBLIC_MEMBERS[key["kty"]]
    private = jwk(kind)
    assert {name: private[name] for name in key if name not in ("use", "kid")} == {
        name: value for name, value in key.items() if name not in ("use", "kid")
    }
    assert key["use"] == "sig"


def test_name_and_algorithm_of_a_jwk_are_kept_and_nothing_else() -> None:
    given = jwk("RSA", kid="this-key", alg="PS256", key_ops=["sign"], x5c=["Zm9v"], note="secret")
    [key] = published({"client_secret": json.dumps(given)})

    assert (key["kid"], key["alg"], key["use"]) == ("this-key", "PS256", "sig")
    assert key.keys() == {"kty", "n", "e", "use", "kid", "alg"}


def test_algorithm_that_depends_on_the_server_is_not_promised() -> None:
    # Published as RS256, a key would be refused with the PS256 that the client signs with.
    [key] = published({"token_endpoint_auth_method": PrivateKeyJWT(key=pem("RSA"), alg="PS256")})
    assert "alg" not in key


@pytest.mark.parametrize(
    "registration",
    [
        {"client_secret": "a plain client secret of some length"},
        {"client_secret": "x" * 40, "token_endpoint_auth_method": "client_secret_jwt"},
        {"client_secret": "x" * 40, "token_endpoint_auth_method": ClientSecretJWT()},
        {"client_secret": "x" * 40, "client_auth_methods": [ClientSecretJWT(alg="HS512")]},
        {"token_endpoint_auth_method": "none"},
        {},
        {
            "client_secret": "a secret of OAuth 1.0a",
            "request_token_url": "https://op.test/r",
            "authorize_url": "https://op.test/a",
            "access_token_url": "https://op.test/t",
        },
    ],
    ids=["secret", "JWT by name", "JWT", "JWT method", "none", "public", "OAuth 1.0a"],
)
def test_secrets_are_never_published(registration: dict[str, Any]) -> None:
    given = answer(registration)
    assert given.status_code == 200
    assert given.json == {"keys": []}


@pytest.mark.parametrize(
    "broken",
    [
        json.dumps({"kty": "oct", "k": "c2VjcmV0LW9mLW91cnMtMDEyMzQ1Njc4OQ"}),
        "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----",
    ],
    ids=["symmetric", "garbage"],
)
def test_broken_key_does_not_take_the_others_along(
    broken: str, caplog: pytest.LogCaptureFixture, watch: Watch
) -> None:
    watch.secret("c2VjcmV0LW9mLW91cnMtMDEyMzQ1Njc4OQ", "bm90IGEga2V5")
    keys = published({"client_secret": broken}, {"client_secret": pem("P-256")})

    assert [key["kty"] for key in keys] == ["EC"]
    assert not any(PRIVATE_MEMBERS & key.keys() for key in keys)
    assert [r.levelno for r in caplog.records if r.levelno > logging.INFO] == [logging.WARNING]


def test_key_of_two_clients_is_published_once() -> None:
    given = {"client_secret": pem("P-256")}
    assert len(published(given, given, {"client_secret": pem("RSA")})) == 2


def test_only_the_clients_of_the_blueprint() -> None:
    keys = published(
        {"client_secret": pem("P-256")}, {"client_secret": pem("RSA")}, providers=["op1"]
    )
    assert [key["kty"] for key in keys] == ["RSA"]


def test_it_is_a_key_set_that_may_be_cached() -> None:
    given = answer({"client_secret": pem("P-256")})
    assert given.content_type == "application/jwk-set+json"
    assert given.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in given.headers
