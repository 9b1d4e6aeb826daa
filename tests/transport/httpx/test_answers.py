"""Bodies are read within a cap, and responses become messages."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import httpx2
import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.transport.httpx_answers import aread_bounded
from flask_oauthclient.transport.httpx_answers import read_bounded
from flask_oauthclient.transport.httpx_answers import to_message
from flask_oauthclient.transport.policy import KIB
from flask_oauthclient.transport.policy import MIB
from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport.conftest import Serve
from tests.transport.httpx._calls import LOOPS
from tests.transport.httpx._calls import Fetch
from tests.transport.httpx._calls import in_loop
from tests.transport.test_doubles import Double
from tests.transport.test_size_limits import HUGE
from tests.transport.test_size_limits import tracing


def _read(style: str, response: Any, max_bytes: int = MIB) -> None:
    if style == "blocking":
        read_bounded(response, max_bytes)
    else:
        in_loop(style, aread_bounded, response, max_bytes)


# -- caps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("huge", HUGE.values(), ids=HUGE)
def test_a_huge_answer_is_cut_off(huge: Script, serve: Serve, fetch: Fetch) -> None:
    def script(peer: Peer) -> None:
        peer.receive()
        huge(peer)

    server = serve(script)
    with pytest.raises(OAuthError) as caught:
        fetch(server.url, max_bytes=100 * KIB)
    assert caught.value.error == "response_too_large"
    assert caught.value.detail["limit"] == 100 * KIB
    assert len(server.requests) == 1


def test_a_bomb_does_not_fill_the_memory(serve: Serve, fetch: Fetch) -> None:
    packed = gzip.compress(gzip.compress(b" " * 256 * MIB))
    server = serve(always(answer(packed, headers={"Content-Encoding": "gzip, gzip"})))
    with tracing() as peak:
        with pytest.raises(OAuthError):
            fetch(server.url)
        assert peak() < 50 * MIB


def test_what_just_fits_is_read(serve: Serve, fetch: Fetch) -> None:
    body = b"{" + b" " * 998 + b"}"
    packed = answer(gzip.compress(body), headers={"Content-Encoding": "gzip"})
    server = serve(always(answer(body), packed, answer(b" " + body)))
    assert fetch(server.url, max_bytes=1000).content == body
    assert fetch(server.url, max_bytes=1000).content == body
    with pytest.raises(OAuthError, match="response_too_large"):
        fetch(server.url, max_bytes=1000)


def test_after_a_cut_the_connection_is_not_used_again(serve: Serve) -> None:
    server = serve(always(answer(b"x" * 500_000), answer(b"fine")))
    with httpx2.Client() as client:
        with client.stream("GET", server.url) as response:
            with pytest.raises(OAuthError, match="response_too_large"):
                read_bounded(response, 1000)
            assert response.is_closed
        assert client.get(server.url).content == b"fine"
    assert server.connections == 2


# -- what can be done afterwards -------------------------------------------------------------


def test_a_response_that_was_read_is_as_any_other(serve: Serve, fetch: Fetch) -> None:
    server = serve(always(answer(b'{"a": "\xc3\xa9"}', headers={"ETag": '"x"'})))
    response = fetch(server.url)
    assert response.content == response.read() == b"".join(response.iter_bytes())
    assert response.text == '{"a": "\u00e9"}'
    assert response.json() == {"a": "\u00e9"}
    assert response.is_closed
    assert response.is_stream_consumed
    assert response.num_bytes_downloaded == len(response.content)
    assert timedelta(0) < response.elapsed < timedelta(minutes=1)
    assert response.raise_for_status() is response
    assert to_message(response).headers["etag"] == '"x"'


def test_an_empty_body_is_a_body(serve: Serve, fetch: Fetch) -> None:
    server = serve(always(answer(b"", "204 No Content")))
    response = fetch(server.url)
    assert response.content == b""
    assert to_message(response) == Response(204, dict(response.headers), b"")


class _Stream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A stream that fails, and knows whether it was closed."""

    closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"begun"
        raise httpx2.ReadError("broken")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"begun"
        raise httpx2.ReadError("broken")

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def test_a_response_that_breaks_is_closed(style: str) -> None:
    stream = _Stream()
    response = httpx2.Response(200, stream=stream)
    with pytest.raises(httpx2.ReadError):
        _read(style, response)
    assert response.is_closed
    assert stream.closed
    assert not hasattr(response, "_content")


def test_a_body_that_cannot_be_unpacked_is_closed(style: str) -> None:
    stream = _Stream()
    response = httpx2.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)
    with pytest.raises(httpx2.DecodingError):
        _read(style, response)
    assert stream.closed


# -- doubles ---------------------------------------------------------------------------------


def _with_json(document: Any) -> Any:
    response: Any = httpx2.Response(200, text="{'a': 1}")
    response.json = lambda: document
    return response


def _mocked() -> Any:
    response = mock.MagicMock(spec=httpx2.Response)
    response.status_code = 200
    response.json.return_value = {"a": 1}
    return response


MESSAGES: dict[str, tuple[Any, Response]] = {
    "json": (Double({"a": 1}), Response(200, {}, b'{"a": 1}')),
    "text": (Double("<html>", 404), Response(404, {}, b"<html>")),
    "status-as-text": (Double([], "201"), Response(201, {}, b"[]")),  # type: ignore[arg-type]
    "mock": (_mocked(), Response(200, {}, b'{"a": 1}')),
    "read": (
        httpx2.Response(400, headers=[("ETag", "x")], content=b"{}"),
        Response(400, {"etag": "x", "content-length": "2"}, b"{}"),
    ),
    "repeated-headers": (
        httpx2.Response(401, headers=[("WWW-Authenticate", "A"), ("www-authenticate", "B")]),
        Response(401, {"www-authenticate": "A, B"}, b""),
    ),
    "json-of-a-hook": (
        _with_json({"a": 1}),
        Response(200, {"content-type": "application/json", "content-length": "8"}, b'{"a": 1}'),
    ),
}


@pytest.mark.parametrize(("response", "message"), MESSAGES.values(), ids=MESSAGES)
def test_what_the_protocol_looks_at(response: Any, message: Response, style: str) -> None:
    _read(style, response, 1)  # what was read already is as large as it is
    assert to_message(response) == message


@pytest.mark.parametrize("headers", [{"ETag": "x"}, httpx2.Headers({"ETag": "x"})])
def test_the_headers_of_a_double_are_read(headers: Any) -> None:
    double: Any = Double({})
    double.headers = headers
    assert to_message(double).headers == {"etag": "x"}


@pytest.mark.parametrize("headers", [None, mock.Mock(), "text"])
def test_headers_that_are_none_do_not_matter(headers: Any) -> None:
    double: Any = Double({"a": 1})
    double.headers = headers
    assert to_message(double) == Response(200, {}, b'{"a": 1}')


@pytest.mark.parametrize("loop", LOOPS)
def test_a_response_of_a_mock_transport_passes(loop: str) -> None:
    async def ask() -> httpx2.Response:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"a": 1}))
        async with httpx2.AsyncClient(transport=transport) as client:
            request = client.build_request("GET", "https://op.test/")
            response = await client.send(request, stream=True)
            await aread_bounded(response, 100)
            return response

    assert to_message(in_loop(loop, ask)).json_object("document") == {"a": 1}
