"""Answers that are made to last, and the time that tests give them."""

from __future__ import annotations

import gzip

from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import answer
from tests.transport._raw import chunked
from tests.transport._raw import head

LIMIT = 0.3
#: No machine is so busy that the limit is kept any later than this.
AT_MOST = 5.0

_LONG = b'{"long": "' + b"x" * 2000 + b'"}'


def _slow_head(peer: Peer) -> None:
    peer.drip(head("200 OK", {f"X-{n}": "x" * 20 for n in range(100)}))


def _slow_status_line(peer: Peer) -> None:
    peer.drip(b"HTTP/1.1 200 " + b"O" * 2000)


def _slow_body(peer: Peer) -> None:
    peer.send(head("200 OK", {"Content-Length": str(len(_LONG))}))
    peer.drip(_LONG)


def _slow_body_until_the_end(peer: Peer) -> None:
    peer.send(head("200 OK", {}))
    peer.drip(_LONG)


def _slow_chunks(peer: Peer) -> None:
    peer.send(head("200 OK", {"Transfer-Encoding": "chunked"}))
    peer.drip(chunked(bytes([byte]) for byte in _LONG))


def _slow_gzip(peer: Peer) -> None:
    packed = gzip.compress(bytes(range(256)) * 20, compresslevel=0)
    peer.send(head("200 OK", {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}))
    peer.drip(packed)


def _endless_trickle(peer: Peer) -> None:
    peer.send(head("200 OK", {}))
    while not peer.pause():
        peer.send(b" ")


def _silence(peer: Peer) -> None:
    peer.stall()


def _silence_in_the_body(peer: Peer) -> None:
    peer.send(answer(b"{", length=100))
    peer.stall()


SLOW: dict[str, Script] = {
    "head": _slow_head,
    "status-line": _slow_status_line,
    "body": _slow_body,
    "body-without-length": _slow_body_until_the_end,
    "chunks": _slow_chunks,
    "gzip": _slow_gzip,
    "endless": _endless_trickle,
    "silence": _silence,
    "silence-in-the-body": _silence_in_the_body,
}


def after_reading(script: Script) -> Script:
    """Answer each request of a connection with a script."""

    def served(peer: Peer) -> None:
        while peer.receive() is not None:
            script(peer)

    return served


def reads_late(seconds: float) -> Script:
    """Read nothing for a while."""

    def script(peer: Peer) -> None:
        if not peer.pause(seconds):
            peer.receive()
            peer.send(answer())

    return script
