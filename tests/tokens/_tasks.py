"""Clients that await, in threads of one process, each thread with an event loop of its own.

``python -m tests.tokens._tasks`` reads ``place``, ``client``, ``url``, ``loop``, ``threads``,
``clients`` and ``tasks`` as one line of JSON, says that it is ready, waits for another line, and
writes what became of the calls and how many access tokens they went out with.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections import Counter
from contextlib import AsyncExitStack
from contextlib import ExitStack
from typing import Any

import anyio
import httpx2

from flask_oauthclient.httpx_client import AsyncOAuth2Client
from flask_oauthclient.storage.tokens.key import TokenKey
from tests.tokens._site import make_store

KEY = TokenKey("demo", "alice")
_LIMIT = 60


class Crowd:
    """All clients of a process."""

    def __init__(self, told: dict[str, Any], store: Any) -> None:
        self._told = told
        self._store = store
        self._start = threading.Barrier(told["threads"] + 1)
        self.outcomes: Counter[str] = Counter()
        self.used: set[str] = set()

    def run(self) -> None:
        """Start the threads, and wait for a line before their calls begin."""
        threads = [threading.Thread(target=self._thread) for _ in range(self._told["threads"])]
        for thread in threads:
            thread.start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        self._start.wait(_LIMIT)
        for thread in threads:
            thread.join(_LIMIT)

    def _thread(self) -> None:
        anyio.run(self._main, backend=self._told["loop"])

    async def _main(self) -> None:
        async with AsyncExitStack() as stack, anyio.create_task_group() as group:
            clients = [
                await stack.enter_async_context(
                    AsyncOAuth2Client(
                        **self._told["client"],
                        token_store=self._store,
                        token_key=KEY,
                        timeout=30,
                        trust_env=False,
                    )
                )
                for _ in range(self._told["clients"])
            ]
            self._start.wait(_LIMIT)
            for client in clients:
                for _ in range(self._told["tasks"]):
                    group.start_soon(self._call, client)

    async def _call(self, client: AsyncOAuth2Client) -> None:
        try:
            response = await client.get(self._told["url"])
        except Exception as error:  # noqa: BLE001  whatever it is, the test shall see it
            self.outcomes[f"{type(error).__name__} {error}"] += 1
            return
        self.outcomes[str(response.status_code)] += 1
        self.used.add(_digest(response.request))


def _digest(request: httpx2.Request) -> str:
    return hashlib.sha256(request.headers["Authorization"].encode()).hexdigest()


def main() -> None:
    """Run."""
    told = json.loads(sys.stdin.readline())
    with ExitStack() as stack:
        crowd = Crowd(told, make_store(told["place"], stack))
        crowd.run()
    json.dump({"outcomes": crowd.outcomes, "used": sorted(crowd.used)}, sys.stdout)


if __name__ == "__main__":
    main()
