"""Rows ``import...``: what importing the library adds to importing what it is made for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from collections.abc import Mapping
from statistics import median

from tests.benchmarks._apps import MODULES
from tests.benchmarks._apps import each_side
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._processes import ROOT
from tests.benchmarks.httpx_calls import MODULES as HTTPX_MODULES

PROGRAM = """
import {base}, time
started = time.process_time()
from {module} import {name}
print(time.process_time() - started)
"""

HTTPX = "httpx2, httpcore2"
"""The second is what the first loads when a client is made, which nobody goes without."""


def imports(settings: Settings) -> Iterator[Row]:
    """Import in a fresh interpreter, in turns."""
    yield _row(settings, "import", "OAuth", MODULES, "flask, requests", 12)
    yield _row(settings, "import-httpx", "AsyncOAuth2Client", HTTPX_MODULES, HTTPX, None)


def _row(
    settings: Settings,
    name: str,
    wanted: str,
    modules: Mapping[str, str],
    base: str,
    limit: float | None,
) -> Row:
    def milliseconds(side: str) -> float:
        return _import_milliseconds(modules[side], wanted, base, bytecode)

    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as bytecode:
        each_side(milliseconds)  # compiles everything
        for _ in range(max(5, settings.rounds // 2)):
            for side, took in each_side(milliseconds).items():
                figures.setdefault(side, []).append(took)
    authlib, ours = (
        round(median(figures[side]), 2) if side in figures else None for side in modules
    )
    what = f"import over {base.replace(', ', ' and ')}, CPU ms"
    return Row(name, what, authlib, ours, limit)


def _import_milliseconds(module: str, wanted: str, base: str, bytecode: str) -> float:
    # What is compared is loading compiled code, as after an installation, whatever this machine
    # has compiled so far and whether it is told to keep it.
    variables = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module, name=wanted, base=base)],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(finished.stdout) * 1000
