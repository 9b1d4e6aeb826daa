"""Clients that share a store of tokens: one refresh for all tasks of all of them.

Real stores, threads and processes are in :mod:`tests.tokens.test_tasks`.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx2
import pytest

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import TokenKey
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.transport._run import Steps
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import TOKEN_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import expired
from tests.httpx_client._clients import in_loop
from tests.httpx_client._clients import made
from tests.httpx_client._clients import token
from tests.transport._raw import Peer
from tests.transport._raw import answer
from tests.transport._raw import raw_server

KEY = TokenKey("demo", "alice")


class Store(MemoryTokenStore):
    """Counts who reads, and gives others time to come in between."""

    def __init__(self, held: Any = None) -> None:
        super().__init__(["k" * 32])
        self.reads = 0
        if held is not None:
            self.put(KEY, held)

    def get(self, key: TokenKey) -> Any:
        self.reads += 1
        found = super().get(key)
        time.sleep(0.01)
        return found


def shared(store: Any, **settings: Any) -> dict[str, Any]:
    return {"token_store": store, "token_key": KEY, **settings}


@pytest.mark.parametrize("clients", [1, 6])
def test_the_tasks_of_all_clients_refresh_once(clients: int, loop: str) -> None:
    server, store, told = Server(), Store(expired()), list[Any]()

    async def main() -> None:
        async with AsyncExitStack() as stack:
            all_clients = [
                await stack.enter_async_context(
                    made(
                        "OAuth2",
                        loop,
                        server,
                        **shared(store, update_token=lambda *args, **old: told.append(old)),
                    )
                )
                for _ in range(clients)
            ]
            async with anyio.create_task_group() as group:
                for client in all_clients:
                    for _ in range(8):
                        group.start_soon(client.get, API_URL)
            assert {client.token["access_token"] for client in all_clients} == {
                "access-token-number-1"
            }

    in_loop(loop, main)
    assert server.count == 1
    calls = [r for r in server.requests if str(r.url) == API_URL]
    assert {r.headers["Authorization"] for r in calls} == {"Bearer access-token-number-1"}
    assert len(calls) == 8 * clients
    assert len(told) == 1, "who only takes over what another client has brought, tells nobody"


def test_a_client_reads_the_store_once_for_all_its_tasks(loop: str) -> None:
    store = Store(token("stored"))

    async def main() -> None:
        client = made("OAuth2", loop, Server(), **shared(store))
        async with client, anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(client.get, API_URL)

    in_loop(loop, main)
    assert store.reads == 1


def test_threads_on_one_client_refresh_once() -> None:
    server, store = Server(), Store(expired())
    barrier = threading.Barrier(20)
    with made("OAuth2", "blocking", server, **shared(store)) as client:

        def call(_: int) -> str:
            barrier.wait(10)
            seen = client.get(API_URL).json()
            return str(seen["headers"]["authorization"])

        with ThreadPoolExecutor(20) as threads:
            assert set(threads.map(call, range(20))) == {"Bearer access-token-number-1"}
    assert server.count == 1
    assert store.reads <= 2


def test_what_waits_for_a_store_takes_no_thread_from_who_refreshes(loop: str) -> None:
    clients, store = 60, MemoryTokenStore(["k" * 32])
    store.put(KEY, expired())

    def script(peer: Peer) -> None:
        while peer.receive() is not None:
            peer.send(answer(b'{"access_token": "access-token-x", "token_type": "Bearer"}'))

    async def main(url: str) -> None:
        async with AsyncExitStack() as stack, anyio.create_task_group() as group:
            for _ in range(clients):
                settings = {"token_endpoint": url, "timeout": 5, "trust_env": False}
                client = made("OAuth2", loop, None, **shared(store, **settings))
                group.start_soon((await stack.enter_async_context(client)).ensure_active_token)

    with raw_server(script) as server:
        # A name, which is looked up in a thread.
        in_loop(loop, main, f"http://localhost:{server.port}/token")
    assert len(server.requests) == 1


def test_a_token_that_was_removed_is_missing(style: str) -> None:
    store = Store(expired())

    def flow(client: Any) -> Steps[None]:
        yield client.ensure_active_token()
        client.token = {**client.token, "expires_at": 1}
        store.delete(KEY)
        with pytest.raises(MissingTokenError):
            yield client.get(API_URL)

    drive(style, flow, Server(), **shared(store))


def test_an_outage_leaves_the_stored_token(style: str) -> None:
    store = Store(expired())

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(503)

    def flow(client: Any) -> Steps[None]:
        with pytest.raises(TransportError):
            yield client.get(API_URL)
        assert store.get(KEY)["refresh_token"] == "refresh-token-old"

    drive(style, flow, Server(answer), **shared(store))


def test_a_fetched_token_is_stored(style: str) -> None:
    store = Store()

    def flow(client: Any) -> Steps[None]:
        yield client.fetch_token(code="c" * 20)
        yield client.refresh_token()

    drive(style, flow, Server(), **shared(store))
    assert store.get(KEY)["access_token"] == "access-token-number-2"


def test_who_is_cancelled_leaves_the_new_token_in_the_store(loop: str) -> None:
    store = MemoryTokenStore(["k" * 32])
    store.put(KEY, expired())
    told: list[Any] = []
    server = Server()

    async def main() -> None:
        asked, may_answer, over = anyio.Event(), anyio.Event(), anyio.Event()

        async def gate(request: httpx2.Request) -> httpx2.Response:
            if str(request.url) == TOKEN_URL:
                asked.set()
                await may_answer.wait()
            return server(request)

        def update(new: Any, **old: Any) -> None:
            told.append(new["access_token"])
            over.set()

        settings = shared(store, update_token=update)
        async with made("OAuth2", loop, gate, **settings) as client:
            async with anyio.create_task_group() as group:
                scope = anyio.CancelScope()

                async def leaving() -> None:
                    with scope:
                        await client.get(API_URL)

                group.start_soon(leaving)
                await asked.wait()
                scope.cancel()
                await anyio.sleep(0.01)
                may_answer.set()
            with anyio.fail_after(5):
                await over.wait()
            assert client.token["refresh_token"] == "refresh-token-number-1"

    in_loop(loop, main)
    assert told == ["access-token-number-1"]
    assert store.get(KEY)["refresh_token"] == "refresh-token-number-1"
    assert server.count == 1
