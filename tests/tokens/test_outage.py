"""The store restarts under the hands of the workers: clear errors, and then all goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.engines import Restartable
from tests.tokens._processes import Provider
from tests.tokens._processes import Workers
from tests.tokens._processes import wait_until

STORES = ["restartable_redis", "restartable_postgres"]
CALLS = {"threads": 4, "owner": "alice", "seconds": 60}
ERRORS = {"TokenStoreError token_store_unavailable", "TokenStoreError token_busy"}

pytestmark = pytest.mark.timeout(100)


@pytest.fixture(params=STORES)
def place(
    request: pytest.FixtureRequest, place_of: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    return place_of(request.param)


@pytest.fixture
def server(place: dict[str, Any], request: pytest.FixtureRequest) -> Restartable:
    """The server that the place is at."""
    name = "restartable_redis" if place["kind"] == "redis" else "restartable_postgres"
    server: Restartable = request.getfixturevalue(name)
    return server


def test_restart_amid_calls(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place: dict[str, Any],
    server: Restartable,
) -> None:
    op.admin("reset", lifetime=0.3, tells_lifetime=False)
    workers.open(3, place, client)
    workers.keep("alice", op.grant("alice"))
    workers.begin(**CALLS)
    wait_until(lambda: op.ledger()["requests"] >= 2, "Nobody refreshes.")

    server.stop()
    _await(workers, "failed")
    server.start()
    _await(workers, "good")
    count = op.ledger()["requests"]
    wait_until(lambda: op.ledger()["requests"] >= count + 2, "Nobody refreshes any more.")
    report = workers.end("stop")

    ledger = op.ledger()
    assert set(report.failed) <= ERRORS
    assert (report.unfinished, ledger["refused_twice"]) == (0, 0)
    assert ledger["answered"] == {"200": ledger["requests"]}
    assert workers.ask("renew", "alice") == {"error": None}


def test_restart_while_the_provider_answers(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place: dict[str, Any],
    server: Restartable,
) -> None:
    workers.open(3, place, client)
    workers.keep("alice", op.grant("alice", is_over=True))
    op.admin("hold")
    workers.begin(**CALLS)
    wait_until(lambda: op.ledger()["requests"] == 1, "Nobody refreshes.")

    server.stop()
    op.admin("release")
    wait_until(lambda: op.ledger()["answered"] == {"200": 1}, "There is no answer.")
    server.start()
    _await(workers, "good")
    report = workers.end("stop")

    # All have got the token that came while there was nothing to write it to.
    assert set(report.failed) <= ERRORS
    assert op.ledger()["answered"] == {"200": 1}
    assert workers.ask("renew", "alice") == {"error": None}


def test_worker_that_was_idle_meanwhile_spends_no_spent_token(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place: dict[str, Any],
    server: Restartable,
) -> None:
    workers.open(3, place, client)
    workers.keep("alice", op.grant("alice"))
    assert workers.run(threads=4, owner="alice").good == 12  # all have connections now
    workers.keep("alice", op.grant("alice", is_over=True))
    op.admin("hold")
    workers.tell("get", CALLS)
    first, *others = workers.used
    first.send("go")
    first.answer()
    wait_until(lambda: op.ledger()["requests"] == 1, "Nobody refreshes.")

    server.stop()
    op.admin("release")
    wait_until(lambda: op.ledger()["answered"] == {"200": 1}, "There is no answer.")
    server.start()
    for worker in others:
        worker.send("go")
    for worker in others:
        worker.answer()
    _await(workers, "good")
    report = workers.end("stop")

    assert set(report.failed) <= ERRORS
    assert op.ledger()["answered"] == {"200": 1}


def _await(workers: Workers, what: str) -> None:
    """Wait until all workers have more calls that went so."""
    before = [told[what] for told in workers.tell("look")]
    for worker, count in zip(workers.used, before, strict=True):

        def has_more(worker: Any = worker, count: int = count) -> bool:
            worker.send("look")
            return bool(worker.answer()[what] > count)

        wait_until(has_more, f"No call has {what} any more.")
