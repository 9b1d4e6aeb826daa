"""The table of faults with tokens in a store: in memory, in a database, in Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.requests_client._answers import CLIENT_SECRET

from . import stored_id_token_cases
from . import stored_refresh_cases
from ._stored import KEYS
from ._stored import PLACES
from ._stored import Stage


@pytest.fixture(params=["memory", "sqlite", "redis"])
def stage(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: Clock,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    """A place for tokens, and who uses it."""
    for name in ("old", "new", "newer", "again", "stored", "bob", "good"):
        watch.secret(f"access-token-{name}", f"refresh-token-{name}")
    watch.secret(CLIENT_SECRET, *KEYS)
    with ExitStack() as stack:
        place = PLACES[request.param](request, tmp_path, stack)
        stage = Stage(place, clock, watch, monkeypatch)
        stack.callback(stage.close)
        yield stage


@pytest.mark.parametrize("case", stored_refresh_cases.cases.params())
def test_refresh(case: Any, stage: Stage) -> None:
    case(stage)


@pytest.mark.parametrize("case", stored_id_token_cases.cases.params())
def test_refreshed_id_token(case: Any, stage: Stage) -> None:
    case(stage)
