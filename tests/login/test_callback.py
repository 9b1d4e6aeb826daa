"""What the browser brings to the redirect URI: rows C of the table of faults."""

from __future__ import annotations

import pytest

from tests.helpers.cases import Case
from tests.helpers.world import World

from . import callback_form_cases
from . import callback_query_cases

CASES = [*callback_query_cases.cases.params(), *callback_form_cases.cases.params()]


@pytest.mark.parametrize("case", CASES)
def test_callback(case: Case, world: World) -> None:
    case(world)
