"""State of a pending login: rows S of the table of faults."""

from __future__ import annotations

import pytest

from tests.helpers.cases import Case
from tests.helpers.world import World

from . import pending_cases
from . import state_cases


@pytest.mark.parametrize("case", [*state_cases.cases.params(), *pending_cases.cases.params()])
def test_state(case: Case, world: World) -> None:
    case(world)
