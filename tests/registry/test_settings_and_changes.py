"""Documents that change, keys that rotate, and settings that come as text."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.jose import ASYMMETRIC
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.registry.test_server import DOCUMENT
from tests.registry.test_server import JWKS
from tests.registry.test_server import KEY
from tests.registry.test_server import OPENID
from tests.registry.test_server import Network
from tests.registry.test_server import make_server
from tests.registry.test_server import token


def later(server: Any) -> None:
    server._document._clock = lambda: 1e9


def test_members_that_left_the_document_are_gone() -> None:
    network = Network(
        **{
            OPENID: {
                **DOCUMENT,
                "jwks": {"keys": [KEY.jwk]},
                "userinfo_endpoint": "https://op.test/u",
            }
        }
    )
    server = make_server(network)
    server._document._clock = lambda: 0.0
    server.load_metadata()
    network.published[OPENID] = DOCUMENT
    server._document._clock = lambda: 400.0
    metadata = server.load_metadata()
    assert "jwks" not in metadata
    assert "userinfo_endpoint" not in metadata
    assert server.allowed_algs() == ASYMMETRIC


def test_t37_issuer_that_was_discovered_stays() -> None:
    url = "https://op.test/custom.json"
    network = Network(**{url: DOCUMENT})
    server = make_server(network, server_metadata_url=url)
    server._document._clock = lambda: 0.0
    server.load_metadata()
    network.published[url] = {
        "issuer": "https://evil.test",
        "token_endpoint": "https://evil.test/token",
    }
    server._document._clock = lambda: 400.0
    assert server.load_metadata()["token_endpoint"] == DOCUMENT["token_endpoint"]


def test_signed_userinfo_after_a_key_rotation() -> None:
    network = Network()
    server = make_server(network, jwks_uri=JWKS)
    server.keys()
    fresh = make_key("ES256", "two", "key-2")
    network.published[JWKS] = {"keys": [fresh.jwk]}
    jwt = compact({"alg": "ES256", "kid": "key-2"}, {"sub": "alice"}, fresh)
    assert server.verify_signed(jwt, None) == {"sub": "alice"}


#: A registry keeps its application alive, a client does not.
_alive: list[OAuth] = []


def client(**settings: Any) -> Any:
    app = Flask("x")
    app.config.update(SECRET_KEY="k" * 32, **{f"DEMO_{k.upper()}": v for k, v in settings.items()})
    oauth = OAuth(app)
    _alive.append(oauth)
    oauth.register("demo", jwks={"keys": [KEY.jwk]})
    return oauth.demo


@pytest.mark.parametrize("name", ["leeway", "id_token_max_age"])
def test_numbers_from_the_configuration_as_text(name: str) -> None:
    demo = client(client_id="me", **{name: "60"})
    demo.parse_id_token({"id_token": token()})


def test_switch_from_the_configuration_as_text() -> None:
    demo = client(client_id="me", insecure_http="false")
    assert demo._options.insecure_http is False


def test_algorithm_that_is_a_list() -> None:
    with pytest.raises(OAuthError):
        _ = client(client_id="me", id_token_signed_response_alg=["ES256"]).client_id


def test_final_slash_of_an_issuer_cannot_be_seen_in_the_url_of_its_document() -> None:
    network = Network(**{OPENID: {**DOCUMENT, "issuer": f"{DOCUMENT['issuer']}/"}})
    server = make_server(network, server_metadata_url=OPENID)
    assert server.load_metadata()["issuer"] == f"{DOCUMENT['issuer']}/"
    assert server.issuer == f"{DOCUMENT['issuer']}/"


def test_final_slash_of_a_registered_issuer_counts() -> None:
    network = Network(**{OPENID: {**DOCUMENT, "issuer": f"{DOCUMENT['issuer']}/"}})
    server = make_server(network, issuer=DOCUMENT["issuer"])
    with pytest.raises(OAuthError) as caught:
        server.load_metadata()
    assert caught.value.error == "issuer_mismatch"
