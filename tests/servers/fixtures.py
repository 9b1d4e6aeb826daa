"""One fixture per server. A server that isn't installed skips its tests, but fails them in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from .django_oauth_toolkit import DjangoOAuthToolkit
from .django_oauth_toolkit import django_oauth_toolkit_server
from .django_oauth_toolkit import python_binary as django_oauth_toolkit_python
from .engines import Restartable
from .engines import mariadb_binary
from .engines import mariadb_server
from .engines import memcached_binary
from .engines import memcached_server
from .engines import postgres_binaries
from .engines import postgres_server
from .engines import redis_binary
from .engines import redis_server
from .nginx import Nginx
from .nginx import nginx_binary
from .oauthlib_server import OAuth1Server
from .oauthlib_server import oauthlib_server
from .oauthlib_server import python_binary as oauthlib_python
from .oidc_provider import OidcProvider
from .oidc_provider import node_binary
from .oidc_provider import oidc_provider_server

T = TypeVar("T")


def _required(program: T | None, what: str) -> T:
    if program is not None:
        return program
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not installed, and in CI it has to be.")
    pytest.skip(f"{what} is not installed (`make servers` tries to).")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis server of this test run."""
    binary = _required(redis_binary(), "redis-server")
    with redis_server(binary, tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def restartable_redis(tmp_path: Path) -> Iterator[Restartable]:
    """A Redis of one test, which keeps its data when the test restarts it."""
    binary = _required(redis_binary(), "redis-server")
    with redis_server(binary, tmp_path, persistent=True) as server:
        yield server


@pytest.fixture(scope="session")
def memcached_address() -> Iterator[tuple[str, int]]:
    """Host and port of a memcached server of this test run."""
    with memcached_server(_required(memcached_binary(), "memcached")) as address:
        yield address


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """SQLAlchemy's URL of a PostgreSQL database of this test run."""
    with postgres_server(_required(postgres_binaries(), "PostgreSQL")) as server:
        yield server.url


@pytest.fixture
def restartable_postgres() -> Iterator[Restartable]:
    """A PostgreSQL of one test, which keeps its data when the test restarts it."""
    with postgres_server(_required(postgres_binaries(), "PostgreSQL")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """SQLAlchemy's URL of a MariaDB database of this test run."""
    with mariadb_server(_required(mariadb_binary(), "MariaDB")) as server:
        yield server.url


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Nginx:
    """Runs nginx with TLS for ``rp.test`` before an application."""
    binary = _required(nginx_binary(), "nginx")
    return Nginx(binary, tmp_path_factory.mktemp("nginx"), "rp.test")


@pytest.fixture(scope="session")
def oidc_provider_process() -> Iterator[OidcProvider]:
    """The one oidc-provider of this test run; tests ask for :func:`oidc_provider`."""
    with oidc_provider_server(_required(node_binary(), "oidc-provider")) as provider:
        yield provider


@pytest.fixture
def oidc_provider(oidc_provider_process: OidcProvider) -> OidcProvider:
    """npm oidc-provider with its first settings and an empty log."""
    oidc_provider_process.reset()
    return oidc_provider_process


@pytest.fixture(scope="session")
def django_oauth_toolkit(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DjangoOAuthToolkit]:
    """django-oauth-toolkit, running in its own environment."""
    python = _required(django_oauth_toolkit_python(), "django-oauth-toolkit")
    directory = tmp_path_factory.mktemp("django_oauth_toolkit")
    with django_oauth_toolkit_server(python, directory) as provider:
        yield provider


@pytest.fixture(scope="session")
def oauth1_server_process() -> Iterator[OAuth1Server]:
    """The one OAuth 1.0a provider of this test run; tests ask for :func:`oauth1_server`."""
    with oauthlib_server(_required(oauthlib_python(), "the server on oauthlib")) as server:
        yield server


@pytest.fixture
def oauth1_server(oauth1_server_process: OAuth1Server) -> OAuth1Server:
    """An OAuth 1.0a provider on oauthlib, without tokens and with its first settings."""
    oauth1_server_process.reset()
    return oauth1_server_process
