"""A client that is closed while its token is replaced."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import httpx2
import pytest

from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import TOKEN_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import expired
from tests.httpx_client._clients import in_loop
from tests.httpx_client._clients import made


@pytest.mark.parametrize("how", ["aclose", "with"])
def test_it_waits_for_a_refresh_that_nobody_else_waits_for(how: str) -> None:
    told: list[str] = []

    async def main() -> None:
        server, asked, may_answer = Server(), anyio.Event(), anyio.Event()

        async def answer(request: httpx2.Request) -> httpx2.Response:
            if str(request.url) == TOKEN_URL:
                asked.set()
                await may_answer.wait()
            return server(request)

        async def update(new: Any, **old: Any) -> None:
            told.append(new["refresh_token"])

        client = made("OAuth2", "asyncio", answer, token=expired(), update_token=update)

        async def use() -> None:
            async with client:
                await _leave_behind(client.get(API_URL), asked)

        if how == "with":
            closing = asyncio.ensure_future(use())
        else:
            await _leave_behind(client.get(API_URL), asked)
            closing = asyncio.ensure_future(client.aclose())
        await asked.wait()
        await anyio.wait_all_tasks_blocked()
        assert not client.is_closed
        assert not closing.done()
        may_answer.set()
        await closing
        assert client.is_closed
        assert client.token["refresh_token"] == "refresh-token-number-1"
        assert told == ["refresh-token-number-1"]

    in_loop("asyncio", main)


async def _leave_behind(call: Any, asked: anyio.Event) -> None:
    task = asyncio.ensure_future(call)
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_update_token_may_close_it(loop: str) -> None:
    async def main() -> None:
        client = made("OAuth2", loop, Server(), token=expired())

        async def update(new: Any, **old: Any) -> None:
            await client.aclose()

        client.update_token = update
        with anyio.fail_after(5):
            assert await client.ensure_active_token()
        assert client.is_closed

    in_loop(loop, main)
