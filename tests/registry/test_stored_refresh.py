"""The table of faults with tokens in a store: in memory, in a database, in Redis."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.requests_client._answers import CLIENT_SECRET

from . import stored_call_cases
from . import stored_id_token_cases
from . import stored_refresh_cases
from . import stored_secrecy_cases
from ._stored import KEYS
from ._stored import PLACES
from ._stored import Stage


@pytest.fixture
def make_stage(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: Clock,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str], Stage]]:
    """Makes a stage over a place of any kind."""
    for name in ("old", "new", "newer", "again", "stored", "bob", "good"):
        watch.secret(f"access-token-{name}", f"refresh-token-{name}")
    watch.secret(CLIENT_SECRET, *KEYS)
    with ExitStack() as stack:

        def make(kind: str) -> Stage:
            stage = Stage(PLACES[kind](request, tmp_path, stack), clock, watch, monkeypatch)
            stack.callback(stage.close)
            return stage

        yield make


@pytest.fixture(params=["memory", "sqlite", "redis"])
def stage(request: pytest.FixtureRequest, make_stage: Callable[[str], Stage]) -> Stage:
    """A place for tokens, and who uses it."""
    return make_stage(request.param)


@pytest.mark.parametrize("case", stored_refresh_cases.cases.params())
def test_refresh(case: Any, stage: Stage) -> None:
    case(stage)


@pytest.mark.parametrize("case", stored_id_token_cases.cases.params())
def test_refreshed_id_token(case: Any, stage: Stage) -> None:
    case(stage)


@pytest.mark.parametrize("case", stored_call_cases.cases.params())
def test_calls(case: Any, stage: Stage) -> None:
    case(stage)


@pytest.mark.parametrize("case", stored_secrecy_cases.cases.params())
def test_secrecy(case: Any, stage: Stage) -> None:
    case(stage)


@pytest.mark.parametrize("row", ["ST04"])
@pytest.mark.parametrize("kind", PLACES)
def test_owners_that_look_alike(row: str, kind: str, make_stage: Callable[[str], Stage]) -> None:
    stored_secrecy_cases.owners_that_look_alike_are_different_people(make_stage(kind))
