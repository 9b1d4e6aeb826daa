from __future__ import annotations

import base64
import concurrent.futures
import typing as t

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jwt
from joserfc.jwk import KeySet

from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import VERIFIER
from tests.testing._relying_party import RelyingParty
from tests.testing._relying_party import claims_of
from tests.testing._relying_party import header_of

NOW = 1_800_000_000


def error_of(response: t.Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


def test_a_code_becomes_tokens(rp: RelyingParty) -> None:
    response = rp.redeem(rp.code())
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    token = response.json()
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 3600
    assert token["scope"] == "openid profile email api"
    assert token["refresh_token"]
    assert rp.bearer("/userinfo", token["access_token"]).json()["sub"] == "alice"


def test_id_token_claims(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.clock = lambda: NOW
    claims = claims_of(rp.login(acr_values="urn:unknown 2")["id_token"])
    assert claims["iss"] == op.issuer
    assert claims["aud"] == claims["azp"] == "demo"
    assert claims["sub"] == "alice"
    assert claims["nonce"] == "nonce-of-the-test"
    assert claims["iat"] == claims["auth_time"] == NOW
    assert claims["exp"] == NOW + 3600
    assert claims["acr"] == "2"
    assert claims["amr"] == ["user"]
    assert claims["sid"]
    assert claims["name"] == "Alice Example"
    assert claims["email"] == "alice@example.com"
    assert "address" not in claims


def test_scope_claims_may_be_left_to_userinfo(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.claims_in_id_token = False
    token = rp.login()
    assert "email" not in claims_of(token["id_token"])
    assert rp.bearer("/userinfo", token["access_token"]).json()["email"] == "alice@example.com"


def test_without_openid_there_is_no_id_token(rp: RelyingParty) -> None:
    token = rp.login(scope="api")
    assert "id_token" not in token
    assert rp.bearer("/userinfo", token["access_token"]).status_code == 403


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_the_signature_verifies_with_the_published_keys(rp: RelyingParty, alg: str) -> None:
    rp.op.signing_alg = alg
    token = rp.login()["id_token"]
    keys = KeySet.import_key_set(rp.get("/jwks").json())
    assert jwt.decode(token, keys, algorithms=[alg]).claims["sub"] == "alice"
    assert header_of(token)["alg"] == alg


def test_an_eddsa_signature_verifies_with_the_published_key(rp: RelyingParty) -> None:
    rp.op.signing_alg = "EdDSA"
    token = rp.login()["id_token"]
    kid = header_of(token)["kid"]
    jwk = next(key for key in rp.get("/jwks").json()["keys"] if key["kid"] == kid)
    signed, _, signature = token.rpartition(".")
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "="))
    key.verify(base64.urlsafe_b64decode(signature + "=="), signed.encode())


def test_a_client_may_have_its_own_algorithm(rp: RelyingParty, op: DevelopmentProvider) -> None:
    secret = "a-secret-that-is-long-enough-for-hs256"
    record = ClientRecord(
        "es", secret, id_token_signed_response_alg="ES256", any_loopback_redirect=True
    )
    op.add_client(record)
    response = rp.redeem(rp.code(client_id="es"), auth=("es", secret))
    assert header_of(response.json()["id_token"])["alg"] == "ES256"


def test_hs256_is_keyed_with_the_client_secret(rp: RelyingParty, op: DevelopmentProvider) -> None:
    secret = "a-secret-that-is-long-enough-for-hs256"
    record = ClientRecord(
        "hs", secret, id_token_signed_response_alg="HS256", any_loopback_redirect=True
    )
    op.add_client(record)
    token = rp.redeem(rp.code(client_id="hs"), auth=("hs", secret)).json()["id_token"]
    assert header_of(token) == {"alg": "HS256", "typ": "JWT"}
    key = KeySet.import_key_set({"keys": [{"kty": "oct", "k": _b64(secret.encode())}]}).keys[0]
    assert jwt.decode(token, key, algorithms=["HS256"]).claims["sub"] == "alice"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("alg", "digest"), [("RS256", "sha256"), ("ES256", "sha256"), ("EdDSA", "sha512")]
)
def test_at_hash_is_half_of_the_algorithms_hash(rp: RelyingParty, alg: str, digest: str) -> None:
    import hashlib

    rp.op.signing_alg = alg
    token = rp.login()
    whole = hashlib.new(digest, token["access_token"].encode()).digest()
    assert claims_of(token["id_token"])["at_hash"] == _b64(whole[: len(whole) // 2])


def test_a_code_works_once_and_its_replay_ends_the_grant(rp: RelyingParty) -> None:
    code = rp.code()
    token = rp.redeem(code).json()
    assert rp.bearer("/userinfo", token["access_token"]).status_code == 200
    assert error_of(rp.redeem(code)) == (400, "invalid_grant")
    assert rp.bearer("/userinfo", token["access_token"]).status_code == 401
    assert error_of(rp.refresh(token["refresh_token"])) == (400, "invalid_grant")


def test_another_client_cannot_use_or_end_anything(rp: RelyingParty) -> None:
    rp.op.add_client(ClientRecord("other", "secret-of-other", any_loopback_redirect=True))
    code = rp.code()
    other = ("other", "secret-of-other")
    assert error_of(rp.redeem(code, auth=other)) == (400, "invalid_grant")
    token = rp.redeem(code).json()
    assert error_of(rp.redeem(code, auth=other)) == (400, "invalid_grant")
    assert error_of(rp.refresh(token["refresh_token"], auth=other)) == (400, "invalid_grant")
    assert rp.bearer("/userinfo", token["access_token"]).status_code == 200
    assert rp.refresh(token["refresh_token"]).status_code == 200


def test_of_many_redemptions_at_once_one_wins(rp: RelyingParty) -> None:
    code = rp.code()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: rp.redeem(code).status_code, range(8)))
    assert sorted(answers) == [200] + [400] * 7


