from __future__ import annotations

import concurrent.futures
import http.client
import socket
import ssl
import threading
import typing as t

import pytest
import requests
import trustme

from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import serve_wsgi
from tests.testing._relying_party import RelyingParty


@pytest.fixture
def http_session() -> t.Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_a_whole_login_over_http(op: DevelopmentProvider, http_session: requests.Session) -> None:
    with op.serve() as server:
        assert op.issuer == server.url
        assert "refresh_token" in RelyingParty(op, http_session).login()


def test_a_given_issuer_stays_and_decides_the_port() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    op = DevelopmentProvider(f"http://127.0.0.1:{port}/op")
    with op.serve() as server:
        assert server.port == port
        assert op.issuer == f"http://127.0.0.1:{port}/op"


def test_a_connection_is_kept(op: DevelopmentProvider, http_session: requests.Session) -> None:
    with op.serve() as server:
        for _ in range(5):
            assert http_session.get(f"{server.url}/jwks").status_code == 200
            assert http_session.get(f"{server.url}/nothing").status_code == 404
            http_session.post(f"{server.url}/token", data={"a": "b"})
        assert server.connections == op.connections == 1
    assert op.connections == 1


def test_connections_are_counted(op: DevelopmentProvider) -> None:
    with op.serve() as server:
        for _ in range(3):
            with requests.Session() as session:
                session.trust_env = False
                session.get(f"{server.url}/jwks")
        assert op.connections == 3


def test_head_and_answer_arrive_in_one_packet(op: DevelopmentProvider) -> None:
    with op.serve() as server, socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.settimeout(10)
        raw.sendall(b"GET /jwks HTTP/1.1\r\nHost: localhost\r\n\r\n")
        packet = raw.recv(65_536)
    assert packet.startswith(b"HTTP/1.1 200 OK\r\n")
    assert packet.endswith(b"]}")


def test_requests_may_follow_each_other_at_once(op: DevelopmentProvider) -> None:
    request = b"GET /jwks HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with op.serve() as server, socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.settimeout(10)
        raw.sendall(request + request + last)
        received = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 3


def test_head_requests_have_no_body(
    op: DevelopmentProvider, http_session: requests.Session
) -> None:
    with op.serve() as server:
        head = http_session.head(f"{server.url}/jwks")
        assert head.content == b""
        assert int(head.headers["Content-Length"]) > 100
        assert http_session.get(f"{server.url}/jwks").json()["keys"]
        assert server.connections == 1


def test_tls_with_one_handshake_per_connection(http_session: requests.Session) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    op = DevelopmentProvider()
    with authority.cert_pem.tempfile() as bundle, op.serve(ssl_context=context) as server:
        assert op.issuer.startswith("https://127.0.0.1:")
        for _ in range(3):
            assert http_session.get(f"{server.url}/jwks", verify=bundle).status_code == 200
        assert server.connections == 1
        with pytest.raises(requests.exceptions.SSLError):
            http_session.get(f"{server.url}/jwks", verify=True)


def test_a_slow_client_holds_nobody_up(
    op: DevelopmentProvider, http_session: requests.Session
) -> None:
    with op.serve() as server, socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET /jwks HTTP/1.1\r\n")
        assert http_session.get(f"{server.url}/jwks").status_code == 200


def test_many_clients_at_once(op: DevelopmentProvider) -> None:
    with op.serve() as server:

        def ask(_: int) -> int:
            return requests.get(f"{server.url}/jwks", timeout=10).status_code

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            assert list(pool.map(ask, range(64))) == [200] * 64
        assert op.log.count("jwks") == 64


def test_nothing_is_left_behind(op: DevelopmentProvider) -> None:
    before = threading.active_count()
    with requests.Session() as session:
        session.trust_env = False
        with op.serve() as server:
            session.get(f"{server.url}/jwks")
            assert threading.active_count() > before
        assert threading.active_count() == before
        with pytest.raises(requests.ConnectionError):
            session.get(f"{server.url}/jwks")


def test_a_fault_does_not_hold_up_the_end(op: DevelopmentProvider) -> None:
    fault = op.faults.on("jwks").delay(600)
    with op.serve() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/jwks")
        while not fault.hits:
            threading.Event().wait(0.001)
    connection.close()


def test_hang_up_closes_idle_connections(
    op: DevelopmentProvider, http_session: requests.Session
) -> None:
    with op.serve() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/jwks")
        connection.getresponse().read()
        server.hang_up()
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
        connection.close()
        assert http_session.get(f"{server.url}/jwks").status_code == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /jwks HTTP/2\r\n\r\n",
        b"GET /jwks HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /jwks HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n",
        b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /token HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_bad_requests_are_answered_and_closed(
    op: DevelopmentProvider, request_bytes: bytes
) -> None:
    with op.serve() as server, socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.settimeout(10)
        raw.sendall(request_bytes)
        assert raw.recv(65_536).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_http_1_0_ends_with_the_connection(op: DevelopmentProvider) -> None:
    with op.serve() as server, socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.settimeout(10)
        op.faults.on("jwks").slow(1_000_000)
        raw.sendall(b"GET /jwks HTTP/1.0\r\nHost: localhost\r\n\r\n")
        received = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert b"chunked" not in received
    assert b"Connection: close" in received
    assert received.endswith(b"]}")


def test_any_wsgi_application_can_be_served(http_session: requests.Session) -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> t.Iterator[bytes]:
            yield b"one "
            yield b"two"

        def close(self) -> None:
            closed.append(True)

    def app(environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("X-Body", body.decode()), ("X-Odd", environ["PATH_INFO"])])
        return Body()

    with serve_wsgi(app) as server:
        response = http_session.post(f"{server.url}/path%20odd", data=b"sent")
        assert response.text == "one two"
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert response.headers["X-Body"] == "sent"
        assert response.headers["X-Odd"] == "/path odd"
    assert closed == [True]


def test_a_failing_application_is_logged_and_the_server_lives(
    http_session: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    def app(environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
        if environ["PATH_INFO"] == "/fail":
            raise ZeroDivisionError("on purpose")
        start_response("204 No Content", [])
        return []

    with serve_wsgi(app) as server:
        with pytest.raises(requests.ConnectionError):
            http_session.get(f"{server.url}/fail")
        assert http_session.get(server.url).status_code == 204
    assert "on purpose" in caplog.text
