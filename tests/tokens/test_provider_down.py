"""A provider that fails is asked once in half a minute, by whichever of the workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tokens._processes import Provider
from tests.tokens._processes import Workers
from tests.tokens.conftest import SHARED

PROCESSES = 4
THREADS = 4
CALLS = {"threads": THREADS, "owner": "alice"}
ERROR = {"TransportError provider_unavailable": PROCESSES * THREADS}


@pytest.mark.parametrize("kind", SHARED)
def test_failure_is_remembered_by_all_and_ends_nothing(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place_of: Callable[[str], dict[str, Any]],
    kind: str,
) -> None:
    workers.open(PROCESSES, place_of(kind), client)
    workers.keep("alice", op.grant("alice", is_over=True))
    op.admin("fail", status=503)
    for _ in range(2):
        report = workers.run(**CALLS)
        assert (report.good, report.failed) == (0, ERROR)
        assert op.ledger()["answered"] == {"503": 1}

    # It works again, which nobody knows yet.
    op.admin("fail", status=0)
    report = workers.run(**CALLS)
    assert (report.good, op.ledger()["answered"]) == (0, {"503": 1})

    # Half a minute later.
    workers.tell("forget", 0)
    report = workers.run(**CALLS)
    assert (report.good, report.failed) == (PROCESSES * THREADS, {})
    assert op.ledger()["answered"] == {"503": 1, "200": 1}
