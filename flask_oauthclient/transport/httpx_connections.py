"""Transports of httpx2 whose connections keep deadlines, and whose pools survive a fork."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from collections.abc import Generator
from contextlib import aclosing
from contextlib import contextmanager
from typing import Any

import anyio
import httpx2

from .httpx_deadlines import AsyncDeadlineBackend
from .httpx_deadlines import DeadlineBackend
from .httpx_tls import Cert
from .httpx_tls import Verify
from .httpx_tls import process_lock
from .httpx_tls import tls_context
from .httpx_tls import with_tls
from .time_limits import TotalTime


def loopback_mounts() -> dict[str, None]:
    """Mounts that keep calls to this machine off the proxies of the environment."""
    return dict.fromkeys(
        ("all://localhost", "all://*.localhost", "all://127.0.0.1", "all://[::1]"), None
    )


# -- transports --------------------------------------------------------------------------------

_parents_pools: list[Any] = []


class _Kept:
    """The pool of a transport: its connections keep deadlines, and a forked child has its own."""

    _backend_class: type[Any]
    _settings: dict[str, Any]
    _own_pool: Any
    _pid: int

    def _keep(
        self,
        verify: Verify,
        cert: Cert | None,
        trust_env: bool,
        http1: bool,
        http2: bool,
        settings: dict[str, Any],
    ) -> None:
        context = tls_context(verify, cert, trust_env=trust_env, http1=http1, http2=http2)
        settings["proxy"] = with_tls(settings.get("proxy"), trust_env=trust_env)
        self._settings = {"verify": context, "http1": http1, "http2": http2, **settings}
        self._open()

    def _open(self) -> None:
        super().__init__(**self._settings)
        # Last: until then no other thread may take the pool for ours.
        self._pid = os.getpid()

    def _renew(self) -> None:
        with process_lock():
            if self._pid != os.getpid():
                # The parent's connections are left alone, not closed: they are still the parent's.
                _parents_pools.append(self._own_pool)
                self._open()

    # httpx2 has no public way to say what a pool opens its connections with, nor where a transport
    # has its pool; so the attributes ``_pool`` and ``_network_backend`` are used.
    @property
    def _pool(self) -> Any:
        if self._pid != os.getpid():
            self._renew()
        return self._own_pool

    @_pool.setter
    def _pool(self, pool: Any) -> None:
        pool._network_backend = self._backend_class(pool._network_backend)
        self._own_pool = pool


class Transport(_Kept, httpx2.HTTPTransport):
    """A transport of httpx2 that understands a :class:`.TotalTime` as a time limit.

    Threads that share a connection of HTTP/2 wait for each other's reads, which have limits too,
    before they see that their own time is over.

    :param verify: as :class:`httpx2.HTTPTransport` takes it, as all that follow.
    :raises OSError: if a CA bundle or a certificate cannot be read.
    """

    _backend_class = DeadlineBackend

    def __init__(
        self,
        verify: Verify = True,
        cert: Cert | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        **settings: Any,
    ) -> None:
        self._keep(verify, cert, trust_env, http1, http2, settings)


class AsyncTransport(_Kept, httpx2.AsyncHTTPTransport):
    """The same inside an event loop, of asyncio or trio.

    :param verify: as :class:`httpx2.AsyncHTTPTransport` takes it, as all that follow.
    :raises OSError: if a CA bundle or a certificate cannot be read.
    """

    _backend_class = AsyncDeadlineBackend

    def __init__(
        self,
        verify: Verify = True,
        cert: Cert | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        **settings: Any,
    ) -> None:
        self._keep(verify, cert, trust_env, http1, http2, settings)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; over HTTP/2, stop waiting for other requests when its time is over."""
        total = request.extensions.get("timeout", {}).get("read")
        if not self._settings["http2"] or not isinstance(total, TotalTime):
            return await self._send(request)
        # Requests that share a connection wait for each other's reads. A read that is over time
        # would end them all; one that is cancelled ends no other.
        extensions = request.extensions
        limits = {**extensions["timeout"], "read": None, "write": None}
        request.extensions = {**extensions, "timeout": limits}
        try:
            with _within(total):
                response = await self._send(request)
        finally:
            request.extensions = extensions  # a redirect takes them over
        response.stream = _Shared(response.stream, total)
        return response

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        # Private, too: the stream of httpcore2, which is what has to be closed with its generator.
        stream: Any = response.stream
        stream._httpcore_stream = _Closed(stream._httpcore_stream)
        return response


class _Closed:
    """A body whose generator is closed with it; trio warns of one that is left to the collector."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._chunks: Any = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._chunks = aiter(self._stream)
        chunks: AsyncIterator[bytes] = self._chunks
        return chunks

    async def aclose(self) -> None:
        if self._chunks is not None and not self._chunks.ag_running:
            await self._chunks.aclose()
        await self._stream.aclose()


class _Shared(httpx2.AsyncByteStream):
    """A body that arrives over a shared connection."""

    def __init__(self, stream: Any, total: TotalTime) -> None:
        self._stream = stream
        self._total = total

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(aiter(self._stream)) as chunks:
            while True:
                with _within(self._total):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextmanager
def _within(total: TotalTime) -> Generator[None]:
    try:
        with anyio.fail_after(total.remaining()):
            yield
    except TimeoutError as over:
        raise httpx2.ReadTimeout(str(over)) from None
