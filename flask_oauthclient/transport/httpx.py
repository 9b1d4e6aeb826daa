"""The httpx2 driver: clients that send by the policy table, blocking and in an event loop.

Every request leaves through ``send`` of :class:`httpx2.Client` or :class:`httpx2.AsyncClient`, so
that transports, mounts, event hooks and the doubles of test suites see them all. What is added to
that is written once, as steps, in :mod:`.httpx_sending`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import httpx2
from httpx2 import USE_CLIENT_DEFAULT

from ..protocol.messages import Request
from ..protocol.messages import Response
from ._run import arun_steps
from ._run import run_steps
from .httpx_answers import aread_bounded
from .httpx_answers import read_bounded
from .httpx_connections import AsyncTransport
from .httpx_connections import Transport
from .httpx_log import hide_credentials
from .httpx_sending import Sending

hide_credentials()


class PooledClient(Sending, httpx2.Client):
    """A client of httpx2 that sends by the policy table.

    :param default_timeout: time limits, as httpx2 has them. What it gives a read is the time for
        the whole call, unless the body is streamed. Default is 10 seconds, 3 of them to connect.
    :param timeout: the same, under the name that httpx2 has for it.
    :param max_bytes: cap on the body of a response that is not streamed.
    :param insecure_http: let credentials travel to any http URL.
    :param settings: whatever else :class:`httpx2.Client` takes, but ``auth``.
    :raises UnknownOptionError: (a ``TypeError``) for another keyword.
    """

    _read_bounded = staticmethod(read_bounded)
    _transport_class = Transport

    def __init__(
        self,
        *,
        default_timeout: Any = None,
        timeout: Any = None,
        max_bytes: int | None = None,
        insecure_http: bool = False,
        **settings: Any,
    ) -> None:
        httpx2.Client.__init__(
            self, **self._settings(default_timeout, timeout, max_bytes, insecure_http, settings)
        )

    def send(
        self,
        request: httpx2.Request,
        *,
        stream: bool = False,
        auth: Any = USE_CLIENT_DEFAULT,
        follow_redirects: Any = USE_CLIENT_DEFAULT,
    ) -> httpx2.Response:
        """Send a request; see :meth:`httpx2.Client.send`.

        :raises httpx2.HTTPError: if the call fails.
        :raises TransportError: if the answer is larger than ``max_bytes``.
        """
        response: httpx2.Response = run_steps(
            self.send_steps(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
        )
        return response

    def send_message(self, request: Request, **settings: Any) -> Response:
        """Send a request of the protocol; see :meth:`message_steps`."""
        return run_steps(self.message_steps(request, **settings))

    def _send(self, request: httpx2.Request, **settings: Any) -> httpx2.Response:
        return super().send(request, **settings)

    def _close(self, response: Any) -> None:
        if hasattr(response, "close"):
            response.close()


class AsyncPooledClient(Sending, httpx2.AsyncClient):
    """The same inside an event loop, of asyncio or trio.

    :param default_timeout: as for :class:`PooledClient`, like all that follow.
    """

    _read_bounded = staticmethod(aread_bounded)
    _transport_class = AsyncTransport

    def __init__(
        self,
        *,
        default_timeout: Any = None,
        timeout: Any = None,
        max_bytes: int | None = None,
        insecure_http: bool = False,
        **settings: Any,
    ) -> None:
        httpx2.AsyncClient.__init__(
            self, **self._settings(default_timeout, timeout, max_bytes, insecure_http, settings)
        )

    async def send(
        self,
        request: httpx2.Request,
        *,
        stream: bool = False,
        auth: Any = USE_CLIENT_DEFAULT,
        follow_redirects: Any = USE_CLIENT_DEFAULT,
    ) -> httpx2.Response:
        """Send a request; see :meth:`httpx2.AsyncClient.send`.

        :raises httpx2.HTTPError: if the call fails.
        :raises TransportError: if the answer is larger than ``max_bytes``.
        """
        response: httpx2.Response = await arun_steps(
            self.send_steps(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
        )
        return response

    async def send_message(self, request: Request, **settings: Any) -> Response:
        """Send a request of the protocol; see :meth:`message_steps`."""
        return await arun_steps(self.message_steps(request, **settings))

    def _send(
        self, request: httpx2.Request, **settings: Any
    ) -> Coroutine[Any, Any, httpx2.Response]:
        return super().send(request, **settings)

    async def _close(self, response: Any) -> None:
        if hasattr(response, "aclose"):
            await response.aclose()

    async def before_closing(self) -> None:
        """Finish what must not be left half done."""

    async def aclose(self) -> None:
        """Close the connections."""
        try:
            await self.before_closing()
        finally:
            await super().aclose()

    async def __aexit__(self, *failure: Any) -> None:
        try:
            await self.before_closing()
        finally:
            await super().__aexit__(*failure)
