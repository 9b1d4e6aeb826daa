"""What servers, operators and other programs do to a store while its tokens are in use."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.registry import clocks
from flask_oauthclient.registry.clocks import OtherClocks
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.memory import MemoryTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import token_table
from tests.helpers.clock import Clock
from tests.tokens._forks import READS
from tests.tokens._forks import WORKERS
from tests.tokens._processes import ROOT
from tests.tokens._processes import Provider
from tests.tokens._site import KEYS
from tests.tokens._site import Site

KEY = TokenKey("demo", "alice")
OLD = {"access_token": "first-access-token", "refresh_token": "first-refresh-token"}
NEW = {"access_token": "second-access-token", "refresh_token": "second-refresh-token"}

OpenStore = Callable[..., SQLAlchemyTokenStore]


@pytest.fixture
def open_store() -> Iterator[OpenStore]:
    """Opens a store as another process would, with an engine of its own."""
    with ExitStack() as stack:

        def open_(place: dict[str, Any], **options: Any) -> SQLAlchemyTokenStore:
            engine = sa.create_engine(place["url"], **options)
            stack.callback(engine.dispose)
            table = token_table(sa.MetaData(), name=place["prefix"])
            return SQLAlchemyTokenStore(engine, table, KEYS)

        yield open_


class Refresher:
    """Replaces tokens, and remembers how often."""

    def __init__(self) -> None:
        self.requests = 0
        self.asked = threading.Event()

    def __call__(self, token: Any) -> dict[str, str]:
        self.requests += 1
        self.asked.set()
        return NEW


def error_of(work: Callable[[], object]) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        work()
    return caught.value


# -- servers that fork ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["postgres", "mariadb", "sqlite", "memcached", "redis", "files"])
def test_forked_workers_do_not_share_the_connections_of_their_parent(
    place_of: Callable[[str], dict[str, Any]], kind: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tokens._forks"],
        input=json.dumps(place_of(kind)) + "\n",
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert told["workers"] == WORKERS * [{"right": READS}]
    assert told["parent"] == {"right": 1}


# -- limits of servers ----------------------------------------------------------------------------

LIMITS = {
    "postgres idle": {"options": "-c idle_in_transaction_session_timeout=300"},
    "mariadb idle": {"init_command": "SET SESSION idle_transaction_timeout = 1"},
    "mariadb write": {"init_command": "SET SESSION idle_write_transaction_timeout = 1"},
    "mariadb read": {"init_command": "SET SESSION idle_readonly_transaction_timeout = 1"},
    "mariadb statement": {"init_command": "SET SESSION max_statement_time = 0.3"},
}
SESSION = (
    "SELECT @@SESSION.idle_transaction_timeout, @@SESSION.idle_write_transaction_timeout, "
    "@@SESSION.idle_readonly_transaction_timeout, @@SESSION.max_statement_time, "
    "@@SESSION.innodb_lock_wait_timeout, @@SESSION.wait_timeout"
)


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_a_server_end_neither_a_lock_nor_the_waiting_for_it(
    place_of: Callable[[str], dict[str, Any]], open_store: OpenStore, name: str
) -> None:
    place, options = place_of(name.split(maxsplit=1)[0]), {"connect_args": LIMITS[name]}
    holder, other = open_store(place, **options), open_store(place, **options)
    holder.put(KEY, OLD)
    provider = Refresher()

    def slow(token: Any) -> dict[str, str]:
        fresh = provider(token)
        threading.Event().wait(1.2)  # longer than any of the limits
        return fresh

    with ThreadPoolExecutor() as pool:
        first = pool.submit(holder.refresh, KEY, OLD, slow)
        assert provider.asked.wait(10)
        assert other.refresh(KEY, OLD, provider) == first.result() == NEW
    assert provider.requests == 1


def test_limits_of_a_session_of_mariadb_are_put_back(
    place_of: Callable[[str], dict[str, Any]], open_store: OpenStore
) -> None:
    options = {"pool_size": 1, "max_overflow": 0, "connect_args": LIMITS["mariadb statement"]}
    store = open_store(place_of("mariadb"), **options)
    engine = store._sql_rows.engine()

    def limits() -> Any:
        with engine.connect() as connection:
            return connection.exec_driver_sql(SESSION).one()

    before = limits()
    store.put(KEY, OLD)
    store.refresh(KEY, OLD, Refresher())
    assert limits() == before


# -- SQLite ---------------------------------------------------------------------------------------


def test_token_is_not_spent_while_its_successor_cannot_be_written(
    place_of: Callable[[str], dict[str, Any]], open_store: OpenStore
) -> None:
    place, provider = place_of("sqlite"), Refresher()
    open_store(place).put(KEY, OLD)
    path = place["url"].removeprefix("sqlite:///")
    readonly = open_store({**place, "url": f"sqlite:///file:{path}?mode=ro&uri=true"})
    error = error_of(lambda: readonly.refresh(KEY, OLD, provider))
    assert (type(error), error.error) == (TokenStoreError, "token_store_unavailable")
    assert (provider.requests, readonly.get(KEY)) == (0, OLD)


def test_token_is_not_spent_within_a_transaction_that_locks_the_database(
    place_of: Callable[[str], dict[str, Any]], open_store: OpenStore
) -> None:
    place, provider = place_of("sqlite"), Refresher()
    store = open_store(place, connect_args={"timeout": 0.1})
    store.put(KEY, OLD)
    with store._sql_rows.engine().connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        error = error_of(lambda: store.refresh(KEY, OLD, provider))
    assert "commit it before the login returns or a token is used" in error.description
    assert provider.requests == 0
    assert store.refresh(KEY, OLD, provider) == NEW


def test_database_file_that_another_one_has_replaced_is_found(
    place_of: Callable[[str], dict[str, Any]], open_store: OpenStore, tmp_path: Path
) -> None:
    place = place_of("sqlite")
    store = open_store(place)
    store.put(KEY, OLD)
    path = Path(place["url"].removeprefix("sqlite:///"))
    backup = tmp_path / "backup.db"
    with sqlite3.connect(path) as old, sqlite3.connect(backup) as copy:
        old.backup(copy)
    old.close()
    copy.close()
    backup.replace(path)
    assert store.refresh(KEY, OLD, Refresher()) == NEW
    assert open_store(place).get(KEY) == store.get(KEY) == NEW


# -- the end of a worker --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end", [SystemExit(1), KeyboardInterrupt(), KeyError("of the application")]
)
def test_refresh_that_was_cut_off_is_not_sent_again_at_once(end: BaseException) -> None:
    store, provider = MemoryTokenStore(KEYS), Refresher()
    store.put(KEY, OLD)

    def cut_off(token: Any) -> dict[str, str]:
        raise end

    with pytest.raises(type(end)):
        store.refresh(KEY, OLD, cut_off)
    error = error_of(lambda: store.refresh(KEY, OLD, provider))
    assert (type(error), error.error) == (TransportError, "provider_unreachable")
    assert (provider.requests, store.get(KEY)) == (0, OLD)


def test_first_token_that_was_cut_off_is_asked_for_again() -> None:
    store = MemoryTokenStore(KEYS)

    def cut_off(token: Any) -> dict[str, str]:
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        store.refresh(KEY, None, cut_off)
    assert store.refresh(KEY, None, Refresher()) == NEW


# -- clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-600, 600])
@pytest.mark.parametrize("lifetime", [60, 300, 600, 3600])
def test_workers_whose_clocks_differ_do_not_replace_each_others_tokens_for_ever(
    op: Provider,
    client: dict[str, Any],
    place_of: Callable[[str], dict[str, Any]],
    clock: Clock,
    lifetime: int,
    ahead: int,
) -> None:
    op.admin("reset", lifetime=lifetime, tells_lifetime=True)
    place = place_of("sqlite")
    ours, theirs = Site(place, client), Site(place, client)
    ours.keep("alice", op.grant("alice", is_over=True))
    for _ in range(10):
        assert ours.call("alice").status_code == 200
        clock.advance(ahead)
        assert theirs.call("alice").status_code == 200
        clock.advance(-ahead)
    assert op.ledger()["requests"] <= 4
    for site in (ours, theirs):
        site.stack.close()


def test_other_clocks_are_remembered_for_a_day_and_not_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(clocks, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(clocks, "_CAPACITY", 2)
    known, other = OtherClocks(), TokenKey("demo", "bob")
    assert [known.is_news(key) for key in (KEY, KEY, other, KEY)] == [True, False, True, False]
    seconds[0] = 86_400.0
    assert [known.is_news(key) for key in (KEY, KEY)] == [True, False]
    for number in range(10):
        assert known.is_news(TokenKey("demo", str(number)))
    assert len(known._until) <= 2
