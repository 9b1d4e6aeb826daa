"""Redis, PostgreSQL and MariaDB answer, and keep their data when they are started again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from sqlalchemy import Connection
from sqlalchemy import create_engine
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from .engines import Restartable
from .engines import mariadb_binary
from .engines import mariadb_server
from .fixtures import _required
from .process import ServerFailed
from .process import accepts


@pytest.fixture
def restartable_mariadb() -> Iterator[Restartable]:
    with mariadb_server(_required(mariadb_binary(), "MariaDB")) as server:
        yield server


@contextmanager
def connection(url: str) -> Iterator[Connection]:
    """A connection of its own, with which the program is through afterwards."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@pytest.mark.parametrize("database", ["postgres_url", "mariadb_url"])
def test_database_keeps_any_text(database: str, request: pytest.FixtureRequest) -> None:
    table, name = f"t{secrets.token_hex(4)}", "Zoë 🔑"
    with connection(request.getfixturevalue(database)) as connected:
        connected.execute(text(f"CREATE TABLE {table} (name VARCHAR(20))"))
        connected.execute(text(f"INSERT INTO {table} VALUES (:name)"), {"name": name})
        assert connected.execute(text(f"SELECT name FROM {table}")).scalars().all() == [name]
        connected.execute(text(f"DROP TABLE {table}"))


@pytest.mark.parametrize("database", ["restartable_postgres", "restartable_mariadb"])
def test_database_is_as_before_when_it_comes_back(
    database: str, request: pytest.FixtureRequest
) -> None:
    server: Restartable = request.getfixturevalue(database)
    with connection(server.url) as connected:
        connected.execute(text("CREATE TABLE kept (name VARCHAR(20))"))
        connected.execute(text("INSERT INTO kept VALUES ('a')"))
    before = server.url
    server.restart()
    assert server.url == before
    with connection(server.url) as connected:
        assert connected.execute(text("SELECT name FROM kept")).scalar_one() == "a"


@pytest.mark.parametrize("database", ["restartable_postgres", "restartable_mariadb"])
def test_database_stops_under_its_clients(database: str, request: pytest.FixtureRequest) -> None:
    server: Restartable = request.getfixturevalue(database)
    engine = create_engine(server.url)
    with engine.connect() as connected:
        connected.execute(text("SELECT 1"))
        begin = time.monotonic()
        server.restart()
        # A server that waits for its clients is killed after five seconds.
        assert time.monotonic() - begin < 5
        with pytest.raises(OperationalError):
            connected.execute(text("SELECT 1"))
    engine.dispose()


def test_redis_is_as_before_when_it_comes_back(restartable_redis: Restartable) -> None:
    with redis.Redis.from_url(restartable_redis.url) as client:
        client.set("name", "a", ex=600)
        restartable_redis.restart()
        assert client.get("name") == b"a"
        assert client.ttl("name") > 500


def test_server_that_is_stopped_is_out_of_reach_until_it_is_started(
    restartable_redis: Restartable,
) -> None:
    port = restartable_redis.port
    restartable_redis.stop()
    restartable_redis.stop()
    assert not accepts(port)
    restartable_redis.start()
    restartable_redis.start()
    assert accepts(port)


def test_server_whose_files_cannot_be_made_shows_why(monkeypatch: pytest.MonkeyPatch) -> None:
    binary = _required(mariadb_binary(), "MariaDB")
    monkeypatch.setattr("tests.servers.engines._unprivileged", lambda: ["ls", "--"])
    with pytest.raises(ServerFailed, match="No such file"), mariadb_server(binary):
        pass
