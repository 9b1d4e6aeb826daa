"""Asynchronous views of several worker processes replace an expired token once."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tokens._processes import Provider
from tests.tokens._processes import Workers

OWNER = "alice"


@pytest.fixture(scope="module")
def async_workers() -> Iterator[Workers]:
    workers = Workers("tests.tokens._async_worker")
    yield workers
    workers.close()


@pytest.mark.parametrize("kind", ["redis", "files", "sqlite"])
def test_one_expired_token_is_one_request(
    op: Provider,
    async_workers: Workers,
    client: dict[str, Any],
    place_of: Callable[[str], dict[str, Any]],
    kind: str,
) -> None:
    async_workers.open(3, place_of(kind), client)
    async_workers.keep(OWNER, op.grant(OWNER, is_over=True))
    report = async_workers.run(threads=4, owner=OWNER)
    assert (report.good, report.failed, report.unfinished) == (12, {}, 0)
    assert op.ledger()["answered"] == {"200": 1}
    logs = async_workers.tidy()
    assert "Warning" not in logs
    assert not [text[:4] for text in op.look("secrets") if text in logs]
