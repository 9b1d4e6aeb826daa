"""Which rows of the tables were collected at which edge, and which are excused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ._excused import EXCUSES

_HERE = Path(__file__).parent
_ROW = re.compile(r"\b[A-Z]\d\d\b")


class Ledger:
    """What became of every test of this folder."""

    def __init__(self) -> None:
        #: (module, edge) -> the tests that run, and those that are excused.
        self.run: dict[tuple[str, str], set[str]] = {}
        self.excused: dict[tuple[str, str], set[str]] = {}
        self._first: dict[tuple[str, str], str] = {}

    def keeps(self, item: pytest.Item) -> bool:
        """Whether a test is to run; it is noted in any case."""
        if item.path.parent != _HERE or not isinstance(item, pytest.Function):
            return True
        params = item.callspec.params if hasattr(item, "callspec") else {}
        edge = str(params.get("edge", ""))
        if not edge:
            return True
        name = row_of(item.name, edge)
        fitting = [excuse for excuse in EXCUSES if excuse.is_for(item.path.stem, edge, name)]
        excuses = [excuse for excuse in fitting if not excuse.all_but_first]
        if fitting and not excuses and not self._is_first(edge, name):
            excuses = fitting
        place = item.path.stem, edge
        for noted, is_its in ((self.excused, excuses), (self.run, not excuses)):
            noted.setdefault(place, set()).update({name} if is_its else ())
        return not excuses

    @property
    def modules(self) -> set[str]:
        """The modules that were collected."""
        return {module for module, _ in self.run}

    def _is_first(self, edge: str, name: str) -> bool:
        """Whether a test is the first variant of its row."""
        function, _, variant = name.removesuffix("]").partition("[")
        row = _ROW.search(variant)
        key = f"{function} {row.group() if row else variant.partition('-')[0]}"
        return self._first.setdefault((edge, key), name) == name


KEY = pytest.StashKey[Ledger]()


def row_of(name: str, edge: str) -> str:
    """The name of a test without its edge: ``test_state[S13-none]``."""
    function, _, identifier = name.removesuffix("]").partition("[")
    if identifier == edge:
        return function
    at_the_end = identifier.removesuffix(f"-{edge}")
    row = identifier.removeprefix(f"{edge}-") if at_the_end == identifier else at_the_end
    return f"{function}[{row}]"
