"""Stores of tokens against people, providers and moments that mean them no good."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import StaticPool
from sqlalchemy import create_engine
from sqlalchemy import text

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.protocol.masked import MaskedDict
from flask_oauthclient.storage.single_flight import SingleFlight
from flask_oauthclient.storage.tokens import guarded
from flask_oauthclient.storage.tokens import kept
from flask_oauthclient.storage.tokens import refresh
from flask_oauthclient.storage.tokens.envelope import TokenSealer
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.memory import MemoryRows
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.rows import new_version
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.store import SealedTokenStore
from flask_oauthclient.testing.token_stores import make_token
from tests.helpers.leaks import Watch

KEY, OTHER = TokenKey("demo", "alice"), TokenKey("demo", "bob")
SECRET = "the key of the attacks on stores"
ONE, TWO, THREE = make_token("one"), make_token("two"), make_token("three")


class Interrupted(BaseException):
    """What ends a greenlet or a worker in the middle of its work."""


class Faulty(MemoryRows):
    """Rows that do what a test wants before they write."""

    def __init__(self) -> None:
        super().__init__()
        self.before_write: Callable[[], None] = lambda: None

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        self.before_write()
        return super().write(row_id, owner_id, row, over)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    monkeypatch.setattr(guarded, "_GRACE", 0)
    monkeypatch.setattr(refresh, "_PATIENCE", 0)
    watch.secret(SECRET, *(t[n] for t in (ONE, TWO) for n in ("access_token", "refresh_token")))


@pytest.fixture
def rows() -> Faulty:
    """The rows of the store."""
    return Faulty()


@pytest.fixture
def store(rows: Faulty) -> SealedTokenStore:
    """A store that has Alice's first token."""
    store = SealedTokenStore(rows, [SECRET])
    store.put(KEY, ONE)
    return store


# -- a refresh that is interrupted -----------------------------------------------------------------


