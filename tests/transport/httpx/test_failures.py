"""Whatever goes wrong over httpx2 has a stable code."""

from __future__ import annotations

import json
import ssl
from typing import Any

import httpx2
import pytest

from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.transport.httpx_answers import broke_before_answer
from flask_oauthclient.transport.httpx_answers import classify
from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import raw_server
from tests.transport.conftest import Serve
from tests.transport.httpx._calls import Fetch
from tests.transport.test_errors import FAILURES

#: What fails in the library of requests only, or only in what is above the transport.
_OTHERS = {"redirect", "too-large", "200-headers", "long-header"}
_CODES = {name: case for name, case in FAILURES.items() if name not in _OTHERS}


def _failure(fetch: Fetch, url: str, **settings: Any) -> Exception:
    with pytest.raises((httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError)) as caught:
        fetch(url, **settings)
    assert not isinstance(caught.value, TransportError)
    return caught.value


@pytest.mark.parametrize(("script", "code"), _CODES.values(), ids=_CODES)
def test_a_failure_has_the_code_that_it_has_over_requests(
    script: Script, code: str, serve: Serve, fetch: Fetch
) -> None:
    server = serve(script)
    total = 0.3 if code == "provider_timeout" else 10
    assert classify(_failure(fetch, server.url, total=total)) == code


@pytest.mark.parametrize("line", [b"A: b\r\n" * 30_000, b"A: " + b"b" * 200_000])
def test_headers_have_a_limit(line: bytes, serve: Serve, fetch: Fetch) -> None:
    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n")

    failure = _failure(fetch, serve(script).url, total=10)
    assert classify(failure) == "provider_unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "https://a..b/token",
        "https://" + "a" * 70 + ".test/token",
        "https://*.test/token",
        "https://op.invalid/token",
        "ftp://op.test/token",
    ],
)
def test_a_host_that_cannot_be_a_host_is_not_reached(url: str, fetch: Fetch) -> None:
    assert classify(_failure(fetch, url)) in ("provider_unreachable", "invalid_response")


def test_nobody_listens(fetch: Fetch) -> None:
    with raw_server(always(answer())) as gone:
        pass
    assert classify(_failure(fetch, gone.url)) == "provider_unreachable"


def test_a_certificate_that_is_not_trusted(
    serve: Serve, fetch: Fetch, tls: Any, other_ca_bundle: str
) -> None:
    server = serve(always(answer()), tls)
    assert classify(_failure(fetch, server.url, verify=other_ca_bundle)) == "tls_failure"


def test_a_certificate_for_another_host(
    serve: Serve, fetch: Fetch, make_tls: Any, ca_bundle: str
) -> None:
    server = serve(always(answer()), make_tls("op.test"))
    assert classify(_failure(fetch, server.url, verify=ca_bundle)) == "tls_failure"


def test_a_server_without_tls(serve: Serve, fetch: Fetch) -> None:
    def script(peer: Peer) -> None:
        peer.connection.recv(65_536)
        peer.send(answer(b"", "400 Bad Request"))

    url = serve(script).url.replace("http:", "https:")
    assert classify(_failure(fetch, url)) == "tls_failure"


