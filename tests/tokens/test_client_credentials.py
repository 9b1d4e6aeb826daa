"""A client's own token is got once for all workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.tokens._processes import Provider
from tests.tokens._processes import Workers

PROCESSES = 4
THREADS = 8


@pytest.fixture
def own_client(client: dict[str, Any]) -> dict[str, Any]:
    """The registration of a client that needs no user."""
    return {**client, "client_kwargs": {"grant_type": "client_credentials", "scope": "api"}}


@pytest.fixture(params=["redis", "sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, place_of: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    return place_of(request.param)


def requests_of(op: Provider, workers: Workers) -> int:
    """Let all threads of all workers call at once; how many token requests there are by then."""
    report = workers.run(threads=THREADS, owner="")
    assert (report.good, report.failed) == (len(workers.used) * THREADS, {})
    count: int = op.ledger()["requests"]
    return count


def test_first_token_is_got_once_for_all(
    op: Provider, own_client: dict[str, Any], workers: Workers, place: dict[str, Any]
) -> None:
    workers.open(PROCESSES, place, own_client)
    assert requests_of(op, workers) == 1
    assert requests_of(op, workers) == 1


def test_token_is_renewed_early_and_once_for_all(
    op: Provider, own_client: dict[str, Any], workers: Workers, place: dict[str, Any]
) -> None:
    workers.open(PROCESSES, place, own_client)
    old = op.grant("the client itself")
    token = {name: old[name] for name in ("access_token", "token_type")}
    workers.keep("", {**token, "expires_at": int(time.time()) + 30})
    assert requests_of(op, workers) == 1
    assert requests_of(op, workers) == 1


def test_without_a_store_each_process_gets_its_own(
    op: Provider,
    own_client: dict[str, Any],
    workers: Workers,
    place_of: Callable[[str], dict[str, Any]],
) -> None:
    workers.open(PROCESSES, place_of("none"), own_client)
    assert requests_of(op, workers) == PROCESSES
    assert requests_of(op, workers) == PROCESSES
