"""Fixtures: databases that Django knows, and stores in them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pymysql
import pytest
from django.db import connections

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.testing.token_stores import make_token
from tests.django_client.tokens import _databases
from tests.django_client.tokens._shared import KEYS
from tests.django_client.tokens._shared import KINDS
from tests.django_client.tokens._shared import SERVERS
from tests.django_client.tokens._shared import MakeDatabase
from tests.helpers.leaks import Watch
from tests.tokens._processes import Workers
from tests.tokens.conftest import client
from tests.tokens.conftest import op
from tests.tokens.conftest import provider_process
from tests.tokens.conftest import workers

pymysql.install_as_MySQLdb()  # Django asks for its brother

__all__ = ["client", "op", "provider_process", "workers"]


@pytest.fixture(autouse=True)
def _no_test_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what Django's own test cases leave behind, and what the store knows them by."""
    monkeypatch.delattr("django.core.mail.outbox", raising=False)


@pytest.fixture(autouse=True)
def _secrets(watch: Watch) -> None:
    tokens = [make_token(name) for name in ("one", "two", "three", "new")]
    watch.secret(*(token[name] for token in tokens for name in ("access_token", "refresh_token")))


@pytest.fixture
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeDatabase]:
    """Makes a database, with the table of tokens in it, and gives the name that Django knows."""

    def url_of(kind: str) -> str:
        server = request.getfixturevalue(kind if "restartable" in kind else f"{kind}_url")
        return getattr(server, "url", server)

    with ExitStack() as stack:

        def make(kind: str, *, migrated: bool = True, **more: Any) -> str:
            entry = _databases.described(kind, url_of, tmp_path)
            stack.enter_context(_databases.server_database(entry))
            alias = stack.enter_context(_databases.known({**entry, **more}))
            if migrated:
                _databases.migrate(alias)
            return alias

        yield make


@pytest.fixture(params=KINDS)
def alias(request: pytest.FixtureRequest, make_database: MakeDatabase) -> str:
    """A database of each kind."""
    return make_database(request.param)


@pytest.fixture(params=SERVERS)
def server_alias(request: pytest.FixtureRequest, make_database: MakeDatabase) -> str:
    """A database on each kind of server."""
    return make_database(request.param)


@pytest.fixture
def lite(make_database: MakeDatabase) -> str:
    """A database in a file."""
    return make_database("sqlite")


@pytest.fixture
def make_store() -> Iterator[Callable[..., DjangoTokenStore]]:
    """Makes stores whose connections are closed at the end."""
    made: list[DjangoTokenStore] = []

    def make(using: str | None, model: Any = None, keys: Any = KEYS) -> DjangoTokenStore:
        made.append(DjangoTokenStore(using, model, keys))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture(scope="package")
def all_workers() -> Iterator[Workers]:
    """The workers of all tests."""
    workers = Workers("tests.django_client.tokens._worker")
    yield workers
    workers.close()


@pytest.fixture
def place_of(make_database: MakeDatabase) -> Callable[..., dict[str, Any]]:
    """Makes a database, and what tells workers where it is."""

    def make(kind: str, **more: Any) -> dict[str, Any]:
        return {"database": connections.settings[make_database(kind)], **more}

    return make
