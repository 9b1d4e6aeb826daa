"""One time limit for the whole answer, however it is made to last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2
import pytest

from flask_oauthclient.transport.httpx_answers import classify
from flask_oauthclient.transport.httpx_connections import AsyncTransport
from flask_oauthclient.transport.httpx_connections import Transport
from flask_oauthclient.transport.httpx_deadlines import DeadlineBackend
from flask_oauthclient.transport.httpx_tls import tls_context
from flask_oauthclient.transport.time_limits import ConnectTime
from flask_oauthclient.transport.time_limits import TotalTime
from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import head
from tests.transport._slow import AT_MOST
from tests.transport._slow import LIMIT
from tests.transport._slow import SLOW
from tests.transport._slow import after_reading
from tests.transport._slow import reads_late
from tests.transport.conftest import Serve
from tests.transport.httpx._calls import LOOPS
from tests.transport.httpx._calls import Fetch
from tests.transport.httpx._calls import fetch_with
from tests.transport.httpx._calls import in_loop
from tests.transport.httpx._nested import tunnel

_UPLOAD = b"x" * 12_000_000  # more than the buffers of both sides hold


@contextmanager
def ends_in_time(error: type[Exception] = httpx2.TimeoutException) -> Iterator[None]:
    begin = time.monotonic()
    with pytest.raises(error):
        yield
    assert time.monotonic() - begin < AT_MOST


@pytest.mark.parametrize("tls_used", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
def test_a_slow_answer_ends_at_the_total_limit(
    slow: Script, tls_used: bool, serve: Serve, fetch: Fetch, tls: Any, ca_bundle: str
) -> None:
    server = serve(after_reading(slow), tls if tls_used else None)
    with ends_in_time():
        fetch(server.url, total=LIMIT, verify=ca_bundle)
    assert len(server.requests) <= 1  # a busy machine may not even get there


def test_a_number_counts_from_one_byte_to_the_next(serve: Serve, fetch: Fetch) -> None:
    def script(peer: Peer) -> None:
        peer.send(head("200 OK", {"Content-Length": "60"}))
        peer.drip(b"x" * 60)

    server = serve(after_reading(script))
    assert fetch(server.url, each=1).content == b"x" * 60


def test_an_answer_in_time_is_read(serve: Serve, fetch: Fetch) -> None:
    server = serve(always(answer(b'{"a": 1}')))
    assert fetch(server.url, total=30).json() == {"a": 1}


def test_no_time_is_left(serve: Serve, fetch: Fetch) -> None:
    server = serve(always(answer()))
    with ends_in_time(httpx2.ConnectTimeout):
        fetch(server.url, total=-1)
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("connect", httpx2.ConnectTimeout),
        ("write", httpx2.WriteTimeout),
        ("read", httpx2.ReadTimeout),
    ],
)
def test_the_error_tells_what_there_was_no_time_for(
    name: str, error: type[Exception], serve: Serve, style: str
) -> None:
    server = serve(always(answer()))
    limits: dict[str, Any] = {"connect": None, "write": None, "read": None, "pool": None}
    timeout = httpx2.Timeout(**limits | {name: TotalTime(-1)})
    with ends_in_time(error):
        fetch_with(style, server.url, timeout)


def test_a_handshake_that_does_not_end(serve: Serve, fetch: Fetch) -> None:
    server = serve(lambda peer: peer.stall())
    with ends_in_time():
        fetch(server.url.replace("http:", "https:"), total=LIMIT)


def test_a_kept_connection_keeps_the_limits_of_each_request(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.pause(LIMIT)
        peer.send(answer())

    server = serve(after_reading(script))
    with httpx2.Client(transport=Transport()) as client:
        client.get(server.url, timeout=httpx2.Timeout(TotalTime(30)))
        time_left = TotalTime(30)
        for _ in range(2):  # the time that is over for one request is not for the next
            client.get(server.url, timeout=httpx2.Timeout(time_left))
        with ends_in_time():
            client.get(server.url, timeout=httpx2.Timeout(TotalTime(LIMIT / 3)))
    assert server.connections == 1


def test_all_hops_of_a_redirected_call_share_one_limit(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.pause(LIMIT / 3)
        peer.send(answer(b"", "302 Found", {"Location": "/again"}))

    server = serve(after_reading(script))
    client = httpx2.Client(transport=Transport(), follow_redirects=True)
    with client, ends_in_time():
        client.get(server.url, timeout=httpx2.Timeout(TotalTime(LIMIT)))
    assert len(server.requests) <= 5


# -- sending takes time as well ------------------------------------------------------------


@pytest.mark.parametrize("tls_used", [False, True], ids=["plain", "tls"])
def test_an_upload_that_is_not_read_ends_at_the_total_limit(
    tls_used: bool, serve: Serve, fetch: Fetch, tls: Any, ca_bundle: str
) -> None:
    def reads_a_little(peer: Peer) -> None:
        while not peer.pause():
            peer.connection.recv(1000)

    server = serve(reads_a_little, tls if tls_used else None)
    with ends_in_time():
        fetch(server.url, method="POST", content=_UPLOAD, total=LIMIT, verify=ca_bundle)


@pytest.mark.parametrize("tls_used", [False, True], ids=["plain", "tls"])
def test_an_upload_may_take_its_time(
    tls_used: bool, serve: Serve, fetch: Fetch, tls: Any, ca_bundle: str
) -> None:
    server = serve(reads_late(LIMIT), tls if tls_used else None)
    response = fetch(server.url, method="POST", content=_UPLOAD, total=30, verify=ca_bundle)
    assert response.status_code == 200
    assert len(server.last().body) == len(_UPLOAD)


# -- proxies -------------------------------------------------------------------------------


def test_a_proxy_that_lets_wait(serve: Serve, fetch: Fetch) -> None:
    proxy = serve(after_reading(SLOW["body"]))
    with ends_in_time():
        fetch("http://op.test/", total=LIMIT, proxy=proxy.url)
    assert {request.target for request in proxy.requests} <= {"http://op.test/"}


def test_a_tunnel_that_is_not_opened(serve: Serve, fetch: Fetch) -> None:
    proxy = serve(after_reading(SLOW["head"]))
    with ends_in_time():
        fetch("https://op.test/", total=LIMIT, proxy=proxy.url)
    assert {request.method for request in proxy.requests} <= {"CONNECT"}


@pytest.fixture(params=["http", "https"])
def proxied(request: pytest.FixtureRequest, serve: Serve, tls: Any, ca_bundle: str) -> Any:
    """Serves a script at the end of a tunnel, and gives the settings for calls through it."""

    def start(script: Script, *, slowly: bool = False) -> dict[str, Any]:
        outer = tls if request.param == "https" else None
        proxy = serve(tunnel(script, tls, slowly=slowly), outer)
        context = tls_context(ca_bundle) if outer else None
        return {"proxy": httpx2.Proxy(proxy.url, ssl_context=context), "verify": ca_bundle}

    return start


@pytest.mark.parametrize("slow", ["head", "body", "silence"])
def test_a_slow_answer_out_of_a_tunnel(slow: str, proxied: Any, fetch: Fetch) -> None:
    with ends_in_time():
        fetch("https://127.0.0.1/", total=LIMIT, **proxied(after_reading(SLOW[slow])))


def test_a_slow_record_out_of_a_tunnel(proxied: Any, fetch: Fetch) -> None:
    settings = proxied(always(answer(b"x" * 2000)), slowly=True)
    with ends_in_time():
        fetch("https://127.0.0.1/", total=LIMIT, **settings)


def test_an_answer_out_of_a_tunnel(proxied: Any, fetch: Fetch) -> None:
    echo = b"x" * 300_000

    def script(peer: Peer) -> None:
        while (received := peer.receive()) is not None:
            peer.send(answer(received.body))

    response = fetch("https://127.0.0.1/", total=30, content=echo, **proxied(script))
    assert response.content == echo


@pytest.mark.parametrize("verify", [True, False])
def test_a_server_in_a_tunnel_has_to_be_trusted(verify: bool, proxied: Any, fetch: Fetch) -> None:
    settings = proxied(always(answer(b"fine"))) | {"verify": verify}
    if verify:
        with pytest.raises(httpx2.ConnectError) as caught:
            fetch("https://127.0.0.1/", total=30, **settings)
        assert classify(caught.value) == "tls_failure"
    else:
        assert fetch("https://127.0.0.1/", total=30, **settings).content == b"fine"


def test_a_server_in_a_tunnel_that_hangs_up(proxied: Any, fetch: Fetch) -> None:
    settings = proxied(lambda peer: None)
    with pytest.raises(httpx2.TransportError) as caught:
        fetch("https://127.0.0.1/", total=30, **settings)
    assert not isinstance(caught.value, httpx2.TimeoutException)


def test_a_handshake_in_a_tunnel_that_does_not_end(
    serve: Serve, fetch: Fetch, tls: Any, ca_bundle: str
) -> None:
    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.drip(b"\x16\x03\x03\x40\x00" + bytes(5000))

    proxy = httpx2.Proxy(serve(script, tls).url, ssl_context=tls_context(ca_bundle))
    with ends_in_time():
        fetch("https://127.0.0.1/", total=LIMIT, proxy=proxy)


# -- the pieces ----------------------------------------------------------------------------


def test_connecting_has_a_limit_of_its_own_within_the_total() -> None:
    assert 4 < ConnectTime(9, TotalTime(5)).remaining() <= 5
    assert ConnectTime(2, TotalTime(5)).remaining() == 2
    with pytest.raises(TimeoutError):
        ConnectTime(2, TotalTime(-1)).remaining()


class _Backend:
    """Notes the time limits that a network backend is given."""

    def __init__(self) -> None:
        self.limits: list[float | None] = []

    def connect_tcp(self, host: str, port: int, timeout: float | None, **kwargs: Any) -> Any:
        self.limits.append(timeout)
        raise httpcore2.ConnectError("as expected")

    def connect_unix_socket(self, path: str, timeout: float | None, **kwargs: Any) -> Any:
        return self.connect_tcp(path, 0, timeout)


class _AsyncBackend(_Backend):
    async def connect_tcp(self, host: str, port: int, timeout: float | None, **kwargs: Any) -> Any:  # noqa: ASYNC109
        return super().connect_tcp(host, port, timeout)

    async def connect_unix_socket(self, path: str, timeout: float | None, **kwargs: Any) -> Any:  # noqa: ASYNC109
        return super().connect_tcp(path, 0, timeout)


@pytest.mark.parametrize("uds", [None, "/a/socket"])
def test_connecting_gets_what_is_left(uds: str | None) -> None:
    with Transport(uds=uds) as transport:
        backend = transport._pool._network_backend._backend = _Backend()
        client = httpx2.Client(transport=transport)
        for limit in (7, None, ConnectTime(9, TotalTime(5)), TotalTime(3)):
            with pytest.raises(httpx2.ConnectError):
                client.get("http://op.test/", timeout=httpx2.Timeout(limit))
    _check(backend.limits)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("uds", [None, "/a/socket"])
def test_connecting_in_a_loop_gets_what_is_left(uds: str | None, loop: str) -> None:
    async def connect() -> list[float | None]:
        async with AsyncTransport(uds=uds) as transport:
            backend = transport._pool._network_backend._backend = _AsyncBackend()
            client = httpx2.AsyncClient(transport=transport)
            for limit in (7, None, ConnectTime(9, TotalTime(5)), TotalTime(3)):
                with pytest.raises(httpx2.ConnectError):
                    await client.get("http://op.test/", timeout=httpx2.Timeout(limit))
        return backend.limits

    _check(in_loop(loop, connect))


def _check(limits: list[Any]) -> None:
    plain, none, connect, total = limits
    assert (plain, none) == (7, None)
    assert 0 < connect <= 5
    assert 0 < total <= 3


def test_a_retry_waits_as_httpx_does(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    with Transport(retries=2) as transport:
        waits: list[float] = []
        backend = transport._pool._network_backend._backend = _Backend()
        monkeypatch.setattr(backend, "sleep", waits.append, raising=False)
        with pytest.raises(httpx2.ConnectError):
            httpx2.Client(transport=transport).get("http://op.test/")
    assert len(backend.limits) == 3
    assert waits == [0, 0.5]


class _Network(httpcore2.NetworkBackend, httpcore2.NetworkStream):
    """Opens a connection that notes what is written, and how long it may take."""

    def __init__(self) -> None:
        self.written: list[tuple[bytes, float | None]] = []

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        return self

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.written.append((buffer, timeout))


def test_much_is_written_under_many_looks_at_the_clock() -> None:
    network, body = _Network(), bytes(range(256)) * 200
    stream = DeadlineBackend(network).connect_tcp("op.test", 443)
    stream.write(body, 9.5)
    assert network.written == [(body, 9.5)]
    network.written.clear()
    stream.write(body, TotalTime(5))
    assert b"".join(piece for piece, _ in network.written) == body
    left: list[Any] = [each for _, each in network.written]
    assert max(len(piece) for piece, _ in network.written) <= 16_384
    assert 5 >= left[0] >= left[1] >= left[-1] > 0


def test_httpx_has_its_private_parts_where_they_are_used() -> None:
    with httpx2.HTTPTransport() as transport:
        assert isinstance(transport._pool._network_backend, httpcore2.NetworkBackend)
    asynchronous = httpx2.AsyncHTTPTransport()
    assert isinstance(asynchronous._pool._network_backend, httpcore2.AsyncNetworkBackend)
    assert httpx2.Response(200, content=b"read")._content == b"read"
