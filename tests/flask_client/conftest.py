"""The site with the blueprint."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider

from ._people import Make
from ._people import PeopleSite
from ._people import people_sites
from ._site import BlueprintSite


@pytest.fixture
def make_blueprint_site(provider: DevelopmentProvider) -> Iterator[Callable[..., BlueprintSite]]:
    """Makes sites; the keywords are those of :class:`BlueprintSite`."""
    sites: list[BlueprintSite] = []

    def make(**kwargs: Any) -> BlueprintSite:
        sites.append(BlueprintSite(provider, **kwargs))
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
