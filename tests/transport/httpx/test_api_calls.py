"""API calls are httpx2's own in everything but limits and credentials."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import httpx2
import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.transport._run import Steps
from flask_oauthclient.transport.httpx import AsyncPooledClient
from flask_oauthclient.transport.httpx import PooledClient
from flask_oauthclient.transport.httpx_auth import SigningAuth
from tests.transport._breaks import breaking_first
from tests.transport._breaks import takes_and_hangs_up
from tests.transport._messages import ACCESS_TOKEN
from tests.transport._raw import Peer
from tests.transport._raw import RawServer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import by_path
from tests.transport._raw import head
from tests.transport._raw import redirect
from tests.transport._slow import LIMIT
from tests.transport._slow import SLOW
from tests.transport._slow import after_reading
from tests.transport.conftest import Serve
from tests.transport.httpx._calls import LOOPS
from tests.transport.httpx._calls import drive
from tests.transport.httpx._calls import in_loop
from tests.transport.httpx.test_deadlines import ends_in_time
from tests.transport.test_size_limits import HUGE_REDIRECTS


class Bearing(SigningAuth):
    """Credentials that count how often they are given."""

    def __init__(self) -> None:
        self.given = 0

    def signing_steps(self, request: httpx2.Request) -> Steps[httpx2.Request]:
        yield from ()
        self.given += 1
        request.headers["Authorization"] = f"Bearer {ACCESS_TOKEN}"
        request.headers["DPoP"] = f"proof-{self.given}"
        return request


# -- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", [None, Bearing(), ("name", "word")], ids=["no", "own", "basic"])
@pytest.mark.parametrize("slow", ["head", "body", "silence"])
def test_a_call_ends_at_the_total_limit(slow: str, auth: Any, serve: Serve, call: Any) -> None:
    server = serve(after_reading(SLOW[slow]))
    with ends_in_time():
        call("GET", server.url, timeout=LIMIT, auth=auth)
    assert len(server.requests) <= 1


def test_the_limit_of_the_client_counts_where_the_call_has_none(serve: Serve, call: Any) -> None:
    server = serve(after_reading(SLOW["body"]))
    with ends_in_time():
        call("GET", server.url, client={"timeout": LIMIT})


def test_a_request_that_is_sent_again_has_its_whole_time_again(serve: Serve, style: str) -> None:
    server = serve(breaking_first(after_reading(SLOW["silence"])))

    def flow(client: PooledClient) -> Steps[Any]:
        request = client.build_request("POST", server.url, timeout=LIMIT)
        with ends_in_time():
            yield client.send(request)
        return (yield client.send(request))

    assert drive(style, flow).json() == "answered"


def test_all_hops_share_one_limit(serve: Serve, call: Any) -> None:
    def script(peer: Peer) -> None:
        peer.pause(LIMIT / 3)
        peer.send(answer(b"", "302 Found", {"Location": "/again"}))

    server = serve(after_reading(script))
    with ends_in_time():
        call("GET", server.url, timeout=LIMIT, auth=Bearing(), follow_redirects=True)
    assert len(server.requests) <= 5


@pytest.mark.parametrize("auth", [None, Bearing(), ("name", "word")], ids=["no", "own", "basic"])
def test_a_response_has_a_cap(auth: Any, serve: Serve, call: Any) -> None:
    server = serve(always(answer(b"x" * 1001)))
    with pytest.raises(OAuthError, match="response_too_large"):
        call("GET", server.url, client={"max_bytes": 1000}, auth=auth)
    assert call("GET", server.url, client={"max_bytes": 1001}, auth=auth).content == b"x" * 1001


@pytest.mark.parametrize("huge", HUGE_REDIRECTS.values(), ids=HUGE_REDIRECTS)
def test_a_redirect_with_a_huge_body_is_cut_off(huge: Any, serve: Serve, call: Any) -> None:
    def script(peer: Peer) -> None:
        if peer.receive() is not None:
            huge(peer)

    server = serve(script)
    with pytest.raises(OAuthError, match="response_too_large"):
        call("GET", server.url, auth=Bearing(), follow_redirects=True, timeout=30)
    assert server.paths == ["/"]


# -- streams ---------------------------------------------------------------------------------


def test_a_stream_is_read_as_it_comes(serve: Serve) -> None:
    read = threading.Event()

    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(head("200 OK", {"Transfer-Encoding": "chunked"}) + b"5\r\nfirst\r\n")
        if read.wait(10):
            peer.send(b"6\r\nsecond\r\n0\r\n\r\n")

    server = serve(script)
    with PooledClient() as client, client.stream("GET", server.url) as response:
        parts = response.iter_bytes()
        assert next(parts) == b"first"
        read.set()
        assert b"".join(parts) == b"second"


@pytest.mark.parametrize("loop", LOOPS)
def test_a_stream_is_read_in_a_loop_as_it_comes(loop: str, serve: Serve) -> None:
    server = serve(_a_long_stream)

    async def read() -> bytes:
        client = AsyncPooledClient(timeout=1, max_bytes=10)
        async with client, client.stream("GET", server.url) as response:
            return b"".join([part async for part in response.aiter_bytes()])

    assert in_loop(loop, read) == b"x" * 60


def _a_long_stream(peer: Peer) -> None:
    peer.receive()
    peer.send(answer(b"", length=60))
    peer.drip(b"x" * 60)


def test_a_stream_has_no_cap_and_may_take_longer_than_a_call(serve: Serve) -> None:
    server = serve(_a_long_stream)
    client = PooledClient(timeout=1, max_bytes=10)
    with client, client.stream("GET", server.url) as response:
        assert response.read() == b"x" * 60


def test_a_stream_that_stops_ends(serve: Serve) -> None:
    server = serve(after_reading(SLOW["silence-in-the-body"]))
    client = PooledClient(timeout=LIMIT)
    with client, ends_in_time(), client.stream("GET", server.url) as response:
        response.read()


@pytest.mark.parametrize("loop", LOOPS)
def test_a_stream_that_is_left_in_the_middle_is_closed(loop: str, serve: Serve) -> None:
    server = serve(after_reading(SLOW["endless"]))

    async def begin() -> bytes:
        client = AsyncPooledClient()
        async with (
            client,
            client.stream("GET", server.url) as response,
            aclosing(response.aiter_bytes()) as parts,
        ):
            return await anext(parts)

    assert in_loop(loop, begin) == b" "


# -- breaks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_read_that_breaks_is_sent_once_more(method: str, serve: Serve, call: Any) -> None:
    server, auth = serve(breaking_first(takes_and_hangs_up)), Bearing()
    assert call(method, server.url, auth=auth).status_code == 200
    proofs = [request.headers["dpop"] for request in server.requests]
    assert proofs == ["proof-1", "proof-2"]  # a proof holds for one sending only


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_that_breaks_is_not_sent_again(method: str, serve: Serve, call: Any) -> None:
    server = serve(breaking_first(takes_and_hangs_up))
    with pytest.raises(httpx2.TransportError):
        call(method, server.url, auth=Bearing())
    assert len(server.requests) == 1


def test_a_read_whose_body_is_a_stream_is_not_sent_again(serve: Serve, style: str) -> None:
    server = serve(breaking_first(takes_and_hangs_up))

    def parts() -> Iterator[bytes]:
        yield b"query"

    async def parts_in_a_loop() -> AsyncIterator[bytes]:
        yield b"query"

    def flow(client: Any) -> Steps[Any]:
        content = parts() if style == "blocking" else parts_in_a_loop()
        return (yield client.request("GET", server.url, content=content, auth=Bearing()))

    with pytest.raises(httpx2.TransportError):
        drive(style, flow)
    assert [request.body for request in server.requests] == [b"query"]


# -- redirects -------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(serve: Serve) -> RawServer:
    """Another origin."""
    return serve(always(answer(b"elsewhere")))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_another_origin_gets_no_credentials(
    status: str, serve: Serve, elsewhere: RawServer, call: Any
) -> None:
    server = serve(always(redirect(f"{elsewhere.url}/there", status)))
    response = call("GET", server.url, auth=Bearing(), follow_redirects=True)
    assert response.content == b"elsewhere"
    assert [each.status_code for each in response.history] == [int(status[:3])]
    assert server.last().headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert not {"authorization", "dpop", "cookie"} & elsewhere.last().headers.keys()


def test_a_redirect_is_not_followed_unless_asked_for(
    serve: Serve, elsewhere: RawServer, call: Any
) -> None:
    server = serve(always(redirect(elsewhere.url)))
    assert call("GET", server.url, auth=Bearing()).status_code == 307
    client = {"follow_redirects": True}
    assert call("GET", server.url, auth=Bearing(), client=client).content == b"elsewhere"
    assert call("GET", server.url, client=client, follow_redirects=False).status_code == 307
    assert len(elsewhere.requests) == 1


def test_redirects_come_to_an_end(serve: Serve, call: Any) -> None:
    server = serve(always(redirect("/again")))
    client = {"max_redirects": 3}
    with pytest.raises(httpx2.TooManyRedirects):
        call("GET", server.url, auth=Bearing(), follow_redirects=True, client=client)
    assert len(server.requests) == 4


def test_a_post_that_is_redirected_becomes_a_get(serve: Serve, call: Any) -> None:
    server = serve(by_path({"/": redirect("/there", "303 See Other"), "/there": answer(b"there")}))
    response = call("POST", server.url, content=b"body", auth=Bearing(), follow_redirects=True)
    assert response.content == b"there"
    assert [(each.method, each.body) for each in server.requests] == [
        ("POST", b"body"),
        ("GET", b""),
    ]


# -- as httpx2 does it -----------------------------------------------------------------------


def test_a_response_is_complete(serve: Serve, call: Any) -> None:
    server = serve(always(answer(b'{"a": 1}')))
    response = call("GET", server.url, params={"b": "c"})
    assert response.json() == {"a": 1}
    assert response.elapsed.total_seconds() > 0
    assert str(response.request.url) == f"{server.url}?b=c"
    assert response.is_closed


def test_any_status_is_a_response(serve: Serve, call: Any) -> None:
    assert call("GET", serve(always(answer(b"", "404 Not Found"))).url).status_code == 404


def test_event_hooks_see_each_request(serve: Serve) -> None:
    server = serve(by_path({"/": redirect("/there"), "/there": answer(b"there")}))
    seen: list[str] = []
    hooks: Any = {
        "request": [lambda request: seen.append(request.url.path)],
        "response": [lambda response: seen.append(str(response.status_code))],
    }
    with PooledClient(event_hooks=hooks, follow_redirects=True) as client:
        client.get(server.url, auth=Bearing())
    assert seen == ["/", "307", "/there", "200"]


@pytest.mark.parametrize("style", ["blocking", *LOOPS])
def test_a_base_url_and_defaults_are_used(style: str, serve: Serve) -> None:
    server = serve(always(answer()))

    def flow(client: Any) -> Steps[Any]:
        return (yield client.get("user", timeout=30))

    drive(style, flow, base_url=f"{server.url}/v1", params={"a": "b"}, headers={"X-C": "d"})
    assert (server.last().target, server.last().headers["x-c"]) == ("/v1/user?a=b", "d")


def test_refused_cookies_are_neither_kept_nor_sent(serve: Serve, style: str) -> None:
    server = serve(always(answer(headers={"Set-Cookie": "a=b; Path=/"})))

    def flow(client: Any) -> Steps[Any]:
        client.refuse_cookies()
        for _ in range(2):
            response = yield client.get(server.url, auth=Bearing())
            assert response.headers["set-cookie"] == "a=b; Path=/"
        return len(client.cookies.jar)

    assert drive(style, flow) == 0
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_calls_use_no_proxy_of_the_environment(
    host: str, serve: Serve, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(always(answer(b"proxy"))), serve(always(answer(b"server")))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    url = server.url.replace("127.0.0.1", host)
    assert call("GET", url).content == b"server"
    assert call("GET", "http://op.test/").content == b"proxy"
    assert call("GET", url, client={"trust_env": False}).content == b"server"


def test_a_proxy_that_was_asked_for_is_used(serve: Serve, call: Any) -> None:
    proxy = serve(always(answer(b"proxy")))
    assert call("GET", "http://127.0.0.1:1/", client={"proxy": proxy.url}).content == b"proxy"
    mounts = {"all://127.0.0.1": httpx2.MockTransport(lambda request: httpx2.Response(418))}
    assert call("GET", "http://127.0.0.1:1/", client={"mounts": mounts}).status_code == 418


@pytest.mark.parametrize("client", [PooledClient, AsyncPooledClient])
def test_a_keyword_that_nobody_knows_is_an_error(client: Any) -> None:
    with pytest.raises(UnknownOptionError, match="follow"):
        client(follow=True)
