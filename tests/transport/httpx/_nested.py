"""TLS inside of TLS, from the side of the server."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from tests.transport._raw import Peer
from tests.transport._raw import Script


class _Nested:
    """A connection whose octets are those of a TLS connection inside of another."""

    def __init__(self, peer: Peer, context: ssl.SSLContext, *, slowly: bool) -> None:
        self.peer = peer
        self.outer: Any = peer.connection
        self.slowly = slowly
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._exchange(self._tls.do_handshake)

    def _exchange(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.outer.sendall(self._outgoing.read())
                received = self.outer.recv(65_536)
                if not received:
                    raise ConnectionResetError("the client has hung up") from None
                self._incoming.write(received)
            else:
                return result

    def recv(self, size: int) -> bytes:
        received: bytes = self._exchange(lambda: self._tls.read(size))
        return received

    def sendall(self, data: bytes) -> None:
        self._tls.write(data)
        packed = self._outgoing.read()
        if not self.slowly:
            self.outer.sendall(packed)
            return
        for byte in packed:
            if self.peer.pause():
                return
            self.outer.sendall(bytes([byte]))


def tunnel(script: Script, context: ssl.SSLContext, *, slowly: bool = False) -> Script:
    """Open a tunnel, at whose end is a TLS server.

    :param script: what the server does.
    :param context: of the server.
    :param slowly: whether the TLS records arrive byte by byte.
    """

    def served(peer: Peer) -> None:
        peer.receive()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        nested: Any = _Nested(peer, context, slowly=slowly)
        script(Peer(peer.server, nested))

    return served
