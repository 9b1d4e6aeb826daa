"""Tasks that share a client: one refresh for all, whoever is cancelled meanwhile."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

import anyio
import httpx2
import pytest
import trio

from flask_oauthclient.httpx_client import AsyncOAuth2Client
from flask_oauthclient.httpx_client import OAuth2Auth
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TransportError
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import LOOPS
from tests.httpx_client._clients import TOKEN_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import expired
from tests.httpx_client._clients import in_loop
from tests.httpx_client._clients import made
from tests.httpx_client._clients import refused
from tests.httpx_client._clients import seen
from tests.httpx_client._clients import token
from tests.transport._raw import Peer
from tests.transport._raw import raw_server

TASKS = 100


class Gate:
    """A server whose token endpoint answers when it is told to."""

    def __init__(self, **fields: Any) -> None:
        self.server = Server(**fields)
        self.asked = anyio.Event()
        self.may_answer = anyio.Event()

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        if str(request.url) == TOKEN_URL:
            self.asked.set()
            await self.may_answer.wait()
        return self.server(request)


def client_at(server: Any, **kwargs: Any) -> Any:
    return made("OAuth2", "async", server, **{"token": expired(), **kwargs})


async def gathered(count: int, call: Callable[[], Awaitable[Any]]) -> list[Any]:
    """What becomes of many calls at once: results, and errors."""
    outcomes: list[Any] = []

    async def one() -> None:
        try:
            outcomes.append(await call())
        except OAuthError as error:
            outcomes.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(one)
    return outcomes


@pytest.mark.parametrize("how", ["expired", "refused", "ensure", "auth-object", "stream"])
def test_a_hundred_tasks_make_one_token_request(loop: str, how: str) -> None:
    told: list[Any] = []
    good = {"Bearer access-token-number-1"}

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        is_call = str(request.url) == API_URL and how == "refused"
        return refused() if is_call and request.headers["Authorization"] not in good else None

    server = Server(answer)

    async def main() -> None:
        held = token("good", refresh_token="refresh-token-g") if how == "refused" else expired()
        async with (
            client_at(
                server, token=held, update_token=lambda new, **old: told.append(old)
            ) as client,
            httpx2.AsyncClient(transport=httpx2.MockTransport(server)) as foreign,
        ):

            async def streamed() -> Any:
                async with client.stream("GET", API_URL) as response:
                    await response.aread()
                    return response

            calls: dict[str, Callable[[], Awaitable[Any]]] = {
                "ensure": client.ensure_active_token,
                "auth-object": lambda: foreign.get(API_URL, auth=client.token_auth),
                "stream": streamed,
            }
            outcomes = await gathered(TASKS, calls.get(how, lambda: client.get(API_URL)))
        assert len(outcomes) == TASKS
        if how == "ensure":
            assert set(outcomes) == {True}
        else:
            used = {response.json()["headers"]["authorization"] for response in outcomes}
            assert used == good

    in_loop(loop, main)
    assert (server.count, len(told)) == (1, 1)


@pytest.mark.parametrize(
    ("problem", "kind", "further"),
    [
        (lambda: httpx2.Response(400, json={"error": "invalid_grant"}), TokenRequestError, 0),
        (lambda: httpx2.Response(503), TransportError, 1),
    ],
    ids=["invalid_grant", "503"],
)
def test_a_failure_is_shared_and_each_task_has_an_error_of_its_own(
    loop: str, problem: Any, kind: type[OAuthError], further: int
) -> None:
    asked: list[int] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(1)
        for _ in range(20):  # until all of the others wait for this
            await anyio.lowlevel.checkpoint()
        response: httpx2.Response = problem()
        return response

    async def main() -> None:
        async with client_at(answer) as client:
            errors = await gathered(TASKS, lambda: client.get(API_URL))
            assert {type(error) for error in errors} == {kind}
            assert len({id(error) for error in errors}) == TASKS
            assert len(asked) == 1
            assert client.token["access_token"] == "access-token-old"
            with pytest.raises(kind):
                await client.get(API_URL)
            assert len(asked) == 1 + further

    in_loop(loop, main)


def test_who_comes_during_an_attempt_that_fails_does_not_make_another(loop: str) -> None:
    async def main() -> None:
        gate = Gate()
        gate.server = Server(lambda request: httpx2.Response(503))
        async with client_at(gate) as client, anyio.create_task_group() as group:
            errors: list[Any] = []

            async def call() -> None:
                with pytest.raises(TransportError) as raised:
                    await client.get(API_URL)
                errors.append(raised.value)

            group.start_soon(call)
            await gate.asked.wait()
            for _ in range(3):
                group.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            gate.may_answer.set()
        assert len({id(error) for error in errors}) == 4
        assert gate.server.urls == [TOKEN_URL]

    in_loop(loop, main)


async def until(is_so: Callable[[], bool]) -> None:
    """Let other tasks run until something is so."""
    with anyio.fail_after(5):
        while not is_so():  # noqa: ASYNC110  it is the code under test that would have to tell
            await anyio.sleep(0.001)


# -- cancellation ----------------------------------------------------------------------------------

Leave = Callable[[Callable[[], Awaitable[Any]], Gate], Awaitable[None]]


async def _by_cancel(call: Callable[[], Awaitable[Any]], gate: Gate) -> None:
    task = asyncio.ensure_future(call())
    await gate.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _by_wait_for(call: Callable[[], Awaitable[Any]], gate: Gate) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(call(), 0.05)


async def _by_timeout(call: Callable[[], Awaitable[Any]], gate: Gate) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await call()


async def _by_task_group(call: Callable[[], Awaitable[Any]], gate: Gate) -> None:
    async def fail() -> None:
        await gate.asked.wait()
        raise LookupError

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(call())  # type: ignore[arg-type]
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        await both()


async def _by_scope(call: Callable[[], Awaitable[Any]], gate: Gate) -> None:
    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def one() -> None:
            with scope:
                await call()

        group.start_soon(one)
        await gate.asked.wait()
        scope.cancel()


async def _by_trio(call: Callable[[], Awaitable[Any]], gate: Gate) -> None:
    with trio.move_on_after(0.05) as scope:
        await call()
    assert scope.cancel_called


#: Those that return at once, and those that wait until the refresh is over.
AT_ONCE: list[tuple[str, Leave]] = [
    ("asyncio", _by_cancel),
    ("asyncio", _by_wait_for),
    ("asyncio", _by_timeout),
    ("asyncio", _by_task_group),
    ("asyncio", _by_scope),
]
AT_THE_END: list[tuple[str, Leave]] = [("trio", _by_scope), ("trio", _by_trio)]
CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "get": lambda client: client.get(API_URL),
    "ensure_active_token": lambda client: client.ensure_active_token(),
    "refresh_token": lambda client: client.refresh_token(),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("loop", "leave"), AT_ONCE + AT_THE_END)
def test_who_is_cancelled_during_a_refresh_loses_no_token(
    loop: str, leave: Leave, call: str
) -> None:
    told: list[Any] = []

    async def update(new: Any, **old: Any) -> None:
        await anyio.lowlevel.checkpoint()
        told.append((new["access_token"], old))

    async def main() -> None:
        gate = Gate()
        async with client_at(gate, update_token=update) as client:
            others: list[Any] = []

            async def other() -> None:
                await gate.asked.wait()
                others.append(await client.get(API_URL))

            async with anyio.create_task_group() as group:
                for _ in range(5 if call != "refresh_token" else 0):
                    group.start_soon(other)
                if loop == "trio":
                    group.start_soon(_answer_later, gate)
                await leave(lambda: CALLS[call](client), gate)
                gate.may_answer.set()
            await until(lambda: bool(told))
            assert client.token["refresh_token"] == "refresh-token-number-1"
            used = {response.json()["headers"]["authorization"] for response in others}
            assert used in (set(), {"Bearer access-token-number-1"})
            assert len(others) == (5 if call != "refresh_token" else 0)
            assert (await client.get(API_URL)).status_code == 200
        assert gate.server.count == 1
        assert told == [("access-token-number-1", {"refresh_token": "refresh-token-old"})]

    in_loop(loop, main)


async def _answer_later(gate: Gate) -> None:
    await gate.asked.wait()
    await anyio.sleep(0.1)
    gate.may_answer.set()


@pytest.mark.parametrize(("loop", "leave"), AT_ONCE)
def test_a_failure_that_nobody_waits_for_is_no_noise(loop: str, leave: Leave) -> None:
    async def main() -> list[Any]:
        noise: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
        gate = Gate()
        gate.server = Server(lambda request: httpx2.Response(503))
        async with client_at(gate) as client:
            await leave(lambda: client.get(API_URL), gate)
            gate.may_answer.set()
            await until(lambda: client._attempts > 0)
            with pytest.raises(TransportError):
                await client.get(API_URL)
        gc.collect()
        await asyncio.sleep(0)
        return noise

    assert in_loop(loop, main) == []


def test_who_is_cancelled_while_waiting_for_another_s_refresh_leaves_the_lock_in_order(
    loop: str,
) -> None:
    async def main() -> None:
        gate = Gate()
        async with client_at(gate) as client:
            async with anyio.create_task_group() as group:
                scopes = [anyio.CancelScope() for _ in range(3)]

                async def waiting(scope: anyio.CancelScope) -> None:
                    with scope:
                        await client.get(API_URL)

                group.start_soon(client.get, API_URL)
                await gate.asked.wait()
                for scope in scopes:
                    group.start_soon(waiting, scope)
                await anyio.sleep(0.01)
                for scope in scopes:
                    scope.cancel()
                await anyio.sleep(0.01)
                gate.may_answer.set()
            assert (await client.get(API_URL)).status_code == 200
        assert gate.server.count == 1

    in_loop(loop, main)


def test_a_loop_that_ends_during_a_refresh_leaves_a_client_that_can_refresh() -> None:
    clients: list[Any] = []

    async def leaves() -> None:
        gate = Gate()
        client = client_at(gate)
        clients.append(client)
        task = asyncio.ensure_future(client.get(API_URL))
        await gate.asked.wait()
        task.cancel()

    async def again() -> None:
        client, server = clients[0], Server()
        client._transport = httpx2.MockTransport(server)
        assert (await client.get(API_URL)).status_code == 200
        assert server.count == 1
        await client.aclose()

    asyncio.run(leaves())
    in_loop("asyncio", again)


@pytest.mark.parametrize("second", LOOPS)
def test_a_client_may_refresh_in_one_event_loop_after_the_other(loop: str, second: str) -> None:
    server = Server(expires_in=1)
    client = client_at(server)

    async def one() -> None:
        outcomes = await gathered(5, lambda: client.get(API_URL))
        assert {response.status_code for response in outcomes} == {200}

    for each in (loop, second, loop):
        in_loop(each, one)
    in_loop(loop, client.aclose)
    spent = [request.content for request in server.requests if str(request.url) == TOKEN_URL]
    assert len(set(spent)) == len(spent) == server.count


def test_a_loop_that_was_stopped_during_a_refresh_does_not_keep_the_lock() -> None:
    stopped = asyncio.new_event_loop()
    gate_server = Server()
    client = client_at(gate_server)

    async def take() -> None:
        await client._replacing.acquire()

    stopped.run_until_complete(take())
    stopped.close()

    async def again() -> None:
        with anyio.fail_after(5):
            assert (await client.get(API_URL)).status_code == 200
        await client.aclose()

    in_loop("asyncio", again)


def test_a_task_that_update_token_leaves_behind_does_not_break_the_lock(loop: str) -> None:
    server = Server(expires_in=1)  # due at once: each call replaces it

    async def main() -> None:
        async with anyio.create_task_group() as group, client_at(server) as client:

            async def update(new: Any, **old: Any) -> None:
                if server.count == 1:
                    group.start_soon(client.get, API_URL)
                    await anyio.sleep(0.01)

            client.update_token = update
            with anyio.fail_after(5):
                await client.get(API_URL)
                await anyio.sleep(0.01)
                assert (await client.get(API_URL)).status_code == 200

    in_loop(loop, main)
    spent = [request.content for request in server.requests if str(request.url) == TOKEN_URL]
    assert len(set(spent)) == len(spent)


def test_an_auth_object_refreshes_through_the_client_of_another_class(loop: str) -> None:
    server = Server()

    async def main() -> None:
        async with (
            client_at(server) as client,
            AsyncOAuth2Client(transport=httpx2.MockTransport(seen)) as other,
        ):
            auth = OAuth2Auth(expired(), client=client)
            response = await other.get(API_URL, auth=auth)
            assert response.json()["headers"]["authorization"] == "Bearer access-token-number-1"

    in_loop(loop, main)
    assert server.count == 1


# Whoever leaves a client open in a loop that ends is told so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("second", LOOPS)
def test_connections_of_an_earlier_event_loop_lead_to_an_answer_or_an_error(
    loop: str, second: str
) -> None:
    def script(peer: Peer) -> None:
        while peer.receive() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def one(client: Any, url: str) -> Any:
        with anyio.fail_after(5):
            return await client.get(url)

    with raw_server(script) as server:
        client = made("OAuth2", "async", None, token=token("good"), trust_env=False)
        outcomes: list[Any] = []
        for each in (loop, second):
            try:
                outcomes.append(in_loop(each, one, client, server.url).status_code)
            except (RuntimeError, httpx2.HTTPError, trio.TrioInternalError) as error:
                outcomes.append(type(error).__name__)
        assert outcomes[0] == 200
        assert outcomes[1] in (200, "RuntimeError"), "as in httpx2, and at once"
        assert client.token["access_token"] == "access-token-good"
    del client
    gc.collect()  # its connections, while the test ignores what is said of them
