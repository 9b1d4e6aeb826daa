"""A server whose answers are written byte by byte.

Each connection is served by a script in a thread of its own. What a script waits for ends when the
server does, so that no test waits for a server and none leaves a thread behind.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field

#: Seconds between two bytes of a slow answer: far below every time limit of the tests.
PACE = 0.02


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Peer:
    """One connection, from the server's side."""

    def __init__(self, server: RawServer, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self._buffer = b""

    def receive(self) -> Received | None:
        """Read a request; ``None`` when the client has hung up."""
        head = self._until(b"\r\n\r\n")
        if not head:
            return None
        line, *fields = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = {k.lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}
        received = Received(method, target, headers, self._body(headers))
        self.server.requests.append(received)
        return received

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self._exactly(int(headers.get("content-length", "0")))
        body = b""
        while size := int(self._until(b"\r\n") or b"0", 16):
            body += self._exactly(size)
            self._exactly(2)
        self._exactly(2)
        return body

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            if not self._more():
                return b""
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size and self._more():
            pass
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> bool:
        received = self.connection.recv(65_536)
        self._buffer += received
        return bool(received)

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send a byte at a time."""
        for byte in data:
            if self.pause():
                return
            self.send(bytes([byte]))

    def pause(self, seconds: float = PACE) -> bool:
        """Wait a little; true if the server is to end."""
        return self.server.ending.wait(seconds)

    def stall(self) -> None:
        """Say nothing more until the server ends."""
        self.server.ending.wait()

    def hang_up(self) -> None:
        with suppress(OSError):
            # The plain shutdown: a TLS goodbye would wait for the other side.
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
        self.connection.close()


Script = Callable[[Peer], None]


@dataclass
class RawServer:
    """What arrived at a server, and where it is."""

    port: int
    scheme: str = "http"
    requests: list[Received] = field(default_factory=list[Received])
    #: TCP connections; with TLS, those whose handshake was completed.
    connections: int = 0
    #: Connections that the server has closed.
    closed: int = 0
    ending: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def last(self) -> Received:
        return self.requests[-1]


@contextmanager
def raw_server(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Serve on a free loopback port for the length of a ``with`` block.

    :param script: called with each connection.
    :param tls: context of a TLS server.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        server = RawServer(listener.getsockname()[1], "https" if tls else "http")
        peers: list[tuple[Peer, threading.Thread]] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer = Peer(server, connection)
                thread = threading.Thread(target=_serve, args=(peer, script, tls), daemon=True)
                peers.append((peer, thread))
                thread.start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield server
        finally:
            server.ending.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(10)
            for peer, thread in peers:
                peer.hang_up()
                thread.join(10)


def _serve(peer: Peer, script: Script, tls: ssl.SSLContext | None) -> None:
    # A client that hangs up, or that does not like the certificate, ends a script.
    with suppress(OSError, ssl.SSLError, ValueError):
        if tls is not None:
            peer.connection = tls.wrap_socket(peer.connection, server_side=True)
        peer.server.connections += 1
        script(peer)
    peer.hang_up()
    peer.server.closed += 1


def answer(
    body: bytes = b"{}",
    status: str = "200 OK",
    headers: Mapping[str, str] | None = None,
    *,
    length: int | None = None,
) -> bytes:
    """A whole answer, in JSON if nothing else is said."""
    fields = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body) if length is None else length),
        **(headers or {}),
    }
    return head(status, fields) + body


def head(status: str, fields: Mapping[str, str]) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def redirect(location: str, status: str = "307 Temporary Redirect", body: bytes = b"") -> bytes:
    return answer(body, status, {"Location": location})


def chunked(parts: Iterable[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def always(*answers: bytes) -> Script:
    """Answer requests on kept connections, the last answer from then on."""
    lock, rest = threading.Lock(), list(answers)

    def script(peer: Peer) -> None:
        while peer.receive() is not None:
            with lock:
                following = rest.pop(0) if len(rest) > 1 else rest[0]
            peer.send(following)

    return script


def by_path(answers: Mapping[str, bytes]) -> Script:
    """Answer each path in its own way."""

    def script(peer: Peer) -> None:
        while (request := peer.receive()) is not None:
            peer.send(answers.get(request.path, answer(b"", "404 Not Found")))

    return script
