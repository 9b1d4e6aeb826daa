"""Tokens in a database: what all of them do, and what each does in its own way."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.pool import StaticPool

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.storage.tokens import sql_database
from flask_oauthclient.storage.tokens import sql_table
from flask_oauthclient.storage.tokens import sqlalchemy as sql_store
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.rows import ABSENT
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyRows
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import token_table
from tests.helpers.leaks import Watch
from tests.servers.engines import Restartable
from tests.storage.tokens._sql_worker import KEY
from tests.storage.tokens._sql_worker import KEYS
from tests.storage.tokens._sql_worker import NEW
from tests.storage.tokens._sql_worker import OLD
from tests.storage.tokens._sql_worker import Worker
from tests.storage.tokens._sql_worker import make_store
from tests.storage.tokens._sql_worker import workers

SERVERS = ["postgres", "mariadb"]
KINDS = ["sqlite", "wal", "memory", *SERVERS]
#: Those of which several processes can have the same.
SHARED = ["sqlite", *SERVERS]
#: An application's engine with the least that a pool can have: who takes two, gets none.
_SMALL: dict[str, Any] = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 5}
_MEMORY: dict[str, Any] = {
    "poolclass": StaticPool,
    "connect_args": {"check_same_thread": False},
}

MakeEngine = Callable[..., sa.Engine]


@pytest.fixture
def make_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeEngine]:
    """Makes engines of a database without the table of tokens."""
    with ExitStack() as stack:

        def make(kind: str, **options: Any) -> sa.Engine:
            if kind in SERVERS:
                engine = sa.create_engine(request.getfixturevalue(f"{kind}_url"), **options)
                stack.callback(_drop, engine)
            elif kind == "memory":
                engine = sa.create_engine("sqlite://", **{**_MEMORY, **options})
            else:
                engine = sa.create_engine(f"sqlite:///{tmp_path / 'tokens.db'}", **options)
                if kind == "wal":
                    with engine.connect() as connection:
                        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            stack.callback(engine.dispose)
            return engine

        yield make


def _drop(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS oauthclient_token")
    engine.dispose()


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, make_engine: MakeEngine) -> sa.Engine:
    """An engine of each kind."""
    return make_engine(request.param, **({} if request.param == "memory" else _SMALL))


@pytest.fixture(params=SERVERS)
def server_engine(request: pytest.FixtureRequest, make_engine: MakeEngine) -> sa.Engine:
    """An engine of each kind that is a server."""
    return make_engine(request.param, **_SMALL)


@pytest.fixture(params=SHARED)
def shared_engine(request: pytest.FixtureRequest, make_engine: MakeEngine) -> sa.Engine:
    """An engine of each kind that several processes can have."""
    return make_engine(request.param)


@pytest.fixture
def lite(make_engine: MakeEngine) -> sa.Engine:
    """An engine of SQLite."""
    return make_engine("sqlite", **_SMALL)


def made_store(engine: sa.Engine) -> SQLAlchemyTokenStore:
    store = make_store(engine)
    store.create_table()
    return store


def made_rows(engine: sa.Engine) -> SQLAlchemyRows:
    table = token_table(sa.MetaData())
    table.create(engine)
    return SQLAlchemyRows(engine, table)


def error_of(work: Callable[[], object]) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        work()
    return caught.value


def url_of(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def new_token(current: Any) -> dict[str, str]:
    return NEW


# -- rows ---------------------------------------------------------------------------------


def test_versions_decide_who_writes(engine: sa.Engine) -> None:
    rows = made_rows(engine)
    assert not rows.write("id", "owner", Row(1, b"one"), over=7)
    assert rows.write("id", "owner", Row(1, b"one"), over=ABSENT)
    assert not rows.write("id", "owner", Row(2, b"two"), over=ABSENT)
    assert not rows.write("id", "owner", Row(2, b"two"), over=7)
    assert rows.read("id") == Row(1, b"one")
    assert rows.write("id", "owner", Row(2, b"two"), over=1)
    assert rows.write("id", "owner", Row(3, b"three"))
    assert rows.read("id") == Row(3, b"three")


def test_versions_decide_who_removes(engine: sa.Engine) -> None:
    rows = made_rows(engine)
    rows.write("id", "owner", Row(1, b"one"))
    assert not rows.remove("id", "owner", over=7)
    assert not rows.remove("id", "owner", over=ABSENT)
    assert rows.remove("id", "owner", over=1)
    assert not rows.remove("id", "owner")
    assert rows.read("id") is None


def test_a_row_holds_64_kib_of_any_bytes_and_a_large_version(engine: sa.Engine) -> None:
    rows = made_rows(engine)
    row = Row(2**62, b"\0\xff'\\" + secrets.token_bytes(2**16))
    assert rows.write("id", "owner", row)
    assert rows.read("id") == row


def test_all_rows_are_listed_page_by_page(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_table, "_PAGE", 3)
    rows = made_rows(engine)
    ids = [f"{number:064x}" for number in range(10)]
    for row_id in ids:
        rows.write(row_id, f"owner of {row_id[-1]}", Row(1, b"sealed"))
    listed = rows.every()
    found = [next(listed)]
    rows.remove(ids[5], "")
    found += listed
    assert found == [(i, f"owner of {i[-1]}") for i in ids if i != ids[5]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_only_holds_a_place_is_none(kind: str, make_engine: MakeEngine) -> None:
    engine = make_engine(kind)
    rows = made_rows(engine)
    with rows.locked("id", "owner"):
        assert rows.read("id") is None
        assert rows.of_owner("owner") == []
        assert list(rows.every()) == []
    with engine.connect() as connection:
        count = sa.select(sa.func.count()).select_from(rows.table.table)
        assert connection.scalar(count) == 0, "it is removed when nothing came of it"


def test_a_place_that_a_killed_process_left_is_used(server_engine: sa.Engine) -> None:
    rows = made_rows(server_engine)
    with server_engine.begin() as connection:
        values = {"id": "id", "owner": "owner", "version": 0, "sealed": b"\0", "updated_at": 1}
        connection.execute(rows.table.table.insert(), values)
    assert not rows.remove("id", "owner")
    assert rows.write("id", "owner", Row(1, b"one"), over=ABSENT)
    assert rows.read("id") == Row(1, b"one")


def test_when_a_row_was_written_is_known(engine: sa.Engine) -> None:
    rows = made_rows(engine)
    before = int(time.time())
    rows.write("id", "owner", Row(1, b"one"))
    with engine.connect() as connection:
        written = connection.scalar(sa.select(rows.table.table.c.updated_at))
    assert before <= written <= time.time()


def test_many_write_the_same_new_row(engine: sa.Engine) -> None:
    rows = made_rows(engine)
    barrier = threading.Barrier(6)

    def put(number: int) -> bool:
        barrier.wait(10)
        return rows.write("id", "owner", Row(number, b"%d" % number))

    def claim(number: int) -> bool:
        barrier.wait(10)
        return rows.write("new", "owner", Row(number, b"%d" % number), over=ABSENT)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(put, range(1, 7)))
        assert sum(pool.map(claim, range(1, 7))) == 1


# -- what is in the table -----------------------------------------------------------------


def test_a_dump_shows_no_token_and_no_person(engine: sa.Engine, watch: Watch) -> None:
    store = made_store(engine)
    store.put(KEY, OLD)
    watch.secret(*OLD.values(), *NEW.values())
    dumps = []
    for token in OLD, NEW:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT * FROM oauthclient_token").all()
        dumps += [b" ".join(v if isinstance(v, bytes) else str(v).encode() for v in found[0])]
        assert store.refresh(KEY, token, new_token) == NEW
    for dump in dumps:
        for text in [*OLD.values(), *NEW.values(), *KEY, "access_token", "example.com"]:
            assert text.encode() not in dump


def test_an_id_that_is_longer_than_the_row_id_is_never_made() -> None:
    key = TokenKey("client " * 100, "\N{SNOWMAN}" * 1000, "label")
    assert (len(key.row_id), len(key.owner_id)) == (64, 64)


# -- refreshing once ----------------------------------------------------------------------


def test_a_pool_of_one_connection_is_enough(engine: sa.Engine) -> None:
    store = made_store(engine)
    store.put(KEY, OLD)
    assert store.refresh(KEY, OLD, new_token) == NEW
    assert store.refresh(TokenKey("machine"), None, new_token) == NEW
    failing = TokenKey("failing")

    def fail(current: Any) -> dict[str, str]:
        raise TransportError

    for do in fail, new_token:  # the second one finds a note of the first one
        assert isinstance(error_of(lambda do=do: store.refresh(failing, None, do)), TransportError)
    assert store.list("") == [TokenKey("machine")]
    assert store.delete(KEY)


def test_processes_and_threads_refresh_a_token_once(
    shared_engine: sa.Engine, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.touch()
    made_store(shared_engine).put(KEY, OLD)
    with workers(4, "refresh", url_of(shared_engine), str(log), "8") as racers:
        for racer in racers:
            racer.go()
        found = [token for racer in racers for token in racer.result()]
    assert log.read_text() == "refreshed\n"
    assert found == [NEW] * 32


def test_who_waits_gets_what_the_holder_has_got(shared_engine: sa.Engine) -> None:
    store = made_store(shared_engine)
    store.put(KEY, OLD)
    with workers(1, "hold", url_of(shared_engine)) as [worker], ThreadPoolExecutor() as pool:
        _hold(worker)
        waiting = pool.submit(store.refresh, KEY, OLD, new_token)
        assert store.get(KEY) == OLD, "readers do not wait"
        worker.go()
        late = {**NEW, "access_token": "late-access-token"}
        assert worker.result() == late
        assert waiting.result(timeout=20) == late


def test_the_lock_of_a_killed_process_is_free_at_once(shared_engine: sa.Engine) -> None:
    store = made_store(shared_engine)
    store.put(KEY, OLD)
    with workers(1, "hold", url_of(shared_engine)) as [worker], ThreadPoolExecutor() as pool:
        _hold(worker)
        waiting = pool.submit(store.refresh, KEY, OLD, new_token)
        worker.kill()
        assert waiting.result(timeout=5) == NEW


@pytest.mark.parametrize("kind", SERVERS)
def test_the_lock_of_a_machine_that_is_gone_ends_by_itself(
    kind: str, make_engine: MakeEngine
) -> None:
    """A process that hangs looks from the server as one whose machine has lost its power."""
    engine = make_engine(kind)
    store = made_store(engine)
    store.put(KEY, OLD)
    with workers(1, "hold", url_of(engine), "1") as [worker]:
        _hold(worker)
        begun = time.monotonic()
        assert store.refresh(KEY, OLD, new_token) == NEW
        assert time.monotonic() - begun < 10
        worker.go()
        assert worker.result() == NEW, "it finds that it has lost the lock"
    assert store.get(KEY) == NEW


def test_waiting_ends(shared_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in sql_database, sql_store:
        monkeypatch.setattr(module, "LOCK_WAIT", 1.0)
    store = made_store(shared_engine)
    store.put(KEY, OLD)
    with workers(1, "hold", url_of(shared_engine)) as [worker]:
        _hold(worker)
        begun = time.monotonic()
        error = error_of(lambda: store.refresh(KEY, OLD, new_token))
        assert (type(error), error.error) == (TokenStoreError, "token_busy")
        assert 0.9 <= time.monotonic() - begun < 10
        worker.go()
        worker.result()
    assert store.refresh(TokenKey("other"), None, new_token) == NEW, "the connection is as before"


def _hold(worker: Worker) -> None:
    worker.go()
    worker.expect("holding")


@pytest.mark.parametrize("isolation", ["AUTOCOMMIT", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("kind", SERVERS)
def test_the_engines_isolation_does_not_matter(
    kind: str, isolation: str, make_engine: MakeEngine, tmp_path: Path
) -> None:
    engine = make_engine(kind, isolation_level=isolation, pool_size=2, max_overflow=0)
    store = made_store(engine)
    store.put(KEY, OLD)
    begun, calls = threading.Event(), []

    def do(current: Any) -> dict[str, str]:
        begun.set()
        calls.append(store.get(KEY))
        return NEW

    others = [make_store(engine) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        first = pool.submit(store.refresh, KEY, OLD, do)
        assert begun.wait(10)
        second = others[0].refresh(KEY, OLD, do)
    assert (first.result(), second, calls) == (NEW, NEW, [OLD])
    assert _isolation(engine) == isolation, "and what we changed is put back"


def _isolation(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if driver.get_autocommit() if engine.dialect.name == "mysql" else driver.autocommit:
            return "AUTOCOMMIT"
        return connection.get_isolation_level()


def test_limits_of_a_session_are_put_back(make_engine: MakeEngine) -> None:
    engine = make_engine("mariadb", **_SMALL)
    store = made_store(engine)
    query = sa.text("SELECT @@SESSION.innodb_lock_wait_timeout, @@SESSION.wait_timeout")
    with engine.connect() as connection:
        connection.execute(sa.text("SET SESSION innodb_lock_wait_timeout = 7, wait_timeout = 77"))
    store.put(KEY, OLD)
    store.refresh(KEY, OLD, new_token)
    with engine.connect() as connection:
        assert connection.execute(query).one() == (7, 77)


def test_a_limit_for_statements_does_not_end_a_wait(make_engine: MakeEngine) -> None:
    options = {"connect_args": {"options": "-c statement_timeout=200"}}
    engine = make_engine("postgres", **options)
    store = made_store(engine)
    store.put(KEY, OLD)
    with workers(1, "hold", url_of(engine)) as [worker], ThreadPoolExecutor() as pool:
        _hold(worker)
        waiting = pool.submit(store.refresh, KEY, OLD, new_token)
        with (
            engine.connect() as connection,
            pytest.raises(sa.exc.OperationalError, match="statement timeout"),
        ):
            connection.execute(sa.text("SELECT pg_sleep(2)"))
        worker.go()
        worker.result()
        assert waiting.result(timeout=20)["access_token"] == "late-access-token"


def test_a_database_of_an_unknown_kind_is_locked_by_a_change(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_table, "_FOR_UPDATE", frozenset())
    engine = make_engine("postgres")
    store, other = made_store(engine), make_store(engine)
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    assert store.refresh(KEY, None, lambda current: OLD) == OLD
    begun, calls = threading.Event(), []

    def do(current: Any) -> dict[str, str]:
        begun.set()
        calls.append(current)
        return NEW

    with ThreadPoolExecutor() as pool:
        first = pool.submit(store.refresh, KEY, OLD, do)
        assert begun.wait(10)
        assert other.refresh(KEY, OLD, do) == first.result() == NEW
    assert calls == [OLD]
    assert any("SET updated_at=oauthclient_token.updated_at" in text for text in statements)


# -- what goes wrong ----------------------------------------------------------------------


def test_a_token_that_was_refreshed_while_the_database_restarted_is_kept(
    restartable_postgres: Restartable,
) -> None:
    engine = sa.create_engine(restartable_postgres.url, **_SMALL)
    store = made_store(engine)
    store.put(KEY, OLD)

    def do(current: Any) -> dict[str, str]:
        restartable_postgres.restart()
        return NEW

    assert store.refresh(KEY, OLD, do) == NEW
    assert make_store(engine).get(KEY) == NEW
    engine.dispose()


def test_a_database_that_is_down_is_an_error_and_nothing_is_lost(
    restartable_postgres: Restartable,
) -> None:
    engine = sa.create_engine(restartable_postgres.url, **_SMALL)
    store = made_store(engine)
    store.put(KEY, OLD)
    restartable_postgres.stop()
    for work in [
        lambda: store.get(KEY),
        lambda: store.put(KEY, NEW),
        lambda: store.delete(KEY),
        lambda: store.list(KEY.owner),
        lambda: store.refresh(KEY, OLD, new_token),
    ]:
        error = error_of(work)
        assert (type(error), error.error) == (TokenStoreError, "token_store_unavailable")
        assert error.__cause__ is None
        assert error.__context__ is None
    restartable_postgres.start()
    assert store.get(KEY) == OLD
    engine.dispose()


def test_connections_that_the_server_has_closed_are_no_failure(server_engine: sa.Engine) -> None:
    store = made_store(server_engine)
    expected: list[tuple[Callable[[], Any], Any]] = [
        (lambda: store.put(KEY, OLD), None),
        (lambda: store.get(KEY), OLD),
        (lambda: store.refresh(KEY, OLD, new_token), NEW),
        (lambda: store.list(KEY.owner), [KEY]),
        (lambda: store.delete(KEY), True),
    ]
    for work, result in expected:
        _close_the_pooled(server_engine)
        assert work() == result
    assert store.get(KEY) is None


def _close_the_pooled(engine: sa.Engine) -> None:
    """End the connection that is in the pool, and see that the server has done it."""
    own = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
    end = {"postgresql": "SELECT pg_terminate_backend({}, 5000)", "mysql": "KILL {}"}
    name = engine.dialect.name
    with engine.connect() as connection:
        number = connection.scalar(sa.text(own[name]))
    other = sa.create_engine(engine.url)
    with other.connect() as connection:
        connection.execute(sa.text(end[name].format(number)))
    other.dispose()


def test_a_lost_answer_to_a_commit_is_not_a_second_write(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows then whether the write counts; the version says it."""
    engine = make_engine("postgres", **_SMALL)
    store = made_store(engine)
    store.put(KEY, OLD)
    commit, broken = sa.Connection.commit, []

    def lost(self: sa.Connection) -> None:
        commit(self)
        if not broken:
            broken.append(True)
            self.invalidate()
            raise sa.exc.OperationalError(
                "COMMIT", None, Exception("gone"), connection_invalidated=True
            )

    monkeypatch.setattr(sa.Connection, "commit", lost)
    assert error_of(lambda: store.put(KEY, OLD)).detail["commit"] == "unknown"
    broken.clear()
    assert store.refresh(KEY, OLD, new_token) == NEW
    assert broken
    assert store.get(KEY) == NEW