def test_a_certificate_of_the_client_is_wanted(
    serve: Serve, fetch: Fetch, make_tls: Any, ca_bundle: str
) -> None:
    context: ssl.SSLContext = make_tls("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    failure = _failure(fetch, serve(always(answer()), context).url, verify=ca_bundle)
    assert isinstance(failure, httpx2.TransportError)


def test_a_bundle_that_is_not_there(fetch: Fetch) -> None:
    assert classify(_failure(fetch, "https://op.test", verify="missing.pem")) == "tls_failure"


def test_a_proxy_that_refuses(serve: Serve, fetch: Fetch) -> None:
    proxy = serve(always(answer(b"", "407 Proxy Authentication Required")))
    failure = _failure(fetch, "https://op.test", proxy=proxy.url)
    assert classify(failure) == "provider_unreachable"
    assert not broke_before_answer(failure)


def _from(failure: Exception, cause: Exception) -> Exception:
    failure.__cause__ = cause
    return failure


def _not_json() -> Exception:
    return json.JSONDecodeError("no JSON", "", 0)


CLASSES: dict[str, tuple[Exception, str]] = {
    "connect-timeout": (httpx2.ConnectTimeout("late"), "provider_timeout"),
    "read-timeout": (httpx2.ReadTimeout("late"), "provider_timeout"),
    "write-timeout": (httpx2.WriteTimeout("late"), "provider_timeout"),
    "pool-timeout": (httpx2.PoolTimeout("late"), "provider_timeout"),
    "systems-timeout": (TimeoutError("late"), "provider_timeout"),
    "refused": (ConnectionRefusedError("refused"), "provider_unreachable"),
    "connect-error": (httpx2.ConnectError("refused"), "provider_unreachable"),
    "read-error": (httpx2.ReadError(""), "provider_unreachable"),
    "tls-error": (ssl.SSLError(1, "bad"), "tls_failure"),
    "tls-error-in-a-chain": (
        _from(httpx2.ConnectError(""), OSError(ssl.SSLCertVerificationError(1, "bad"))),
        "tls_failure",
    ),
    "missing-file": (FileNotFoundError("ca.pem"), "tls_failure"),
    "unreadable-file": (PermissionError("ca.pem"), "tls_failure"),
    "not-gzip": (httpx2.DecodingError("not gzip"), "invalid_response"),
    "not-json": (_not_json(), "invalid_response"),
    "not-text": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "invalid_response"),
    "their-header": (httpx2.RemoteProtocolError("illegal header line"), "invalid_response"),
    "our-header": (httpx2.LocalProtocolError("Illegal header value"), "invalid_response"),
    "hooks-status": (
        httpx2.HTTPStatusError(
            "500", request=httpx2.Request("GET", "https://op.test"), response=httpx2.Response(500)
        ),
        "invalid_response",
    ),
    "disconnected": (httpx2.RemoteProtocolError("Server disconnected"), "provider_unreachable"),
    "proxy": (httpx2.ProxyError("407"), "provider_unreachable"),
    "protocol": (httpx2.UnsupportedProtocol("ftp"), "provider_unreachable"),
    "url": (httpx2.InvalidURL("a..b"), "provider_unreachable"),
    "redirects": (httpx2.TooManyRedirects("20"), "provider_unreachable"),
    "no-arguments": (_from(httpx2.ReadError(""), OSError()), "provider_unreachable"),
}


@pytest.mark.parametrize(("failure", "code"), CLASSES.values(), ids=CLASSES)
def test_each_exception_has_a_code(failure: Exception, code: str) -> None:
    assert classify(failure) == code


BROKEN: dict[str, tuple[Exception, bool]] = {
    "disconnected": (
        httpx2.RemoteProtocolError("Server disconnected without sending a response."),
        True,
    ),
    "disconnected-http2": (httpx2.RemoteProtocolError("Server disconnected"), True),
    "went-away": (httpx2.RemoteProtocolError("<ConnectionTerminated error_code:0>"), True),
    "read": (httpx2.ReadError("reset"), True),
    "write": (httpx2.WriteError("broken pipe"), True),
    "nonsense": (httpx2.RemoteProtocolError("illegal status line"), False),
    "cut": (httpx2.RemoteProtocolError("peer closed connection without sending"), False),
    "refused": (httpx2.ConnectError("refused"), False),
    "read-timeout": (httpx2.ReadTimeout("late"), False),
    "write-timeout": (httpx2.WriteTimeout("late"), False),
    "pool-timeout": (httpx2.PoolTimeout("late"), False),
    "systems": (ConnectionResetError("reset"), False),
}


@pytest.mark.parametrize(("failure", "broke"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_before_an_answer(failure: Exception, broke: bool) -> None:
    assert broke_before_answer(failure) is broke


@pytest.mark.parametrize("tls_used", [False, True], ids=["plain", "tls"])
def test_a_server_that_hangs_up_breaks_before_an_answer(
    tls_used: bool, serve: Serve, fetch: Fetch, tls: Any, ca_bundle: str
) -> None:
    def script(peer: Peer) -> None:
        peer.receive()

    server = serve(script, tls if tls_used else None)
    assert broke_before_answer(_failure(fetch, server.url, verify=ca_bundle))
