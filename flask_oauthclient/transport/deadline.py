"""Sockets that keep a time limit for the whole answer.

The time limit of a socket counts from one byte to the next: a server that sends a byte a second
keeps a caller for ever, in the headers as well as in the body. A :class:`TotalTime` given as the
read time limit of a request is understood by the connections here as one deadline instead, and
each read gets only what is left of it. So does each write: urllib3 writes under the time limit for
connecting, which is too short for an upload, so that limit is given as a :class:`ConnectTime`.
"""

from __future__ import annotations

import io
import weakref
from collections.abc import Callable
from typing import Any
from typing import cast

from urllib3.connection import HTTPConnection
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.connectionpool import HTTPSConnectionPool

from .time_limits import ConnectTime
from .time_limits import TotalTime

#: Bytes that are written at once, under one look at the clock.
_WRITE_BYTES = 65_536


class DeadlineSocket:
    """A connected socket that obeys a :class:`TotalTime`; all else is the socket's."""

    __slots__ = ("_reader", "_sock", "_total")

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._reader: weakref.ref[io.BufferedReader] | None = None
        self._total: TotalTime | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def settimeout(self, value: float | None) -> None:
        """Take a plain time limit for the socket, or a total one for all that is to come."""
        if isinstance(value, ConnectTime):
            value = value.total
        self._total = value if isinstance(value, TotalTime) else None
        self._sock.settimeout(self._total.remaining() if self._total else value)

    def tighten(self) -> None:
        """Leave the next read or write no more than what is left of the total."""
        if self._total is not None:
            self._sock.settimeout(self._total.remaining())

    def sendall(self, data: Any, *flags: Any) -> None:
        """Send all data; a peer that reads slowly gets no more time than one that writes slowly."""
        with memoryview(data) as view, view.cast("B") as rest:
            sent = 0
            while sent < len(rest):
                self.tighten()
                sent += self._sock.send(rest[sent : sent + _WRITE_BYTES], *flags)

    def makefile(self, *args: Any, **kwargs: Any) -> io.BufferedReader:
        """The reader that the HTTP parser works on."""
        raw = _DeadlineReader(self, self._sock.makefile("rb", buffering=0))
        reader: io.BufferedReader = io.BufferedReader(raw)
        self._reader = weakref.ref(reader)
        return reader

    def close_reader(self) -> None:
        """Close the reader, which holds the socket open."""
        reader = self._reader() if self._reader is not None else None
        if reader is not None:
            reader.close()


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: DeadlineSocket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.tighten()
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


def _connect(connection: Any, connect: Callable[[], None]) -> None:
    """Connect within what is left of the total, and keep to the total from then on."""
    limit = connection.timeout
    if isinstance(limit, ConnectTime):
        connection.timeout = limit.remaining()
    try:
        connect()
    finally:
        connection.timeout = limit
    connection.sock = DeadlineSocket(connection.sock)
    connection.sock.settimeout(limit)


def _get_response(connection: Any, get: Callable[[], Any]) -> Any:
    """Get a response; urllib3 leaves the reader open when it does not like the headers."""
    sock = connection.sock
    try:
        return get()
    except BaseException:
        if isinstance(sock, DeadlineSocket):
            sock.close_reader()
        raise


class _OneWrite(HTTPConnection):
    """Sends a body together with the headers: one packet, one TLS record, one call of the system.

    By itself urllib3 writes them one after the other.
    """

    _headers: bytes | None = None
    _is_first = False

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._is_first, self._headers = True, None
        super().request(*args, **kwargs)
        headers = self._take_headers()
        if headers is not None:  # there was no body
            super().send(headers)

    def send(self, data: Any) -> None:
        is_first, self._is_first = self._is_first, False
        if is_first and isinstance(data, bytes):
            self._headers = data
            return
        headers = self._take_headers()
        if headers is not None and isinstance(data, bytes):
            data = headers + data
        elif headers is not None:
            super().send(headers)
        super().send(data)

    def _take_headers(self) -> bytes | None:
        headers, self._headers = self._headers, None
        return headers


class _Connection(_OneWrite):
    def connect(self) -> None:
        _connect(self, super().connect)

    def getresponse(self) -> Any:
        return _get_response(self, super().getresponse)


class _TLSConnection(_OneWrite, HTTPSConnection):
    def connect(self) -> None:
        _connect(self, super().connect)

    def getresponse(self) -> Any:
        return _get_response(self, super().getresponse)


class _Pool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _Connection)


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _TLSConnection)


#: What a urllib3 pool manager takes to make its pools from.
POOL_CLASSES = {"http": _Pool, "https": _TLSPool}