def _raise(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def _once(rows: Faulty, error: BaseException) -> None:
    def fail() -> None:
        rows.before_write = lambda: None
        raise error

    rows.before_write = fail


def test_answer_of_the_provider_is_written_by_who_is_interrupted_while_writing_it(
    rows: Faulty, store: SealedTokenStore
) -> None:
    _once(rows, Interrupted())
    with pytest.raises(Interrupted):
        store.refresh(KEY, ONE, lambda _: TWO)
    assert store.get(KEY) == TWO


def test_answer_is_written_by_who_is_interrupted_while_the_back_end_is_away(
    rows: Faulty, store: SealedTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "_PATIENCE", 60)
    monkeypatch.setattr(refresh.time, "sleep", lambda _: _raise(Interrupted())())
    _once(rows, ConnectionError())
    with pytest.raises(Interrupted):
        store.refresh(KEY, ONE, lambda _: TWO)
    assert store.get(KEY) == TWO


def test_answer_stays_in_memory_if_not_even_who_is_interrupted_can_write_it(
    rows: Faulty, store: SealedTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "_PATIENCE", 60)
    monkeypatch.setattr(refresh.time, "sleep", lambda _: _raise(Interrupted())())
    rows.before_write = _raise(ConnectionError())
    with pytest.raises(Interrupted):
        store.refresh(KEY, ONE, lambda _: TWO)
    assert store.get(KEY) == TWO
    rows.before_write = lambda: None
    assert store.get(KEY) == TWO
    assert SealedTokenStore(rows, [SECRET]).get(KEY) == TWO


def test_interruption_of_one_thread_is_none_of_the_others() -> None:
    flights: SingleFlight[int] = SingleFlight()
    begun, go_on = threading.Event(), threading.Event()
    seen: list[BaseException] = []

    def interrupted() -> int:
        begun.set()
        go_on.wait(10)
        raise Interrupted

    def fly(work: Callable[[], int]) -> None:
        try:
            flights.do("key", work)
        except BaseException as error:  # noqa: BLE001  what it is, is the question
            seen.append(error)

    first = threading.Thread(target=fly, args=[interrupted])
    first.start()
    assert begun.wait(10)
    second = threading.Thread(target=fly, args=[lambda: 1])
    joined = flights._flights["key"][1]
    second.start()
    while not joined._condition._waiters:  # type: ignore[attr-defined]  # until it waits
        threading.Event().wait(0.001)
    go_on.set()
    first.join(10)
    second.join(10)
    assert sorted(type(error).__name__ for error in seen) == ["Interrupted", "TokenStoreError"]


def test_refresh_within_the_same_refresh_is_refused_and_not_waited_for(
    store: SealedTokenStore,
) -> None:
    def nested(current: Any) -> Any:
        store.refresh(KEY, ONE, lambda _: THREE)
        return TWO

    caught: list[BaseException] = []

    def run() -> None:
        try:
            store.refresh(KEY, ONE, nested)
        except TokenStoreError as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert [error.error for error in caught] == ["token_busy"]  # type: ignore[attr-defined]
    assert store.get(KEY) == ONE


# -- spent refresh tokens --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "error"),
    [("x" * kept.MAX_TOKEN_BYTES, TokenStoreError), (object(), InvalidSettingError)],
    ids=["too large", "no JSON"],
)
def test_token_whose_successor_cannot_be_kept_is_not_sent_again(
    store: SealedTokenStore, member: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        store.refresh(KEY, ONE, lambda _: {**TWO, "more": member})
    assert store.get(KEY) is None


def test_same_access_token_with_another_refresh_token_is_another_token(
    store: SealedTokenStore,
) -> None:
    newer = {**ONE, "refresh_token": TWO["refresh_token"]}
    store.put(KEY, newer)

    def refused(_: Any) -> Any:
        raise AssertionError("the provider was asked once more")

    assert store.refresh(KEY, ONE, refused) == newer
    assert not store.delete(KEY, only=ONE)


def test_token_that_came_meanwhile_counts_although_the_access_token_is_the_same(
    rows: Faulty, store: SealedTokenStore
) -> None:
    newer = {**ONE, "refresh_token": TWO["refresh_token"]}

    def refuse(_: Any) -> Any:
        store.put(KEY, newer)
        raise TokenRequestError("invalid_grant")

    assert store.refresh(KEY, ONE, refuse) == newer


def test_unsaved_token_is_written_as_soon_as_anybody_finds_the_back_end_there_again(
    rows: Faulty, store: SealedTokenStore
) -> None:
    store.put(OTHER, THREE)
    rows.before_write = _raise(ConnectionError())
    assert store.refresh(KEY, ONE, lambda _: TWO) == TWO
    rows.before_write = lambda: None
    assert SealedTokenStore(rows, [SECRET]).get(KEY) == ONE
    assert store.get(OTHER) == THREE
    assert SealedTokenStore(rows, [SECRET]).get(KEY) == TWO  # so another worker finds it


def test_sign_out_elsewhere_is_not_undone_by_a_token_that_is_written_late(
    rows: Faulty, store: SealedTokenStore
) -> None:
    rows.before_write = _raise(ConnectionError())
    store.refresh(KEY, ONE, lambda _: TWO)
    rows.before_write = lambda: None
    SealedTokenStore(rows, [SECRET]).delete(KEY)
    assert store.get(OTHER) is None
    assert store.get(KEY) is None
    assert list(rows.every()) == []


# -- envelopes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"{}",
        b"[]",
        b"[1,2,3]",
        b'[["demo","alice",""],{"access_token":"x"},null,"of a later version"]',
        b'[["demo","alice","","more"],{"access_token":"x"},null]',
        b'[["demo","alice",""],"no token",null]',
        b'[["demo","alice",""],{"access_token":"x"},[1,2]]',
        b"\xff\xfe",
        b"[" * 50_000,
    ],
    ids=range(10),
)
def test_content_of_another_form_counts_as_none(
    rows: Faulty, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    sealed = TokenSealer([SECRET]).seal(content, KEY.row_id)
    rows.write(KEY.row_id, KEY.owner_id, Row(new_version(), sealed))
    store = SealedTokenStore(rows, [SECRET])
    assert store.get(KEY) is None
    assert store.list("alice") == []
    assert "form" in caplog.text
    store.put(KEY, TWO)
    assert store.get(KEY) == TWO


def test_row_of_somebody_else_opens_nowhere_else(rows: Faulty, store: SealedTokenStore) -> None:
    stolen = rows.read(KEY.row_id)
    assert stolen is not None
    rows.write(OTHER.row_id, OTHER.owner_id, stolen)
    assert store.get(OTHER) is None
    rows.write(KEY.row_id, OTHER.owner_id, stolen)  # under the name of another owner
    assert store.list("bob") == []


@pytest.mark.parametrize("size", [0, 1, 4, 5, 16, 17, 32, 33])
def test_envelope_that_is_cut_off_counts_as_none(
    rows: Faulty, store: SealedTokenStore, size: int
) -> None:
    row = rows.read(KEY.row_id)
    assert row is not None
    rows.write(KEY.row_id, KEY.owner_id, Row(row.version, row.sealed[:size]))
    assert store.get(KEY) is None


def test_version_of_an_envelope_cannot_be_changed(rows: Faulty, store: SealedTokenStore) -> None:
    row = rows.read(KEY.row_id)
    assert row is not None
    for version in (0, 2, 255):
        rows.write(KEY.row_id, KEY.owner_id, Row(row.version, bytes([version]) + row.sealed[1:]))
        assert store.get(KEY) is None


# -- what a traceback with its variables shows -----------------------------------------------------


def test_nothing_that_a_store_is_made_of_shows_a_secret(
    rows: Faulty, store: SealedTokenStore
) -> None:
    rows.before_write = _raise(ConnectionError())
    store.refresh(KEY, ONE, lambda _: TWO)
    parts = [store, store.sealer, store._flights, store._unsaved, store._sealing, store._refresher]
    shown = repr([vars(part) for part in parts])
    material = repr(store.sealer._keys[0].material)
    secrets = [SECRET, material, ONE["access_token"], TWO["refresh_token"], TWO["access_token"]]
    assert [secret for secret in secrets if secret in shown] == []


def test_frames_of_a_failing_store_show_no_token(rows: Faulty, store: SealedTokenStore) -> None:
    def fail() -> None:
        raise TokenStoreError("token_too_large")

    rows.before_write = fail
    with pytest.raises(TokenStoreError) as caught:
        store.refresh(KEY, MaskedDict(ONE), lambda _: MaskedDict(TWO))
    modules = set()
    for entry in caught.traceback:
        module = entry.frame.f_globals["__name__"]
        if module.startswith("flask_oauthclient."):
            modules.add(module.rpartition(".")[2])
            shown = repr(entry.frame.f_locals)
            for secret in (ONE["access_token"], TWO["access_token"], TWO["refresh_token"]):
                assert secret not in shown, entry
    assert modules >= {"store", "refresh", "guarded"}


# -- keys of others --------------------------------------------------------------------------------


def test_keys_of_different_parts_are_different() -> None:
    keys = [
        TokenKey("demo", "alice", ""),
        TokenKey("demo", "", "alice"),
        TokenKey("", "demo", "alice"),
        TokenKey("demoalice"),
        TokenKey("demo", "5:alice"),
        TokenKey("demo", "Alice"),
        TokenKey("demo", "alice "),
        TokenKey("demo", "alice\0"),
        TokenKey("demo", "al", "ice"),
        TokenKey("4:demo", "alice"),
        TokenKey("demo", "\ud800alice"),
        TokenKey("demo", "alic\u00e9"),
        TokenKey("demo", "alice\u0301"),
    ]
    assert len({key.row_id for key in keys}) == len(keys)


def test_owner_whose_name_begins_like_anothers_keeps_the_tokens(rows: Faulty) -> None:
    store = SealedTokenStore(rows, [SECRET])
    for owner in ("1", "11", "1 1", ""):
        store.put(TokenKey("demo", owner), ONE)
    assert store.purge("1") == 1
    assert [store.list(owner) != [] for owner in ("1", "11", "1 1", "")] == [False] + 3 * [True]


def test_rows_that_a_back_end_gives_for_the_wrong_owner_are_not_removed(rows: Faulty) -> None:
    """As that of a session does, where all rows are one person's, or were."""
    store = SealedTokenStore(rows, [SECRET])
    store.put(KEY, ONE)
    store.put(OTHER, TWO)
    everybody = [(key.row_id, rows.read(key.row_id)) for key in (KEY, OTHER)]
    rows.of_owner = lambda owner_id: everybody  # type: ignore[assignment, method-assign]
    assert store.purge("alice") == 1
    assert store.get(OTHER) == TWO


# -- logs ------------------------------------------------------------------------------------------


def test_every_wrong_key_is_told_of_once_and_remembered_for_a_while_only(
    rows: Faulty, store: SealedTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2000):
        header = b"\x01" + number.to_bytes(4)
        rows.write(KEY.row_id, KEY.owner_id, Row(1, header + 40 * b"x"))
        assert store.get(KEY) is None
    assert len(store.sealer._told) <= 100
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) <= 100


def test_database_that_is_told_to_log_everything_logs_no_token(watch: Watch) -> None:
    watch.secret(KEY.owner)
    engine = create_engine("sqlite://", echo="debug", echo_pool="debug", poolclass=StaticPool)
    store = SQLAlchemyTokenStore(engine, keys=[SECRET])
    store.create_table()
    store.put(KEY, ONE)
    assert store.refresh(KEY, ONE, lambda _: TWO) == TWO
    assert store.list(KEY.owner) == [KEY]
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE oauthclient_token"))
    with pytest.raises(MissingConfigurationError):
        store.put(KEY, ONE)
    assert watch.logged("INSERT INTO oauthclient_token")
    engine.dispose()
