"""No cookie of one user's call goes with another user's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient.requests_client import OAuth2Session
from tests.transport._raw import RawServer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import by_path
from tests.transport._raw import redirect
from tests.transport.conftest import Serve

_COOKIE = {"Set-Cookie": "affinity=of-user-a; Path=/; HttpOnly"}
_TOKEN = b'{"access_token": "token-of-somebody", "token_type": "Bearer"}'


@pytest.fixture
def server(serve: Serve) -> RawServer:
    """A server that sets a cookie with every answer."""
    return serve(
        by_path(
            {
                "/token": answer(_TOKEN, headers=_COOKIE),
                "/refused": answer(b'{"error": "invalid_grant"}', "400 Bad Request", _COOKIE),
                "/api": answer(headers=_COOKIE),
                "/hop": answer(b"", "302 Found", {**_COOKIE, "Location": "/api"}),
                "/away": redirect("/hop", "302 Found"),
            }
        )
    )


@pytest.fixture
def client(server: RawServer) -> Iterator[Any]:
    """A registered client."""
    oauth = OAuth(Flask("a"))
    oauth.register(
        "demo",
        client_id="client",
        client_secret="secret-of-the-client",
        access_token_url=f"{server.url}/token",
        api_base_url=server.url,
    )
    yield oauth.demo
    oauth.demo.session.close()


def _sent_cookies(server: RawServer) -> list[str | None]:
    return [request.headers.get("cookie") for request in server.requests]


def test_registered_clients_keep_no_cookie(client: Any, server: RawServer) -> None:
    for user in ("a", "b"):
        client.fetch_access_token(code=f"code-of-user-{user}")
        client.get("/api", token={"access_token": f"token-of-user-{user}"})
        client.get("/api", withhold_token=True)
    assert _sent_cookies(server) == [None] * 6
    assert len(client.session.cookies) == 0


def test_a_refused_exchange_leaves_no_cookie_either(client: Any, server: RawServer) -> None:
    client.access_token_url = f"{server.url}/refused"
    for _ in range(2):
        with pytest.raises(Exception, match="invalid_grant"):
            client.fetch_access_token(code="code-of-user-a")
    assert _sent_cookies(server) == [None] * 2


def test_a_cookie_of_a_redirect_ends_with_its_call(client: Any, server: RawServer) -> None:
    for user in ("a", "b"):
        client.get("/away", token={"access_token": f"token-of-user-{user}"})
    assert _sent_cookies(server) == [None, None, "affinity=of-user-a"] * 2


def test_a_cookie_of_the_call_is_sent_with_this_call_only(client: Any, server: RawServer) -> None:
    token = {"access_token": "token-of-user-a"}
    client.get("/api", token=token, cookies={"own": "cookie"})
    client.get("/api", token=token)
    assert _sent_cookies(server) == ["own=cookie", None]


def test_the_answer_shows_its_cookies(client: Any) -> None:
    response = client.get("/api", token={"access_token": "token-of-user-a"})
    assert response.cookies["affinity"] == "of-user-a"


def test_a_session_of_ones_own_keeps_cookies_as_requests_does(server: RawServer) -> None:
    with OAuth2Session("c", token={"access_token": "t" * 20}) as session:
        for _ in range(2):
            session.get(f"{server.url}/api")
    assert _sent_cookies(server) == [None, "affinity=of-user-a"]


def test_a_token_request_takes_the_cookies_of_its_call(serve: Serve) -> None:
    server = serve(always(answer(_TOKEN)))
    with OAuth2Session("c", "secret-of-the-client") as session:
        session.fetch_token(server.url, code="c" * 20, cookies={"own": "cookie"})
    assert _sent_cookies(server) == ["own=cookie"]
    assert b"own" not in server.last().body
