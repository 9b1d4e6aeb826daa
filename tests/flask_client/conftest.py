"""The site with the blueprint."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from typing import TypeVar

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider

from ._people import Make
from ._people import PeopleSite
from ._people import people_sites
from ._site import BlueprintSite
from ._token_site import MakeTokenSite
from ._token_site import TokenSite

S = TypeVar("S", bound=BlueprintSite)


@pytest.fixture
def make_blueprint_site(provider: DevelopmentProvider) -> Iterator[Callable[..., BlueprintSite]]:
    """Makes sites; the keywords are those of :class:`BlueprintSite`."""
    with _sites(BlueprintSite, provider) as make:
        yield make


@contextmanager
def _sites(kind: type[S], provider: DevelopmentProvider) -> Iterator[Callable[..., S]]:
    """Make sites, and close them."""
    sites: list[S] = []

    def make(**keywords: Any) -> S:
        sites.append(kind(provider, **keywords))
        return sites[-1]

    yield make
    for site in sites:
        site.oauth.demo.session.close()
        site.browser.close()


@pytest.fixture
def site(make_blueprint_site: Callable[..., BlueprintSite]) -> BlueprintSite:
    """A site with one provider, Alice signed in there already."""
    return make_blueprint_site()


@pytest.fixture
def make_token_site(provider: DevelopmentProvider) -> Iterator[MakeTokenSite]:
    """Makes sites; the keywords are those of :class:`TokenSite`."""
    with _sites(TokenSite, provider) as make:
        yield make


@pytest.fixture
def tokens(make_token_site: MakeTokenSite) -> TokenSite:
    """A site with tokens in memory, Alice signed in."""
    site = make_token_site()
    site.sign_in()
    return site


@pytest.fixture
def make_people_site(provider: DevelopmentProvider) -> Iterator[Make]:
    """Makes sites; the keywords are those of :class:`PeopleSite`."""
    with people_sites(provider) as make:
        yield make


@pytest.fixture(params=["none", "simple", "redis"])
def place(
    request: pytest.FixtureRequest, make_cache: Callable[[str], Any], make_people_site: Make
) -> PeopleSite:
    """A site whose sign-outs are remembered in each of some places."""
    return make_people_site(cache=make_cache(request.param))
