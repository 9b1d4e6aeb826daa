"""Logout tokens against a provider's published keys: what anybody's tokens may cost (row J02)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import LogoutTokenError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.oidc.id_token import Expected
from flask_oauthclient.protocol.oidc.logout_token import EVENT
from flask_oauthclient.registry.server import Server
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.protocol._keys import SECRET
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.registry.test_server import ISSUER
from tests.registry.test_server import JWKS
from tests.registry.test_server import KEY
from tests.registry.test_server import Network
from tests.registry.test_server import make_server

NEXT = make_key("ES256", "next", "key-2")


def logout_token(key: Any = KEY, issuer: str = ISSUER, aud: str = "me", **header: Any) -> str:
    """A logout token that fits."""
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": aud,
        "iat": now,
        "exp": now + 120,
        "jti": "this-token",
        "events": {EVENT: {}},
        "sub": "alice",
    }
    return compact({"alg": key.alg, "kid": key.kid, "typ": "logout+jwt", **header}, claims, key)


def verify(server: Server, token: object) -> str:
    """Verify; the subject, or the reason of the refusal."""
    try:
        expected = Expected("me", server.issuer, server.allowed_algs())
        return str(server.verify_logout_token(token, expected).sub)
    except LogoutTokenError as error:
        return str(error.detail["reason"])


@pytest.fixture
def network() -> Network:
    """What the provider publishes."""
    return Network()


@pytest.fixture
def server(network: Network) -> Server:
    """A server whose metadata are known."""
    server = make_server(network)
    server.load_metadata()
    network.sent.clear()
    return server


def test_the_keys_are_fetched_once(server: Server, network: Network) -> None:
    assert [verify(server, logout_token()) for _ in range(5)] == ["alice"] * 5
    assert network.sent == [JWKS]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("garbage", "invalid_id_token"),
        (logout_token(typ="at+jwt"), "invalid_id_token"),
        (logout_token(make_key("HS256")), "unsupported_alg"),
    ],
    ids=["garbage", "type", "algorithm"],
)
def test_what_no_key_could_verify_is_no_reason_to_ask(
    server: Server, network: Network, token: str, reason: str
) -> None:
    assert verify(server, token) == reason
    assert network.sent == []


def test_a_new_key_is_found(server: Server, network: Network) -> None:
    assert verify(server, logout_token()) == "alice"
    network.published[JWKS] = {"keys": [NEXT.jwk]}

    assert verify(server, logout_token(NEXT)) == "alice"
    assert verify(server, logout_token()) == "unknown_key"


def test_a_new_key_without_a_name_is_found(server: Server, network: Network) -> None:
    assert verify(server, logout_token(kid=None)) == "alice"
    network.published[JWKS] = {"keys": [NEXT.jwk]}

    assert verify(server, logout_token(NEXT, kid=None)) == "alice"


def test_j02_made_up_keys_cost_two_requests_a_minute(server: Server, network: Network) -> None:
    for number in range(50):
        assert verify(server, logout_token(kid=f"made-up-{number}")) == "unknown_key"

    assert network.sent == [JWKS] * 3  # the first, and the budget of tokens from anybody


def test_a_wrong_signature_of_a_known_key_costs_nothing(server: Server, network: Network) -> None:
    assert verify(server, logout_token()) == "alice"
    forged = logout_token(make_key("ES256", "mallory"))

    assert [verify(server, forged) for _ in range(5)] == ["bad_signature"] * 5
    assert network.sent == [JWKS]


def test_keys_that_cannot_be_had_are_no_fault_of_the_token(
    server: Server, network: Network
) -> None:
    network.published[JWKS] = 503

    with pytest.raises(OAuthError) as caught:
        verify(server, logout_token())
    assert caught.value.error == "provider_unavailable"


def test_keys_of_the_registration_are_never_asked_for() -> None:
    network = Network()
    server = make_server(network, issuer=ISSUER, jwks={"keys": [KEY.jwk]})
    server.load_metadata()
    network.sent.clear()

    assert verify(server, logout_token()) == "alice"
    assert verify(server, logout_token(NEXT)) == "unknown_key"
    assert network.sent == []


def test_the_secret_verifies_only_where_it_is_registered_to() -> None:
    settings = {"issuer": ISSUER, "client_secret": SECRET}
    registered = make_server(Network(), **settings, id_token_signed_response_alg="HS256")
    not_registered = make_server(Network(), **settings)
    without = make_server(Network(), issuer=ISSUER, id_token_signed_response_alg="HS256")
    token = logout_token(make_key("HS256"))

    assert verify(registered, token) == "alice"
    assert verify(registered, logout_token()) == "unsupported_alg"
    assert verify(not_registered, token) == "unsupported_alg"
    with pytest.raises(MissingConfigurationError):
        verify(without, token)


# -- the client's method ---------------------------------------------


def signed_by(op: DevelopmentProvider, **changes: Any) -> str:
    """A logout token of a provider."""
    made = {"issuer": op.issuer, "aud": DEMO_CLIENT_ID, **changes}
    return logout_token(op.keys.signing_key("ES256"), **made)


@pytest.fixture
def oauth(provider: DevelopmentProvider) -> Any:
    """A registry with one client, which knows the provider's documents."""
    app = Flask("party")
    app.config.update(SECRET_KEY="secret-key-of-the-party")
    oauth = OAuth(app)
    oauth.register(
        "demo",
        client_id=DEMO_CLIENT_ID,
        client_secret=DEMO_CLIENT_SECRET,
        jwks=provider.keys.document(),
        server_metadata={"issuer": provider.issuer},
    )
    return oauth


def test_a_client_reads_a_logout_token(oauth: Any, provider: DevelopmentProvider) -> None:
    token = oauth.demo.parse_logout_token(signed_by(provider))

    assert (token.issuer, token.sub, token.sid) == (provider.issuer, "alice", None)


def test_a_client_refuses_what_is_for_another(oauth: Any, provider: DevelopmentProvider) -> None:
    for changes in ({"aud": "another"}, {"issuer": "https://evil.test"}):
        with pytest.raises(LogoutTokenError) as caught:
            oauth.demo.parse_logout_token(signed_by(provider, **changes))
        assert caught.value.http_status == 400
