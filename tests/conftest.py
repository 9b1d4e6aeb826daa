"""Fixtures of all suites. Their names are none of pytest-flask's."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.helpers.caches import CACHES
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.helpers.leaks import watching
from tests.helpers.site import ISSUER
from tests.helpers.site import Site
from tests.helpers.world import World

pytest_plugins = ["tests.servers.fixtures"]

_failed = pytest.StashKey[BaseException]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Hand the exception of a failed test to the watch."""
    if call.when == "call" and call.excinfo is not None:
        item.stash[_failed] = call.excinfo.value
    return (yield)


@pytest.fixture(autouse=True)
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """No test may log a secret or put one into an exception; ``watch.secret(...)`` names more."""
    with watching() as watch:
        yield watch
    failure = request.node.stash.get(_failed, None)
    watch.errors += [failure] if failure is not None else []
    leaks = watch.leaks()
    if leaks:
        pytest.fail("Secrets leaked.\n" + "\n".join(leaks), pytrace=False)


@pytest.fixture(scope="session")
def provider_keys() -> KeyRing:
    """Signing keys are slow to make; who changes them makes a provider of their own."""
    return KeyRing()


@pytest.fixture
def provider(provider_keys: KeyRing) -> DevelopmentProvider:
    """A provider at which Alice is signed in already."""
    provider = DevelopmentProvider(ISSUER, keys=provider_keys)
    provider.auto_sign_in = "alice"
    return provider


@pytest.fixture
def make_site(provider: DevelopmentProvider) -> Iterator[Callable[..., Site]]:
    """Makes sites; the keywords are those of :class:`Site`."""
    sites: list[Site] = []

    def make(*args: Any, **kwargs: Any) -> Site:
        sites.append(Site(*(args or ({"demo": provider},)), **kwargs))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A site with one client, ``demo``, and one browser."""
    return make_site()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of day, for everybody in this process; ``clock.advance(seconds)`` moves it."""
    return Clock(monkeypatch)


@pytest.fixture
def make_cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Makes a cache: ``none``, ``simple``, ``files``, ``redis`` or ``memcached``."""
    with ExitStack() as stack:
        yield lambda kind: CACHES[kind](request, tmp_path, stack)


@pytest.fixture
def world(
    provider: DevelopmentProvider,
    make_site: Callable[..., Site],
    make_cache: Callable[[str], Any],
    watch: Watch,
    request: pytest.FixtureRequest,
) -> World:
    """Everything for a row of a table of cases."""
    return World(provider, make_site, make_cache, watch, request)
