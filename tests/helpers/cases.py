"""Tables of cases: each row has an identifier, and its input has one required outcome.

>>> cases = Cases()
>>> @cases.row("S01")
... def callback_without_state(world): ...
>>> @cases.rows("S02", {"random": "x" * 30, "empty": ""})
... def unknown_state(world, state): ...
>>> @pytest.mark.parametrize("case", cases.params())
... def test_state(case, world): case(world)

The tests are then ``test_state[S01]``, ``test_state[S02-random]`` and so on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import pytest

Case = Callable[..., None]


class Cases:
    """The rows of one table."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}

    def row(self, row: str) -> Callable[[Case], Case]:
        """Add a function as a row.

        :param row: its identifier.
        """

        def add(case: Case) -> Case:
            self._add(row, case)
            return case

        return add

    def rows(self, row: str, variants: Mapping[str, Any] | Iterable[Any]) -> Callable[[Case], Case]:
        """Add a function as several variants of one row.

        :param row: the row's identifier.
        :param variants: what follows it in the test's, with the function's second argument.
        """
        named = variants if isinstance(variants, Mapping) else {name: name for name in variants}

        def add(case: Case) -> Case:
            for name, value in named.items():
                self._add(f"{row}-{name}", functools.partial(_with_second, case, value))
            return case

        return add

    def _add(self, row: str, case: Case) -> None:
        if row in self._cases:
            raise ValueError(f"There are two rows {row!r}.")
        self._cases[row] = case

    def params(self) -> list[Any]:
        """The rows, for ``pytest.mark.parametrize``."""
        return [pytest.param(case, id=row) for row, case in self._cases.items()]


def _with_second(case: Case, value: Any, world: Any) -> None:
    case(world, value)
