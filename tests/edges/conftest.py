"""Every test runs at every edge, but for what :mod:`._excused` excuses."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.helpers.site import Site

from . import _ledger
from ._sites import sites


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark."""
    config.addinivalue_line("markers", "edges(*names): the edges that a test runs at")
    config.addinivalue_line("markers", "own_keys: the test changes the keys of its provider")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test at the edges that the mark ``edges`` names."""
    mark = metafunc.definition.get_closest_marker("edges")
    if mark is not None:
        metafunc.parametrize("edge", mark.args, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is excused, and remember what is there."""
    ledger = config.stash[_ledger.KEY] = _ledger.Ledger()
    items[:] = [item for item in items if ledger.keeps(item)]


@pytest.fixture
def edge(request: pytest.FixtureRequest) -> str:
    """The edge that the test runs at."""
    name: str = request.param
    return name


@pytest.fixture
def make_site(edge: str, provider: DevelopmentProvider) -> Iterator[Callable[..., Site]]:
    """Makes sites of the edge; the keywords are those of :class:`Site`."""
    made: list[Site] = []

    def make(*args: Any, **kwargs: Any) -> Site:
        made.append(sites()[edge](*(args or ({"demo": provider},)), **kwargs))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def provider_keys(request: pytest.FixtureRequest, keys_of_all: KeyRing) -> KeyRing:
    """Signing keys; a test that is marked so changes them, and has its own."""
    return KeyRing() if request.node.get_closest_marker("own_keys") else keys_of_all


@pytest.fixture(scope="session")
def keys_of_all() -> KeyRing:
    """The keys of all other tests: they are slow to make."""
    return KeyRing()
