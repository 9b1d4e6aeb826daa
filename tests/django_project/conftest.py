"""Fixtures: the project on Django's live server, beside the providers that it is a client of."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.django_project._person import Person
from tests.django_project._project import Project
from tests.django_project._project import environment_at
from tests.django_project._project import register
from tests.servers.oauthlib_server import OAuth1Server
from tests.servers.oidc_provider import OidcProvider

MakePerson = Callable[..., Person]


@dataclass(frozen=True, slots=True)
class Site:
    """The project, and where it is served."""

    project: Project
    origin: str


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project, of which no command but those of the test is run."""
    return Project(tmp_path, {})


@pytest.fixture(scope="package")
def served_site(
    oidc_provider_process: OidcProvider,
    oauth1_server_process: OAuth1Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The one live server of these tests; they ask for :func:`site`."""
    environment = environment_at(oidc_provider_process, oauth1_server_process)
    project = Project(tmp_path_factory.mktemp("django_project"), environment)
    project.migrate()
    with project.live_server() as origin:
        yield Site(project, origin)


@pytest.fixture
def site(served_site: Site, oidc_provider: OidcProvider) -> Site:
    """The project on Django's live server, with its SQLite database, known to the providers."""
    register(oidc_provider, served_site.origin)
    return served_site


@pytest.fixture
def person(site: Site, oidc_provider: OidcProvider) -> Iterator[MakePerson]:
    """Makes people; in the end, nothing of their visits may be in a file of the project."""
    people: list[Person] = []

    def make(name: str = "alice") -> Person:
        people.append(Person(site.origin, name))
        return people[-1]

    yield make
    secrets = {secret for each in people for secret in each.secrets()}
    # What the project has shown to the provider's API: the access tokens.
    sent = [entry.get("authorization", "") for entry in oidc_provider.log()]
    secrets |= {header.partition(" ")[2] for header in sent if header}
    for each in people:
        each.browser.close()
    assert site.project.shown(secrets) == []
