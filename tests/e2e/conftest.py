"""Chromium and the two sites between which people sign in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.servers.fixtures import _required

from ._chromium import PLAIN_HOST
from ._chromium import Chromium
from ._chromium import Tab
from ._chromium import Visitor
from ._looks import AXE
from ._site import Elsewhere
from ._site import MakeSite
from ._site import Site

_ARABIC = Path(__file__).parent / "ar.po"

MakeVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The one browser process of this test run."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    _required(find_spec("playwright"), "playwright")
    browser = Chromium(_required(program, "chromium"))
    yield browser
    browser.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends the servers of a test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def provider(stack: ExitStack, provider_keys: KeyRing) -> DevelopmentProvider:
    """The development provider, at which nobody is signed in."""
    provider = DevelopmentProvider(keys=provider_keys)
    stack.enter_context(provider.serve())
    return provider


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The root of an application that speaks Arabic as well."""
    catalogue = tmp_path / "translations" / "ar" / "LC_MESSAGES" / "oauthclient.mo"
    catalogue.parent.mkdir(parents=True)
    with _ARABIC.open("rb") as source, catalogue.open("wb") as target:
        write_mo(target, read_po(source))
    return tmp_path


@pytest.fixture
def axe() -> None:
    """For tests that need axe-core."""
    _required(AXE if AXE.exists() else None, "axe-core")


@pytest.fixture
def make_site(provider: DevelopmentProvider, stack: ExitStack, folder: Path) -> MakeSite:
    """Makes sites; the keywords are those of :class:`Site`."""

    def make(**settings: Any) -> Site:
        return Site(provider, stack, folder, **settings)

    return make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site with one provider."""
    return make_site()


@pytest.fixture
def elsewhere(stack: ExitStack) -> Elsewhere:
    """Another site."""
    return Elsewhere(stack)


@pytest.fixture
def make_visitor(chromium: Chromium, stack: ExitStack) -> Iterator[MakeVisitor]:
    """Makes visitors, whose browsers complain of nothing and ask nobody outside."""
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        visitors.append(chromium.visitor(**options))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.settle()
        visitor.close()
    for visitor in visitors:
        assert visitor.complaints == []
        hosts = {host.partition(":")[0] for host in visitor.hosts}
        assert hosts <= {"localhost", "127.0.0.1", PLAIN_HOST, ""}


@pytest.fixture
def visitor(make_visitor: MakeVisitor) -> Visitor:
    """Somebody with an ordinary browser."""
    return make_visitor()


@pytest.fixture
def tab(visitor: Visitor) -> Tab:
    """A tab of that browser."""
    return visitor.tab()