def test_transactions_that_are_undone_are_done_again(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = made_store(engine)
    execute, left = sa.Connection.execute, [3]

    class Deadlock(Exception):
        sqlstate = "40P01"

    def undone(self: sa.Connection, *args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise sa.exc.OperationalError("UPDATE", None, Deadlock())
        return execute(self, *args, **kwargs)

    monkeypatch.setattr(sa.Connection, "execute", undone)
    store.put(KEY, OLD)
    assert left == [0]
    left[0] = 100
    assert error_of(lambda: store.put(KEY, OLD)).error == "token_store_unavailable"
    assert left == [96], "but not for ever"


def test_a_missing_table_says_what_to_do(engine: sa.Engine) -> None:
    store = make_store(engine)
    for work in [
        lambda: store.get(KEY),
        lambda: store.put(KEY, OLD),
        lambda: store.refresh(KEY, None, new_token),
    ]:
        error = error_of(work)
        assert isinstance(error, MissingConfigurationError)
        assert "oauthclient_token is not in the database" in error.description
        assert "create_table()" in error.description
    store.create_table()
    store.create_table()
    store.put(KEY, OLD)
    assert store.get(KEY) == OLD


@pytest.mark.parametrize("kind", SHARED)
def test_workers_that_start_together_make_one_table(kind: str, make_engine: MakeEngine) -> None:
    engine = make_engine(kind)
    stores = [make_store(engine) for _ in range(4)]
    barrier = threading.Barrier(4)

    def work(store: SQLAlchemyTokenStore) -> None:
        barrier.wait(10)
        store.create_table()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, stores))
    stores[0].put(KEY, OLD)
    assert stores[1].get(KEY) == OLD


