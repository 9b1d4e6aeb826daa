"""Fixtures of the OAuth 1.0a logins."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.leaks import Watch
from tests.servers.oauthlib_server import OAuth1Server

from ._site import Site


@pytest.fixture
def make_oauth1_site(oauth1_server: OAuth1Server, watch: Watch) -> Iterator[Callable[..., Site]]:
    """Makes sites; the keywords are those of :class:`Site`."""
    sites: list[Site] = []

    def make(**kwargs: Any) -> Site:
        sites.append(Site(oauth1_server, watch, **kwargs))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def oauth1_site(make_oauth1_site: Callable[..., Site]) -> Site:
    """A site with one client, ``demo``, and one browser."""
    return make_oauth1_site()


@pytest.fixture(autouse=True)
def _secrets_of_the_doubles(watch: Watch) -> None:
    """Tell the watch of what stands in the tests themselves."""
    names = ("dev-secret", "foo-secret", "token", "token-secret", "verifier")
    watch.secret(*(f"the-{name}" for name in names))