def test_a_code_expires(rp: RelyingParty, op: DevelopmentProvider) -> None:
    now = float(NOW)
    op.clock = lambda: now
    op.authorization_code_lifetime = 30
    code = rp.code()
    now += 30
    assert error_of(rp.redeem(code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong"},
        {"code_verifier": None},
        {"code_verifier": "short"},
        {"code_verifier": "v" * 129},
        {"code_verifier": "ä" * 43},
        {"redirect_uri": "http://localhost/other"},
        {"redirect_uri": None},
    ],
)
def test_a_code_needs_its_verifier_and_redirect_uri(
    rp: RelyingParty, changes: dict[str, str | None]
) -> None:
    assert error_of(rp.redeem(rp.code(), **changes)) == (400, "invalid_grant")


def test_a_verifier_without_a_challenge_is_refused(rp: RelyingParty) -> None:
    without = {"code_challenge": None, "code_challenge_method": None}
    assert rp.redeem(rp.code(**without), code_verifier=None).status_code == 200
    downgraded = rp.redeem(rp.code(**without), code_verifier=VERIFIER)
    assert error_of(downgraded) == (400, "invalid_grant")


def test_a_refresh_token_rotates(rp: RelyingParty) -> None:
    first = rp.login()
    second = rp.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    third = rp.refresh(second["refresh_token"])
    assert third.status_code == 200


