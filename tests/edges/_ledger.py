"""Which rows of the tables were collected at which edge, and which are excused."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from ._excused import EXCUSES
from ._excused import Excuse

_HERE = Path(__file__).parent


class Ledger:
    """What became of every test of this folder."""

    def __init__(self) -> None:
        #: (module, edge) -> the tests that run, and those that are excused.
        self.run: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.excused: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.used: set[Excuse] = set()

    def keeps(self, item: pytest.Item) -> bool:
        """Whether a test is to run; it is noted in any case."""
        if item.path.parent != _HERE or not isinstance(item, pytest.Function):
            return True
        params = item.callspec.params if hasattr(item, "callspec") else {}
        edge = str(params.get("edge", ""))
        if not edge:
            return True
        name = row_of(item.name, edge)
        excuses = [excuse for excuse in EXCUSES if excuse.is_for(item.path.stem, edge, name)]
        self.used.update(excuses)
        noted = self.excused if excuses else self.run
        noted[item.path.stem, edge].add(name)
        return not excuses


KEY = pytest.StashKey[Ledger]()


def row_of(name: str, edge: str) -> str:
    """The name of a test without its edge: ``test_state[S13-none]``."""
    function, _, identifier = name.removesuffix("]").partition("[")
    row = identifier.removeprefix(f"{edge}-").removeprefix(edge)
    return f"{function}[{row}]" if row else function
