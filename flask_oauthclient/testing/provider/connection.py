"""HTTP/1.1 on one connection, between a socket and a WSGI application (RFC 9112)."""

from __future__ import annotations

import io
import socket
import ssl
import sys
import typing as t
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from urllib.parse import unquote

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

MAX_LINE = 65_536
MAX_HEADERS = 100
_BODYLESS = (204, 304)


class _Head(t.NamedTuple):
    """The request line and header fields."""

    method: str
    target: str
    version: str
    fields: list[tuple[str, str]]


class _BadRequest(ValueError):
    """The client doesn't speak HTTP/1.1 as this server understands it."""


class Connection:
    """Answers one request after another on one connection.

    :param connection: The accepted socket.
    :param app: The application.
    """

    def __init__(self, connection: socket.socket, app: WSGIApplication) -> None:
        self._connection = connection
        self._app = app
        self._in = connection.makefile("rb")
        # Wide enough for head and body together, and so for one packet.
        self._out = io.BufferedWriter(connection.makefile("wb", 0), 65_536)

    def serve(self) -> None:
        """Answer until one side ends it."""
        with self._in, self._out:
            if isinstance(self._connection, ssl.SSLSocket):
                self._connection.do_handshake()
            while self._handle_one():
                self._out.flush()

    def _handle_one(self) -> bool:
        try:
            head = self._read_head()
            if head is None:
                return False
            environ = self._environ(head)
        except _BadRequest:
            self._out.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return False
        exchange = _Exchange(self._out, head)
        exchange.run(self._app, environ)
        return exchange.keep_alive

    def _read_head(self) -> _Head | None:
        line = self._in.readline(MAX_LINE)
        if not line:
            return None
        words = line.decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise _BadRequest
        return _Head(words[0], words[1], words[2], list(self._read_fields()))

    def _read_fields(self) -> Iterator[tuple[str, str]]:
        for _ in range(MAX_HEADERS):
            line = self._in.readline(MAX_LINE)
            if line in (b"\r\n", b"\n"):
                return
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise _BadRequest
            yield name.strip(), value.strip()
        raise _BadRequest

    def _environ(self, head: _Head) -> WSGIEnvironment:
        path, _, query = head.target.partition("?")
        host, port = self._connection.getsockname()[:2]
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": head.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": head.version,
            "REMOTE_ADDR": self._connection.getpeername()[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if isinstance(self._connection, ssl.SSLSocket) else "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in head.fields:
            _add_field(environ, name.upper().replace("-", "_"), value)
        environ["wsgi.input"] = self._body(environ)
        return environ

    def _body(self, environ: WSGIEnvironment) -> io.BytesIO:
        # Read completely, so that the next request begins where this one ends.
        length = environ.get("CONTENT_LENGTH", "0")
        if "HTTP_TRANSFER_ENCODING" in environ or not length.isdecimal():
            raise _BadRequest
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self._out.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._out.flush()
        return io.BytesIO(self._in.read(int(length)))


def _add_field(environ: WSGIEnvironment, name: str, value: str) -> None:
    key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    if key in environ:
        separator = "; " if name == "COOKIE" else ", "
        value = f"{environ[key]}{separator}{value}"
    environ[key] = value


class _Exchange:
    """One answer on its way out."""

    def __init__(self, out: io.BufferedWriter[socket.SocketIO], head: _Head) -> None:
        self._out = out
        self._method = head.method
        self._version = head.version
        fields = {name.lower(): value.lower() for name, value in head.fields}
        self.keep_alive = head.version == "HTTP/1.1" and fields.get("connection") != "close"
        self._status = ""
        self._fields: list[tuple[str, str]] = []
        self._chunked = False
        self._promised: int | None = None
        self._sent = 0
        self._head_sent = False

    def run(self, app: WSGIApplication, environ: WSGIEnvironment) -> None:
        """Call the application and send what it returns."""
        parts = app(environ, self._start_response)
        try:
            self._send(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()

    def _start_response(
        self, status: str, fields: list[tuple[str, str]], exc_info: t.Any = None
    ) -> Callable[[bytes], object]:
        if exc_info is not None and self._head_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        self._status, self._fields = status, fields
        return self._write

    def _send(self, parts: Iterable[bytes]) -> None:
        pieces = parts if isinstance(parts, list | tuple) else None
        for part in parts:
            self._write(part)
            if pieces is None or len(pieces) > 1:
                # A stream: each part goes out when it is there.
                self._flush_body()
        if not self._head_sent:
            self._write_head()
        if self._chunked:
            self._out.write(b"0\r\n\r\n")
        # A promise that was not kept can be shown only by closing the connection.
        if self._promised is not None and self._sent < self._promised and self._has_body():
            self.keep_alive = False

    def _flush_body(self) -> None:
        if self._head_sent:
            self._out.flush()

    def _write(self, data: bytes) -> None:
        if not self._head_sent:
            self._write_head()
        if not data or not self._has_body():
            return
        self._sent += len(data)
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._out.write(data)

    def _has_body(self) -> bool:
        return self._method != "HEAD" and int(self._status[:3]) not in _BODYLESS

    def _write_head(self) -> None:
        names = {name.lower(): value for name, value in self._fields}
        if "content-length" in names:
            self._promised = int(names["content-length"])
        elif self._has_body():
            # RFC 9112 6.3: without a length HTTP/1.1 has chunks, HTTP/1.0 the connection's end.
            self._chunked = self._version == "HTTP/1.1"
            self.keep_alive = self.keep_alive and self._chunked
        lines = [f"HTTP/1.1 {self._status}", *(f"{name}: {v}" for name, v in self._fields)]
        if self._chunked:
            lines.append("Transfer-Encoding: chunked")
        if not self.keep_alive:
            lines.append("Connection: close")
        self._out.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        self._head_sent = True
