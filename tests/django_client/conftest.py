"""Fixtures: a migrated database, and sites on Django."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider

from . import _project

_project.configure()  # before any test module imports models


@pytest.fixture(scope="session", autouse=True)
def _database() -> Iterator[None]:
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0, interactive=False)
    yield
    connections.close_all()


@pytest.fixture
def make_views_site(provider: DevelopmentProvider) -> Iterator[Callable[..., Any]]:
    """Makes sites with our routes; the keywords are those of :class:`._views_site.ViewsSite`."""
    from ._views_site import ViewsSite

    sites: list[ViewsSite] = []

    def make(**keywords: Any) -> ViewsSite:
        sites.append(ViewsSite(provider, **keywords))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def views_site(make_views_site: Callable[..., Any]) -> Any:
    """A site with our routes and one provider, Alice signed in there already."""
    return make_views_site()
