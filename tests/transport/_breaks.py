"""Servers whose connections break."""

from __future__ import annotations

import threading

from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer


def once_then_hang_up(peer: Peer) -> None:
    """Answer one request of a connection that the client believes to be kept."""
    if peer.receive() is not None:
        peer.send(answer(b'"answered"'))


def breaking_first(*scripts: Script) -> Script:
    """Serve the first connections so, and every later one well."""
    lock, rest = threading.Lock(), list(scripts)

    def script(peer: Peer) -> None:
        with lock:
            broken = rest.pop(0) if rest else always(answer(b'"answered"'))
        broken(peer)

    return script


def takes_and_hangs_up(peer: Peer) -> None:
    peer.receive()


def breaks_off_in_the_first_line(peer: Peer) -> None:
    peer.receive()
    peer.send(b"HTTP/1.")


def speaks_something_else(peer: Peer) -> None:
    peer.receive()
    peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")


def answers_then_takes_another_and_hangs_up(peer: Peer) -> None:
    peer.receive()
    peer.send(answer(b'"answered"'))
    peer.receive()


BREAKS: dict[str, Script] = {
    "hang-up": takes_and_hangs_up,
    "half-a-line": breaks_off_in_the_first_line,
}
