from __future__ import annotations

import secrets
import typing as t

import pytest
import requests
from joserfc.jwk import Key

from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import Persona
from tests.testing._relying_party import RelyingParty
from tests.testing._relying_party import claims_of
from tests.testing._signing import jwks
from tests.testing._signing import new_key
from tests.testing._signing import signed

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def outcome(response: requests.Response) -> tuple[int, str | None]:
    return response.status_code, response.json().get("error")


def password(rp: RelyingParty, **changes: t.Any) -> requests.Response:
    form = {
        "grant_type": "password",
        "redirect_uri": None,
        "username": "alice",
        "password": "whatever she types",
        **changes,
    }
    return rp.token(**form)


@pytest.mark.parametrize("username", ["alice", "alice@example.com"])
def test_the_password_grant_takes_any_password(rp: RelyingParty, username: str) -> None:
    issued = password(rp, username=username, scope="openid email").json()
    assert claims_of(issued["id_token"])["sub"] == "alice"
    assert rp.bearer("/userinfo", issued["access_token"]).json()["email"] == "alice@example.com"
    assert "access_token" in rp.refresh(issued["refresh_token"]).json()


def test_a_persona_may_have_a_password() -> None:
    op = DevelopmentProvider(personas=[Persona("zoe", "Zoe", password="open sesame")])
    with requests.Session() as session:
        session.mount(op.issuer, op.adapter())
        rp = RelyingParty(op, session)
        assert password(rp, username="zoe", password="open sesame").status_code == 200
        refused = password(rp, username="zoe", password="open barley")
    assert outcome(refused) == (400, "invalid_grant")
    assert "open sesame" not in repr(op.personas)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"username": "nobody"}, "invalid_grant"),
        ({"username": None}, "invalid_request"),
        ({"password": None}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_wrong_password_requests(rp: RelyingParty, changes: dict[str, t.Any], error: str) -> None:
    assert outcome(password(rp, **changes)) == (400, error)


def test_a_password_is_a_secret(rp: RelyingParty) -> None:
    password(rp)
    assert "whatever she types" in rp.op.secrets


@pytest.fixture(scope="module")
def key() -> Key:
    return new_key("RS256")


@pytest.fixture
def service(op: DevelopmentProvider, key: Key) -> ClientRecord:
    """A service account."""
    record = ClientRecord("service@accounts.example", jwks=jwks(key))
    op.add_client(record)
    return record


def assertion(key: Key, sub: str = "alice", **claims: t.Any) -> str:
    return signed(key, "RS256", "service@accounts.example", sub=sub, **claims)


def bear(rp: RelyingParty, assertion: str | None, **changes: t.Any) -> requests.Response:
    form = {
        "grant_type": JWT_BEARER,
        "redirect_uri": None,
        "auth": None,
        "assertion": assertion,
        **changes,
    }
    return rp.token(**form)


def test_an_assertion_grants_access_for_its_subject(
    rp: RelyingParty, service: ClientRecord, key: Key
) -> None:
    issued = bear(rp, assertion(key), scope="openid email").json()
    assert issued["scope"] == "openid email"
    assert "refresh_token" not in issued
    assert rp.bearer("/userinfo", issued["access_token"]).json()["sub"] == "alice"
    me = rp.bearer("/api/me", issued["access_token"]).json()
    assert me["client_id"] == "service@accounts.example"


def test_a_service_account_may_act_for_itself(
    rp: RelyingParty, service: ClientRecord, key: Key
) -> None:
    issued = bear(rp, assertion(key, sub=service.client_id)).json()
    assert issued["scope"] == "api"
    assert rp.bearer("/api/me", issued["access_token"]).json()["sub"] == service.client_id
    claims_of_nobody = bear(rp, assertion(key, sub=service.client_id), scope="openid")
    assert outcome(claims_of_nobody) == (400, "invalid_scope")


def test_the_scope_may_be_a_claim(rp: RelyingParty, service: ClientRecord, key: Key) -> None:
    assert bear(rp, assertion(key, scope="email api")).json()["scope"] == "email api"
    both = bear(rp, assertion(key, scope="email api"), scope="api")
    assert both.json()["scope"] == "api"


def test_a_client_may_authenticate_beside_the_assertion(
    rp: RelyingParty, service: ClientRecord, key: Key
) -> None:
    issued = bear(rp, assertion(key), auth=("demo", rp.op.clients["demo"].client_secret)).json()
    assert rp.bearer("/api/me", issued["access_token"]).json()["client_id"] == "demo"
    refused = bear(rp, assertion(key), auth=("demo", "wrong"))
    assert outcome(refused) == (401, "invalid_client")


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "nobody"},
        {"sub": ""},
        {"sub": ["alice"]},
        {"iss": "nobody"},
        {"iss": "demo"},
        {"iss": None},
        {"aud": "https://elsewhere.example"},
        {"exp": None},
        {"exp": 1_000_000_000},
    ],
    ids=str,
)
def test_a_wrong_assertion_grants_nothing(
    rp: RelyingParty, service: ClientRecord, key: Key, claims: dict[str, t.Any]
) -> None:
    assert outcome(bear(rp, assertion(key, **claims))) == (400, "invalid_grant")


def test_an_assertion_of_another_key_grants_nothing(
    rp: RelyingParty, service: ClientRecord
) -> None:
    assert outcome(bear(rp, assertion(new_key("RS256")))) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("sent", "error"), [(None, "invalid_request"), ("not.a.jwt", "invalid_grant")]
)
def test_what_is_no_assertion_grants_nothing(
    rp: RelyingParty, sent: str | None, error: str
) -> None:
    assert outcome(bear(rp, sent)) == (400, error)


def test_an_assertion_with_an_id_grants_once(
    rp: RelyingParty, service: ClientRecord, key: Key
) -> None:
    once = assertion(key, jti=secrets.token_urlsafe(16))
    assert [bear(rp, once).status_code for _ in range(2)] == [200, 400]
    without = assertion(key, jti=None)
    assert [bear(rp, without).status_code for _ in range(2)] == [200, 200]
