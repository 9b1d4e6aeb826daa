"""Applications that prove who they are, at npm ``oidc-provider``: whole logins and refreshes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from joserfc.jwk import ECKey
from joserfc.jwk import RSAKey

from flask_oauthclient.protocol.oauth2 import ClientSecretJWT
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing

from ..helpers.leaks import Watch
from ..servers.django_oauth_toolkit import DjangoOAuthToolkit
from ..servers.oidc_provider import OidcProvider
from ..servers.oidc_provider import Worker
from .site import REDIRECT_URI
from .site import Site
from .site import make_site
from .visitor import Visitor
from .visitor import answer_of

BASIC, POST = "client_secret_basic", "client_secret_post"
SECRET_JWT, KEY_JWT = "client_secret_jwt", "private_key_jwt"
METHODS = "token_endpoint_auth_methods_supported"
ALGS = "token_endpoint_auth_signing_alg_values_supported"
LOGIN = {
    "redirect_uris": [REDIRECT_URI],
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    "response_types": ["code"],
}


class Sent(list[dict[str, str]]):
    """The forms that an application sent to token endpoints, and the scheme of their header."""

    def __init__(self, site: Site, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        with site.app.app_context():
            site.oauth.demo.session.hooks["response"].append(self._see)

    def _see(self, response: requests.Response, **kwargs: Any) -> None:
        request = response.request
        if request.method != "POST":
            return
        body = request.body or b""
        pairs = parse_qs(body.decode() if isinstance(body, bytes) else str(body))
        form = {name: values[0] for name, values in pairs.items()}
        if "client_assertion" in form:
            self._watch.secret(form["client_assertion"])
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        self.append({**form, "scheme": scheme, "url": str(response.url)})

    def part(self, index: int) -> list[dict[str, Any]]:
        """The headers (0) or claims (1) of the assertions."""
        segments = [form["client_assertion"].split(".")[index] for form in self]
        return [json.loads(base64.urlsafe_b64decode(text + "==")) for text in segments]


def worker_at(
    provider: OidcProvider, watch: Watch, method: str, algorithm: str | None = None, **more: Any
) -> Worker:
    worker = provider.add_worker("web", method, algorithm=algorithm, **{**LOGIN, **more})
    watch.secret(*filter(None, [worker.client_secret, *worker.private_key.splitlines()[1:-2]]))
    return worker


def site_of(provider: OidcProvider, worker: Worker, **options: Any) -> Site:
    return make_site(
        **{
            "client_id": worker.client_id,
            "client_secret": worker.private_key or worker.client_secret,
            "issuer": provider.issuer,
            **options,
        }
    )


def visitor_of(site: Site) -> Visitor:
    return Visitor(site, {"login": "alice", "password": "any"}, press=["Continue"])


def log_in_and_refresh(site: Site) -> None:
    """A login, and a page that finds its token expired."""
    visitor = visitor_of(site)
    claims = answer_of(visitor.log_in())
    assert claims.get("sub") == "alice", claims
    before = site.tokens["alice"]
    site.expire("alice")
    assert answer_of(visitor.get("/me"))["sub"] == "alice"
    after = site.tokens["alice"]
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]


# -- whole logins --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "algorithm"),
    [
        *((KEY_JWT, alg) for alg in ("ES256", "RS256", "ES512", "EdDSA")),
        (SECRET_JWT, "HS256"),
    ],
)
def test_t25_login_and_refresh_with_assertions(
    oidc_provider: OidcProvider, watch: Watch, method: str, algorithm: str
) -> None:
    worker = worker_at(oidc_provider, watch, method, algorithm)
    site = site_of(oidc_provider, worker, token_endpoint_auth_method=method)
    sent = Sent(site, watch)
    log_in_and_refresh(site)

    assert [form["grant_type"] for form in sent] == ["authorization_code", "refresh_token"]
    for header, claims in zip(sent.part(0), sent.part(1), strict=True):
        assert header["alg"] == algorithm
        assert claims["iss"] == claims["sub"] == "web"
        assert claims["aud"] == oidc_provider.issuer
        assert 0 < claims["exp"] - claims["iat"] <= 60
    assert len({claims["jti"] for claims in sent.part(1)}) == 2


@pytest.mark.parametrize("method", [BASIC, POST, SECRET_JWT, KEY_JWT])
def test_t29_login_uses_one_method(oidc_provider: OidcProvider, watch: Watch, method: str) -> None:
    worker = worker_at(oidc_provider, watch, method)
    site = site_of(oidc_provider, worker, token_endpoint_auth_method=method)
    sent = Sent(site, watch)
    log_in_and_refresh(site)

    assert len(sent) == 2
    for form in sent:
        ways = {
            BASIC: form["scheme"] == "Basic",
            POST: "client_secret" in form,
            SECRET_JWT: "client_assertion" in form,
        }
        assert sum(ways.values()) == 1
        assert ways[SECRET_JWT if method == KEY_JWT else method]


@pytest.mark.parametrize("method", [BASIC, POST])
def test_t24_login_with_a_difficult_secret(
    oidc_provider: OidcProvider, watch: Watch, method: str
) -> None:
    secret = "p: %+&=/?#\"'<>~100%25%zz" + "-" * 16
    watch.secret(secret)
    worker = worker_at(oidc_provider, watch, method, client_secret=secret)
    log_in_and_refresh(
        site_of(oidc_provider, worker, client_secret=secret, token_endpoint_auth_method=method)
    )


@pytest.mark.parametrize("method", [BASIC, POST, SECRET_JWT, KEY_JWT])
def test_t21_wrong_credentials_are_told_apart(
    oidc_provider: OidcProvider, watch: Watch, method: str
) -> None:
    worker = worker_at(oidc_provider, watch, method)
    other = worker_at(oidc_provider, watch, method)  # registered anew, in place of the first
    wrong = worker.private_key or "another-secret-".ljust(64, "1")
    assert worker.private_key != other.private_key or not other.private_key
    site = site_of(oidc_provider, other, client_secret=wrong, token_endpoint_auth_method=method)
    answer = answer_of(visitor_of(site).log_in())

    assert answer["error"] == "invalid_client"
    assert wrong not in answer["description"]
    assert site.tokens == {}


# -- what decides on the method ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "supported"),
    [(POST, [POST]), (SECRET_JWT, [SECRET_JWT, KEY_JWT]), (BASIC, None), (KEY_JWT, None)],
)
def test_method_follows_from_metadata_and_secret(
    oidc_provider: OidcProvider, watch: Watch, method: str, supported: list[str] | None
) -> None:
    worker = worker_at(oidc_provider, watch, method)
    known = {METHODS: supported} if supported else {}
    log_in_and_refresh(site_of(oidc_provider, worker, **known))


@pytest.mark.parametrize("stated", [None, KEY_JWT])
def test_metadata_narrow_the_algorithm(
    oidc_provider: OidcProvider, watch: Watch, stated: str | None
) -> None:
    worker = worker_at(oidc_provider, watch, KEY_JWT, "PS256")
    options = {ALGS: ["PS256"], "token_endpoint_auth_method": stated}
    site = site_of(oidc_provider, worker, **options)
    sent = Sent(site, watch)
    log_in_and_refresh(site)
    assert [header["alg"] for header in sent.part(0)] == ["PS256"] * 2


def test_algorithm_that_is_not_the_registered_one_is_refused(
    oidc_provider: OidcProvider, watch: Watch
) -> None:
    worker = worker_at(oidc_provider, watch, KEY_JWT, "PS256")
    site = site_of(oidc_provider, worker)  # the key alone does not say so
    assert answer_of(visitor_of(site).log_in())["error"] == "invalid_client"


def _jwk(worker: Worker) -> dict[str, Any]:
    kind = ECKey if (worker.algorithm or "").startswith("ES") else RSAKey
    return dict(kind.import_key(worker.private_key).as_dict(private=True))


#: Options of a registration, from the client that the provider knows.
OPTIONS: dict[str, Callable[[Worker], dict[str, Any]]] = {
    "object": lambda worker: {
        "client_secret": None,
        "token_endpoint_auth_method": PrivateKeyJWT(
            key=worker.private_key, alg=worker.algorithm, lifetime=20
        ),
    },
    "object-with-the-secret": lambda worker: {
        "token_endpoint_auth_method": PrivateKeyJWT(alg=worker.algorithm)
    },
    "registered": lambda worker: {
        "token_endpoint_auth_method": KEY_JWT,
        "client_auth_methods": [PrivateKeyJWT(alg=worker.algorithm)],
    },
    "jwk": lambda worker: {"client_secret": {**_jwk(worker), "alg": worker.algorithm}},
    "json": lambda worker: {
        "client_secret": json.dumps({**_jwk(worker), "alg": worker.algorithm}),
        "token_endpoint_auth_method": KEY_JWT,
    },
}


@pytest.mark.parametrize("algorithm", ["ES256", "PS256"])
@pytest.mark.parametrize("form", OPTIONS)
def test_key_and_method_in_every_form(
    oidc_provider: OidcProvider, watch: Watch, algorithm: str, form: str
) -> None:
    worker = worker_at(oidc_provider, watch, KEY_JWT, algorithm)
    site = site_of(oidc_provider, worker, **OPTIONS[form](worker))
    sent = Sent(site, watch)
    log_in_and_refresh(site)
    assert [header["alg"] for header in sent.part(0)] == [algorithm] * 2


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_secret_signs_as_it_is_told(
    oidc_provider: OidcProvider, watch: Watch, algorithm: str
) -> None:
    worker = worker_at(oidc_provider, watch, SECRET_JWT, algorithm)
    method = ClientSecretJWT(alg=algorithm)
    log_in_and_refresh(site_of(oidc_provider, worker, token_endpoint_auth_method=method))


def test_everything_may_stand_in_the_configuration(
    oidc_provider: OidcProvider, watch: Watch
) -> None:
    worker = worker_at(oidc_provider, watch, KEY_JWT, "ES256")
    site = make_site()
    site.app.config.update(
        DEMO_CLIENT_ID=worker.client_id,
        DEMO_CLIENT_SECRET=worker.private_key,
        DEMO_ISSUER=oidc_provider.issuer,
        DEMO_TOKEN_ENDPOINT_AUTH_METHOD=KEY_JWT,
    )
    log_in_and_refresh(site)


@pytest.mark.parametrize("method", [None, BASIC, POST])
@pytest.mark.parametrize("encoding", ["form", "raw"])
def test_login_and_refresh_at_a_server_on_oauthlib(
    django_oauth_toolkit: DjangoOAuthToolkit, method: str | None, encoding: str
) -> None:
    # Its secrets look the same in both encodings.
    client_id, client_secret = django_oauth_toolkit.rs256
    site = make_site(
        client_id=client_id,
        client_secret=client_secret,
        issuer=django_oauth_toolkit.issuer,
        token_endpoint_auth_method=method,
        basic_encoding=encoding,
    )
    answers = {
        "username": django_oauth_toolkit.username,
        "password": django_oauth_toolkit.password,
    }
    visitor = Visitor(site, {**answers, "allow": "Authorize"})
    sub = answer_of(visitor.log_in())["sub"]
    site.expire(sub)
    assert answer_of(visitor.get("/me"))["sub"] == sub

    fresh = site.tokens[sub]
    with site.app.app_context():
        session = site.oauth.demo.session
        endpoint = f"{django_oauth_toolkit.issuer}/revoke_token/"
        assert session.revoke_token(endpoint, token=fresh).status_code == 200
    site.expire(sub)
    assert answer_of(visitor.get("/me"))["error"] == "invalid_grant"


# -- servers that mean no good -------------------------------------------------------------------


@pytest.mark.parametrize("method", [SECRET_JWT, KEY_JWT])
def test_t26_assertion_that_a_hostile_server_causes_is_not_valid_here(
    oidc_provider: OidcProvider, provider_keys: KeyRing, watch: Watch, method: str
) -> None:
    worker = worker_at(oidc_provider, watch, method)
    evil = DevelopmentProvider(
        keys=provider_keys, clients=[ClientRecord("web", redirect_uris=(REDIRECT_URI,))]
    )
    evil.auto_sign_in = "alice"
    token_endpoint = f"{oidc_provider.issuer}/token"
    evil.faults.on("discovery").edit_json(lambda d: {**d, "token_endpoint": token_endpoint})
    with evil.serve():
        site = site_of(oidc_provider, worker, issuer=evil.issuer, token_endpoint_auth_method=method)
        sent = Sent(site, watch)
        answer = answer_of(visitor_of(site).log_in())

        assert answer["error"] == "invalid_client"
        assert sent[0]["url"] == token_endpoint
        assert sent.part(1)[0]["aud"] == evil.issuer
    # The hostile server has it now, unused, and can do nothing with it.
    names = ("client_assertion", "client_assertion_type")
    stolen = {name: sent[0][name] for name in names}
    refused = _own_token(oidc_provider, stolen)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    # One for the right audience would have been good.
    log_in_and_refresh(site_of(oidc_provider, worker, token_endpoint_auth_method=method))


def _own_token(provider: OidcProvider, stolen: dict[str, str]) -> requests.Response:
    form = {"grant_type": "client_credentials", **stolen}
    return requests.post(f"{provider.issuer}/token", data=form, timeout=10)


@pytest.mark.parametrize("method", [BASIC, POST, SECRET_JWT, KEY_JWT])
def test_t37_nothing_is_sent_to_a_server_of_another_name(
    oidc_provider: OidcProvider, provider_keys: KeyRing, watch: Watch, method: str
) -> None:
    # The address that the registration names answers in the name of somebody else.
    worker = worker_at(oidc_provider, watch, method)
    evil = DevelopmentProvider(keys=provider_keys)
    evil.faults.on("discovery").edit_json(lambda d: {**d, "issuer": oidc_provider.issuer})
    with evil.serve():
        site = site_of(oidc_provider, worker, issuer=evil.issuer, token_endpoint_auth_method=method)
        sent = Sent(site, watch)
        assert answer_of(visitor_of(site).get("/login"))["error"] == "issuer_mismatch"

    assert sent == []
    assert evil.log.count("token") == 0
    assert oidc_provider.paths() == []
