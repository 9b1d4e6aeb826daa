"""Credentials in a query or a form leave the rest of a request as it was."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.transport._run import Steps
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import token


@pytest.mark.filterwarnings("ignore:token_placement=:UserWarning")
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("OAuth1", {"signature_type": "HEADER"}),
        ("OAuth1", {"signature_type": "QUERY"}),
        ("OAuth1", {"signature_type": "BODY"}),
        ("OAuth2", {"token": token(), "token_placement": "header"}),
        ("OAuth2", {"token": token(), "token_placement": "uri"}),
        ("OAuth2", {"token": token(), "token_placement": "body"}),
    ],
)
def test_time_limits_and_extensions_of_the_call_hold(
    kind: str, settings: dict[str, Any], style: str
) -> None:
    server = Server()

    def flow(client: Any) -> Steps[None]:
        yield client.post(API_URL, data={"a": "b"}, timeout=7, extensions={"of-the-call": "stays"})

    drive(style, flow, server, kind=kind, **settings)
    [request] = server.requests
    assert request.extensions["of-the-call"] == "stays"
    assert request.extensions["timeout"]["read"] == 7
    assert "a=b" in request.content.decode()
