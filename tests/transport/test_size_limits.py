"""A body is cut off at its cap, counted after decompression."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.policy import KIB
from flask_oauthclient.transport.policy import MIB
from flask_oauthclient.transport.policy import POLICIES
from flask_oauthclient.transport.requests import PooledSession
from tests.transport._messages import CREDENTIAL_PURPOSES
from tests.transport._messages import message
from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import head
from tests.transport.conftest import Serve

_FILLING = b" " * 65_536


def _endless(peer: Peer) -> None:
    peer.send(head("200 OK", {}))
    while not peer.server.ending.is_set():
        peer.send(_FILLING)


def _endless_chunks(peer: Peer) -> None:
    peer.send(head("200 OK", {"Transfer-Encoding": "chunked"}))
    while not peer.server.ending.is_set():
        peer.send(b"%x\r\n%b\r\n" % (len(_FILLING), _FILLING))


def _promises_a_gigabyte(peer: Peer) -> None:
    peer.send(head("200 OK", {"Content-Length": "1000000000"}))
    while not peer.server.ending.is_set():
        peer.send(_FILLING)


def _gzip_bomb(peer: Peer) -> None:
    peer.send(answer(gzip.compress(b" " * 64 * MIB), headers={"Content-Encoding": "gzip"}))


def _deflate_bomb(peer: Peer) -> None:
    peer.send(answer(zlib.compress(b" " * 64 * MIB), headers={"Content-Encoding": "deflate"}))


def _bomb_in_a_bomb(peer: Peer) -> None:
    packed = gzip.compress(gzip.compress(b" " * 256 * MIB))
    peer.send(answer(packed, headers={"Content-Encoding": "gzip, gzip"}))


def _redirect_with_endless_body(peer: Peer) -> None:
    peer.send(head("307 Temporary Redirect", {"Location": "/elsewhere"}))
    while not peer.server.ending.is_set():
        peer.send(_FILLING)


def _redirect_with_bomb(peer: Peer) -> None:
    packed = gzip.compress(b" " * 64 * MIB)
    fields = {"Location": "/elsewhere", "Content-Encoding": "gzip"}
    peer.send(answer(packed, "302 Found", fields))


HUGE: dict[str, Script] = {
    "endless": _endless,
    "endless-chunks": _endless_chunks,
    "promised": _promises_a_gigabyte,
    "gzip-bomb": _gzip_bomb,
    "deflate-bomb": _deflate_bomb,
    "bomb-in-a-bomb": _bomb_in_a_bomb,
}
HUGE_REDIRECTS: dict[str, Script] = {
    "endless": _redirect_with_endless_body,
    "gzip-bomb": _redirect_with_bomb,
}


def _after_reading(script: Script) -> Script:
    def served(peer: Peer) -> None:
        if peer.receive() is not None:
            script(peer)

    return served


@pytest.mark.parametrize("huge", HUGE.values(), ids=HUGE)
@pytest.mark.parametrize("purpose", ["token", "jwks"])
def test_a_huge_answer_is_cut_off(huge: Script, purpose: str, serve: Serve, send: Any) -> None:
    server = serve(_after_reading(huge))
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url)
    assert caught.value.error == "response_too_large"
    assert caught.value.detail["limit"] == POLICIES[Purpose(purpose)].max_bytes
    assert len(server.requests) == 1


@pytest.mark.parametrize("huge", HUGE_REDIRECTS.values(), ids=HUGE_REDIRECTS)
@pytest.mark.parametrize("purpose", ["token", "metadata"])
def test_a_refused_redirect_with_a_huge_body_is_cut_off(
    huge: Script, purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(_after_reading(huge))
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url)
    assert caught.value.error in ("redirect_refused", "response_too_large")
    assert server.paths == ["/"]


@pytest.mark.parametrize("huge", HUGE_REDIRECTS.values(), ids=HUGE_REDIRECTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_followed_redirect_with_a_huge_body_is_cut_off(
    huge: Script, streamed: bool, serve: Serve, api: OAuth2Session
) -> None:
    server = serve(_after_reading(huge))
    with pytest.raises(OAuthError) as caught:
        api.get(server.url, stream=streamed)
    assert caught.value.error == "response_too_large"
    assert server.paths == ["/"]


def test_a_bomb_does_not_fill_the_memory(serve: Serve, send: Any) -> None:
    bomb = answer(gzip.compress(b" " * 256 * MIB), headers={"Content-Encoding": "gzip"})
    server = serve(always(bomb))
    with tracing() as peak:
        with pytest.raises(OAuthError):
            send("token", server.url)
        assert peak() < 100 * MIB


@contextmanager
def tracing() -> Iterator[Callable[[], int]]:
    """Trace memory, and tell the peak above what there was."""
    traced = tracemalloc.is_tracing()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        if not traced:
            tracemalloc.stop()


def test_what_just_fits_is_read(serve: Serve, send: Any) -> None:
    cap = POLICIES[Purpose.TOKEN].max_bytes
    body = b"{" + b" " * (cap - 2) + b"}"
    plain, packed = answer(body), answer(gzip.compress(body), headers={"Content-Encoding": "gzip"})
    server = serve(always(plain, packed, answer(b" " + body)))
    assert send("token", server.url).body == body
    assert send("token", server.url).body == body
    with pytest.raises(OAuthError, match="response_too_large"):
        send("token", server.url)


@pytest.mark.parametrize("purpose", CREDENTIAL_PURPOSES)
def test_every_purpose_has_a_cap(purpose: str) -> None:
    assert 64 * KIB <= POLICIES[Purpose(purpose)].max_bytes <= MIB


def test_an_api_response_has_a_cap_of_its_own(serve: Serve) -> None:
    server = serve(always(answer(b"x" * 1001)))
    token = {"access_token": "t" * 20}
    with OAuth2Session("c", token=token, max_bytes=1000) as session:
        with pytest.raises(OAuthError, match="response_too_large"):
            session.get(server.url)
        with session.get(server.url, stream=True) as response:
            assert len(response.content) == 1001


def test_an_api_response_may_be_larger_than_a_token(serve: Serve, api: OAuth2Session) -> None:
    server = serve(always(answer(b"x" * 3 * MIB)))
    assert len(api.get(server.url).content) == 3 * MIB


def test_after_a_cut_the_connection_is_not_used_again(serve: Serve) -> None:
    server = serve(always(answer(b"x" * 500_000), answer(b"fine")))
    with OAuth2Session("c", token={"access_token": "t" * 20}, max_bytes=1000) as session:
        with pytest.raises(OAuthError, match="response_too_large"):
            session.get(server.url)
        assert session.get(server.url).content == b"fine"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"this is not gzip", "gzip"),
        (b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 9, "gzip"),
        (b"no", "deflate"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_no_answer(
    body: bytes, encoding: str, serve: Serve, send: Any
) -> None:
    server = serve(always(answer(body, headers={"Content-Encoding": encoding})))
    with pytest.raises(OAuthError) as caught:
        send("token", server.url)
    assert caught.value.error == "invalid_response"


def test_a_body_that_ends_too_early_is_no_answer(serve: Serve, send: Any) -> None:
    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(answer(b'{"access_token": "', length=500))

    server = serve(script)
    with pytest.raises(OAuthError) as caught:
        send("token", server.url)
    assert caught.value.error == "provider_unreachable"


def test_the_whole_answer_is_there_afterwards(serve: Serve, session: PooledSession) -> None:
    server = serve(always(answer(b'{"a": 1}', headers={"ETag": '"x"'})))
    response = session.send_message(message("metadata", server.url))
    assert response.status == 200
    assert response.headers["etag"] == '"x"'
    assert response.json_object("document") == {"a": 1}
