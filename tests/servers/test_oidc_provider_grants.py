"""npm oidc-provider: grants without a user, client authentication, what becomes of tokens."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jwk import Key
from joserfc.jwk import OctKey
from joserfc.jwk import OKPKey
from joserfc.jwk import RSAKey

from .oidc_provider import JWT_BEARER
from .oidc_provider import OidcProvider
from .oidc_provider import Worker

# joserfc warns of EdDSA, whose name RFC 9864 deprecates, and which is what providers list.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"]


def signing_key(worker: Worker) -> Key:
    algorithm = worker.algorithm
    assert algorithm is not None
    if algorithm.startswith("HS"):
        return OctKey.import_key(worker.client_secret)
    if algorithm == "EdDSA":
        return OKPKey.import_key(worker.private_key)
    kind = ECKey if algorithm.startswith("ES") else RSAKey
    return kind.import_key(worker.private_key)


def assertion(worker: Worker, subject: str, audience: str, **claims: Any) -> str:
    assert worker.algorithm is not None
    payload = {
        "iss": worker.client_id,
        "sub": subject,
        "aud": audience,
        "exp": int(time.time()) + 60,
        "jti": secrets.token_urlsafe(16),
        **claims,
    }
    header = {"alg": worker.algorithm}
    return jwt.encode(header, payload, signing_key(worker), algorithms=[worker.algorithm])


def proof(provider: OidcProvider, worker: Worker, **claims: Any) -> dict[str, Any]:
    """What a client adds to a request to say who it is, as keywords of requests."""
    secret = {"client_id": worker.client_id, "client_secret": worker.client_secret}
    if worker.method == "client_secret_basic":
        return {"auth": (worker.client_id, worker.client_secret)}
    if worker.method == "client_secret_post":
        return {"data": secret}
    if worker.method == "none":
        return {"data": {"client_id": worker.client_id}}
    signed = assertion(worker, worker.client_id, provider.issuer, **claims)
    return {"data": {"client_assertion": signed, "client_assertion_type": CLIENT_ASSERTION}}


def post(
    provider: OidcProvider, path: str, proof: dict[str, Any], **form: str
) -> requests.Response:
    data = {**proof.get("data", {}), **form}
    return provider.http.post(provider.issuer + path, data=data, auth=proof.get("auth"), timeout=10)


def client_credentials(provider: OidcProvider, worker: Worker, **claims: Any) -> requests.Response:
    proven = proof(provider, worker, **claims)
    return post(provider, "/token", proven, grant_type="client_credentials")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_secret_gets_client_credentials(oidc_provider: OidcProvider, method: str) -> None:
    worker = oidc_provider.add_worker("worker", method)
    answer = client_credentials(oidc_provider, worker)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "algorithm"),
    [
        *(("client_secret_jwt", name) for name in ("HS256", "HS384", "HS512")),
        *(("private_key_jwt", name) for name in ALGORITHMS),
    ],
)
def test_signed_assertion_gets_client_credentials(
    oidc_provider: OidcProvider, method: str, algorithm: str
) -> None:
    worker = oidc_provider.add_worker("worker", method, algorithm=algorithm)
    assert client_credentials(oidc_provider, worker).status_code == 200


@pytest.mark.parametrize("method", ["client_secret_jwt", "private_key_jwt"])
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example"},
        {"exp": 1_000_000_000},
        {"iss": "somebody else"},
        {"jti": None},
    ],
    ids=lambda claims: "".join(claims),
)
def test_assertion_with_a_wrong_claim_is_refused(
    oidc_provider: OidcProvider, method: str, claims: dict[str, Any]
) -> None:
    worker = oidc_provider.add_worker("worker", method)
    answer = client_credentials(oidc_provider, worker, **claims)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("method", ["client_secret_jwt", "private_key_jwt"])
def test_assertion_that_comes_again_is_refused(oidc_provider: OidcProvider, method: str) -> None:
    worker = oidc_provider.add_worker("worker", method)
    again = {"jti": secrets.token_urlsafe(16)}
    statuses = [client_credentials(oidc_provider, worker, **again).status_code for _ in range(2)]
    assert statuses == [200, 401]


@pytest.mark.parametrize("method", ["client_secret_jwt", "private_key_jwt"])
def test_assertion_of_another_key_is_refused(oidc_provider: OidcProvider, method: str) -> None:
    worker = oidc_provider.add_worker("worker", method)
    other = oidc_provider.add_worker("other", method)
    stolen = replace(worker, client_secret=other.client_secret, private_key=other.private_key)
    assert client_credentials(oidc_provider, stolen).status_code == 401


@pytest.mark.parametrize(
    "method",
    ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"],
)
def test_introspection_tells_until_revocation(oidc_provider: OidcProvider, method: str) -> None:
    worker = oidc_provider.add_worker("worker", method)
    token = client_credentials(oidc_provider, worker).json()["access_token"]

    def introspect() -> dict[str, Any]:
        proven = proof(oidc_provider, worker)
        answer: dict[str, Any] = post(
            oidc_provider, "/token/introspection", proven, token=token
        ).json()
        return answer

    before = introspect()
    assert (before["active"], before["client_id"]) == (True, "worker")
    proven = proof(oidc_provider, worker)
    assert post(oidc_provider, "/token/revocation", proven, token=token).status_code == 200
    assert introspect() == {"active": False}


def jwt_bearer(
    provider: OidcProvider, worker: Worker, path: str, **claims: Any
) -> requests.Response:
    signed = assertion(worker, "alice", provider.issuer, **claims)
    proven = proof(provider, worker) if path == "/token" else {}
    form = {"grant_type": JWT_BEARER, "assertion": signed, "scope": "openid email"}
    return post(provider, path, proven, **form)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("method", "path"),
    [("none", "/service/token"), ("private_key_jwt", "/token"), ("client_secret_basic", "/token")],
)
def test_assertion_is_a_grant_for_its_subject(
    oidc_provider: OidcProvider, method: str, path: str, algorithm: str
) -> None:
    worker = oidc_provider.add_worker("worker", method, algorithm=algorithm)
    answer = jwt_bearer(oidc_provider, worker, path).json()
    assert answer["scope"] == "openid email"
    authorization = {"Authorization": f"Bearer {answer['access_token']}"}
    userinfo = oidc_provider.http.get(
        f"{oidc_provider.issuer}/me", headers=authorization, timeout=10
    ).json()
    assert (userinfo["sub"], userinfo["email"]) == ("alice", "alice@example.com")


@pytest.mark.parametrize(
    "claims",
    [{"aud": "https://elsewhere.example"}, {"exp": 1_000_000_000}, {"exp": None}, {"sub": None}],
    ids=str,
)
def test_wrong_assertion_grants_nothing(
    oidc_provider: OidcProvider, claims: dict[str, Any]
) -> None:
    worker = oidc_provider.add_worker("worker", "none", algorithm="ES256")
    answer = jwt_bearer(oidc_provider, worker, "/service/token", **claims)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_assertion_grants_once(oidc_provider: OidcProvider) -> None:
    worker = oidc_provider.add_worker("worker", "none", algorithm="ES256")
    again = {"jti": secrets.token_urlsafe(16)}
    statuses = [
        jwt_bearer(oidc_provider, worker, "/service/token", **again).status_code for _ in range(2)
    ]
    assert statuses == [200, 400]


@pytest.mark.parametrize("assertion", ["", "no.j.wt", "e30.e30."])
def test_what_is_no_assertion_is_refused(oidc_provider: OidcProvider, assertion: str) -> None:
    form = {"grant_type": JWT_BEARER, "assertion": assertion}
    assert post(oidc_provider, "/service/token", {}, **form).status_code == 400


def test_metadata_names_all_of_it(oidc_provider: OidcProvider) -> None:
    url = f"{oidc_provider.issuer}/.well-known/openid-configuration"
    metadata = oidc_provider.http.get(url, timeout=10).json()
    assert {"client_credentials", JWT_BEARER} <= set(metadata["grant_types_supported"])
    assert {"client_secret_jwt", "private_key_jwt"} <= set(
        metadata["token_endpoint_auth_methods_supported"]
    )
    assert metadata["introspection_endpoint"].endswith("/token/introspection")
    assert metadata["revocation_endpoint"].endswith("/token/revocation")
