"""A storm of calls with access tokens that live 0.3 s: one refresh for each, and no call fails.

The calls last ``TOKENS_STORM_SECONDS`` seconds for each store, by default few.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.tokens._processes import Provider
from tests.tokens._processes import Workers
from tests.tokens.conftest import SHARED

SECONDS = float(os.environ.get("TOKENS_STORM_SECONDS", "4"))
PROCESSES = 8
THREADS = 4
LIFETIME = 0.3

pytestmark = pytest.mark.timeout(60 + 2 * SECONDS)


@pytest.mark.parametrize("kind", SHARED)
def test_each_expiry_is_one_refresh(
    op: Provider,
    client: dict[str, Any],
    workers: Workers,
    place_of: Callable[[str], dict[str, Any]],
    record_property: Callable[[str, object], None],
    kind: str,
) -> None:
    # Nobody is told of the lifetime: it is the API that refuses what is over.
    op.admin("reset", lifetime=LIFETIME, tells_lifetime=False)
    workers.open(PROCESSES, place_of(kind), client)
    workers.keep("alice", op.grant("alice"))

    report = workers.run(threads=THREADS, owner="alice", seconds=SECONDS)
    ledger = op.ledger()
    facts = {
        "calls": report.good,
        "refreshes": ledger["requests"],
        "refused once": ledger["refused_once"],
        "p50 ms": report.milliseconds(0.5),
        "p99 ms": report.milliseconds(0.99),
        "max ms": report.milliseconds(1),
    }
    record_property(kind, facts)

    assert (report.failed, report.unfinished, ledger["refused_twice"]) == ({}, 0, 0)
    # Each was answered with tokens, so no refresh token came twice; and each was for a token whose
    # time was up.
    assert ledger["answered"] == {"200": ledger["requests"]}
    assert ledger["early"] == 0
    assert all(later - at >= LIFETIME for at, later in pairwise(ledger["asked_at"]))
    # It was a storm: tokens have expired all the time, each under the hands of many.
    assert ledger["requests"] > SECONDS / LIFETIME / 5
    assert ledger["refused_once"] > 2 * ledger["requests"]
    assert workers.ask("renew", "alice") == {"error": None}
