"""What a client knows of its server: discovery, precedence, algorithms (rows D01-D14, I04, T37)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.jose import ASYMMETRIC
from flask_oauthclient.protocol.jose import SYMMETRIC
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.protocol.oidc.id_token import Expected
from flask_oauthclient.registry import options
from flask_oauthclient.registry.server import Server
from tests.protocol._keys import SECRET
from tests.protocol._keys import compact
from tests.protocol._keys import make_key

ISSUER = "https://op.test/tenant"
OPENID = f"{ISSUER}/.well-known/openid-configuration"
INSERTED = "https://op.test/.well-known/oauth-authorization-server/tenant"
THIRD = "https://op.test/.well-known/openid-configuration/tenant"
JWKS = f"{ISSUER}/jwks"
DOCUMENT = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token", "jwks_uri": JWKS}
KEY = make_key("ES256")


class Network:
    """What is published where; everything else is not found."""

    def __init__(self, **more: Any) -> None:
        self.published: dict[str, Any] = {OPENID: DOCUMENT, JWKS: {"keys": [KEY.jwk]}, **more}
        self.sent: list[str] = []

    def __call__(self, request: Request) -> Response:
        self.sent.append(request.url)
        found = self.published.get(request.url, 404)
        if isinstance(found, int):
            return Response(found, {}, b"")
        return Response(200, {}, json.dumps(found).encode())


def make_server(network: Network, **settings: Any) -> Server:
    """A server as a registration describes it."""
    chosen, metadata = options.split({"client_id": "me", **(settings or {"issuer": ISSUER})})
    return Server(chosen, metadata, network)


def token(alg: str = "ES256", key: Any = None, **changes: Any) -> str:
    """An ID token of this server."""
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "alice", "aud": "me", "exp": now + 60, "iat": now, **changes}
    return compact({"alg": alg, "kid": "key-1"}, claims, key or make_key(alg))


def verify(server: Server, jwt: str, **changes: Any) -> str:
    """Verify as a login does; the subject, or the code of the error."""
    expected = Expected("me", server.issuer, server.allowed_algs(), **changes)
    try:
        return str(server.verify(jwt, expected, trusted=False).claims["sub"])
    except OAuthError as error:
        return error.error


@pytest.mark.parametrize(
    ("published", "asked"),
    [
        ({}, [OPENID]),
        ({OPENID: 404, INSERTED: DOCUMENT}, [OPENID, INSERTED]),
        ({OPENID: 403, INSERTED: 410, THIRD: DOCUMENT}, [OPENID, INSERTED, THIRD]),
    ],
    ids=["first", "second", "third"],
)
def test_d14_places_are_tried_in_order(published: dict[str, Any], asked: list[str]) -> None:
    network = Network(**published)
    server = make_server(network)

    assert server.load_metadata()["token_endpoint"] == f"{ISSUER}/token"
    assert network.sent == asked


@pytest.mark.parametrize(
    ("published", "asked", "code"),
    [
        ({OPENID: 404}, [OPENID, INSERTED, THIRD], "metadata_not_found"),
        ({OPENID: 500, INSERTED: DOCUMENT}, [OPENID], "provider_unavailable"),
        ({OPENID: 404, INSERTED: 503, THIRD: DOCUMENT}, [OPENID, INSERTED], "provider_unavailable"),
        ({OPENID: [], INSERTED: DOCUMENT}, [OPENID], "invalid_response"),
        ({OPENID: {**DOCUMENT, "issuer": ""}}, [OPENID], "invalid_metadata"),
        ({OPENID: {**DOCUMENT, "issuer": "https://evil.test"}}, [OPENID], "issuer_mismatch"),
        ({OPENID: {**DOCUMENT, "issuer": ISSUER + "/"}}, [OPENID], "issuer_mismatch"),
        ({OPENID: {**DOCUMENT, "token_endpoint": "http://a.test"}}, [OPENID], "invalid_metadata"),
    ],
    ids=[
        *("D08-nowhere", "D08-500", "D08-404-then-503", "D10-list", "D10-empty-issuer"),
        *("D01-other-issuer", "D02-slash", "D06-http"),
    ],
)
def test_discovery_that_fails(published: dict[str, Any], asked: list[str], code: str) -> None:
    network = Network(**published)
    with pytest.raises(OAuthError) as caught:
        make_server(network).load_metadata()

    assert caught.value.error == code
    assert network.sent == asked


def test_place_that_was_found_is_asked_again() -> None:
    network = Network(**{OPENID: 404, INSERTED: DOCUMENT})
    server = make_server(network)
    passed = [0.0]
    server._document._clock = lambda: passed[0]
    server.load_metadata()

    passed[0] = 400.0
    server.load_metadata()

    assert network.sent == [OPENID, INSERTED, INSERTED]


def test_t37_document_that_names_another_issuer_later_is_not_taken() -> None:
    network = Network()
    server = make_server(network)
    passed = [0.0]
    server._document._clock = lambda: passed[0]
    server.load_metadata()
    evil = {"issuer": "https://evil.test", "token_endpoint": "https://evil.test/token"}
    network.published[OPENID] = evil

    passed[0] = 400.0

    assert server.load_metadata()["token_endpoint"] == f"{ISSUER}/token"
    assert server.issuer == ISSUER


def test_nothing_is_asked_for_without_a_place_to_ask() -> None:
    network = Network()
    server = make_server(network, token_endpoint="https://op.test/token")

    assert server.load_metadata() == {"token_endpoint": "https://op.test/token"}
    assert server.issuer is None
    assert network.sent == []


def test_address_of_the_document_is_taken_as_it_is() -> None:
    network = Network(**{"https://op.test/custom.json": DOCUMENT})
    server = make_server(network, server_metadata_url="https://op.test/custom.json")

    server.load_metadata()

    assert network.sent == ["https://op.test/custom.json"]
    assert server.issuer == ISSUER


def test_discovery_only_fills_what_the_registration_left_open() -> None:
    published = {**DOCUMENT, "userinfo_endpoint": "https://op.test/u", "scopes_supported": ["a"]}
    network = Network(**{OPENID: published})
    server = make_server(
        network, issuer=ISSUER, token_endpoint="https://mine.test/token", scopes_supported=["b"]
    )

    metadata = server.load_metadata()

    assert metadata["token_endpoint"] == "https://mine.test/token"
    assert metadata["scopes_supported"] == ["b"]
    assert metadata["userinfo_endpoint"] == "https://op.test/u"
    assert metadata["_loaded_at"] <= time.time()
    assert server.load_metadata() is metadata
    assert len(network.sent) == 1


def test_document_without_issuer_belongs_to_its_address() -> None:
    network = Network(**{OPENID: {"token_endpoint": f"{ISSUER}/token", "jwks_uri": JWKS}})
    server = make_server(network, server_metadata_url=OPENID)

    server.load_metadata()

    assert server.issuer == ISSUER
    assert verify(server, token()) == "alice"
    assert verify(server, token(iss="https://evil.test")) == "invalid_claim"


@pytest.mark.parametrize("supported", [["ES256"], "ES256", ["ES256", "none", "XX"], None, 5, {}])
def test_d17_algorithms_of_the_metadata_narrow_ours(supported: Any) -> None:
    document = {**DOCUMENT, "id_token_signing_alg_values_supported": supported}
    server = make_server(Network(**{OPENID: document}))
    server.load_metadata()

    narrowed = isinstance(supported, list | str)
    assert server.allowed_algs() == ({"ES256"} if narrowed else ASYMMETRIC)


@pytest.mark.parametrize("supported", [["HS256", "none"], [], "", [5]])
def test_algorithms_of_the_metadata_never_widen_ours(supported: Any) -> None:
    document = {**DOCUMENT, "id_token_signing_alg_values_supported": supported}
    server = make_server(Network(**{OPENID: document}))
    server.load_metadata()

    assert server.allowed_algs() == frozenset()
    assert verify(server, token()) == "unsupported_alg"


@pytest.mark.parametrize("named", ["EdDSA", "Ed25519"])
def test_one_algorithm_of_two_names(named: str) -> None:
    document = {**DOCUMENT, "id_token_signing_alg_values_supported": [named]}
    network = Network(**{OPENID: document, JWKS: {"keys": [make_key("EdDSA").jwk]}})
    server = make_server(network)
    server.load_metadata()

    assert server.allowed_algs() == {"EdDSA", "Ed25519"}
    assert verify(server, token("EdDSA")) == verify(server, token("Ed25519", make_key("EdDSA")))


def test_i05_registered_algorithm_is_the_only_one() -> None:
    server = make_server(Network(), issuer=ISSUER, id_token_signed_response_alg="PS256")
    server.load_metadata()

    assert server.allowed_algs() == {"PS256"}
    assert verify(server, token()) == "unsupported_alg"


def test_i04_secret_verifies_only_where_it_is_registered_to() -> None:
    settings = {"issuer": ISSUER, "client_secret": SECRET}
    network = Network()
    registered = make_server(network, **settings, id_token_signed_response_alg="HS256")
    not_registered = make_server(network, **settings)
    for server in (registered, not_registered):
        server.load_metadata()
    network.sent.clear()

    assert registered.can_verify
    assert verify(registered, token("HS256")) == "alice"
    assert verify(registered, token()) == "unsupported_alg"
    assert network.sent == []
    assert verify(not_registered, token("HS256")) == "unsupported_alg"


def test_secret_that_is_not_there_is_a_matter_of_configuration() -> None:
    server = make_server(Network(), issuer=ISSUER, id_token_signed_response_alg="HS256")

    assert verify(server, token("HS256")) == "missing_configuration"


def test_mac_key_in_the_registration_verifies() -> None:
    server = make_server(Network(), issuer=ISSUER, jwks={"keys": [make_key("HS256").jwk]})
    server.load_metadata()

    assert server.allowed_algs() == ASYMMETRIC | SYMMETRIC
    assert verify(server, token("HS256")) == "alice"


def test_mac_key_in_the_metadata_verifies_nothing() -> None:
    inline = {**DOCUMENT, "jwks": {"keys": [make_key("HS256").jwk]}}
    server = make_server(Network(**{OPENID: inline}))
    server.load_metadata()

    assert server.allowed_algs() == ASYMMETRIC
    assert verify(server, token("HS256")) == "unsupported_alg"


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("uri", [None, "", 5])
def test_unknown_place_of_the_keys_is_named(force: bool, uri: Any) -> None:
    server = make_server(Network(), server_metadata={"jwks_uri": uri})

    assert not server.can_verify or uri == 5
    with pytest.raises(MissingConfigurationError) as caught:
        server.fetch_jwk_set(force=force)
    assert isinstance(caught.value, RuntimeError)
    assert 'Missing "jwks_uri"' in caught.value.description


def test_keys_are_fetched_when_they_are_forced_for_the_first_time() -> None:
    network = Network()
    server = make_server(network, jwks_uri=JWKS)

    assert server.fetch_jwk_set(force=True) == {"keys": [KEY.jwk]}
    assert network.sent == [JWKS]


@pytest.mark.parametrize(
    ("header", "registered", "outcome"),
    [
        ({"alg": "ES256"}, None, "alice"),
        ({"alg": "ES256"}, "ES256", "alice"),
        ({"alg": "ES256"}, "RS256", "unsupported_alg"),
        ({"alg": "ES256", "kid": "other"}, None, "unknown_key"),
        ({"alg": "none"}, None, "unsupported_alg"),
        ({"alg": "HS256"}, None, "unsupported_alg"),
        ({"alg": "HS256"}, "HS256", "alice"),
        ({"alg": "ES256", "crit": ["x"]}, None, "invalid_id_token"),
    ],
)
def test_u04_signed_userinfo(header: dict[str, Any], registered: str | None, outcome: str) -> None:
    server = make_server(Network(), jwks_uri=JWKS, client_secret=SECRET)
    key = make_key("HS256") if header["alg"] == "HS256" else KEY
    jwt = compact(header, {"sub": "alice"}, key)

    try:
        got = server.verify_signed(jwt, registered)["sub"]
    except OAuthError as error:
        got = error.error

    assert got == outcome
