"""Tokens of the clients' own, in the store of all tokens or beside it."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient import TokenKey
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.clock import Clock

from ._token_site import MakeTokenSite
from ._token_site import TokenSite


@pytest.fixture
def machine(provider: DevelopmentProvider, make_token_site: MakeTokenSite) -> TokenSite:
    """A site with a client that acts for itself."""
    provider.add_client(ClientRecord("machine", "the secret of the machine, for tests"))
    settings = {
        "client_id": "machine",
        "client_secret": "the secret of the machine, for tests",
        "issuer": provider.issuer,
        "api_base_url": f"{provider.issuer}/api/",
        "client_kwargs": {"grant_type": "client_credentials", "scope": "api"},
    }
    site = make_token_site(more={"machine": settings}, providers=["demo"])
    site.oauth.machine.session.mount("https://", site.outbound)
    return site


def test_token_of_the_client_is_fetched_once_and_needs_nobody(machine: TokenSite) -> None:
    client = machine.oauth.machine
    assert client.authorized
    for _ in range(3):
        with machine.app.app_context():
            assert client.get("me").json()["client_id"] == "machine"
    assert machine.provider.log.count("token") == 1
    assert machine.store.list("") == [TokenKey("machine")]


def test_token_of_the_client_is_renewed_early_and_after_a_refusal(
    machine: TokenSite, clock: Clock
) -> None:
    client = machine.oauth.machine
    client.get("me")
    clock.advance(3600 - 50)
    client.get("me")
    assert machine.provider.log.count("token") == 2
    machine.store.put(TokenKey("machine"), {"access_token": "unknown-to-the-api"})
    assert client.get("me").status_code == 200
    assert machine.provider.log.count("token") == 3


def test_refused_client_is_no_reason_to_sign_in(machine: TokenSite) -> None:
    machine.provider.faults.on("token").respond_json({"error": "invalid_client"}, 401)
    for _ in range(2):
        with pytest.raises(TokenRequestError) as caught:
            machine.oauth.machine.get("me")
        assert caught.value.error == "invalid_client"
    assert machine.provider.log.count("token") == 1


def test_client_may_have_a_token_for_each_owner(machine: TokenSite) -> None:
    client = machine.oauth.machine.for_account(owner=7, label="tenant")
    assert client.get("me").json()["client_id"] == "machine"
    assert machine.store.list("7") == [TokenKey("machine", "7", "tenant")]
    assert machine.store.list("") == []


def test_client_whose_grant_is_refused_is_told_so(machine: TokenSite) -> None:
    machine.provider.faults.on("token").respond_json({"error": "invalid_grant"}, 400)
    with pytest.raises(TokenRequestError) as caught:
        machine.oauth.machine.get("me")
    assert caught.value.error == "invalid_grant"


def test_token_of_the_client_needs_no_store(provider: DevelopmentProvider) -> None:
    provider.add_client(ClientRecord("machine", "the secret of the machine, for tests"))
    app = Flask("machine")
    oauth = OAuth(app)
    oauth.register(
        "machine",
        client_id="machine",
        client_secret="the secret of the machine, for tests",
        access_token_url=f"{provider.issuer}/token",
        api_base_url=f"{provider.issuer}/api/",
        client_kwargs={"grant_type": "client_credentials", "scope": "api"},
    )
    oauth.machine.session.mount("https://", provider.adapter())
    for _ in range(2):
        assert oauth.machine.get("me").json()["client_id"] == "machine"
    assert provider.log.count("token") == 1
    oauth.machine.session.close()
