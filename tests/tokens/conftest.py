"""Fixtures: the provider, the workers, and the places where they keep their tokens."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from tests.servers.process import running
from tests.tokens._processes import ROOT
from tests.tokens._processes import Provider
from tests.tokens._processes import Workers

#: Back ends that several processes share.
SHARED = ["redis", "memcached", "files", "sqlite", "postgres", "mariadb"]


@pytest.fixture(scope="package")
def provider_process() -> Iterator[Provider]:
    """The one provider of these tests."""
    command = [sys.executable, "-m", "tests.tokens._provider"]
    with running(command, cwd=ROOT) as process, requests.Session() as http:
        http.trust_env = False
        yield Provider(process.first_line()["issuer"], http)


@pytest.fixture
def op(provider_process: Provider) -> Provider:
    """The provider with its first settings and an empty ledger."""
    provider_process.admin("reset")
    return provider_process


@pytest.fixture(scope="package")
def all_workers() -> Iterator[Workers]:
    """The workers of all tests."""
    workers = Workers()
    yield workers
    workers.close()


@pytest.fixture
def workers(all_workers: Workers, op: Provider) -> Iterator[Workers]:
    """Workers, whose logs have no secret in them."""
    yield all_workers
    logs = all_workers.tidy()
    leaked = [text[:4] for text in {*op.look("secrets"), *all_workers.secrets} if text in logs]
    assert not leaked, "A worker has logged secrets that begin so."


@pytest.fixture
def client(op: Provider) -> dict[str, Any]:
    """The registration of a client at the provider."""
    return {
        "client_id": DEMO_CLIENT_ID,
        "client_secret": DEMO_CLIENT_SECRET,
        "access_token_url": f"{op.issuer}/token",
        "api_base_url": f"{op.issuer}/calls/",
    }


@pytest.fixture
def place_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Makes a place for tokens, of which other tests know nothing."""

    def make(kind: str) -> dict[str, Any]:
        prefix = f"t_{secrets.token_hex(6)}"
        if kind in _SQL:
            url = _SQL[kind](request, tmp_path)
            place = {"kind": "sql", "url": url, "prefix": prefix}
            _create_table(place)
            return place
        return {"kind": kind, "prefix": prefix, **_OTHERS[kind](request, tmp_path)}

    return make


def _create_table(place: dict[str, Any]) -> None:
    import sqlalchemy

    from flask_oauthclient.storage.tokens.sqlalchemy import token_table

    engine = sqlalchemy.create_engine(place["url"])
    token_table(sqlalchemy.MetaData(), name=place["prefix"]).create(engine)
    engine.dispose()


_SQL: dict[str, Callable[[pytest.FixtureRequest, Path], str]] = {
    "sqlite": lambda request, folder: f"sqlite:///{folder / 'tokens.db'}",
    "postgres": lambda request, folder: str(request.getfixturevalue("postgres_url")),
    "mariadb": lambda request, folder: str(request.getfixturevalue("mariadb_url")),
    "restartable_postgres": lambda request, folder: str(
        request.getfixturevalue("restartable_postgres").url
    ),
}
_OTHERS: dict[str, Callable[[pytest.FixtureRequest, Path], dict[str, Any]]] = {
    "none": lambda request, folder: {},
    "memory": lambda request, folder: {},
    "files": lambda request, folder: {"folder": str(folder / "cache")},
    "redis": lambda request, folder: {"url": request.getfixturevalue("redis_url")},
    "memcached": lambda request, folder: {"address": request.getfixturevalue("memcached_address")},
    "restartable_redis": lambda request, folder: {
        "kind": "redis",
        "url": request.getfixturevalue("restartable_redis").url,
    },
}
