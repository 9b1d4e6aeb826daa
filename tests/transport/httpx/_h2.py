"""A server of HTTP/2 that answers each path in its own time."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import h2.config
import h2.connection
import h2.events

from tests.transport._raw import PACE
from tests.transport._raw import Peer
from tests.transport._raw import Received


def over_h2(make_tls: Callable[..., ssl.SSLContext]) -> ssl.SSLContext:
    """The context of a TLS server that speaks HTTP/2 only."""
    context = make_tls("127.0.0.1")
    context.set_alpn_protocols(["h2"])
    return context


class _Connection:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        config = h2.config.H2Configuration(client_side=False)
        self.state = h2.connection.H2Connection(config)
        self.state.initiate_connection()
        self.slow: list[int] = []
        self.is_over = False

    def flush(self) -> None:
        self.peer.send(self.state.data_to_send())

    def take(self, data: bytes) -> None:
        for event in self.state.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self.begin(event)
        self.flush()

    def begin(self, event: h2.events.RequestReceived) -> None:
        headers = {_text(name): _text(value) for name, value in event.headers or ()}
        path, stream = headers[":path"], event.stream_id or 0
        self.peer.server.requests.append(Received(headers[":method"], path, headers, b""))
        if path == "/goaway":
            self.state.close_connection()
            self.is_over = True
        elif path != "/silent":
            self.state.send_headers(stream, [(":status", "200")], end_stream=False)
            self.state.send_data(stream, b"begun", end_stream=path == "/quick")
        if path == "/slow":
            self.slow.append(stream)

    def drip(self) -> None:
        for stream in self.slow:
            self.state.send_data(stream, b".")
        self.flush()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def answers_over_h2(peer: Peer) -> None:
    """``/quick`` is answered at once, ``/slow`` byte by byte, ``/silent`` not at all."""
    connection = _Connection(peer)
    connection.flush()
    peer.connection.settimeout(PACE)
    while not peer.server.ending.is_set():
        try:
            data = peer.connection.recv(65_536)
        except TimeoutError:
            connection.drip()
            continue
        if not data:
            return
        connection.take(data)
        if connection.is_over:
            return
