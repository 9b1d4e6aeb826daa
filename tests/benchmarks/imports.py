"""Row ``import``: what importing the library adds to importing Flask and requests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from statistics import median

from tests.benchmarks._apps import MODULES
from tests.benchmarks._apps import each_side
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._processes import ROOT

PROGRAM = """
import flask, requests, time
started = time.process_time()
import {module}
print(time.process_time() - started)
"""


def imports(settings: Settings) -> Iterator[Row]:
    """Import in a fresh interpreter, in turns."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as bytecode:
        each_side(lambda side: _import_milliseconds(side, bytecode))  # compiles everything
        for _ in range(max(5, settings.rounds // 2)):
            took = each_side(lambda side: _import_milliseconds(side, bytecode))
            for side, milliseconds in took.items():
                figures.setdefault(side, []).append(milliseconds)
    authlib, ours = (
        round(median(figures[side]), 2) if side in figures else None for side in MODULES
    )
    yield Row("import", "import over flask and requests, CPU ms", authlib, ours, 12)


def _import_milliseconds(side: str, bytecode: str) -> float:
    # What is compared is loading compiled code, as after an installation, whatever this machine
    # has compiled so far and whether it is told to keep it.
    variables = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=MODULES[side])],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(finished.stdout) * 1000
