"""``OAuth1Auth``, ``OAuth2Auth`` and ``OAuth2ClientAuth`` with clients of httpx2 itself."""

from __future__ import annotations

import base64
from typing import Any

import httpx2
import pytest

from flask_oauthclient.httpx_client import OAuth1Auth
from flask_oauthclient.httpx_client import OAuth2Auth
from flask_oauthclient.httpx_client import OAuth2Client
from flask_oauthclient.httpx_client import OAuth2ClientAuth
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.transport._run import Steps
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import CLIENT_ID
from tests.httpx_client._clients import CLIENT_SECRET
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import expired
from tests.httpx_client._clients import made
from tests.httpx_client._clients import token
from tests.transport._raw import Peer
from tests.transport._raw import raw_server

SECRETS = (CLIENT_ID, CLIENT_SECRET)
AUTHS: dict[str, Any] = {
    "OAuth1Auth": lambda: OAuth1Auth(*SECRETS, "the-token", "the-secret-of-the-token"),
    "OAuth2Auth": lambda: OAuth2Auth(token()),
    "OAuth2ClientAuth": lambda: OAuth2ClientAuth(*SECRETS, "client_secret_basic"),
}
SCHEMES = {"OAuth1Auth": "OAuth", "OAuth2Auth": "Bearer", "OAuth2ClientAuth": "Basic"}


@pytest.mark.parametrize("name", AUTHS)
def test_it_is_an_auth_of_httpx2(name: str, style: str) -> None:
    auth = AUTHS[name]()
    assert isinstance(auth, httpx2.Auth)

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL, auth=auth)
        yield client.post(API_URL, auth=auth, json={"a": 1})
        yield client.post(API_URL, auth=auth, data={"a": "1"})

    server = Server()
    drive(style, flow, server, kind="foreign")
    schemes = [str(header).partition(" ")[0] for header in server.authorizations]
    assert schemes == [SCHEMES[name]] * 3
    assert [request.content for request in server.requests] == [b"", b'{"a":1}', b"a=1"]


@pytest.mark.parametrize("name", AUTHS)
def test_it_may_be_that_of_a_whole_client(name: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL)
        yield client.get(API_URL, auth=None)

    server = Server()
    drive(style, flow, server, kind="foreign", auth=AUTHS[name]())
    assert [header is None for header in server.authorizations] == [False, True]


@pytest.mark.parametrize("name", AUTHS)
def test_it_works_with_the_functions_of_httpx2(name: str) -> None:
    def script(peer: Peer) -> None:
        while peer.receive() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with raw_server(script) as server:
        httpx2.get(server.url, auth=AUTHS[name](), trust_env=False)
        httpx2.post(server.url, auth=AUTHS[name](), data={"a": "1"}, trust_env=False)
    for request in server.requests:
        assert request.headers["authorization"].startswith(f"{SCHEMES[name]} ")


@pytest.mark.parametrize("name", AUTHS)
@pytest.mark.parametrize("url", ["http://api.test/", "http://localhost@evil.test/"])
def test_nothing_travels_in_the_clear(name: str, url: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        with pytest.raises(InsecureTransportError):
            yield client.get(url, auth=AUTHS[name]())

    server = Server()
    drive(style, flow, server, kind="foreign")
    assert server.requests == []


@pytest.mark.parametrize("name", AUTHS)
def test_a_foreign_client_takes_no_header_to_another_host(name: str, style: str) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response | None:
        is_first = request.url.host == "api.test"
        headers = {"Location": "https://evil.test/"}
        return httpx2.Response(302, headers=headers) if is_first else None

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL, auth=AUTHS[name]())

    server = Server(answer)
    drive(style, flow, server, kind="foreign", follow_redirects=True)
    assert [header is None for header in server.authorizations] == [False, True]


