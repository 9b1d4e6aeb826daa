"""However many processes a project has, a token is refreshed once, and never lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.engines import Restartable
from tests.tokens._processes import Provider
from tests.tokens._processes import WorkerProcess
from tests.tokens._processes import Workers
from tests.tokens._processes import wait_until

KINDS = ["sqlite", "wal", "postgres", "mariadb"]
CALLS = {"threads": 4, "owner": "alice", "seconds": 60}
ERRORS = {"TokenStoreError token_store_unavailable", "TokenStoreError token_busy"}
#: Seconds after which the next one refreshes, once the holder of the lock was killed.
AT_ONCE = 1.5

PlaceOf = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.timeout(100)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("processes", "threads"), [(1, 32), (4, 8)])
def test_one_expired_token_is_one_request(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place_of: PlaceOf,
    kind: str,
    processes: int,
    threads: int,
) -> None:
    workers.open(processes, place_of(kind), client)
    workers.keep("alice", op.grant("alice", is_over=True))
    report = workers.run(threads=threads, owner="alice")
    assert (report.good, report.failed, report.unfinished) == (processes * threads, {}, 0)
    ledger = op.ledger()
    assert (ledger["requests"], ledger["answered"]) == (1, {"200": 1})
    assert workers.ask("renew", "alice") == {"error": None}  # with the refresh token that came


@pytest.mark.parametrize("kind", ["wal", "postgres", "mariadb"])
def test_requests_that_are_undone_keep_the_refreshed_token(
    op: Provider, client: dict[str, Any], workers: Workers, place_of: PlaceOf, kind: str
) -> None:
    workers.open(3, place_of(kind, is_atomic=True), client)
    workers.keep("alice", op.grant("alice", is_over=True))
    for count in (1, 2):
        report = workers.run(threads=4, owner="alice")
        assert (report.good, report.failed, report.unfinished) == (12, {}, 0), f"run {count}"
    assert op.ledger()["answered"] == {"200": 1}
    assert workers.ask("renew", "alice") == {"error": None}


@pytest.mark.parametrize("kind", KINDS)
def test_killed_holder_of_the_lock(
    op: Provider, client: dict[str, Any], workers: Workers, place_of: PlaceOf, kind: str
) -> None:
    op.admin("reset", lifetime=0.3, tells_lifetime=False)
    workers.open(4, place_of(kind), client)
    workers.keep("alice", op.grant("alice"))
    workers.begin(**CALLS)

    workers.tell("arm")
    holder = workers.holding.get(timeout=30)
    workers.tell("disarm")
    killed_at = time.monotonic()
    workers.replace(holder, **CALLS)
    wait_until(lambda: op.ledger()["asked_at"][-1:] > [killed_at], "Nobody refreshes any more.")
    report = workers.end("stop")

    ledger = op.ledger()
    assert min(at for at in ledger["asked_at"] if at > killed_at) - killed_at < AT_ONCE
    assert (report.failed, report.unfinished, ledger["refused_twice"]) == ({}, 0, 0)
    assert ledger["answered"] == {"200": ledger["requests"]}
    assert workers.ask("renew", "alice") == {"error": None}


# -- the database is down -----------------------------------------------------------------


@pytest.fixture
def place(place_of: PlaceOf) -> dict[str, Any]:
    return place_of("restartable_postgres")


def test_database_that_is_down_is_an_error_and_no_loss(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place: dict[str, Any],
    restartable_postgres: Restartable,
) -> None:
    workers.open(2, place, client)
    workers.keep("alice", op.grant("alice", is_over=True))
    restartable_postgres.stop()
    report = workers.run(threads=4, owner="alice")
    assert report.failed == {"TokenStoreError token_store_unavailable": 8}
    assert op.ledger()["requests"] == 0
    restartable_postgres.start()
    report = workers.run(threads=4, owner="alice")
    assert (report.good, report.failed) == (8, {})
    assert op.ledger()["answered"] == {"200": 1}


def test_restart_amid_calls(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place: dict[str, Any],
    restartable_postgres: Restartable,
) -> None:
    op.admin("reset", lifetime=0.3, tells_lifetime=False)
    workers.open(3, place, client)
    workers.keep("alice", op.grant("alice"))
    workers.begin(**CALLS)
    wait_until(lambda: op.ledger()["requests"] >= 2, "Nobody refreshes.")

    restartable_postgres.stop()
    _await(workers, "failed")
    restartable_postgres.start()
    _await(workers, "good")
    count = op.ledger()["requests"]
    wait_until(lambda: op.ledger()["requests"] >= count + 2, "Nobody refreshes any more.")
    report = workers.end("stop")

    ledger = op.ledger()
    assert set(report.failed) <= ERRORS
    assert (report.unfinished, ledger["refused_twice"]) == (0, 0)
    assert ledger["answered"] == {"200": ledger["requests"]}
    assert workers.ask("renew", "alice") == {"error": None}


@pytest.mark.parametrize("max_age", [0, None])
def test_token_that_came_while_the_database_was_down_is_the_one_that_counts(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place: dict[str, Any],
    restartable_postgres: Restartable,
    max_age: int | None,
) -> None:
    """One process is in the middle of a refresh; the others ask first when all is up again."""
    place["database"]["CONN_MAX_AGE"] = max_age
    workers.open(3, place, client)
    workers.keep("alice", op.grant("alice"))
    assert workers.run(threads=4, owner="alice").good == 12  # all have been connected now
    workers.keep("alice", op.grant("alice", is_over=True))
    op.admin("hold")
    workers.tell("get", CALLS)
    first, *others = workers.used
    _go(first)
    wait_until(lambda: op.ledger()["requests"] == 1, "Nobody refreshes.")

    restartable_postgres.stop()
    op.admin("release")
    wait_until(lambda: op.ledger()["answered"] == {"200": 1}, "There is no answer.")
    restartable_postgres.start()
    for worker in others:
        _go(worker)
    _await(workers, "good")
    report = workers.end("stop")

    # All have got the token that came while there was nothing to write it to.
    assert set(report.failed) <= ERRORS
    assert op.ledger()["answered"] == {"200": 1}


def _go(worker: WorkerProcess) -> None:
    worker.send("go")
    worker.answer()


def _await(workers: Workers, what: str) -> None:
    """Wait until all workers have more calls that went so."""
    before = [told[what] for told in workers.tell("look")]
    for worker, count in zip(workers.used, before, strict=True):

        def has_more(worker: WorkerProcess = worker, count: int = count) -> bool:
            worker.send("look")
            return bool(worker.answer()[what] > count)

        wait_until(has_more, f"No call has {what} any more.")
