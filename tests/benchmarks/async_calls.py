"""Rows ``async-calls``, ``async-call`` and ``aget``: calls in an event loop, which is kept.

As in :mod:`.httpx_calls`, plain and over kept connections.
"""

from __future__ import annotations

from asyncio import Runner
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import httpx2

from tests.benchmarks._apps import client_app
from tests.benchmarks._apps import client_of
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Samples
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._harness import repeat_in_loop
from tests.benchmarks._processes import provider_process
from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks.httpx_calls import BEARER
from tests.benchmarks.httpx_calls import TOKEN
from tests.benchmarks.httpx_calls import of_each_side

CALLS = 200
"""How many are on their way at once."""

CONNECTIONS = 100
"""As many as httpx2 opens unless it is told otherwise; here all of them are kept."""

FEW_CONNECTIONS = 10
"""With these, a call costs httpx2 less: its pool looks at each connection every time."""

Operation = Callable[[], Awaitable[object]]


def async_calls(settings: Settings) -> Iterator[Row]:
    """200 concurrent calls of one client."""
    what = "calls at once of an AsyncOAuth2Client / of an httpx2.AsyncClient with the header"
    for name, connections in (("", CONNECTIONS), ("-few", FEW_CONNECTIONS)):
        samples = _compare(settings, connections, at_once=CALLS)
        yield _row(f"async-calls{name}", f"{CALLS} {what}", samples)
    samples = _compare(settings, FEW_CONNECTIONS, at_once=1)
    yield _row("async-call", "one after the other of the same / of the same", samples)


def aget(settings: Settings) -> Iterator[Row]:
    """``await oauth.x.aget(url)``, one after the other, in one event loop."""
    with provider_process() as provider:
        app = client_app(
            "ours",
            provider.metadata_url,
            api_base_url=f"{provider.issuer}/",
            fetch_token=lambda: dict(TOKEN),
        )
        floor, client = httpx2.AsyncClient(headers=BEARER), client_of(app)
        with app.app_context(), Runner() as runner:
            operations: dict[str, Operation] = {
                "floor": _reading(floor.get, f"{provider.issuer}/userinfo"),
                "ours": _reading(client.aget, "userinfo"),
                "token-given": _reading(client.aget, "userinfo", token=TOKEN),
            }
            contenders = {n: repeat_in_loop(runner, run) for n, run in operations.items()}
            samples = compare(contenders, settings.rounds)
            runner.run(floor.aclose())
    yield Row(
        "aget",
        "await oauth.x.aget / a kept httpx2.AsyncClient.get with the header",
        None,
        samples.ratio("ours", over="floor"),
        1.25,
        detail=samples.microseconds(),
        others={"token given": samples.ratio("token-given", over="floor")},
    )


def _row(name: str, what: str, samples: Samples) -> Row:
    return Row(
        name,
        what,
        samples.ratio("authlib", over="floor"),
        samples.ratio("ours", over="floor"),
        1.10,
        detail=samples.microseconds(),
    )


def _compare(settings: Settings, connections: int, at_once: int) -> Samples:
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    with provider_process() as provider, Runner() as runner:
        url = f"{provider.issuer}/userinfo"
        clients = {
            "floor": httpx2.AsyncClient(headers=BEARER, limits=limits),
            **of_each_side("AsyncOAuth2Client", CLIENT_ID, token=dict(TOKEN), limits=limits),
        }
        contenders = {
            name: repeat_in_loop(runner, _reading(client.get, url), at_once)
            for name, client in clients.items()
        }
        samples = compare(contenders, settings.rounds)
        for client in clients.values():
            runner.run(client.aclose())
    return samples


def _reading(get: Callable[..., Any], url: str, **how: Any) -> Operation:
    async def read() -> object:
        return (await get(url, **how)).json()

    return read
