"""One way to write a test for three ways to call: blocking, under asyncio, and under trio."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import httpx2

from flask_oauthclient.transport._run import Steps
from flask_oauthclient.transport._run import arun_steps
from flask_oauthclient.transport._run import run_steps
from flask_oauthclient.transport.httpx import AsyncPooledClient
from flask_oauthclient.transport.httpx import PooledClient
from flask_oauthclient.transport.httpx_answers import aread_bounded
from flask_oauthclient.transport.httpx_answers import read_bounded
from flask_oauthclient.transport.httpx_connections import AsyncTransport
from flask_oauthclient.transport.httpx_connections import Transport
from flask_oauthclient.transport.policy import MIB
from flask_oauthclient.transport.time_limits import TotalTime

LOOPS = ("asyncio", "trio")
STYLES = ("blocking", *LOOPS)

#: Sends a request and reads the answer within a cap.
Fetch = Callable[..., httpx2.Response]


def in_loop(loop: str, do: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    """Run a coroutine function in an event loop of its own."""
    return anyio.run(partial(do, *args, **kwargs), backend=loop)


def fetch(
    style: str, url: str, *, total: float | None = None, each: float | None = 10, **settings: Any
) -> httpx2.Response:
    """Send a request through a transport of its own, and read the answer.

    :param total: seconds for all of it.
    :param each: seconds for each read and write, if there is no total.
    :param settings: those of :func:`fetch_with`.
    """
    limit = each if total is None else TotalTime(total)
    return fetch_with(style, url, httpx2.Timeout(limit), **settings)


def fetch_with(
    style: str,
    url: str,
    timeout: httpx2.Timeout,
    *,
    method: str = "GET",
    content: Any = None,
    max_bytes: int = MIB,
    **settings: Any,
) -> httpx2.Response:
    """The same with time limits as httpx2 has them.

    :param settings: of the transport.
    """
    if style == "blocking":
        with httpx2.Client(transport=Transport(**settings)) as client:
            request = client.build_request(method, url, content=content, timeout=timeout)
            response = client.send(request, stream=True)
            read_bounded(response, max_bytes)
            return response

    async def call() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=AsyncTransport(**settings)) as client:
            request = client.build_request(method, url, content=content, timeout=timeout)
            response = await client.send(request, stream=True)
            await aread_bounded(response, max_bytes)
            return response

    result: httpx2.Response = in_loop(style, call)
    return result


def drive(style: str, flow: Callable[[Any], Steps[Any]], **settings: Any) -> Any:
    """Let steps drive a client, which is closed in the end.

    :param flow: is given the client, and yields what it calls.
    :param settings: of the client.
    """
    if style == "blocking":
        with PooledClient(**settings) as client:
            return run_steps(flow(client))

    async def call() -> Any:
        async with AsyncPooledClient(**settings) as client:
            return await arun_steps(flow(client))

    return in_loop(style, call)
