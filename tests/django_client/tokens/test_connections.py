"""The connections of the store: how long they live, who has them, and what breaks them."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from typing import Any

import pytest
from django.db import close_old_connections
from django.db import connections

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import TokenStoreError
from tests.django_client.tokens._shared import KEY
from tests.django_client.tokens._shared import KEYS
from tests.django_client.tokens._shared import NEW
from tests.django_client.tokens._shared import OLD
from tests.django_client.tokens._shared import MakeDatabase
from tests.django_client.tokens._shared import MakeStore
from tests.django_client.tokens._shared import error_of
from tests.django_client.tokens._shared import in_threads
from tests.django_client.tokens._shared import works
from tests.tokens._forks import READS
from tests.tokens._forks import WORKERS
from tests.tokens._processes import ROOT

# -- connections --------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All connections that stores have opened."""
    made: list[Any] = []
    create = connections.create_connection

    def noted(alias: str) -> Any:
        made.append(create(alias))
        return made[-1]

    monkeypatch.setattr(connections, "create_connection", noted)
    return made


def open_ones(made: list[Any]) -> int:
    return sum(connection.connection is not None for connection in made)


def test_a_connection_is_closed_after_each_use(
    server_alias: str, make_store: MakeStore, opened: list[Any]
) -> None:
    store = make_store(server_alias)
    assert works(store)
    assert isinstance(error_of(lambda: make_store("nowhere").get(KEY)), InvalidSettingError)
    opened[:] = [connection for connection in opened if connection.alias == server_alias]
    assert len(opened) > 3
    assert open_ones(opened) == 0


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_connections_stay_open_for_as_long_as_the_settings_say(
    kind: str,
    make_database: MakeDatabase,
    make_store: MakeStore,
    opened: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alias = make_database(kind, CONN_MAX_AGE=60)
    opened.clear()
    store = make_store(alias)
    for _ in range(3):
        assert works(store)
    close_old_connections()
    assert works(store)
    ours = [connection for connection in opened if connection.allow_thread_sharing]
    assert (len(ours), open_ones(ours)) == (1, 1)
    ours[0].close_at = 0
    assert works(store)
    ours = [connection for connection in opened if connection.allow_thread_sharing]
    assert (len(ours), open_ones(ours)) == (2, 1)
    store.close()
    assert open_ones(ours) == 0
    monkeypatch.setattr("django.core.mail.outbox", [], raising=False)
    assert works(store)  # a test run drops its databases, which must not be in use then
    assert open_ones([connection for connection in opened if connection.allow_thread_sharing]) == 0


def test_a_store_that_is_gone_leaves_no_connection(
    make_database: MakeDatabase, opened: list[Any]
) -> None:
    alias = make_database("postgres", CONN_MAX_AGE=None)
    store = DjangoTokenStore(alias, keys=KEYS)
    assert works(store)
    ours = [connection for connection in opened if connection.allow_thread_sharing]
    assert open_ones(ours) == 1
    del store
    gc.collect()
    assert open_ones(ours) == 0


@pytest.mark.parametrize("health_checks", [True, False])
def test_a_connection_that_the_server_has_closed_is_replaced(
    make_database: MakeDatabase, make_store: MakeStore, health_checks: bool
) -> None:
    alias = make_database("postgres", CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=health_checks)
    store = make_store(alias)
    store.put(KEY, OLD)
    for work in (
        lambda: store.get(KEY) == OLD,
        lambda: store.put(KEY, OLD) is None,
        lambda: store.refresh(KEY, OLD, lambda current: NEW) == NEW,
    ):
        _end_connections(alias)
        assert work()
        # A lock may have ended with it, so nobody refreshes at once.
        assert store._rows.unsettled > 0


def _end_connections(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connections[alias].close()


def test_a_connection_that_breaks_while_it_holds_the_lock_costs_no_token(
    server_alias: str, make_store: MakeStore
) -> None:
    store = make_store(server_alias)
    store.put(KEY, OLD)

    def do(current: Any) -> Any:
        if connections[server_alias].vendor == "postgresql":
            _end_connections(server_alias)
        else:
            _end_mariadb_connections(server_alias)
        return NEW

    assert store.refresh(KEY, OLD, do) == NEW
    assert make_store(server_alias).get(KEY) == NEW


def _end_mariadb_connections(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist "
            "WHERE db = database() AND id <> connection_id()"
        )
        for (number,) in cursor.fetchall():
            cursor.execute(f"KILL {int(number)}")
    connections[alias].close()


def test_a_pool_gets_its_connections_back(
    make_database: MakeDatabase, make_store: MakeStore
) -> None:
    alias = make_database(
        "postgres", OPTIONS={"pool": {"min_size": 1, "max_size": 2, "timeout": 5}}
    )
    connection: Any = connections[alias]
    store = make_store(alias)
    try:
        assert works(store)
        with connection.cursor():  # the application's request has one of them
            in_threads([lambda: store.get(KEY)] * 8)
            assert works(store)
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)
    finally:
        connection.close()
        connection.close_pool()


def test_a_pool_that_is_empty_is_an_error_that_says_so(
    make_database: MakeDatabase, make_store: MakeStore
) -> None:
    pool = {"min_size": 1, "max_size": 1, "timeout": 0.2}
    alias = make_database("postgres", OPTIONS={"pool": pool})
    connection: Any = connections[alias]
    try:
        with connection.cursor():
            error = error_of(lambda: make_store(alias).get(KEY))
        assert isinstance(error, TokenStoreError)
        assert "The pool needs one more" in error.description
    finally:
        connection.close()
        connection.close_pool()


@pytest.mark.parametrize("kind", ["postgres", "mariadb", "sqlite"])
def test_forked_workers_do_not_share_the_connections_of_their_parent(
    make_database: MakeDatabase, kind: str
) -> None:
    alias = make_database(kind, CONN_MAX_AGE=None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.django_client.tokens._forks"],
        input=json.dumps(connections.settings[alias], default=str) + "\n",
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert told["workers"] == WORKERS * [{"right": READS}]
    assert told["parent"] == {"right": 1}
    assert done.stderr == ""
