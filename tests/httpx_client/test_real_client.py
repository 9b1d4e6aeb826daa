"""The clients are clients of httpx2: what those can do, these can."""

from __future__ import annotations

import copy
import logging
import pickle
import ssl
import threading
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from typing import Any

import anyio
import httpx2
import pytest
import trustme

from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.transport._run import Steps
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import CLASSES
from tests.httpx_client._clients import DEFAULTS
from tests.httpx_client._clients import TOKEN_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import expired
from tests.httpx_client._clients import in_loop
from tests.httpx_client._clients import made
from tests.httpx_client._clients import seen
from tests.httpx_client._clients import token
from tests.transport._raw import Peer
from tests.transport._raw import raw_server
from tests.transport.httpx._h2 import answers_over_h2

KINDS = ("OAuth2", "OAuth1", "Assertion")
kinds = pytest.mark.parametrize("kind", KINDS)


def settings_of(kind: str) -> dict[str, Any]:
    return {"token": token()} if kind != "OAuth1" else {}


def is_ours(kind: str, request: httpx2.Request) -> bool:
    """Whether a request carries the credentials of its client."""
    start = "OAuth " if kind == "OAuth1" else "Bearer access-token-first"
    return request.headers.get("Authorization", "").startswith(start)


@kinds
def test_a_client_is_a_real_subclass(kind: str) -> None:
    blocking, awaiting = CLASSES[kind]
    assert issubclass(blocking, httpx2.Client)
    assert issubclass(awaiting, httpx2.AsyncClient)


@kinds
def test_every_verb_of_httpx2_carries_the_credentials(kind: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        for verb in ("get", "head", "options", "delete", "post", "put", "patch"):
            yield getattr(client, verb)(API_URL)
        yield client.request("PROPFIND", API_URL)
        yield client.send(client.build_request("GET", API_URL))
        yield client.send(httpx2.Request("GET", API_URL))

    server = Server()
    drive(style, flow, server, kind=kind, **settings_of(kind))
    assert len(server.requests) == 10
    assert all(is_ours(kind, request) for request in server.requests)


@kinds
def test_settings_of_httpx2_reach_the_request(kind: str, style: str) -> None:
    settings = {
        "base_url": "https://api.test/v1/",
        "params": {"lang": "de"},
        "headers": {"X-Own": "1", "User-Agent": "own/1.0"},
        "cookies": {"own": "cookie"},
        "default_encoding": "latin-1",
        "limits": httpx2.Limits(max_connections=3),
        "max_redirects": 2,
        "timeout": httpx2.Timeout(7, connect=2),
    }

    def flow(client: Any) -> Steps[None]:
        yield client.get("users", params={"page": "2"})
        assert client.max_redirects == 2
        assert client.timeout == httpx2.Timeout(7, connect=2)

    server = Server()
    drive(style, flow, server, kind=kind, **settings, **settings_of(kind))
    [request] = server.requests
    assert str(request.url) == "https://api.test/v1/users?lang=de&page=2"
    assert request.headers["X-Own"] == "1"
    assert request.headers["User-Agent"] == "own/1.0"
    assert request.headers["Cookie"] == "own=cookie"
    assert dict(request.extensions["timeout"])["read"] == 7


@kinds
def test_mounts_choose_the_transport(kind: str, style: str) -> None:
    general, special = Server(), Server()

    def flow(client: Any) -> Steps[None]:
        yield client.get("https://special.test/a")
        yield client.get(API_URL)

    mounts = {"all://special.test": httpx2.MockTransport(special)}
    drive(style, flow, general, kind=kind, mounts=mounts, **settings_of(kind))
    assert special.urls == ["https://special.test/a"]
    assert general.urls == [API_URL]
    assert is_ours(kind, special.requests[0])


@kinds
def test_event_hooks_see_every_request_and_response(kind: str, style: str) -> None:
    asked: list[Any] = []
    answered: list[Any] = []

    def note(into: list[Any]) -> Callable[[Any], Any]:
        async def waiting(one: Any) -> None:
            into.append(one)

        return into.append if style == "blocking" else waiting

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL)

    held = {"token": expired()} if kind == "OAuth2" else settings_of(kind)
    hooks = {"request": [note(asked)], "response": [note(answered)]}
    drive(style, flow, Server(), kind=kind, event_hooks=hooks, **held)
    urls = [TOKEN_URL, API_URL] if kind == "OAuth2" else [API_URL]
    assert [str(request.url) for request in asked] == urls
    assert [response.status_code for response in answered] == [200] * len(urls)
    assert "Authorization" in asked[-1].headers