def test_a_missing_column_is_named(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE oauthclient_token (id VARCHAR(64) PRIMARY KEY)")
    error = error_of(lambda: make_store(engine).get(KEY))
    assert "lacks owner, sealed, updated_at, version" in error.description


def test_a_pool_without_a_free_connection_says_so(lite: sa.Engine) -> None:
    engine = sa.create_engine(lite.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    store = made_store(engine)
    with engine.connect():
        error = error_of(lambda: store.get(KEY))
    assert "pool" in error.description
    assert store.get(KEY) is None
    engine.dispose()


# -- SQLite -------------------------------------------------------------------------------


def test_an_open_transaction_of_the_application_is_the_usual_cause(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tokens.db'}"
    engine = sa.create_engine(url, connect_args={"timeout": 0.1})
    store = made_store(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        error = error_of(lambda: store.put(KEY, OLD))
        assert (type(error), error.error) == (TokenStoreError, "token_store_unavailable")
        assert "commit it before the login returns" in error.description
        assert store.get(KEY) is None, "reading is possible"
    store.put(KEY, OLD)
    engine.dispose()


def test_others_write_into_sqlite_while_a_token_is_refreshed(lite: sa.Engine) -> None:
    store = made_store(lite)
    store.put(KEY, OLD)

    def do(current: Any) -> dict[str, str]:
        store.put(TokenKey("other"), OLD)
        return NEW

    assert store.refresh(KEY, OLD, do) == NEW


def test_the_locks_of_sqlite_are_beside_its_file(lite: sa.Engine, tmp_path: Path) -> None:
    Path(lite.url.database or "").touch()
    (tmp_path / "tokens.db").chmod(0o660)
    store = made_store(lite)
    store.refresh(KEY, None, new_token)
    locks = tmp_path / "tokens.db.oauthclient-locks"
    assert locks.stat().st_mode & 0o777 == 0o660
    assert locks.read_bytes() == b""


def test_the_transaction_of_who_shares_the_connection_goes_on(make_engine: MakeEngine) -> None:
    """In memory there is one connection for all, also in one request."""
    engine = make_engine("memory")
    store = made_store(engine)
    store.put(KEY, OLD)
    notes = sa.Table("note", sa.MetaData(), sa.Column("text", sa.String(9)))
    notes.create(engine)
    with orm.Session(engine) as session:
        session.execute(notes.insert().values(text="mine"))
        assert make_store(engine).get(KEY) == OLD
        assert store.list(KEY.owner) == [KEY]
        assert "commit it before" in error_of(lambda: store.put(KEY, NEW)).description
        assert session.scalars(sa.select(notes.c.text)).all() == ["mine"]
        session.rollback()
        assert session.scalars(sa.select(notes.c.text)).all() == []
    store.put(KEY, NEW)
    assert store.get(KEY) == NEW


def test_memory_without_a_pool_for_it_works_in_one_thread() -> None:
    engine = sa.create_engine("sqlite://")
    store = made_store(engine)
    store.put(KEY, OLD)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE note (text TEXT)")
        connection.exec_driver_sql("INSERT INTO note VALUES ('mine')")
        assert store.get(KEY) == OLD
        assert connection.exec_driver_sql("SELECT * FROM note").all() == [("mine",)]
    assert store.refresh(KEY, OLD, new_token) == NEW
    engine.dispose()


def test_two_stores_in_memory_refresh_once(make_engine: MakeEngine) -> None:
    engine = make_engine("memory")
    stores = [made_store(engine), make_store(engine)]
    stores[0].put(KEY, OLD)
    barrier, calls = threading.Barrier(2), []

    def do(current: Any) -> dict[str, str]:
        calls.append(current)
        return NEW

    def work(store: SQLAlchemyTokenStore) -> Any:
        barrier.wait(10)
        return store.refresh(KEY, OLD, do)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, stores)) == [NEW, NEW]
    assert calls == [OLD]


# -- what the store is given --------------------------------------------------------------


def test_any_of_these_has_an_engine(make_engine: MakeEngine) -> None:
    engine = make_engine("sqlite")
    made_store(engine)
    maker = orm.sessionmaker(engine)
    scoped = orm.scoped_session(maker)
    with (
        orm.Session(engine) as session,
        engine.connect() as connection,
        orm.Session(connection) as bound,
    ):
        for source in [engine, session, maker, scoped, bound, lambda: engine]:
            assert SQLAlchemyTokenStore(source, keys=KEYS).get(KEY) is None
    scoped.remove()


def test_a_session_with_several_engines_names_the_one_of_the_table(
    lite: sa.Engine, tmp_path: Path
) -> None:
    other = sa.create_engine(f"sqlite:///{tmp_path / 'other.db'}")

    class Base(orm.DeclarativeBase):
        pass

    class Token(sql_store.TokenMixin, Base):
        pass

    maker = orm.sessionmaker(lite, binds={Token: other})
    store = SQLAlchemyTokenStore(maker, Token, KEYS)
    store.create_table()
    store.put(KEY, OLD)
    assert sa.inspect(other).has_table("oauthclient_token")
    assert not sa.inspect(lite).has_table("oauthclient_token")
    other.dispose()


def test_the_applications_session_is_left_alone(server_engine: sa.Engine) -> None:
    engine = sa.create_engine(server_engine.url)
    with orm.Session(engine) as session:
        store = SQLAlchemyTokenStore(session, keys=KEYS)
        store.create_table()
        table = token_table(sa.MetaData())
        row = {"id": "mine", "owner": "", "version": 1, "sealed": b"", "updated_at": 0}
        session.execute(table.insert().values(row))
        store.put(KEY, OLD)
        assert store.refresh(KEY, OLD, new_token) == NEW
        assert session.in_transaction()
        session.rollback()
        ids = session.scalars(sa.select(table.c.id)).all()
        assert ids == [KEY.row_id]
    engine.dispose()


def test_whatever_has_no_engine_is_refused() -> None:
    class AsyncThing:
        __module__ = "sqlalchemy.ext.asyncio.engine"

    for source in [AsyncThing(), "sqlite://", None, 7, sa.MetaData()]:
        error = error_of(lambda given=source: SQLAlchemyTokenStore(given, keys=KEYS))
        assert isinstance(error, InvalidSettingError)
        assert "takes an Engine" in error.description
        assert type(source).__name__ in error.description
    store = SQLAlchemyTokenStore(lambda: None, keys=KEYS)
    assert isinstance(error_of(lambda: store.get(KEY)), InvalidSettingError)
    unbound = SQLAlchemyTokenStore(orm.Session(), keys=KEYS)
    assert "bind it" in error_of(lambda: unbound.get(KEY)).description


def test_a_real_async_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio = pytest.importorskip("sqlalchemy.ext.asyncio")
    pytest.importorskip("psycopg")
    engine = asyncio.create_async_engine("postgresql+psycopg://127.0.0.1/none")
    for source in [engine, engine.sync_engine, asyncio.async_sessionmaker(engine)]:
        error = error_of(lambda given=source: SQLAlchemyTokenStore(given, keys=KEYS))
        assert "not asynchronous" in error.description


def test_a_table_of_another_form_is_refused(lite: sa.Engine) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.String(64), primary_key=True))
    for given in [table, "oauthclient_token", object]:
        error = error_of(lambda table=given: SQLAlchemyTokenStore(lite, table, KEYS))
        assert "token_table()" in error.description
