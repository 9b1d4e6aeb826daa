from __future__ import annotations

import base64
import typing as t
from urllib.parse import quote_plus

import pytest
import requests

from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import RelyingParty

ODD_SECRET = "p:ä %+&"


def ask(rp: RelyingParty, **changes: t.Any) -> requests.Response:
    fields = {"grant_type": "client_credentials", "redirect_uri": None, "auth": None}
    return rp.token(**{**fields, **changes})


def basic(client_id: str, secret: str) -> dict[str, str]:
    encoded = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(encoded).decode()}"}


def raw(credentials: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}


@pytest.fixture
def odd(op: DevelopmentProvider) -> ClientRecord:
    record = ClientRecord("id with ü", ODD_SECRET)
    op.add_client(record)
    return record


def test_basic_credentials_are_form_decoded(rp: RelyingParty, odd: ClientRecord) -> None:
    assert ask(rp, headers=basic("id with ü", ODD_SECRET)).status_code == 200
    unencoded = raw(f"id with ü:{ODD_SECRET}".encode())
    assert ask(rp, headers=unencoded).json()["error"] == "invalid_client"


def test_post_credentials(rp: RelyingParty, odd: ClientRecord) -> None:
    response = ask(rp, client_id="id with ü", client_secret=ODD_SECRET)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"client_id": "demo"},
        {"client_id": "nobody", "client_secret": "x"},
        {"client_id": "demo", "client_secret": "wrong"},
        {"client_id": "demo-public", "client_secret": "anything"},
        {"headers": basic("demo", "wrong")},
        {"headers": basic("demo-public", "")},
        {"headers": basic("nobody", "x")},
        {"headers": raw(b"no-colon")},
        {"headers": {"Authorization": "Basic not*base64"}},
        {"headers": {"Authorization": "Bearer token"}},
    ],
)
def test_what_proves_nothing_is_an_invalid_client(rp: RelyingParty, sent: dict[str, t.Any]) -> None:
    response = ask(rp, **sent)
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "sent",
    [
        {"client_secret": DEMO_CLIENT_SECRET},
        {"client_id": "demo", "client_secret": DEMO_CLIENT_SECRET},
        {"client_id": "somebody-else"},
    ],
)
def test_two_methods_at_once_are_refused(rp: RelyingParty, sent: dict[str, str]) -> None:
    response = ask(rp, headers=basic("demo", DEMO_CLIENT_SECRET), **sent)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


def test_basic_may_repeat_the_client_id(rp: RelyingParty) -> None:
    response = ask(rp, headers=basic("demo", DEMO_CLIENT_SECRET), client_id="demo")
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "accepts_basic", "accepts_post"),
    [
        (None, True, True),
        ("client_secret_basic", True, False),
        ("client_secret_post", False, True),
        ("none", False, False),
    ],
)
def test_a_client_may_be_limited_to_one_method(
    rp: RelyingParty, method: str | None, accepts_basic: bool, accepts_post: bool
) -> None:
    rp.op.add_client(ClientRecord("one", "secret-of-one", token_endpoint_auth_method=method))
    by_basic = ask(rp, headers=basic("one", "secret-of-one"))
    by_post = ask(rp, client_id="one", client_secret="secret-of-one")
    assert (by_basic.status_code == 200) is accepts_basic
    assert (by_post.status_code == 200) is accepts_post


def test_a_public_client_redeems_with_its_verifier_alone(rp: RelyingParty) -> None:
    code = rp.code(client_id="demo-public")
    response = rp.redeem(code, client_id="demo-public", auth=None)
    assert response.status_code == 200
    refreshed = rp.refresh(response.json()["refresh_token"], client_id="demo-public", auth=None)
    assert refreshed.status_code == 200