def test_reuse_of_a_refresh_token_ends_the_family(rp: RelyingParty) -> None:
    first = rp.login()
    second = rp.refresh(first["refresh_token"]).json()
    assert error_of(rp.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert error_of(rp.refresh(second["refresh_token"])) == (400, "invalid_grant")
    for token in (first, second):
        assert rp.bearer("/userinfo", token["access_token"]).status_code == 401


def test_reuse_leaves_other_grants_alone(rp: RelyingParty) -> None:
    first, other = rp.login(), rp.login()
    rp.refresh(first["refresh_token"])
    rp.refresh(first["refresh_token"])
    assert rp.refresh(other["refresh_token"]).status_code == 200


def test_without_rotation_the_refresh_token_stays(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    op.rotate_refresh_tokens = False
    refresh_token = rp.login()["refresh_token"]
    assert "refresh_token" not in rp.refresh(refresh_token).json()
    assert rp.refresh(refresh_token).status_code == 200


def test_a_refreshed_id_token_is_of_the_same_sign_in(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    now = float(NOW)
    op.clock = lambda: now
    first = rp.login()
    now += 100
    second = rp.refresh(first["refresh_token"]).json()
    before, after = claims_of(first["id_token"]), claims_of(second["id_token"])
    assert after["sub"] == before["sub"]
    assert after["sid"] == before["sid"]
    assert after["auth_time"] == before["auth_time"]
    assert after["iat"] == before["iat"] + 100
    assert "nonce" not in after


def test_a_refresh_may_narrow_the_scope_and_not_widen_it(rp: RelyingParty) -> None:
    token = rp.login(scope="openid email")
    narrowed = rp.refresh(token["refresh_token"], scope="openid").json()
    assert narrowed["scope"] == "openid"
    again = rp.refresh(narrowed["refresh_token"]).json()
    assert again["scope"] == "openid email"
    widened = rp.refresh(again["refresh_token"], scope="openid email api")
    assert error_of(widened) == (400, "invalid_scope")


def test_a_refresh_token_expires(rp: RelyingParty, op: DevelopmentProvider) -> None:
    now = float(NOW)
    op.clock = lambda: now
    op.refresh_token_lifetime = 10
    token = rp.login()
    now += 10
    assert error_of(rp.refresh(token["refresh_token"])) == (400, "invalid_grant")


def test_refresh_tokens_may_need_offline_access(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.always_refresh_token = False
    assert "refresh_token" not in rp.login()
    assert "refresh_token" in rp.login(scope="openid offline_access")


def test_an_administrator_revokes_a_grant(rp: RelyingParty, op: DevelopmentProvider) -> None:
    token = rp.login()
    assert op.grants.revoke(token["access_token"]) is True
    assert op.grants.revoke("unknown") is False
    assert rp.bearer("/api/me", token["access_token"]).status_code == 401
    assert error_of(rp.refresh(token["refresh_token"])) == (400, "invalid_grant")


def test_the_access_token_lifetime_is_configurable(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    now = float(NOW)
    op.clock = lambda: now
    op.access_token_lifetime = 5
    token = rp.login()
    assert token["expires_in"] == 5
    assert rp.bearer("/userinfo", token["access_token"]).status_code == 200
    now += 5
    assert rp.bearer("/userinfo", token["access_token"]).status_code == 401


def test_client_credentials(rp: RelyingParty) -> None:
    response = rp.token(grant_type="client_credentials", scope="api", redirect_uri=None)
    token = response.json()
    assert set(token) == {"access_token", "token_type", "expires_in", "scope"}
    me = rp.bearer("/api/me", token["access_token"]).json()
    assert (me["sub"], me["client_id"], me["scope"]) == ("demo", "demo", "api")


def test_client_credentials_give_no_identity(rp: RelyingParty) -> None:
    refused = rp.token(grant_type="client_credentials", scope="openid", redirect_uri=None)
    assert error_of(refused) == (400, "invalid_scope")


def test_client_credentials_are_not_for_public_clients(rp: RelyingParty) -> None:
    refused = rp.token(
        grant_type="client_credentials", client_id="demo-public", redirect_uri=None, auth=None
    )
    assert error_of(refused) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "device_code"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, "invalid_grant"),
    ],
)
def test_token_request_errors(rp: RelyingParty, changes: dict[str, str | None], error: str) -> None:
    response = rp.token(**changes)
    assert error_of(response) == (400, error)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"


def test_the_token_request_is_a_form_post(rp: RelyingParty) -> None:
    assert rp.get("/token").status_code == 405
    response = rp.post("/token", json={"grant_type": "client_credentials"})
    assert error_of(response) == (400, "invalid_request")


def test_a_repeated_token_parameter_is_refused(rp: RelyingParty) -> None:
    form = [("grant_type", "client_credentials"), ("scope", "api"), ("scope", "api")]
    response = rp.post("/token", data=form, auth=("demo", DEMO_CLIENT_SECRET))
    assert error_of(response) == (400, "invalid_request")
