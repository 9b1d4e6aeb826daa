from __future__ import annotations

import pytest
import requests
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from flask_oauthclient.testing.provider import WSGIAdapter
from tests.testing._relying_party import CALLBACK
from tests.testing._relying_party import RelyingParty
from tests.testing._relying_party import header_of
from tests.testing._relying_party import query_of


def test_discovery(rp: RelyingParty, op: DevelopmentProvider) -> None:
    response = rp.get("/.well-known/openid-configuration")
    assert response.headers["Content-Type"] == "application/json"
    document = response.json()
    assert document["issuer"] == op.issuer == "http://127.0.0.1:5001"
    for endpoint in ("authorization", "token", "userinfo", "end_session"):
        assert document[f"{endpoint}_endpoint"].startswith(f"{op.issuer}/")
    assert document["jwks_uri"] == f"{op.issuer}/jwks"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert set(document["id_token_signing_alg_values_supported"]) == {"RS256", "ES256", "EdDSA"}


@pytest.mark.parametrize(
    "path",
    [
        "/op/.well-known/openid-configuration",
        "/.well-known/openid-configuration/op",
        "/.well-known/oauth-authorization-server/op",
    ],
)
def test_an_issuer_with_a_path_is_found_in_three_places(path: str) -> None:
    op = DevelopmentProvider("http://127.0.0.1:5001/op")
    with requests.Session() as session:
        session.mount("http://127.0.0.1:5001/", op.adapter())
        response = session.get(f"http://127.0.0.1:5001{path}")
        assert response.json()["issuer"] == "http://127.0.0.1:5001/op"
        assert response.json()["jwks_uri"] == "http://127.0.0.1:5001/op/jwks"
        assert session.get("http://127.0.0.1:5001/op/jwks").status_code == 200
        assert session.get("http://127.0.0.1:5001/jwks").status_code == 404
        assert session.get("http://127.0.0.1:5001/opera/jwks").status_code == 404


def test_an_issuer_may_end_with_a_slash() -> None:
    op = DevelopmentProvider("http://127.0.0.1:5001/op/")
    with requests.Session() as session:
        session.mount("http://127.0.0.1:5001/", op.adapter())
        url = "http://127.0.0.1:5001/op/.well-known/openid-configuration"
        document = session.get(url).json()
        assert document["issuer"] == "http://127.0.0.1:5001/op/"
        assert document["jwks_uri"] == "http://127.0.0.1:5001/op/jwks"


def test_mounted_inside_an_application() -> None:
    app = Flask("application")
    op = DevelopmentProvider("http://localhost/op")
    op.auto_sign_in = "alice"
    dispatcher = DispatcherMiddleware(app.wsgi_app, {"/op": op.wsgi})
    with requests.Session() as session:
        session.mount("http://localhost/", WSGIAdapter(dispatcher))
        document = session.get(f"{op.issuer}/.well-known/openid-configuration").json()
        rp = RelyingParty(op, session)
        assert document["token_endpoint"] == "http://localhost/op/token"
        assert "refresh_token" in rp.login(redirect_uri=CALLBACK)


def test_the_key_set_has_a_key_for_each_algorithm(rp: RelyingParty) -> None:
    response = rp.get("/jwks")
    assert response.headers["Content-Type"] == "application/jwk-set+json"
    keys = response.json()["keys"]
    assert [(key["kty"], key["alg"]) for key in keys] == [
        ("RSA", "RS256"),
        ("EC", "ES256"),
        ("OKP", "EdDSA"),
    ]
    assert all(key["use"] == "sig" for key in keys)
    assert not any(set(key) & {"d", "p", "q", "dp", "dq", "qi"} for key in keys)


@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration"])
def test_documents_are_revalidated_by_their_etag(rp: RelyingParty, path: str) -> None:
    first = rp.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    etag = first.headers["ETag"]
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        second = rp.get(path, headers={"If-None-Match": sent})
        assert second.status_code == 304
        assert second.headers["ETag"] == etag
        assert second.content == b""
    assert rp.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_cache_control_is_configurable(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.jwks_cache_control = "no-store"
    op.discovery_cache_control = None
    assert rp.get("/jwks").headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in rp.get("/.well-known/openid-configuration").headers


def test_rotation_keeps_the_old_keys_behind_the_new(rp: RelyingParty) -> None:
    old = rp.get("/jwks")
    before = header_of(rp.login()["id_token"])["kid"]
    rp.op.rotate_keys()
    after = header_of(rp.login()["id_token"])["kid"]
    kids = [key["kid"] for key in rp.get("/jwks").json()["keys"]]
    assert before != after
    assert kids.index(after) < kids.index(before)
    changed = rp.get("/jwks", headers={"If-None-Match": old.headers["ETag"]})
    assert changed.status_code == 200


def test_rotation_may_withdraw_the_old_keys(rp: RelyingParty) -> None:
    before = {key["kid"] for key in rp.get("/jwks").json()["keys"]}
    rp.op.rotate_keys(keep_old=False)
    after = {key["kid"] for key in rp.get("/jwks").json()["keys"]}
    assert len(after) == 3
    assert not before & after


def test_rotated_keys_are_other_keys(op: DevelopmentProvider) -> None:
    before = {key.public_jwk["n"] for key in op.keys if key.alg == "RS256"}
    op.rotate_keys(keep_old=False)
    after = {key.public_jwk["n"] for key in op.keys if key.alg == "RS256"}
    assert not before & after


def test_providers_share_no_key_unless_told_to() -> None:
    one, two = DevelopmentProvider(), DevelopmentProvider()
    ours = {key.public_jwk.get("n") or key.public_jwk["x"] for key in one.keys}
    theirs = {key.public_jwk.get("n") or key.public_jwk["x"] for key in two.keys}
    assert not ours & theirs
    ring = KeyRing()
    first, second = DevelopmentProvider(keys=ring), DevelopmentProvider(keys=ring)
    assert list(first.keys) == list(second.keys)


def test_a_collected_ring_gives_its_rsa_key_back() -> None:
    def modulus() -> str:
        return str(KeyRing().signing_key("RS256").public_jwk["n"])

    assert len({modulus() for _ in range(12)}) < 12


def test_state_and_issuer_come_back_together(rp: RelyingParty) -> None:
    rp.op.auto_sign_in = "alice"
    location = rp.authorize(state=None).headers["Location"]
    assert set(query_of(location)) == {"code", "iss"}
