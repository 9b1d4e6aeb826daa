"""Deadlines of requests that share a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import httpx2
import pytest
from anyio.abc import TaskStatus

from flask_oauthclient.transport.httpx_answers import broke_before_answer
from flask_oauthclient.transport.httpx_connections import AsyncTransport
from flask_oauthclient.transport.time_limits import TotalTime
from tests.transport._raw import RawServer
from tests.transport._slow import LIMIT
from tests.transport.conftest import Serve
from tests.transport.httpx._calls import LOOPS
from tests.transport.httpx._calls import Fetch
from tests.transport.httpx._calls import in_loop
from tests.transport.httpx._h2 import answers_over_h2
from tests.transport.httpx._h2 import over_h2
from tests.transport.httpx.test_deadlines import ends_in_time


@pytest.fixture
def server(serve: Serve, make_tls: Callable[..., Any]) -> RawServer:
    """A server of HTTP/2."""
    return serve(answers_over_h2, over_h2(make_tls))


def test_an_answer_over_http2(server: RawServer, fetch: Fetch, ca_bundle: str) -> None:
    response = fetch(f"{server.url}/quick", total=30, http2=True, verify=ca_bundle)
    assert response.http_version == "HTTP/2"
    assert response.content == b"begun"


@pytest.mark.parametrize("path", ["/slow", "/silent"])
def test_a_slow_answer_over_http2(
    path: str, server: RawServer, fetch: Fetch, ca_bundle: str
) -> None:
    with ends_in_time():
        fetch(server.url + path, total=LIMIT, http2=True, verify=ca_bundle)
    assert len(server.requests) <= 1


def test_a_number_is_a_number_over_http2(server: RawServer, fetch: Fetch, ca_bundle: str) -> None:
    with ends_in_time():
        fetch(f"{server.url}/silent", each=LIMIT, http2=True, verify=ca_bundle)
    assert fetch(f"{server.url}/quick", each=30, http2=True, verify=ca_bundle).content == b"begun"


def test_a_server_that_goes_away_is_a_break(
    server: RawServer, fetch: Fetch, ca_bundle: str
) -> None:
    with pytest.raises(httpx2.RemoteProtocolError) as caught:
        fetch(f"{server.url}/goaway", total=30, http2=True, verify=ca_bundle)
    assert broke_before_answer(caught.value)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("path", ["/slow", "/silent"])
def test_a_request_that_is_over_time_ends_no_other(
    path: str, loop: str, server: RawServer, ca_bundle: str
) -> None:
    async def both() -> httpx2.Response:
        transport = AsyncTransport(verify=ca_bundle, http2=True)
        async with httpx2.AsyncClient(transport=transport, base_url=server.url) as client:
            await client.get("/quick", timeout=httpx2.Timeout(TotalTime(30)))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_ends, client, path)
                tasks.start_soon(_ends, client, path)
            return await client.get("/quick", timeout=httpx2.Timeout(TotalTime(30)))

    assert in_loop(loop, both).content == b"begun"
    assert server.connections == 1


@pytest.mark.parametrize("loop", LOOPS)
def test_a_request_waits_no_longer_for_one_that_may_take_longer(
    loop: str, server: RawServer, ca_bundle: str
) -> None:
    async def both() -> None:
        transport = AsyncTransport(verify=ca_bundle, http2=True)
        async with httpx2.AsyncClient(transport=transport, base_url=server.url) as client:
            await client.get("/quick", timeout=httpx2.Timeout(TotalTime(30)))
            async with anyio.create_task_group() as tasks:
                await tasks.start(_wait, client)
                await _ends(client, "/silent")
                tasks.cancel_scope.cancel()

    in_loop(loop, both)
    assert server.connections == 1


async def _wait(client: httpx2.AsyncClient, *, task_status: TaskStatus[None]) -> None:
    """Wait for an answer, and tell when the waiting begins."""

    async def trace(event: str, info: object) -> None:
        if event == "http2.receive_response_headers.started":
            task_status.started()

    timeout = httpx2.Timeout(TotalTime(30))
    await client.get("/silent", timeout=timeout, extensions={"trace": trace})


async def _ends(client: httpx2.AsyncClient, path: str) -> None:
    with ends_in_time():
        await client.get(path, timeout=httpx2.Timeout(TotalTime(LIMIT)))
