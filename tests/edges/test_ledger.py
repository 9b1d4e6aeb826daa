"""No row is lost: each of them runs at every edge, or :mod:`._excused` says why it does not."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.helpers.cases import Cases

from . import _ledger
from ._excused import EXCUSES
from ._excused import Excuse
from ._ledger import Ledger
from .test_login_tables import TABLES

_HERE = Path(__file__).parent
_LOGIN = _HERE.parent / "login"
EDGES = ("flask-httpx", "django")

#: The rows of the tables of faults about state, callback, token endpoint, ID token and OAuth 1.0a.
_NUMBERS = {
    "S": "01 02 03 04 05 06 08 09 10 11 12 13 14 16 17 18 20 21 22 24 25",
    "C": "01 02 03 04 05 06 08 09 10 11 12 13 14 16 17 18 20 21 22 24 25 26",
    "T": (
        "01 02 03 04 05 06 07 08 09 10 12 13 14 16 17 18 20 21 22 24 25 26 28 29 30 32 33 34 36 37"
    ),
    "I": (
        "01 02 04 05 06 08 09 10 12 13 14 16 17 18 20 21 22 24 25 26 28 29 30 32 "
        "33 34 36 37 38 40 41 42 44 45 46 48 49 50 52 53 54 56 57 58 60"
    ),
}
IDENTIFIERS = {f"{letter}{n}" for letter, ns in _NUMBERS.items() for n in ns.split()}
#: Those that no row of these tables is about, and why.
ELSEWHERE = {
    "S20": "Accounts are linked by the routes, which have tests of their own.",
    "S21": "The routes look who is signed in; a login as such does not know.",
    "T04": "Certificates are the transports' matter.",
    "T05": "Slow answers are the transports' matter, and that of the sessions of every library.",
    "T14": "There is no DPoP here.",
    "T33": "There is no DPoP here.",
    "T34": "There is no DPoP here.",
    "I52": "There is no encryption here.",
    "I53": "There is no encryption here.",
    "I54": "There is no encryption here.",
    "I56": "There is no hybrid flow here.",
    "I58": "What a claim means is the matter of the class of claims.",
}
#: Tests whose names carry no identifier, and the rows that they are.
_NAMED = {"I36": "test_i36", "I37": "test_hash_binds", "S13": "test_state[S13"}


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """What was collected."""
    return request.config.stash[_ledger.KEY]


def _tables() -> dict[str, set[str]]:
    """Every table of a login, and the names of the tests that are its rows."""
    return {
        test: {
            f"{test}[{_shown(param.id)}]" for module in modules for param in module.cases.params()
        }
        for test, modules in TABLES.items()
    }


def _shown(identifier: str) -> str:
    """An identifier as pytest shows it."""
    return identifier.encode("unicode_escape", "surrogatepass").decode("ascii")


@pytest.mark.parametrize("test", TABLES)
@pytest.mark.parametrize("at", EDGES)
def test_every_row_of_a_table_runs_or_is_excused(test: str, at: str, ledger: Ledger) -> None:
    place = "test_login_tables", at
    if place not in ledger.run:
        pytest.skip("The tables are not collected.")
    known = ledger.run[place] | ledger.excused[place]
    assert _tables()[test] <= known
    assert _tables()[test] & ledger.run[place]


def test_every_table_of_flask_is_here() -> None:
    listed = {module.__name__ for modules in TABLES.values() for module in modules}
    found = set()
    for path in _LOGIN.glob("*.py"):
        if re.search(r"^cases = Cases\(\)", path.read_text(), re.MULTILINE):
            module = importlib.import_module(f"tests.login.{path.stem}")
            assert isinstance(module.cases, Cases)
            found.add(module.__name__)
    assert listed == found


@pytest.mark.parametrize(
    ("module", "edges"),
    [
        ("test_id_token", ("flask", "flask-httpx", "django")),
        ("test_form_post", EDGES),
        ("test_state_codes", EDGES),
        ("test_any_callback", EDGES),
        ("test_oauth1", EDGES),
        ("test_token_answers", ("flask", *EDGES)),
    ],
)
def test_edges_have_the_same_rows(module: str, edges: tuple[str, ...], ledger: Ledger) -> None:
    if module not in ledger.modules:
        pytest.skip("The module is not collected.")
    rows = [ledger.run[module, edge] | ledger.excused[module, edge] for edge in edges]
    assert all(others == rows[0] for others in rows)


@pytest.mark.parametrize("excuse", EXCUSES, ids=lambda excuse: excuse.why[:40])
def test_every_excuse_is_needed(excuse: Excuse, ledger: Ledger) -> None:
    if excuse.module not in ledger.modules:
        pytest.skip("The module is not collected.")
    for edge in excuse.edges:
        names = ledger.excused[excuse.module, edge]
        for pattern in excuse.rows:
            one = Excuse(excuse.module, (edge,), (pattern,), "")
            assert any(one.is_for(excuse.module, edge, name) for name in names), pattern
    assert excuse.why.endswith(".")


@pytest.mark.parametrize("at", EDGES)
def test_every_identifier_has_a_test(at: str, ledger: Ledger) -> None:
    if not {"test_id_token", "test_login_tables", "test_token_answers"} <= ledger.modules:
        pytest.skip("The tables are not collected.")
    run = " ".join(n for (_, edge), names in ledger.run.items() if edge == at for n in names)
    excused = " ".join(n for (_, e), names in ledger.excused.items() if e == at for n in names)
    found = {name.upper() for name in re.findall(r"(?<![A-Za-z0-9])[SCTIscti]\d\d(?!\d)", run)}
    found |= {row for row, name in _NAMED.items() if name in run or name in excused}
    assert IDENTIFIERS - found == ELSEWHERE.keys()
