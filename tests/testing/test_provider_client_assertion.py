from __future__ import annotations

import base64
import hmac
import time
import typing as t

import pytest
import requests
from joserfc.jwk import Key

from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import RelyingParty
from tests.testing._signing import jwks
from tests.testing._signing import new_key
from tests.testing._signing import signed

# joserfc warns of EdDSA, whose name RFC 9864 deprecates, and which is what providers list.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRET = "secret-of-the-worker-secret-of-the-worker-secret-of-the-worker-0"
KEY_ALGORITHMS = [
    *(f"{kind}{size}" for kind in ("RS", "PS", "ES") for size in (256, 384, 512)),
    "EdDSA",
    "Ed25519",
]


def ask(rp: RelyingParty, assertion: str, **changes: t.Any) -> requests.Response:
    fields: dict[str, t.Any] = {
        "grant_type": "client_credentials",
        "redirect_uri": None,
        "auth": None,
        "client_assertion": assertion,
        "client_assertion_type": CLIENT_ASSERTION,
        **changes,
    }
    return rp.token(**fields)


def outcome(response: requests.Response) -> tuple[int, str | None]:
    return response.status_code, response.json().get("error")


@pytest.fixture(scope="module")
def key() -> Key:
    return new_key("ES256")


@pytest.fixture
def worker(op: DevelopmentProvider, key: Key) -> ClientRecord:
    """A client that has a secret and a key."""
    record = ClientRecord("worker", SECRET, jwks=jwks(key))
    op.add_client(record)
    return record


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_an_assertion_signed_with_the_secret(
    rp: RelyingParty, worker: ClientRecord, alg: str
) -> None:
    assert outcome(ask(rp, signed(SECRET, alg, "worker"))) == (200, None)
    wrong = signed(SECRET + "!", alg, "worker")
    assert outcome(ask(rp, wrong)) == (401, "invalid_client")


@pytest.mark.parametrize("alg", KEY_ALGORITHMS)
def test_an_assertion_signed_with_a_key(rp: RelyingParty, alg: str) -> None:
    key, other = new_key(alg), new_key(alg)
    rp.op.add_client(ClientRecord("worker", jwks=jwks(key)))
    assert outcome(ask(rp, signed(key, alg, "worker"))) == (200, None)
    assert outcome(ask(rp, signed(other, alg, "worker"))) == (401, "invalid_client")


def test_the_demo_client_may_sign_as_well(rp: RelyingParty) -> None:
    assert ask(rp, signed(DEMO_CLIENT_SECRET, "HS256", "demo")).status_code == 200


@pytest.mark.parametrize("audience", ["", "/token", ["https://elsewhere.example", "/token"]])
def test_the_audience_is_the_issuer_or_the_token_endpoint(
    rp: RelyingParty, worker: ClientRecord, key: Key, audience: str | list[str]
) -> None:
    issuer = rp.op.issuer
    aud = [issuer + a for a in audience] if isinstance(audience, list) else issuer + audience
    assert ask(rp, signed(key, "ES256", "worker", aud=aud)).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "demo"},
        {"iss": None},
        {"sub": "demo"},
        {"sub": ""},
        {"aud": None},
        {"aud": "https://elsewhere.example"},
        {"aud": []},
        {"aud": [{"not": "text"}]},
        {"exp": None},
        {"exp": 1_000_000_000},
        {"exp": "tomorrow"},
        {"exp": True},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"jti": None},
        {"jti": 7},
    ],
    ids=str,
)
def test_a_wrong_claim_proves_nothing(
    rp: RelyingParty, worker: ClientRecord, key: Key, claims: dict[str, t.Any]
) -> None:
    response = ask(rp, signed(key, "ES256", "worker", **claims))
    assert outcome(response) == (401, "invalid_client")


def test_an_assertion_proves_once(rp: RelyingParty, worker: ClientRecord, key: Key) -> None:
    assertion = signed(key, "ES256", "worker")
    assert outcome(ask(rp, assertion)) == (200, None)
    assert outcome(ask(rp, assertion)) == (401, "invalid_client")
    same_jti = signed(key, "ES256", "worker", jti="the-same-again")
    assert outcome(ask(rp, same_jti)) == (200, None)
    changed = signed(key, "ES256", "worker", jti="the-same-again", exp=int(time.time()) + 90)
    assert outcome(ask(rp, changed)) == (401, "invalid_client")


def test_a_refused_assertion_uses_up_no_jti(
    rp: RelyingParty, worker: ClientRecord, key: Key
) -> None:
    wrong = signed(new_key("ES256"), "ES256", "worker", jti="planted-by-somebody")
    assert ask(rp, wrong).status_code == 401
    assert ask(rp, signed(key, "ES256", "worker", jti="planted-by-somebody")).status_code == 200


def test_time_passes_by_the_clock_of_the_provider(
    rp: RelyingParty, worker: ClientRecord, key: Key
) -> None:
    assertion = signed(key, "ES256", "worker")
    rp.op.clock = lambda: time.time() + 61
    assert outcome(ask(rp, assertion)) == (401, "invalid_client")


