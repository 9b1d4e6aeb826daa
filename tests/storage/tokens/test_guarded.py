"""A back end that fails: what becomes of its errors, and for how long it is not trusted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import nullcontext

import pytest

from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.storage.tokens import guarded
from flask_oauthclient.storage.tokens.guarded import GuardedRows
from flask_oauthclient.storage.tokens.memory import MemoryRows
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.rows import TokenRows


class Failing(MemoryRows):
    """Rows that raise what a test says."""

    failure: Exception | None = None

    def read(self, row_id: str) -> Row | None:
        if self.failure is not None:
            raise self.failure
        return super().read(row_id)

    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[TokenRows]:
        return nullcontext(self)

    def every(self) -> Iterator[tuple[str, str]]:
        yield "first", "owner"
        self.read("second")


@pytest.fixture(autouse=True)
def _long_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "_GRACE", 60)


@pytest.fixture
def rows() -> Failing:
    return Failing()


@pytest.fixture
def guard(rows: Failing) -> GuardedRows:
    """Them as a store has them."""
    return GuardedRows(rows)


@pytest.mark.parametrize(
    ("failure", "is_unsettled"),
    [(ConnectionError(), True), (TokenStoreError(), True), (TokenStoreError("token_busy"), False)],
    ids=["a driver's", "ours", "busy"],
)
def test_failure_of_the_back_end_is_remembered(
    rows: Failing, guard: GuardedRows, failure: Exception, is_unsettled: bool
) -> None:
    assert not guard.unsettled
    rows.failure = failure
    with pytest.raises(TokenStoreError):
        guard.read("row")
    assert bool(guard.unsettled) is is_unsettled


def test_failure_under_the_lock_is_one_of_the_whole_back_end(
    rows: Failing, guard: GuardedRows
) -> None:
    rows.failure = ConnectionError()
    with guard.locked("row", "owner") as held, pytest.raises(TokenStoreError):
        held.read("row")
    assert guard.unsettled


def test_connection_that_the_back_end_has_replaced_by_itself_counts_too(
    rows: Failing, guard: GuardedRows
) -> None:
    rows.broke_at = time.monotonic()
    assert guard.unsettled


def test_listing_that_breaks_off_is_a_failure_of_the_store(
    rows: Failing, guard: GuardedRows
) -> None:
    found = guard.every()
    assert next(found) == ("first", "owner")
    rows.failure = ConnectionError()
    with pytest.raises(TokenStoreError):
        next(found)
