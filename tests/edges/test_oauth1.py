"""Callbacks of OAuth 1.0a: the rows O01 and O02 and their like, at every edge."""

# ruff: noqa: F403  the tests of that module, once more
from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.leaks import Watch
from tests.login.oauth1._site import Site
from tests.login.oauth1.conftest import _secrets_of_the_doubles
from tests.login.oauth1.conftest import oauth1_site
from tests.login.oauth1.test_callback import *
from tests.servers.oauthlib_server import OAuth1Server

from ._oauth1_sites import DjangoOAuth1Site
from ._oauth1_sites import HttpxOAuth1Site

__all__ = ["_secrets_of_the_doubles", "oauth1_site"]

pytestmark = pytest.mark.edges("flask-httpx", "django")

_SITES: dict[str, type[Site]] = {"flask-httpx": HttpxOAuth1Site, "django": DjangoOAuth1Site}


@pytest.fixture
def make_oauth1_site(
    edge: str, oauth1_server: OAuth1Server, watch: Watch
) -> Iterator[Callable[..., Site]]:
    """Makes sites of the edge; the keywords are those of :class:`Site`."""
    made: list[Site] = []

    def make(**kwargs: Any) -> Site:
        made.append(_SITES[edge](oauth1_server, watch, **kwargs))
        return made[-1]

    yield make
    for site in made:
        site.close()