def test_cookies_are_kept_from_one_call_to_the_next(style: str) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"Set-Cookie": "own=cookie; Path=/"})

    server = Server(answer)

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL)
        yield client.get(API_URL)
        client.refuse_cookies()
        yield client.get(API_URL)

    drive(style, flow, server, token=token())
    sent = [request.headers.get("Cookie") for request in server.requests]
    assert sent == [None, "own=cookie", None]


# -- streams ---------------------------------------------------------------------------------------


class Body(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that tells how much of it was read."""

    def __init__(self, parts: int = 4, first: bytes = b"x") -> None:
        self.parts = [first] * parts
        self.read = 0
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            self.read += 1
            yield part

    async def __aiter__(self) -> Any:
        for part in self.parts:
            self.read += 1
            yield part

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


@kinds
def test_a_streamed_body_is_unread_until_asked_for(kind: str) -> None:
    body = Body()
    with (
        made(
            kind, "blocking", lambda _: httpx2.Response(200, stream=body), **settings_of(kind)
        ) as client,
        client.stream("GET", API_URL) as response,
    ):
        assert (body.read, body.is_closed) == (0, False)
        assert next(response.iter_bytes()) == b"x"
        assert body.read == 1
    assert body.is_closed
    assert is_ours(kind, response.request)


@kinds
def test_a_streamed_body_is_unread_until_awaited(kind: str, loop: str) -> None:
    body = Body()

    async def main() -> None:
        client = made(kind, loop, lambda _: httpx2.Response(200, stream=body), **settings_of(kind))
        async with client, client.stream("GET", API_URL) as response:
            assert (body.read, body.is_closed) == (0, False)
            assert await response.aread() == b"xxxx"
        assert body.is_closed
        assert is_ours(kind, response.request)

    in_loop(loop, main)


def test_a_streamed_call_refreshes_first_and_retries_a_refusal(loop: str) -> None:
    refusal = Body()

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if request.headers.get("Authorization") != "Bearer access-token-good":
            return None
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return httpx2.Response(401, headers=headers, stream=refusal)

    server = Server(answer)

    async def main() -> None:
        held = token("good", refresh_token="refresh-token-good")
        async with made("OAuth2", loop, server, token=held) as client:
            async with client.stream("GET", API_URL) as response:
                await response.aread()
            assert response.json()["headers"]["authorization"] == "Bearer access-token-number-1"
            async with client.stream("GET", API_URL, withhold_token=True) as response:
                await response.aread()
            assert "authorization" not in response.json()["headers"]

    in_loop(loop, main)
    assert refusal.is_closed
    assert server.urls == [API_URL, TOKEN_URL, API_URL, API_URL]


def test_a_refusal_is_closed_before_the_second_try_of_a_blocking_client() -> None:
    refusal = Body()
    answers = iter([httpx2.Response(401, stream=refusal)])

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        response = next(answers, None)
        if response is not None:
            response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        elif str(request.url) == TOKEN_URL:
            assert refusal.is_closed
        return response

    held = token("good", refresh_token="refresh-token-good")
    with made("OAuth2", "blocking", Server(answer), token=held) as client:
        assert client.get(API_URL).status_code == 200


def test_server_sent_events(style: str) -> None:
    events = b"event: a\ndata: 1\n\ndata: 2\n\n"

    def answer(request: httpx2.Request) -> httpx2.Response:
        stream = httpx2.ByteStream(events)
        kind = {"Content-Type": "text/event-stream"}
        return httpx2.Response(200, headers=kind, stream=stream)

    server = Server(answer)
    if style == "blocking":
        with made("OAuth2", style, server, token=token()) as client, client.sse(API_URL) as source:
            found = [(event.event, event.data) for event in source]
    else:

        async def main() -> list[Any]:
            client = made("OAuth2", style, server, token=token())
            async with client, client.sse(API_URL) as source:
                return [(event.event, event.data) async for event in source]

        found = in_loop(style, main)
    assert found == [("a", "1"), ("message", "2")]
    assert server.authorizations == ["Bearer access-token-first"]


def test_a_body_is_capped_unless_it_is_streamed(style: str) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=Body(parts=100, first=b"x" * 100))

    def flow(client: Any) -> Steps[None]:
        with pytest.raises(OAuthError, match="response_too_large"):
            yield client.get(API_URL)
        response = yield client.send(client.build_request("GET", API_URL), stream=True)
        body = yield response.read() if style == "blocking" else response.aread()
        assert len(body) == 10_000

    drive(style, flow, Server(answer), token=token(), max_bytes=1000)


# -- life ------------------------------------------------------------------------------------------


@kinds
def test_a_with_block_closes_the_transport(kind: str, style: str) -> None:
    closed: list[str] = []

    class Transport(httpx2.MockTransport):
        def close(self) -> None:
            closed.append("close")

        async def aclose(self) -> None:
            closed.append("aclose")

    if style == "blocking":
        with made(kind, style, transport=Transport(seen)) as client:
            assert not client.is_closed
    else:

        async def main() -> None:
            async with made(kind, style, transport=Transport(seen)) as client:
                assert not client.is_closed

        in_loop(style, main)
    assert closed == ["close" if style == "blocking" else "aclose"]


def test_a_closed_client_says_so(style: str) -> None:
    clients: list[Any] = []

    def flow(client: Any) -> Steps[None]:
        clients.append(client)
        yield None

    drive(style, flow, Server(), token=token())
    get = clients[0].get if style == "blocking" else partial(in_loop, style, clients[0].get)
    with pytest.raises(RuntimeError, match="closed"):
        get(API_URL)


@kinds
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("style", ["blocking", "asyncio"])
def test_a_client_is_not_copied_by_halves(kind: str, duplicate: Any, style: str) -> None:
    client = made(kind, style, seen)
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(client)


@pytest.mark.parametrize("kind", ["OAuth1", "Assertion"])
@pytest.mark.parametrize("style", ["blocking", "asyncio"])
def test_an_unknown_keyword_is_an_error(kind: str, style: str) -> None:
    with pytest.raises(UnknownOptionError, match="timeuot"):
        made(kind, style, seen, timeuot=5)


@kinds
def test_an_unknown_keyword_of_a_call_is_an_error(kind: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        with pytest.raises(TypeError, match="timeuot"):
            yield client.get(API_URL, timeuot=5)
        with pytest.raises(TypeError, match="timeuot"):
            yield client.request("GET", API_URL, timeuot=5)

    drive(style, flow, Server(), kind=kind, **settings_of(kind))


@pytest.mark.parametrize("style", ["blocking", "asyncio"])
def test_what_is_no_setting_of_an_oauth2_client_is_metadata(style: str) -> None:
    client = made("OAuth2", style, seen, issuer="https://op.test", nonce="n")
    assert client.metadata == {
        "token_endpoint": TOKEN_URL,
        "issuer": "https://op.test",
        "nonce": "n",
    }
    assert client.token_endpoint_auth_method == "client_secret_basic"
    assert CLASSES["OAuth2"][style != "blocking"]("c").token_endpoint_auth_method == "none"


# -- auth of a call --------------------------------------------------------------------------------


@kinds
def test_auth_of_a_call_takes_the_place_of_ours(kind: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL, auth=("user", "password"))
        yield client.get(API_URL, auth=None)
        yield client.get(API_URL, auth=httpx2.BasicAuth("user", "password"))

    server = Server()
    drive(style, flow, server, kind=kind, **settings_of(kind))
    assert server.authorizations == ["Basic dXNlcjpwYXNzd29yZA==", None] * 1 + [
        "Basic dXNlcjpwYXNzd29yZA=="
    ]


def test_without_a_token_there_is_no_call(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        with pytest.raises(MissingTokenError):
            yield client.get(API_URL)
        yield client.request("GET", API_URL, withhold_token=True)
        yield client.request("GET", API_URL, True)

    server = Server()
    drive(style, flow, server)
    assert server.authorizations == [None, None]


# -- doubles ---------------------------------------------------------------------------------------


class Double:
    """All that the doubles of test suites have."""

    status_code = 200
    text = ""

    def json(self) -> Any:
        return {**token("double"), "oauth_token": "t", "oauth_token_secret": "new-secret"}


@pytest.fixture(params=["class", "object"])
def patch_send(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a double in the place of ``send``, of httpx2's class or of one client."""
    sent: list[httpx2.Request] = []

    def patch(style: str, client: Any) -> list[httpx2.Request]:
        def send(self: Any, request: httpx2.Request, **kwargs: Any) -> Any:
            sent.append(request)
            return Double()

        async def asend(self: Any, request: httpx2.Request, **kwargs: Any) -> Any:
            return send(self, request)

        double = send if style == "blocking" else asend
        if request.param == "class":
            monkeypatch.setattr(CLASSES["foreign"][style != "blocking"], "send", double)
        else:
            monkeypatch.setattr(client, "send", double.__get__(client))
        return sent

    return patch


def test_a_double_sees_every_request_of_oauth2(style: str, patch_send: Any) -> None:
    def flow(client: Any) -> Steps[list[httpx2.Request]]:
        sent: list[httpx2.Request] = patch_send(style, client)
        yield client.fetch_token(code="c" * 20)
        yield client.refresh_token(refresh_token="refresh-token-x")
        yield client.revoke_token("https://op.test/revoke")
        yield client.introspect_token("https://op.test/introspect")
        response = yield client.get(API_URL)
        assert response.json()["access_token"] == "access-token-double"
        return sent

    sent = drive(style, flow, Server())
    assert [str(request.url) for request in sent] == [
        TOKEN_URL,
        TOKEN_URL,
        "https://op.test/revoke",
        "https://op.test/introspect",
        API_URL,
    ]


def test_a_double_sees_every_request_of_oauth1(style: str, patch_send: Any) -> None:
    def flow(client: Any) -> Steps[list[httpx2.Request]]:
        sent: list[httpx2.Request] = patch_send(style, client)
        yield client.fetch_request_token("https://op.test/initiate")
        client.parse_authorization_response("https://rp.test/?oauth_token=t&oauth_verifier=v")
        yield client.fetch_access_token(TOKEN_URL)
        yield client.get(API_URL)
        return sent

    sent = drive(style, flow, Server(), kind="OAuth1")
    assert [str(request.url) for request in sent] == [
        "https://op.test/initiate",
        TOKEN_URL,
        API_URL,
    ]


def test_a_double_gets_the_token_request_of_an_assertion_client(
    style: str, patch_send: Any
) -> None:
    def flow(client: Any) -> Steps[list[httpx2.Request]]:
        sent: list[httpx2.Request] = patch_send(style, client)
        yield client.refresh_token()
        yield client.get(API_URL)
        return sent

    assert len(drive(style, flow, Server(), kind="Assertion")) == 2


def test_a_subclass_with_a_send_of_its_own(style: str) -> None:
    base: Any = CLASSES["OAuth2"][style != "blocking"]
    sent: list[str] = []

    class Blocking(base):  # type: ignore[misc]
        def send(self, request: httpx2.Request, **kwargs: Any) -> Any:
            sent.append(str(request.url))
            return super().send(request, **kwargs)

    class Awaiting(base):  # type: ignore[misc]
        async def send(self, request: httpx2.Request, **kwargs: Any) -> Any:
            sent.append(str(request.url))
            return await super().send(request, **kwargs)

    made_of = Blocking if style == "blocking" else Awaiting
    client = made_of(
        **DEFAULTS["OAuth2"], token=expired(), transport=httpx2.MockTransport(Server())
    )
    if style == "blocking":
        client.get(API_URL)
        client.close()
    else:

        async def main() -> None:
            await client.get(API_URL)
            await client.aclose()

        in_loop(style, main)
    assert set(sent) == {API_URL, TOKEN_URL}


# -- over the wire ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the certificates of these tests."""
    return trustme.CA()


def test_calls_share_a_connection_of_http2(
    style: str, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hpack")  # the server's, which is in this process
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    server_side.set_alpn_protocols(["h2"])
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)

    def flow(client: Any) -> Steps[None]:
        for _ in range(3):
            response = yield client.get(f"{url}/quick")
            assert (response.http_version, response.content) == ("HTTP/2", b"begun")

    with raw_server(answers_over_h2, tls=server_side) as server:
        url = server.url
        drive(style, flow, None, token=token(), http2=True, verify=client_side, trust_env=False)
    assert (server.connections, len(server.requests)) == (1, 3)
    assert {request.headers["authorization"] for request in server.requests} == {
        "Bearer access-token-first"
    }


def test_a_connection_is_kept(style: str) -> None:
    def script(peer: Peer) -> None:
        while peer.receive() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    def flow(client: Any) -> Steps[None]:
        for _ in range(3):
            response = yield client.get(url)
            assert response.json() == {}

    with raw_server(script) as server:
        url = server.url
        drive(style, flow, None, token=token(), trust_env=False)
    assert (server.connections, len(server.requests)) == (1, 3)
    assert {request.headers["authorization"] for request in server.requests} == {
        "Bearer access-token-first"
    }


def test_the_limit_of_connections_counts(loop: str) -> None:
    together, most, lock = [0], [0], threading.Lock()

    def script(peer: Peer) -> None:
        while peer.receive() is not None:
            with lock:
                together[0] += 1
                most[0] = max(most[0], together[0])
            peer.pause(0.02)
            with lock:
                together[0] -= 1
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def main(url: str) -> None:
        limits = httpx2.Limits(max_connections=2)
        client = made("OAuth2", loop, token=token(), limits=limits, trust_env=False)
        async with client, anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(client.get, url)

    with raw_server(script) as server:
        in_loop(loop, main, server.url)
    assert len(server.requests) == 8
    assert most[0] <= 2
