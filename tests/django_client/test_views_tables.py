"""The tables of cases for our routes, on Django."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.clock import Clock
from tests.sign_in import callback_cases
from tests.sign_in import starting_cases
from tests.sign_in import trouble_cases

from ._views_site import ViewsSite

Case = Callable[..., None]


@pytest.mark.parametrize("case", starting_cases.cases.params())
def test_start(case: Case, views_site: ViewsSite) -> None:
    case(views_site)


@pytest.mark.parametrize("case", callback_cases.cases.params())
def test_callback(case: Case, views_site: ViewsSite) -> None:
    case(views_site)


@pytest.mark.parametrize("case", trouble_cases.cases.params())
def test_trouble(case: Case, views_site: ViewsSite) -> None:
    case(views_site)


@pytest.mark.parametrize("case", trouble_cases.cases_in_time.params())
def test_trouble_in_time(case: Case, views_site: ViewsSite, clock: Clock) -> None:
    case(views_site, clock)
