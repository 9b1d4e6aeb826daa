from __future__ import annotations

import time
import typing as t

import pytest
import requests

from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import RelyingParty
from tests.testing._signing import jwks
from tests.testing._signing import new_key
from tests.testing._signing import signed

CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEMO = ("demo", DEMO_CLIENT_SECRET)
BOTH = pytest.mark.parametrize("path", ["/revoke", "/introspect"])


def send(
    rp: RelyingParty, path: str, token: str | None, auth: t.Any = DEMO, **form: str
) -> requests.Response:
    data = {**({} if token is None else {"token": token}), **form}
    return rp.post(path, data=data, auth=auth)


def introspect(rp: RelyingParty, token: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", send(rp, "/introspect", token).json())


def test_introspection_describes_an_access_token(rp: RelyingParty) -> None:
    issued = rp.login(scope="openid api")
    described = introspect(rp, issued["access_token"])
    assert time.time() < described.pop("exp") <= time.time() + 3600
    assert described == {
        "active": True,
        "scope": "openid api",
        "client_id": "demo",
        "sub": "alice",
        "iss": rp.op.issuer,
        "username": "alice",
        "token_type": "Bearer",
    }


def test_introspection_describes_a_refresh_token(rp: RelyingParty) -> None:
    described = introspect(rp, rp.login()["refresh_token"])
    assert (described["active"], described["sub"]) == (True, "alice")
    assert "token_type" not in described


def test_introspection_of_a_clients_own_token_names_no_user(rp: RelyingParty) -> None:
    own = rp.token(grant_type="client_credentials", redirect_uri=None).json()["access_token"]
    described = introspect(rp, own)
    assert (described["sub"], "username" in described) == ("demo", False)


def test_a_dead_token_is_only_inactive(rp: RelyingParty) -> None:
    issued = rp.login()
    rp.refresh(issued["refresh_token"])
    assert introspect(rp, "made-up") == {"active": False}
    assert introspect(rp, issued["refresh_token"]) == {"active": False}
    rp.op.clock = lambda: time.time() + 3601
    assert introspect(rp, issued["access_token"]) == {"active": False}


def test_any_client_with_credentials_may_introspect(
    rp: RelyingParty, registered: ClientRecord
) -> None:
    issued = rp.login()
    auth = ("registered", registered.client_secret)
    assert send(rp, "/introspect", issued["access_token"], auth).json()["active"] is True


def test_a_public_client_may_not_introspect(rp: RelyingParty) -> None:
    issued = rp.login()
    refused = send(rp, "/introspect", issued["access_token"], None, client_id="demo-public")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "refresh_token"}], ids=str)
def test_a_revoked_access_token_ends_alone(rp: RelyingParty, hint: dict[str, str]) -> None:
    issued = rp.login()
    answer = send(rp, "/revoke", issued["access_token"], **hint)
    assert (answer.status_code, answer.content) == (200, b"")
    assert rp.bearer("/userinfo", issued["access_token"]).status_code == 401
    assert rp.refresh(issued["refresh_token"]).status_code == 200


def test_with_a_refresh_token_ends_all_that_came_of_it(rp: RelyingParty) -> None:
    issued = rp.login()
    assert send(rp, "/revoke", issued["refresh_token"]).status_code == 200
    assert introspect(rp, issued["access_token"]) == {"active": False}
    assert rp.refresh(issued["refresh_token"]).json()["error"] == "invalid_grant"


def test_revoking_what_is_unknown_succeeds(rp: RelyingParty) -> None:
    assert send(rp, "/revoke", "made-up").status_code == 200


def test_a_client_revokes_its_own_tokens_only(rp: RelyingParty, registered: ClientRecord) -> None:
    issued = rp.login()
    for token in (issued["access_token"], issued["refresh_token"]):
        refused = send(rp, "/revoke", token, ("registered", registered.client_secret))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert introspect(rp, token)["active"] is True


def test_a_public_client_revokes_by_its_name(rp: RelyingParty) -> None:
    code = rp.code(client_id="demo-public")
    issued = rp.redeem(code, client_id="demo-public", auth=None).json()
    answer = send(rp, "/revoke", issued["access_token"], None, client_id="demo-public")
    assert answer.status_code == 200
    assert introspect(rp, issued["access_token"]) == {"active": False}


@BOTH
def test_requests_that_are_refused(rp: RelyingParty, path: str) -> None:
    def error(response: requests.Response) -> tuple[int, str]:
        return response.status_code, response.json()["error"]

    assert error(send(rp, path, "token", ("demo", "wrong"))) == (401, "invalid_client")
    assert error(send(rp, path, None)) == (400, "invalid_request")
    twice = rp.post(path, data=[("token", "a"), ("token", "b")], auth=DEMO)
    assert error(twice) == (400, "invalid_request")
    assert error(rp.post(path, json={"token": "a"}, auth=DEMO)) == (400, "invalid_request")
    assert rp.get(path).status_code == 405


@BOTH
@pytest.mark.parametrize("audience", ["", "/token", "itself"])
def test_clients_may_sign_here_too(rp: RelyingParty, path: str, audience: str) -> None:
    key = new_key("ES256")
    rp.op.add_client(ClientRecord("worker", jwks=jwks(key)))
    aud = rp.op.issuer + (path if audience == "itself" else audience)
    form = {
        "client_assertion": signed(key, "ES256", "worker", aud=aud),
        "client_assertion_type": CLIENT_ASSERTION,
    }
    statuses = [send(rp, path, "made-up", None, **form).status_code for _ in range(2)]
    assert statuses == [200, 401]


@pytest.mark.parametrize(
    ("path", "point"), [("/revoke", "revocation"), ("/introspect", "introspection")]
)
def test_faults_strike_here_too(
    rp: RelyingParty, path: str, point: t.Literal["revocation", "introspection"]
) -> None:
    with rp.op.faults.on(point, times=1).respond(status=503):
        assert send(rp, path, "made-up").status_code == 503
        assert send(rp, path, "made-up").status_code == 200
    assert rp.op.log.count(point) == 2


def test_the_token_that_is_sent_is_a_secret(rp: RelyingParty) -> None:
    send(rp, "/introspect", "a token of somebody")
    assert "a token of somebody" in rp.op.secrets


def test_metadata(rp: RelyingParty, op: DevelopmentProvider) -> None:
    document = rp.get("/.well-known/openid-configuration").json()
    assert document["revocation_endpoint"] == f"{op.issuer}/revoke"
    assert document["introspection_endpoint"] == f"{op.issuer}/introspect"
    methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]
    for endpoint, more in (("token", ["none"]), ("revocation", ["none"]), ("introspection", [])):
        assert document[f"{endpoint}_endpoint_auth_methods_supported"] == methods + more
        algorithms = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert {"HS256", "RS256", "ES256", "EdDSA"} <= set(algorithms)
    assert {"password", "urn:ietf:params:oauth:grant-type:jwt-bearer"} <= set(
        document["grant_types_supported"]
    )
