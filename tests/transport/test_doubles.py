"""Test suites put doubles in the place of requests' own objects, and see every request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import requests
from flask import Flask
from requests.structures import CaseInsensitiveDict

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.requests import PooledSession
from tests.transport._messages import message

TOKEN = {"access_token": "a" * 20, "token_type": "Bearer", "expires_in": 3600}


class Double:
    """No more than what the doubles of other people's test suites have."""

    def __init__(self, document: Any, status_code: int = 200) -> None:
        self.document = document
        self.status_code = status_code

    def json(self) -> Any:
        if isinstance(self.document, str):
            raise ValueError("no JSON")
        return self.document

    @property
    def text(self) -> str:
        return str(self.document)


Sent = list[requests.PreparedRequest]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Sent]:
    """Replaces ``Session.send`` of requests and shows what was sent."""

    def answering(document: Any, status_code: int = 200) -> Sent:
        seen: Sent = []

        def send(self: Any, request: requests.PreparedRequest, **kwargs: Any) -> Any:
            seen.append(request)
            return Double(document, status_code)

        monkeypatch.setattr("requests.sessions.Session.send", send)
        return seen

    return answering


def test_a_patched_send_sees_every_kind_of_request(sent: Any) -> None:
    seen = sent({**TOKEN, "sub": "alice"})
    oauth = OAuth(Flask("a"))
    oauth.register(
        "demo",
        client_id="client",
        access_token_url="https://op.test/token",
        userinfo_endpoint="https://op.test/me",
        api_base_url="https://api.test/",
    )
    token = oauth.demo.fetch_access_token(code="c" * 20)
    assert token["access_token"] == "a" * 20
    assert oauth.demo.userinfo(token=token)["sub"] == "alice"
    assert oauth.demo.get("user", token=token).json()["sub"] == "alice"
    assert oauth.demo.post("user", token=token, json={"a": 1}).status_code == 200
    assert [f"{request.method} {request.url}" for request in seen] == [
        "POST https://op.test/token",
        "GET https://op.test/me",
        "GET https://api.test/user",
        "POST https://api.test/user",
    ]
    assert seen[2].headers["Authorization"] == "Bearer " + "a" * 20


def test_a_session_takes_doubles(sent: Any) -> None:
    seen = sent(TOKEN)
    session: Any = OAuth2Session("client", "secret-of-the-client")
    assert session.fetch_token("https://op.test/token")["expires_in"] == 3600
    assert session.get("https://api.test/").json() == TOKEN
    assert len(seen) == 2


def test_the_send_of_one_session_may_be_replaced() -> None:
    session: Any = OAuth2Session("client", token=TOKEN)
    session.send = mock.Mock(return_value=Double({"a": 1}))
    assert session.get("https://api.test/").json() == {"a": 1}
    assert session.send.call_args.args[0].headers["Authorization"].startswith("Bearer ")


def test_mocks_with_everything_are_taken_too(monkeypatch: pytest.MonkeyPatch) -> None:
    response = mock.MagicMock(spec=requests.Response)
    response.status_code = 200
    response.json.return_value = TOKEN
    monkeypatch.setattr("requests.sessions.Session.send", lambda *args, **kwargs: response)
    session: Any = OAuth2Session("client", "secret-of-the-client")
    assert session.fetch_token("https://op.test/token")["access_token"] == "a" * 20
    assert session.get("https://api.test/") is response


def test_an_error_in_a_double_is_an_error(sent: Any) -> None:
    sent({"error": "invalid_grant"}, 400)
    with pytest.raises(OAuthError, match="invalid_grant"):
        OAuth2Session("client").fetch_token("https://op.test/token", code="c" * 20)


def test_a_double_without_json_is_read_as_text(sent: Any) -> None:
    sent("<html>not found</html>", 404)
    with pytest.raises(OAuthError, match="invalid_response"):
        OAuth2Session("client").fetch_token("https://op.test/token", code="c" * 20)


@pytest.mark.parametrize(
    "headers",
    [{"ETag": "x"}, CaseInsensitiveDict({"ETag": "x"})],
    ids=["dict", "case-insensitive"],
)
def test_the_headers_of_a_double_are_read(headers: Any) -> None:
    double = Double({})
    double.headers = headers  # type: ignore[attr-defined]
    assert _received(double).headers == {"etag": "x"}


@pytest.mark.parametrize("headers", [None, mock.Mock(), "text"])
def test_headers_that_are_none_do_not_matter(headers: Any) -> None:
    double = Double({"a": 1})
    double.headers = headers  # type: ignore[attr-defined]
    received = _received(double)
    assert received.headers == {}
    assert received.json_object("document") == {"a": 1}
    session: Any = OAuth2Session("c", token={**TOKEN, "refresh_token": "r" * 20})
    session.metadata["token_endpoint"] = "https://op.test/token"
    double.status_code = 401
    session.send = mock.Mock(return_value=double)
    assert session.get("https://api.test/") is double
    assert session.send.call_count == 1


def _received(double: Any) -> Any:
    session: Any = PooledSession()
    session.send = mock.Mock(return_value=double)
    return session.send_message(message("jwks", "https://op.test/jwks"))


@pytest.mark.parametrize("status", [200, 400])
def test_a_response_that_a_hook_makes_up_is_the_one_that_counts(status: int) -> None:
    made_up = requests.Response()
    made_up.status_code = status
    made_up._content = b'{"made": "up"}'
    session: Any = PooledSession()
    session.send = mock.Mock(return_value=Double({"sent": "by the server"}))
    received = session.send_message(
        message("token", "https://op.test/token"), on_response=lambda response: made_up
    )
    assert received.status == status
    assert received.json_object("token") == {"made": "up"}


def test_a_hook_that_returns_nothing_changes_nothing() -> None:
    session: Any = PooledSession()
    session.send = mock.Mock(return_value=Double({"sent": "by the server"}))
    received = session.send_message(
        message("token", "https://op.test/token"), on_response=lambda response: None
    )
    assert received.json_object("token") == {"sent": "by the server"}
