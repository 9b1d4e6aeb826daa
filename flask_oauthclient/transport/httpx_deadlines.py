"""Connections of httpx2 that keep one deadline for a whole request.

The time limits of httpx2 count from one byte to the next: a server that sends a byte a second keeps
a caller for ever, in the headers as well as in the body. A :class:`.TotalTime` given as a limit is
understood by the connections here as one deadline instead: connecting, each write and each read
get only what is left of it.
"""

# ruff: noqa: ASYNC109  the signatures are those of httpcore2

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from typing import Any
from typing import TypeVar

import httpcore2

from .time_limits import ConnectTime
from .time_limits import TotalTime

T = TypeVar("T")

_RUNNING = (TotalTime, ConnectTime)

#: Bytes that are written at once, under one look at the clock: a TLS record.
_WRITE_BYTES = 16_384


def _left(limit: float | None, error: type[Exception]) -> float | None:
    """What is left of a time limit; the error of httpcore if nothing is."""
    if not isinstance(limit, _RUNNING):
        return limit
    try:
        return limit.remaining()
    except TimeoutError as over:
        raise error(str(over)) from None


# -- blocking ----------------------------------------------------------------------------------


class DeadlineBackend(httpcore2.NetworkBackend):
    """Opens connections that keep deadlines."""

    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, left, *args, **kwargs))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._backend.connect_unix_socket(path, left, *args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _Stream(httpcore2.NetworkStream):
    """A connection that keeps deadlines."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:  # httpcore2 writes an empty body, and the end of it, in this way
            return
        if not isinstance(timeout, TotalTime) or len(buffer) <= _WRITE_BYTES:
            self._stream.write(buffer, _left(timeout, httpcore2.WriteTimeout))
            return
        for start in range(0, len(buffer), _WRITE_BYTES):
            left = _left(timeout, httpcore2.WriteTimeout)
            self._stream.write(buffer[start : start + _WRITE_BYTES], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        if self.get_extra_info("ssl_object") is not None:  # to a proxy
            return _InnerTLS(self, ssl_context, server_hostname, timeout)
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _InnerTLS(httpcore2.NetworkStream):
    """TLS to a server inside of TLS to a proxy.

    httpcore2 has this, too, but gives each packet the whole time limit.
    """

    def __init__(
        self,
        stream: _Stream,
        context: ssl.SSLContext,
        hostname: str | None,
        limit: float | None,
    ) -> None:
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        try:
            self._exchange(self._tls.do_handshake, limit)
        except httpcore2.TimeoutException as failure:
            self.close()
            raise httpcore2.ConnectTimeout(failure) from failure
        except (httpcore2.NetworkError, ssl.SSLError) as failure:
            self.close()
            raise httpcore2.ConnectError(failure) from failure

    def _exchange(self, step: Callable[[], T], limit: float | None) -> T:
        """Do a step, with as many packets as it takes."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush(limit)
                received = self._stream.read(65_536, limit)
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            else:
                self._flush(limit)
                return result

    def _flush(self, limit: float | None) -> None:
        if self._outgoing.pending:
            self._stream.write(self._outgoing.read(), limit)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._exchange(partial(self._tls.read, max_bytes), timeout)
        except ssl.SSLError as failure:
            raise httpcore2.ReadError(failure) from failure

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            piece = buffer[start : start + _WRITE_BYTES]
            try:
                self._exchange(partial(self._tls.write, piece), timeout)
            except ssl.SSLError as failure:
                raise httpcore2.WriteError(failure) from failure

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._stream.get_extra_info(info)


# -- in an event loop --------------------------------------------------------------------------


class AsyncDeadlineBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore2.AsyncNetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _AsyncStream(await self._backend.connect_tcp(host, port, left, *args, **kwargs))

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore2.AsyncNetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _AsyncStream(await self._backend.connect_unix_socket(path, left, *args, **kwargs))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _AsyncStream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._stream.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))
        except ssl.SSLError as failure:  # httpcore2 lets it through under asyncio
            raise httpcore2.ReadError(failure) from failure

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        try:
            await self._stream.write(buffer, _left(timeout, httpcore2.WriteTimeout))
        except ssl.SSLError as failure:
            raise httpcore2.WriteError(failure) from failure

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
