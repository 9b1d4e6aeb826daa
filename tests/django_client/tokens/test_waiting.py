"""Who waits for whom: locks, limits of servers, files that others use, event loops."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connections

from flask_oauthclient.django_client import token_database
from flask_oauthclient.django_client import token_locks
from flask_oauthclient.django_client.models import StoredToken
from flask_oauthclient.django_client.token_connections import TokenConnections
from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import OAuthError
from tests.django_client.tokens._shared import KEY
from tests.django_client.tokens._shared import NEW
from tests.django_client.tokens._shared import OLD
from tests.django_client.tokens._shared import MakeDatabase
from tests.django_client.tokens._shared import MakeStore
from tests.django_client.tokens._shared import error_of
from tests.django_client.tokens._shared import noted
from tests.django_client.tokens._shared import works

# -- waiting ------------------------------------------------------------------------------


def test_nobody_waits_for_ever(
    server_alias: str, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_database, "LOCK_WAIT", 1)
    store, other = make_store(server_alias), make_store(server_alias)
    for stale in (None, OLD):
        if stale is not None:
            store.put(KEY, stale)
        with store._django_rows.locked(KEY.row_id, KEY.owner_id):
            assert error_of(lambda: other.put(KEY, NEW)).error == "token_busy"
            error = error_of(lambda given=stale: other.refresh(KEY, given, lambda current: NEW))
            assert error.error == "token_busy"
        other._rows._failed_at = float("-inf")
    assert other.refresh(KEY, OLD, lambda current: NEW) == NEW


LIMITS = {
    "postgres idle": {"options": "-c idle_in_transaction_session_timeout=300"},
    "postgres statement": {"options": "-c statement_timeout=300"},
    "postgres lock": {"options": "-c lock_timeout=300"},
    "mariadb idle": {"init_command": "SET SESSION idle_transaction_timeout = 1"},
    "mariadb write": {"init_command": "SET SESSION idle_write_transaction_timeout = 1"},
    "mariadb read": {"init_command": "SET SESSION idle_readonly_transaction_timeout = 1"},
    "mariadb statement": {"init_command": "SET SESSION max_statement_time = 0.3"},
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_a_server_end_neither_a_lock_nor_the_waiting_for_it(
    make_database: MakeDatabase, make_store: MakeStore, name: str
) -> None:
    alias = make_database(name.split(maxsplit=1)[0], OPTIONS=LIMITS[name])
    holder, other = make_store(alias), make_store(alias)
    holder.put(KEY, OLD)
    asked, calls = threading.Event(), []

    def slow(token: Any) -> Any:
        asked.set()
        calls.append(token)
        threading.Event().wait(1.2)  # longer than any of the limits
        return NEW

    with ThreadPoolExecutor() as pool:
        first = pool.submit(holder.refresh, KEY, OLD, slow)
        assert asked.wait(10)
        assert other.refresh(KEY, OLD, noted(calls)) == first.result() == NEW
    assert calls == [OLD]


def test_who_has_just_come_up_is_given_time_to_get_what_came_meanwhile(
    server_alias: str, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(server_alias)
    waited: list[float] = []
    slept = SimpleNamespace(sleep=waited.append, monotonic=time.monotonic)
    monkeypatch.setattr(token_locks, "time", slept)
    for uptime in (2.0, 0.25):
        monkeypatch.setattr(token_database.TokenDatabase, "uptime", lambda self, up=uptime: up)
        assert works(store)
    assert waited == [0.75]


def test_servers_say_how_long_they_have_been_up(server_alias: str) -> None:
    database = token_database.TokenDatabase(TokenConnections(lambda: None), server_alias)
    assert 0 <= database.uptime() < 3600
    database.abandon()


# -- a file that others use too -----------------------------------------------------------


def test_a_file_that_was_replaced_is_found(
    make_database: MakeDatabase, make_store: MakeStore
) -> None:
    alias = make_database("sqlite", CONN_MAX_AGE=None)
    store = make_store(alias)
    store.put(KEY, OLD)
    connections[alias].close()
    Path(connections.settings[alias]["NAME"]).unlink()
    call_command("migrate", "oauthclient", database=alias, verbosity=0)
    store.put(KEY, NEW)
    assert StoredToken.objects.using(alias).count() == 1
    connections[alias].close()


def test_a_token_is_not_spent_that_could_not_be_replaced(
    make_database: MakeDatabase, make_store: MakeStore
) -> None:
    alias = make_database("sqlite", OPTIONS={"timeout": 0.1})
    store = make_store(alias)
    store.put(KEY, OLD)
    connection: Any = connections[alias]
    for statement in ("BEGIN IMMEDIATE", "BEGIN"):
        with connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.execute("SELECT count(*) FROM oauthclient_token")  # be it to read
            cursor.fetchall()
            calls: list[Any] = []
            refresh = partial(store.refresh, KEY, OLD, noted(calls))
            error = error_of(refresh)
            cursor.execute("ROLLBACK")
        assert (error.error, calls) == ("token_store_unavailable", [])
        assert "ATOMIC_REQUESTS" in error.description
    connection.close()
    store._rows._failed_at = float("-inf")
    assert store.refresh(KEY, OLD, lambda current: NEW) == NEW


def test_a_file_that_may_not_be_written(make_database: MakeDatabase, make_store: MakeStore) -> None:
    alias = make_database("sqlite")
    make_store(alias).put(KEY, OLD)
    place = connections.settings[alias]
    place["NAME"] = f"file:{place['NAME']}?mode=ro"
    store = make_store(alias)
    assert store.get(KEY) == OLD
    calls: list[Any] = []
    error = error_of(lambda: store.refresh(KEY, OLD, noted(calls)))
    assert (error.error, calls) == ("token_store_unavailable", [])


# -- event loops --------------------------------------------------------------------------


@pytest.mark.parametrize("is_sensitive", [True, False])
@pytest.mark.parametrize("max_age", [0, None])
def test_async_views_use_it_in_threads(
    make_database: MakeDatabase, make_store: MakeStore, max_age: int | None, is_sensitive: bool
) -> None:
    store = make_store(make_database("postgres", CONN_MAX_AGE=max_age))
    calls: list[Any] = []

    async def view() -> Any:
        refresh = sync_to_async(store.refresh, thread_sensitive=is_sensitive)
        return await refresh(KEY, OLD, noted(calls))

    async def main() -> list[Any]:
        await sync_to_async(store.put, thread_sensitive=is_sensitive)(KEY, OLD)
        return await asyncio.gather(*(view() for _ in range(8)))

    assert asyncio.run(main()) == [NEW] * 8
    assert calls == [OLD]


@pytest.mark.parametrize("max_age", [0, None])
def test_in_the_thread_of_an_event_loop_it_says_what_to_do(
    make_database: MakeDatabase, make_store: MakeStore, max_age: int | None
) -> None:
    alias = make_database("sqlite", CONN_MAX_AGE=max_age)
    store = make_store(alias)
    store.put(KEY, OLD)

    async def main() -> OAuthError:
        return error_of(lambda: store.get(KEY))

    error = asyncio.run(main())
    assert isinstance(error, ConfigurationError)
    assert "sync_to_async" in error.description
    assert store.get(KEY) == OLD