@pytest.mark.parametrize("name", AUTHS)
def test_a_stream_is_sent_beside_a_header(name: str, style: str) -> None:
    async def each() -> Any:
        for part in (b"a", b"b"):
            yield part

    def flow(client: Any) -> Steps[None]:
        content = iter([b"a", b"b"]) if style == "blocking" else each()
        yield client.put(API_URL, content=content, auth=AUTHS[name]())

    server = Server()
    drive(style, flow, server, kind="foreign")
    assert server.requests[0].content == b"ab"
    assert server.authorizations[0] is not None


def test_each_request_is_signed_with_a_nonce_of_its_own(style: str) -> None:
    auth = AUTHS["OAuth1Auth"]()

    def flow(client: Any) -> Steps[None]:
        request = client.build_request("GET", API_URL)
        for _ in range(3):
            yield client.send(request, auth=auth)

    server = Server()
    drive(style, flow, server, kind="foreign")
    assert len(server.requests) == 3


# -- bound to a client -----------------------------------------------------------------------------


def test_the_auth_of_a_client_that_awaits_works_where_none_does() -> None:
    server, api = Server(), Server()
    client = made("OAuth2", "async", server, token=expired())
    with made("foreign", "blocking", api) as foreign:
        foreign.get(API_URL, auth=client.token_auth)
    assert api.authorizations == ["Bearer access-token-number-1"]
    assert server.count == 1


def test_the_auth_of_a_client_that_blocks_works_in_an_event_loop(loop: str) -> None:
    server = Server()
    with made("OAuth2", "blocking", server, token=expired()) as client:

        def flow(foreign: Any) -> Steps[None]:
            for _ in range(2):
                yield foreign.get(API_URL, auth=client.token_auth)

        api = Server()
        drive(loop, flow, api, kind="foreign")
    assert api.authorizations == ["Bearer access-token-number-1"] * 2
    assert server.count == 1


def test_an_auth_without_a_token_is_an_error(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        with pytest.raises(MissingTokenError):
            yield client.get(API_URL, auth=OAuth2Auth(None))
        with pytest.raises(MissingTokenError):
            yield client.get(API_URL, auth=OAuth2Auth(None, client=OAuth2Client("c")))

    drive(style, flow, Server(), kind="foreign")


@pytest.mark.filterwarnings("ignore:token_placement")
def test_a_token_in_the_form(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.post(API_URL, data={"a": "b"}, auth=OAuth2Auth(token(), "body"))
        yield client.post(API_URL, auth=OAuth2Auth(token(), "body"))

    server = Server()
    drive(style, flow, server, kind="foreign")
    placed = b"access_token=access-token-first"
    assert [request.content for request in server.requests] == [b"a=b&" + placed, placed]
    for request in server.requests:
        kinds = request.headers.get_list("Content-Type")
        assert kinds == ["application/x-www-form-urlencoded"]
        assert request.headers.get_list("Content-Length") == [str(len(request.content))]


# -- the identity of a client ----------------------------------------------------------------------


def test_a_client_identifies_itself_in_the_form(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        auth = OAuth2ClientAuth(*SECRETS, "client_secret_post")
        yield client.post(API_URL, data={"a": "ü"}, auth=auth)
        yield client.post(API_URL, auth=auth)

    server = Server()
    drive(style, flow, server, kind="foreign")
    credentials = f"client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}"
    bodies = [request.content.decode() for request in server.requests]
    assert bodies == [f"a=%C3%BC&{credentials}", credentials]
    for request in server.requests:
        assert request.headers["Content-Length"] == str(len(request.content))
        kinds = request.headers.get_list("Content-Type")
        assert kinds == ["application/x-www-form-urlencoded"]


def test_the_identity_of_a_client_can_be_lent(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        with OAuth2Client(*SECRETS) as ours:
            yield client.post(API_URL, data={"token": "x"}, auth=ours.client_auth())

    server = Server()
    drive(style, flow, server, kind="foreign")
    credentials = base64.b64encode(":".join(SECRETS).encode()).decode()
    assert server.authorizations == [f"Basic {credentials}"]