def test_the_kid_chooses_among_keys(rp: RelyingParty) -> None:
    first, second = new_key("ES256"), new_key("ES256")
    documents = [
        {**jwks(key)["keys"][0], "kid": kid} for key, kid in ((first, "1st"), (second, "2nd"))
    ]
    rp.op.add_client(ClientRecord("worker", jwks={"keys": documents}))
    statuses = [
        ask(rp, signed(second, "ES256", "worker", header=header)).status_code
        for header in ({"kid": "2nd"}, {}, {"kid": "1st"}, {"kid": "3rd"})
    ]
    assert statuses == [200, 200, 401, 401]


def test_a_broken_key_verifies_nothing(rp: RelyingParty, key: Key) -> None:
    good = jwks(key)["keys"][0]
    for broken in ({"kty": "EC"}, {"kty": "RSA", "n": "AQ", "e": "AQ"}, {**good, "x": "AAAA"}):
        rp.op.add_client(ClientRecord("worker", jwks={"keys": [broken]}))
        assert outcome(ask(rp, signed(key, "ES256", "worker"))) == (401, "invalid_client")


@pytest.mark.parametrize(
    "assertion", ["x", "a.b.c", "e30.e30.", "e30.W10.", "e30.e30.\N{SNOWMAN}", "e30.e30.AA"]
)
def test_what_is_no_assertion_proves_nothing(rp: RelyingParty, assertion: str) -> None:
    assert outcome(ask(rp, assertion)) == (401, "invalid_client")


def test_an_unsigned_assertion_proves_nothing(rp: RelyingParty, worker: ClientRecord) -> None:
    payload = signed(SECRET, "HS256", "worker").split(".")[1]
    assert outcome(ask(rp, f"eyJhbGciOiJub25lIn0.{payload}.")) == (401, "invalid_client")


def test_a_public_key_is_no_secret(rp: RelyingParty, key: Key) -> None:
    rp.op.add_client(ClientRecord("worker", jwks=jwks(key)))
    public = key.as_pem(private=False).decode()
    assert outcome(ask(rp, _hmac_with(public))) == (401, "invalid_client")


def _hmac_with(pem: str) -> str:
    # A JOSE library refuses to sign with a PEM as if it were a secret.
    header, payload, _ = signed("x" * 40, "HS256", "worker").split(".")
    digest = hmac.digest(pem.encode(), f"{header}.{payload}".encode(), "sha256")
    return f"{header}.{payload}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("method", "by_secret", "by_key"),
    [
        (None, 200, 200),
        ("client_secret_jwt", 200, 401),
        ("private_key_jwt", 401, 200),
        ("client_secret_basic", 401, 401),
        ("none", 401, 401),
    ],
)
def test_a_client_may_be_limited_to_one_method(
    rp: RelyingParty, key: Key, method: str | None, by_secret: int, by_key: int
) -> None:
    rp.op.add_client(
        ClientRecord("worker", SECRET, jwks=jwks(key), token_endpoint_auth_method=method)
    )
    assert ask(rp, signed(SECRET, "HS256", "worker")).status_code == by_secret
    assert ask(rp, signed(key, "ES256", "worker")).status_code == by_key


def test_a_client_may_be_limited_to_one_algorithm(rp: RelyingParty) -> None:
    key = new_key("PS256")
    rp.op.add_client(
        ClientRecord("worker", jwks=jwks(key), token_endpoint_auth_signing_alg="PS256")
    )
    assert ask(rp, signed(key, "PS256", "worker")).status_code == 200
    assert ask(rp, signed(key, "RS256", "worker")).status_code == 401


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_id": "worker"}, (200, None)),
        ({"client_id": "demo"}, (401, "invalid_client")),
        ({"client_assertion_type": None}, (401, "invalid_client")),
        ({"client_assertion_type": "urn:example:other"}, (401, "invalid_client")),
        ({"client_secret": SECRET}, (400, "invalid_request")),
        ({"auth": ("worker", SECRET)}, (400, "invalid_request")),
    ],
    ids=str,
)
def test_what_comes_beside_an_assertion(
    rp: RelyingParty,
    worker: ClientRecord,
    key: Key,
    changes: dict[str, t.Any],
    expected: tuple[int, str | None],
) -> None:
    assert outcome(ask(rp, signed(key, "ES256", "worker"), **changes)) == expected


def test_a_client_with_a_key_is_not_public(rp: RelyingParty, key: Key) -> None:
    rp.op.add_client(ClientRecord("worker", jwks=jwks(key)))
    named = rp.token(
        grant_type="client_credentials", client_id="worker", redirect_uri=None, auth=None
    )
    assert outcome(named) == (401, "invalid_client")


def test_a_login_can_end_with_an_assertion(rp: RelyingParty, key: Key) -> None:
    rp.op.add_client(ClientRecord("worker", jwks=jwks(key), any_loopback_redirect=True))
    code = rp.code(client_id="worker")
    response = rp.redeem(
        code,
        auth=None,
        client_assertion=signed(key, "ES256", "worker"),
        client_assertion_type=CLIENT_ASSERTION,
    )
    assert response.json().keys() >= {"access_token", "id_token", "refresh_token"}


def test_assertions_are_secrets(rp: RelyingParty, worker: ClientRecord, key: Key) -> None:
    assertion = signed(key, "ES256", "worker")
    ask(rp, assertion)
    assert assertion in rp.op.secrets
