"""Logins in several tabs at once, at several worker processes, all succeed, each once."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextlib import contextmanager
from pathlib import Path

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.servers.process import running
from tests.workers._tabs import Tabs
from tests.workers._tabs import consent

ROOT = Path(__file__).parents[2]
WORKERS = 4
BROWSERS = 200
TABS = 3
AT_ONCE = 8

Workers = Callable[[str], list[int]]


@contextmanager
def _python(*arguments: str) -> Iterator[dict[str, object]]:
    """Run one of our modules, and give what it says when it serves."""
    with running([sys.executable, "-m", *arguments], cwd=ROOT) as process:
        yield process.first_line()


@pytest.fixture(params=["session", "redis"])
def start_workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """Starts workers whose state is in the session or in Redis, and gives their ports."""
    redis_url = [request.getfixturevalue("redis_url")] if request.param == "redis" else []
    with ExitStack() as stack:

        def start(issuer: str) -> list[int]:
            arguments = ["tests.workers._worker", issuer, *redis_url]
            started = [stack.enter_context(_python(*arguments)) for _ in range(WORKERS)]
            return [int(str(said["port"])) for said in started]

        yield start


def test_every_tab_of_every_browser_logs_in(start_workers: Workers) -> None:
    with _python("tests.workers._provider") as provider:
        ports = start_workers(str(provider["issuer"]))
        with ThreadPoolExecutor(AT_ONCE) as people:
            finished = list(people.map(_use_a_browser, [ports] * BROWSERS, range(BROWSERS)))
    outcomes = Counter(outcome for browser in finished for outcome in browser)
    assert outcomes == {(200, f"alice in tab {tab}"): BROWSERS for tab in range(TABS)}


def _use_a_browser(ports: list[int], number: int) -> list[tuple[int, str]]:
    tabs = Tabs(ports, number)
    started = tabs.open([f"/login?tab={tab}" for tab in range(TABS)])
    assert [status for status, _, _ in started] == [302] * TABS
    callbacks = [consent(location) for _, location, _ in started]
    if number % 2:
        callbacks.reverse()
    return [(status, body) for status, _, body in tabs.open(callbacks)]


@pytest.fixture
def op(provider_keys: KeyRing) -> Iterator[DevelopmentProvider]:
    """A provider whose log can be read."""
    provider = DevelopmentProvider(keys=provider_keys)
    provider.auto_sign_in = "alice"
    with provider.serve():
        yield provider


def test_a_callback_that_reaches_all_workers_at_once_logs_in_once(
    start_workers: Workers, op: DevelopmentProvider, request: pytest.FixtureRequest
) -> None:
    ports = start_workers(op.issuer)
    for _ in range(5):
        tabs = Tabs(ports)
        [(_, location, _)] = tabs.open(["/login?tab=x"])
        before = op.log.count("token")
        outcomes = tabs.open([consent(location)] * WORKERS)
        assert Counter(status for status, _, _ in outcomes) == {200: 1, 400: WORKERS - 1}
        if "redis" in request.node.callspec.id:
            assert {body for status, _, body in outcomes if status != 200} == {"state_used"}
            assert op.log.count("token") == before + 1


def test_a_callback_does_not_work_again_at_another_worker(
    start_workers: Workers, op: DevelopmentProvider
) -> None:
    ports = start_workers(op.issuer)
    tabs = Tabs(ports)
    [(_, location, _)] = tabs.open(["/login?tab=x"])
    callback = consent(location)
    assert tabs.open([callback])[0][0] == 200
    for _ in range(WORKERS):
        [(status, _, body)] = tabs.open([callback])
        assert (status, body) == (400, "state_used")
    assert op.log.count("token") == 1
