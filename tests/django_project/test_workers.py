"""Two workers of gunicorn, and PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from tests.django_project._person import Person
from tests.django_project._person import said
from tests.django_project._project import Project
from tests.django_project._project import environment_at
from tests.django_project._project import register
from tests.django_project.conftest import Site
from tests.servers.oauthlib_server import OAuth1Server
from tests.servers.oidc_provider import OidcProvider

PEOPLE = 16
CALLS = 24
#: Requests after which it is a wonder if one of two workers has answered none.
MANY = 200


@contextmanager
def database(server: str) -> Iterator[str]:
    """A database of a test's own: its URL."""
    address, name = server.replace("+psycopg", ""), f"django_{secrets.token_hex(6)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{address.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def busy_site(
    oidc_provider: OidcProvider,
    oauth1_server: OAuth1Server,
    postgres_url: str,
    tmp_path: Path,
) -> Iterator[Site]:
    """The project in its deployment, once both workers answer."""
    with database(postgres_url) as url:
        environment = environment_at(oidc_provider, oauth1_server) | {"DATABASE_URL": url}
        project = Project(tmp_path, environment)
        project.migrate()
        with project.gunicorn() as origin:
            register(oidc_provider, origin)
            for _ in range(MANY):
                if len(project.answered_by("/")) == 2:
                    break
                requests.get(origin, timeout=10)
            yield Site(project, origin)


def cookies_of(person: Person) -> dict[str, str]:
    """The cookies of a browser, for requests that do not wait for each other."""
    return {cookie.name: cookie.value or "" for cookie in person.browser.cookies}


def test_many_people_sign_in_at_once(busy_site: Site, oidc_provider: OidcProvider) -> None:
    people = [Person(busy_site.origin, f"person{number}") for number in range(PEOPLE)]
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda person: person.sign_in(next_url="/files"), people))
    assert [said(page) for page in pages] == [person.answers["login"] for person in people]
    assert oidc_provider.paths().count("/token") == PEOPLE
    assert len({person.user() for person in people}) == PEOPLE
    assert len(busy_site.project.answered_by("/auth/callback/op")) == 2
    assert busy_site.project.shown({s for person in people for s in person.secrets()}) == []


def test_many_tabs_of_one_person_make_one_user(busy_site: Site) -> None:
    people = [Person(busy_site.origin, "alice") for _ in range(8)]
    callbacks = [person.begin("/files") for person in people]
    with ThreadPoolExecutor(len(people)) as pool:
        pages = list(pool.map(lambda person, url: person.open(url), people, callbacks))
    assert {said(page) for page in pages} == {"alice"}
    assert len({person.user() for person in people}) == 1


def test_one_expired_token_is_one_request(busy_site: Site, oidc_provider: OidcProvider) -> None:
    alice = Person(busy_site.origin)
    alice.sign_in()
    busy_site.project.let_expire(alice.user())
    cookies = cookies_of(alice)

    def call(number: int) -> str:
        answer = requests.get(f"{busy_site.origin}/files", cookies=cookies, timeout=30)
        return "alice" if "of <b>alice</b>" in answer.text else answer.text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(CALLS))) == ["alice"] * CALLS
    assert oidc_provider.paths().count("/token") == 2  # the login, and one refresh
    assert len(busy_site.project.answered_by("/files")) == 2
