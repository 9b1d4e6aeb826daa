from __future__ import annotations

import typing as t

import pytest
import requests

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import RelyingParty


@pytest.fixture
def op() -> DevelopmentProvider:
    return DevelopmentProvider()


@pytest.fixture
def rp(op: DevelopmentProvider) -> t.Iterator[RelyingParty]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount(op.issuer, op.adapter())
        yield RelyingParty(op, session)


@pytest.fixture
def browser(op: DevelopmentProvider) -> t.Iterator[ScriptedBrowser]:
    with ScriptedBrowser({op.issuer: op.wsgi}) as browser:
        yield browser


@pytest.fixture
def registered(op: DevelopmentProvider) -> ClientRecord:
    """A client whose URIs are registered one by one."""
    record = ClientRecord(
        "registered",
        "secret-of-the-registered-client",
        redirect_uris=("https://app.example/callback", "http://127.0.0.1/native"),
        post_logout_redirect_uris=("https://app.example/bye",),
    )
    op.add_client(record)
    return record
