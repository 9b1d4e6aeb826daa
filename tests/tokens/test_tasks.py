"""However many tasks of however many clients find one token expired, it is refreshed once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from tests.tokens._processes import ROOT
from tests.tokens._processes import Provider
from tests.tokens._site import make_store
from tests.tokens._tasks import KEY

CLIENTS = 3
TASKS = 8


def run(processes: int, told: dict[str, Any]) -> list[dict[str, Any]]:
    """Let processes do their calls, all at once."""
    command = [sys.executable, "-W", "error", "-m", "tests.tokens._tasks"]
    with ExitStack() as stack:
        crowds = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=ROOT,
                    text=True,
                )
            )
            for _ in range(processes)
        ]
        for crowd in crowds:
            assert crowd.stdin is not None
            crowd.stdin.write(json.dumps(told) + "\n")
            crowd.stdin.flush()
        for crowd in crowds:
            assert crowd.stdout is not None
            assert crowd.stdout.readline() == "ready\n", crowd.communicate()[1][-3000:]
        answers = []
        for crowd in crowds:
            assert crowd.stdin is not None
            crowd.stdin.write("go\n")
            crowd.stdin.flush()
        for crowd in crowds:
            said, errors = crowd.communicate(timeout=50)
            assert (crowd.returncode, errors) == (0, ""), errors[-3000:]
            answers.append(json.loads(said))
        return answers


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("kind", "processes", "threads"),
    [
        ("redis", 1, 1),
        ("redis", 1, 3),
        ("redis", 3, 2),
        ("sqlite", 1, 3),
        ("sqlite", 3, 2),
        ("postgres", 1, 3),
        ("postgres", 3, 2),
    ],
)
def test_one_expired_token_is_one_request(
    op: Provider,
    place_of: Callable[[str], dict[str, Any]],
    kind: str,
    processes: int,
    threads: int,
    loop: str,
) -> None:
    place = place_of(kind)
    with ExitStack() as stack:
        store = make_store(place, stack)
        assert store is not None
        store.put(KEY, op.grant("alice", is_over=True))
    told = {
        "place": place,
        "client": {
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "token_endpoint": f"{op.issuer}/token",
        },
        "url": f"{op.issuer}/calls/me",
        "loop": loop,
        "threads": threads,
        "clients": CLIENTS,
        "tasks": TASKS,
    }
    answers = run(processes, told)
    calls = threads * CLIENTS * TASKS
    assert [answer["outcomes"] for answer in answers] == [{"200": calls}] * processes
    assert len({name for answer in answers for name in answer["used"]}) == 1
    assert op.ledger()["answered"] == {"200": 1}
