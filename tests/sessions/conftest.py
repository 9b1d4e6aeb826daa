"""Every test runs at every edge, unless it is marked with ``edges``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.sessions._edges import EDGES
from tests.sessions._edges import Edge
from tests.sessions._edges import enter


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark."""
    config.addinivalue_line("markers", "edges(*names): the edges that a test runs at")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test at those edges that the mark ``edges`` names, by default at all."""
    mark = metafunc.definition.get_closest_marker("edges")
    metafunc.parametrize("edge", mark.args if mark else list(EDGES), indirect=True)


@pytest.fixture(autouse=True)
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    """The edge that the test runs at."""
    with ExitStack() as stack:
        edge = EDGES[request.param](request.param, stack)
        stack.callback(enter(edge))
        yield edge
