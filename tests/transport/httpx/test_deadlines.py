"""One time limit for the whole answer, however it is made to last."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2
import pytest

from flask_oauthclient.transport.httpx_connections import AsyncTransport
from flask_oauthclient.transport.httpx_connections import Transport
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
from tests.transport.httpx._calls import in_loop

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
    with ends_in_time(httpx2.ReadTimeout):
        fetch(server.url, total=LIMIT, verify=ca_bundle)
    assert len(server.requests) == 1


def test_a_number_counts_from_one_byte_to_the_next(serve: Serve, fetch: Fetch) -> None:
    def script(peer: Peer) -> None:
        peer.send(head("200 OK", {"Content-Length": "40"}))
        peer.drip(b"x" * 40)

    server = serve(after_reading(script))
    assert fetch(server.url, each=LIMIT).content == b"x" * 40


def test_an_answer_in_time_is_read(serve: Serve, fetch: Fetch) -> None:
    server = serve(always(answer(b'{"a": 1}')))
    assert fetch(server.url, total=30).json() == {"a": 1}


def test_no_time_is_left(serve: Serve, fetch: Fetch) -> None:
    server = serve(always(answer()))
    with ends_in_time(httpx2.ConnectTimeout):
        fetch(server.url, total=-1)
    assert server.requests == []


def test_a_handshake_that_does_not_end(serve: Serve, fetch: Fetch) -> None:
    server = serve(lambda peer: peer.stall())
    with ends_in_time(httpx2.ConnectTimeout):
        fetch(server.url.replace("http:", "https:"), total=LIMIT)


def test_a_kept_connection_keeps_the_limits_of_each_request(serve: Serve) -> None:
    server = serve(after_reading(lambda peer: peer.pause(LIMIT) or peer.send(answer())))
    with httpx2.Client(transport=Transport()) as client:
        client.get(server.url, timeout=httpx2.Timeout(TotalTime(30)))
        time_left = TotalTime(30)
        for _ in range(2):  # the time that is over for one request is not for the next
            client.get(server.url, timeout=httpx2.Timeout(time_left))
        with ends_in_time(httpx2.ReadTimeout):
            client.get(server.url, timeout=httpx2.Timeout(TotalTime(LIMIT / 3)))
    assert server.connections == 1


def test_all_hops_of_a_redirected_call_share_one_limit(serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.pause(LIMIT / 3)
        peer.send(answer(b"", "302 Found", {"Location": "/again"}))

    server = serve(after_reading(script))
    client = httpx2.Client(transport=Transport(), follow_redirects=True)
    with client, ends_in_time(httpx2.ReadTimeout):
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
    with ends_in_time(httpx2.WriteTimeout):
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
    with ends_in_time(httpx2.ReadTimeout):
        fetch("http://op.test/", total=LIMIT, proxy=proxy.url)
    assert proxy.last().target == "http://op.test/"


def test_a_tunnel_that_is_not_opened(serve: Serve, fetch: Fetch) -> None:
    proxy = serve(after_reading(SLOW["head"]))
    with ends_in_time(httpx2.ReadTimeout):
        fetch("https://op.test/", total=LIMIT, proxy=proxy.url)
    assert proxy.last().method == "CONNECT"


def _tunnel_to(script: Script, tls: ssl.SSLContext) -> Script:
    """Open a tunnel, at whose end a TLS server is."""

    def served(peer: Peer) -> None:
        peer.receive()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.connection = tls.wrap_socket(peer.connection, server_side=True)
        script(peer)

    return served


@pytest.mark.parametrize("slow", ["head", "body", "silence"])
def test_a_slow_answer_out_of_a_tunnel(
    slow: str, serve: Serve, fetch: Fetch, tls: Any, ca_bundle: str
) -> None:
    proxy = serve(_tunnel_to(after_reading(SLOW[slow]), tls))
    with ends_in_time(httpx2.ReadTimeout):
        fetch("https://127.0.0.1/", total=LIMIT, proxy=proxy.url, verify=ca_bundle)
    assert [request.method for request in proxy.requests] == ["CONNECT", "GET"]


def test_an_answer_out_of_a_tunnel(serve: Serve, fetch: Fetch, tls: Any, ca_bundle: str) -> None:
    proxy = serve(_tunnel_to(always(answer(b"fine")), tls))
    response = fetch("https://127.0.0.1/", total=30, proxy=proxy.url, verify=ca_bundle)
    assert response.content == b"fine"


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
    async def connect_tcp(self, host: str, port: int, timeout: float | None, **kwargs: Any) -> Any:  # type: ignore[override]  # noqa: ASYNC109
        return super().connect_tcp(host, port, timeout)

    async def connect_unix_socket(self, path: str, timeout: float | None, **kwargs: Any) -> Any:  # type: ignore[override]  # noqa: ASYNC109
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


def test_httpx_has_its_private_parts_where_they_are_used() -> None:
    with httpx2.HTTPTransport() as transport:
        assert isinstance(transport._pool._network_backend, httpcore2.NetworkBackend)
    asynchronous = httpx2.AsyncHTTPTransport()
    assert isinstance(asynchronous._pool._network_backend, httpcore2.AsyncNetworkBackend)
    assert httpx2.Response(200, content=b"read")._content == b"read"
