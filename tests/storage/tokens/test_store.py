"""What a sealed store does when something is in the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextlib import nullcontext
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InvalidClaimError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.storage.tokens import guarded
from flask_oauthclient.storage.tokens import memory
from flask_oauthclient.storage.tokens import refresh
from flask_oauthclient.storage.tokens.kept import is_other
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.memory import MemoryRows
from flask_oauthclient.storage.tokens.memory import MemoryTokenStore
from flask_oauthclient.storage.tokens.memory import ProcessLocks
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.rows import TokenRows
from flask_oauthclient.storage.tokens.store import Resealed
from flask_oauthclient.storage.tokens.store import SealedTokenStore
from flask_oauthclient.testing.token_stores import Calls
from flask_oauthclient.testing.token_stores import make_token
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch

KEY = TokenKey("demo", "alice@example.com")
OLD, NEW = "the old key of the tests of stores", "the new key of the tests of stores"
ONE, TWO, THREE = make_token("one"), make_token("two"), make_token("three")


class Unlocked(MemoryRows):
    """Rows whose locks do nothing, as if each were lost at once."""

    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[TokenRows]:
        return nullcontext(self)


class Unsteady(MemoryRows):
    """Rows that cannot be reached at times."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False
        #: How many calls fail before it is there again.
        self.failures_left = -1

    def _check(self) -> None:
        if self.is_down:
            self.failures_left -= 1
            self.is_down = self.failures_left != 0
            raise ConnectionError("a text of the driver's, with alice@example.com in it")

    def read(self, row_id: str) -> Row | None:
        self._check()
        return super().read(row_id)

    def write(self, row_id: str, owner_id: str, row: Row, over: int | None = None) -> bool:
        self._check()
        return super().write(row_id, owner_id, row, over)

    def remove(self, row_id: str, owner_id: str, over: int | None = None) -> bool:
        self._check()
        return super().remove(row_id, owner_id, over)

    def of_owner(self, owner_id: str) -> list[tuple[str, Row]]:
        self._check()
        return super().of_owner(owner_id)

    def locked(self, row_id: str, owner_id: str) -> AbstractContextManager[TokenRows]:
        self._check()
        return super().locked(row_id, owner_id)


class _BadExit:
    """A lock that cannot be given back."""

    def __init__(self, rows: TokenRows) -> None:
        self._rows = rows

    def __enter__(self) -> TokenRows:
        return self._rows

    def __exit__(self, *error: object) -> None:
        raise ConnectionError("the lock's server is away")


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "_GRACE", 0)


@pytest.fixture(autouse=True)
def _secrets(watch: Watch) -> None:
    watch.secret(OLD, NEW, KEY.owner)
    watch.secret(*(token[name] for token in (ONE, TWO, THREE) for name in _SECRETS))


_SECRETS = ("access_token", "refresh_token")


@pytest.fixture
def store() -> MemoryTokenStore:
    """A store that has a token."""
    store = MemoryTokenStore()
    store.put(KEY, ONE)
    return store


@pytest.fixture
def rows() -> Unsteady:
    """Rows that can be made to fail."""
    return Unsteady()


@pytest.fixture
def unsteady(rows: Unsteady) -> SealedTokenStore:
    """A store over them that has a token."""
    store = SealedTokenStore(rows, [NEW])
    store.put(KEY, ONE)
    return store


# -- what is kept ------------------------------------------------------------------------


def test_the_extra_of_a_login_is_not_kept(store: MemoryTokenStore) -> None:
    store.put(KEY, {**ONE, "extra": object()})
    assert store.get(KEY) == ONE
    store.refresh(KEY, ONE, Calls({**TWO, "extra": object()}))
    assert store.get(KEY) == TWO


def test_a_token_that_is_too_large_is_refused(store: MemoryTokenStore) -> None:
    with pytest.raises(TokenStoreError) as caught:
        store.put(KEY, {**TWO, "id_token": "x" * 60_000})
    assert (caught.value.error, caught.value.http_status) == ("token_too_large", 500)
    assert store.get(KEY) == ONE


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes"])
def test_a_token_that_is_no_json_is_refused(value: Any, store: MemoryTokenStore) -> None:
    with pytest.raises(InvalidSettingError, match="JSON"):
        store.put(KEY, {**TWO, "value": value})
    assert store.get(KEY) == ONE


def test_a_row_that_was_copied_to_somebody_else_is_no_token() -> None:
    rows, mallory = MemoryRows(), TokenKey("demo", "mallory")
    store = SealedTokenStore(rows, [NEW])
    store.put(KEY, ONE)
    store.put(mallory, TWO)
    stolen = rows.read(KEY.row_id)
    assert stolen is not None
    rows.write(mallory.row_id, mallory.owner_id, stolen)
    assert store.get(mallory) is None
    assert store.list("mallory") == []
    assert store.refresh(mallory, TWO, Calls()) is None
    assert store.delete(mallory, only=TWO) is False


def test_a_store_needs_keys() -> None:
    store = SealedTokenStore(MemoryRows())
    with pytest.raises(MissingConfigurationError, match="OAUTHCLIENT_TOKEN_KEYS"):
        store.put(KEY, ONE)
    store.use_keys(lambda: [NEW])
    store.put(KEY, ONE)
    assert store.get(KEY) == ONE


def test_keys_of_its_own_count() -> None:
    rows = MemoryRows()
    store = SealedTokenStore(rows, [NEW])
    store.use_keys(lambda: [OLD])
    store.put(KEY, ONE)
    assert SealedTokenStore(rows, [NEW]).get(KEY) == ONE
    assert SealedTokenStore(rows, [OLD]).get(KEY) is None


def test_keys_of_two_applications_in_one_store_are_told_of(watch: Watch) -> None:
    store = SealedTokenStore(MemoryRows())
    for key in (NEW, NEW):
        store.use_keys(lambda key=key: [key])  # type: ignore[misc]
        store.put(KEY, ONE)
    assert not watch.logged("keys of another application")
    store.use_keys(lambda: [OLD])
    assert store.get(KEY) is None
    assert watch.logged("keys of another application")


def test_a_store_shows_nothing(store: MemoryTokenStore) -> None:
    assert repr(store) == "<MemoryTokenStore>"


def test_with_the_wrong_keys_somebody_can_sign_in_again() -> None:
    rows = MemoryRows()
    SealedTokenStore(rows, [OLD]).put(KEY, ONE)
    store = SealedTokenStore(rows, [NEW])
    assert store.get(KEY) is None
    assert store.list(KEY.owner) == []
    assert store.refresh(KEY, None, Calls(TWO)) == TWO
    assert store.get(KEY) == TWO


# -- failures that may pass --------------------------------------------------------------


FAILURES = [
    TokenRequestError("server_error", "The provider said 503.", http_status=503),
    TransportError(),
    TransportError("provider_timeout"),
    ProviderError("odd"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.error)
def test_a_failure_is_remembered_for_30_seconds(
    failure: ProviderError, store: MemoryTokenStore, clock: Clock
) -> None:
    with pytest.raises(type(failure)):
        store.refresh(KEY, ONE, Calls(failure))
    for age in (0, 29):
        clock.advance(age)
        with pytest.raises(ProviderError) as caught:
            store.refresh(KEY, ONE, Calls())
        again = caught.value
        assert isinstance(again, TransportError) is isinstance(failure, TransportError)
        assert again.error == failure.error
        assert again.description == failure.description
        assert again.http_status == failure.http_status
        assert again.detail["remembered"] is True
        assert again.detail["age"] == pytest.approx(age, abs=1)
        assert store.get(KEY) == ONE
    clock.advance(1.5)
    assert store.refresh(KEY, ONE, Calls(TWO)) == TWO


def test_a_failure_is_remembered_by_other_processes() -> None:
    rows = MemoryRows()
    store, other = (SealedTokenStore(rows, [NEW]) for _ in range(2))
    store.put(KEY, ONE)
    with pytest.raises(TransportError):
        store.refresh(KEY, ONE, Calls(TransportError()))
    with pytest.raises(TransportError):
        other.refresh(KEY, ONE, Calls())


def test_a_clock_that_was_set_back_proves_nothing(store: MemoryTokenStore, clock: Clock) -> None:
    with pytest.raises(TransportError):
        store.refresh(KEY, ONE, Calls(TransportError()))
    clock.advance(-3600)
    assert store.refresh(KEY, ONE, Calls(TWO)) == TWO


def test_a_refresh_that_worked_ends_the_memory_of_a_failure(
    store: MemoryTokenStore, clock: Clock
) -> None:
    with pytest.raises(TransportError):
        store.refresh(KEY, ONE, Calls(TransportError()))
    clock.advance(31)
    store.refresh(KEY, ONE, Calls(TWO))
    clock.advance(-20)
    assert store.refresh(KEY, TWO, Calls(THREE)) == THREE


def test_an_id_token_of_somebody_else_ends_the_token(store: MemoryTokenStore) -> None:
    with pytest.raises(InvalidClaimError):
        store.refresh(KEY, ONE, Calls(InvalidClaimError(detail={"claim": "sub"})))
    assert store.get(KEY) is None


OURS = [MissingConfigurationError(), TokenStoreError()]


@pytest.mark.parametrize("failure", OURS, ids=lambda failure: failure.error)
def test_an_error_of_ours_is_not_remembered(failure: OAuthError, store: MemoryTokenStore) -> None:
    with pytest.raises(type(failure)):
        store.refresh(KEY, ONE, Calls(failure))
    assert store.refresh(KEY, ONE, Calls(TWO)) == TWO


# -- locks that are lost -----------------------------------------------------------------


@pytest.fixture
def both() -> tuple[SealedTokenStore, SealedTokenStore]:
    """The stores of two processes, whose locks do nothing."""
    rows = Unlocked()
    one, two = (SealedTokenStore(rows, [NEW]) for _ in range(2))
    one.put(KEY, ONE)
    return one, two


def _during(work: Callable[[], Any], answer: Any) -> Callable[[Any], Any]:
    calls = Calls(answer)

    def do(current: Any) -> Any:
        work()
        return calls(current)

    return do


def test_without_a_lock_the_version_decides(both: Any) -> None:
    slow, fast = both
    do = _during(lambda: fast.refresh(KEY, ONE, Calls(TWO)), THREE)
    assert slow.refresh(KEY, ONE, do) == TWO
    assert slow.get(KEY) == fast.get(KEY) == TWO


def test_without_a_lock_the_first_token_that_was_fetched_counts(both: Any) -> None:
    slow, fast = both
    machine = TokenKey("machine")
    do = _during(lambda: fast.refresh(machine, None, Calls(TWO)), THREE)
    assert slow.refresh(machine, None, do) == TWO
    assert slow.get(machine) == TWO


def test_a_refused_refresh_token_that_another_process_has_used_is_no_failure(both: Any) -> None:
    slow, fast = both
    refused = TokenRequestError("invalid_grant")
    do = _during(lambda: fast.refresh(KEY, ONE, Calls(TWO)), refused)
    assert slow.refresh(KEY, ONE, do) == TWO
    assert slow.get(KEY) == TWO


def test_a_refused_refresh_token_whose_owner_has_signed_out_is_no_failure(both: Any) -> None:
    slow, fast = both
    do = _during(lambda: fast.delete(KEY), TokenRequestError("invalid_grant"))
    assert slow.refresh(KEY, ONE, do) is None


def test_a_failure_that_another_process_notes_loses_no_token(both: Any) -> None:
    slow, fast = both

    def fail() -> None:
        with pytest.raises(TransportError):
            fast.refresh(KEY, ONE, Calls(TransportError()))

    assert slow.refresh(KEY, ONE, _during(fail, TWO)) == TWO
    assert fast.get(KEY) == TWO


def test_an_id_token_of_somebody_else_does_not_end_a_new_sign_in(both: Any) -> None:
    slow, fast = both
    wrong = InvalidClaimError(detail={"claim": "sub"})
    with pytest.raises(InvalidClaimError):
        slow.refresh(KEY, ONE, _during(lambda: fast.put(KEY, THREE), wrong))
    assert slow.get(KEY) == THREE


def test_a_failure_is_not_noted_over_a_newer_token(both: Any) -> None:
    slow, fast = both
    do = _during(lambda: fast.refresh(KEY, ONE, Calls(TWO)), TransportError())
    with pytest.raises(TransportError):
        slow.refresh(KEY, ONE, do)
    assert slow.get(KEY) == TWO
    assert slow.refresh(KEY, TWO, Calls(THREE)) == THREE


def test_a_token_that_was_removed_and_made_anew_is_another_one(both: Any) -> None:
    slow, fast = both

    def again() -> None:
        fast.delete(KEY)
        fast.put(KEY, ONE)
        fast.put(KEY, THREE)

    assert slow.refresh(KEY, ONE, _during(again, TWO)) == THREE


def test_a_token_that_is_replaced_while_it_is_looked_at_is_not_removed(
    both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, fast = both
    rows = slow._rows._rows
    remove = rows.remove

    def late(*arguments: Any) -> bool:
        fast.put(KEY, TWO)
        return bool(remove(*arguments))

    monkeypatch.setattr(rows, "remove", late)
    assert slow.delete(KEY, only=ONE) is False
    assert slow.get(KEY) == TWO


def test_a_lock_that_cannot_be_given_back_fails_nothing(
    store: MemoryTokenStore, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    rows: Any = store._rows._rows
    monkeypatch.setattr(rows, "locked", lambda *arguments: _BadExit(rows))
    with caplog.at_level(logging.WARNING):
        assert store.refresh(KEY, ONE, Calls(TWO)) == TWO
    assert "could not be released" in caplog.text
    assert store.get(KEY) == TWO


def test_who_waits_too_long_for_a_lock_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    locks = ProcessLocks()
    with locks.hold("a"), locks.hold("b"):
        with pytest.raises(TokenStoreError) as caught:
            locks.hold("a", wait=0.01).__enter__()
        assert (caught.value.error, caught.value.http_status) == ("token_busy", 503)
    with locks.hold("a", wait=0):
        pass
    assert locks._locks == {}
    assert memory.LOCK_WAIT >= 10  # one request to the provider


# -- rows that cannot be reached ---------------------------------------------------------


def test_what_the_back_end_raises_is_one_error_without_its_text(
    unsteady: SealedTokenStore, rows: Unsteady
) -> None:
    rows.is_down = True
    for work in (
        lambda: unsteady.get(KEY),
        lambda: unsteady.put(KEY, TWO),
        lambda: unsteady.delete(KEY),
        lambda: unsteady.delete(KEY, only=ONE),
        lambda: unsteady.list(KEY.owner),
        lambda: unsteady.refresh(KEY, ONE, Calls()),
    ):
        with pytest.raises(TokenStoreError) as caught:
            work()
        error = caught.value
        assert (error.error, error.http_status) == ("token_store_unavailable", 503)
        assert error.detail == {"failure": "ConnectionError"}
        assert error.__context__ is None
    rows.is_down = False
    assert unsteady.get(KEY) == ONE


def test_a_refreshed_token_is_written_when_that_works_again(
    unsteady: SealedTokenStore, rows: Unsteady, watch: Watch
) -> None:
    rows.failures_left = 3
    do = _during(lambda: setattr(rows, "is_down", True), TWO)
    assert unsteady.refresh(KEY, ONE, do) == TWO
    assert rows.failures_left == 0
    assert SealedTokenStore(rows, [NEW]).get(KEY) == TWO
    assert not watch.logged("in the memory")


def test_a_refreshed_token_is_written_without_the_connection_that_held_the_lock(
    unsteady: SealedTokenStore, rows: Unsteady, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    held = Unsteady()
    held._rows = rows._rows
    monkeypatch.setattr(rows, "locked", lambda *arguments: nullcontext(held))
    do = _during(lambda: setattr(held, "is_down", True), TWO)
    assert unsteady.refresh(KEY, ONE, do) == TWO
    assert SealedTokenStore(rows, [NEW]).get(KEY) == TWO
    assert not watch.logged("in the memory")


def test_who_comes_when_the_rows_are_back_lets_others_write_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = Unsteady()
    monkeypatch.setattr(rows, "locked", lambda *arguments: nullcontext(rows))
    monkeypatch.setattr(guarded, "_GRACE", 2)
    holder, other = (SealedTokenStore(rows, [NEW]) for _ in range(2))
    holder.put(KEY, ONE)
    refreshed = threading.Event()

    def do(current: Any) -> Any:
        rows.is_down = True
        refreshed.set()
        return TWO

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(holder.refresh, KEY, ONE, do)
        assert refreshed.wait(10)
        with pytest.raises(TokenStoreError):
            other.get(KEY)
        rows.is_down = False
        assert other.refresh(KEY, ONE, Calls()) == TWO
        assert waiting.result(10) == TWO


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "_PATIENCE", -1)


@pytest.fixture
def unsaved(_impatient: None, unsteady: SealedTokenStore, rows: Unsteady) -> SealedTokenStore:
    """A store that has a refreshed token in memory, since its rows cannot be reached."""
    do = _during(lambda: setattr(rows, "is_down", True), TWO)
    assert unsteady.refresh(KEY, ONE, do) == TWO
    return unsteady


def test_a_token_that_cannot_be_written_is_given_out_and_written_later(
    unsaved: SealedTokenStore, rows: Unsteady, watch: Watch
) -> None:
    assert unsaved.get(KEY) == TWO
    assert watch.logged("in the memory of this process only")
    other = SealedTokenStore(rows, [NEW])
    rows.is_down = False
    assert other.get(KEY) == ONE
    assert unsaved.get(KEY) == TWO
    assert other.get(KEY) == TWO
    assert not unsaved._unsaved


def test_a_token_that_is_in_memory_only_can_be_refreshed(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    rows.is_down = False
    assert unsaved.refresh(KEY, TWO, Calls(THREE)) == THREE
    assert SealedTokenStore(rows, [NEW]).get(KEY) == THREE


def test_a_stale_token_is_not_refreshed_while_a_newer_one_is_in_memory(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    with pytest.raises(TokenStoreError):
        unsaved.refresh(KEY, ONE, Calls())
    rows.failures_left = 1  # it is back while the newer one is still not written
    with pytest.raises(TokenStoreError):
        unsaved.refresh(KEY, ONE, Calls())
    assert not rows.is_down
    assert unsaved.refresh(KEY, ONE, Calls()) == TWO


def test_a_token_that_was_replaced_meanwhile_is_not_written_late(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    rows.is_down = False
    SealedTokenStore(rows, [NEW]).put(KEY, THREE)
    assert unsaved.get(KEY) == THREE
    assert unsaved.get(KEY) == THREE


def test_a_token_that_was_removed_meanwhile_is_not_written_late(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    rows.is_down = False
    SealedTokenStore(rows, [NEW]).delete(KEY)
    assert unsaved.get(KEY) is None
    assert unsaved.get(KEY) is None


def test_a_new_sign_in_replaces_what_is_in_memory(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    with pytest.raises(TokenStoreError):
        unsaved.put(KEY, THREE)
    assert unsaved.get(KEY) == TWO
    rows.is_down = False
    unsaved.put(KEY, THREE)
    assert not unsaved._unsaved
    assert unsaved.get(KEY) == THREE


def test_what_is_in_memory_can_be_removed(unsaved: SealedTokenStore, rows: Unsteady) -> None:
    rows.is_down = False
    assert unsaved.delete(KEY) is True
    assert not unsaved._unsaved
    assert unsaved.get(KEY) is None


def test_what_is_in_memory_goes_with_all_that_there_is_of_an_owner(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    rows.is_down = False
    assert unsaved.purge("bob") == 0
    assert KEY in unsaved._unsaved
    assert unsaved.purge(KEY.owner) == 1
    assert not unsaved._unsaved


def test_what_is_in_memory_is_written_over_what_was_sealed_anew(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    rows.is_down = False
    other = SealedTokenStore(rows, [OLD, NEW])
    assert other.reseal().resealed == 1
    assert unsaved.get(KEY) == TWO
    assert other.get(KEY) == TWO


def test_what_is_in_memory_can_be_removed_if_it_is_that(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    rows.is_down = False
    assert unsaved.delete(KEY, only=TWO) is True
    assert unsaved.get(KEY) is None


def test_what_is_in_memory_stays_if_it_cannot_be_removed(
    unsaved: SealedTokenStore, rows: Unsteady
) -> None:
    with pytest.raises(TokenStoreError):
        unsaved.delete(KEY)
    rows.is_down = False
    assert unsaved.get(KEY) == TWO


def test_what_is_in_memory_belongs_to_whoever_gets_it(unsaved: SealedTokenStore) -> None:
    found = unsaved.get(KEY)
    assert found is not None
    found.clear()
    assert unsaved.get(KEY) == TWO


def test_a_failure_that_cannot_be_noted_is_still_that_failure(
    unsteady: SealedTokenStore, rows: Unsteady, watch: Watch
) -> None:
    do = _during(lambda: setattr(rows, "is_down", True), TransportError())
    with pytest.raises(TransportError):
        unsteady.refresh(KEY, ONE, do)
    assert watch.logged("could not be noted")
    rows.is_down = False
    assert unsteady.get(KEY) == ONE


# -- sealing anew ------------------------------------------------------------------------


def test_tokens_are_sealed_anew() -> None:
    rows = MemoryRows()
    keys = [TokenKey("demo", str(number)) for number in range(10)]
    old, both, new = (SealedTokenStore(rows, k) for k in ([OLD], [NEW, OLD], [NEW]))
    for key in keys[:6]:
        old.put(key, make_token(key.owner))
    for key in keys[6:]:
        both.put(key, make_token(key.owner))
    SealedTokenStore(rows, ["a key that is lost for good"]).put(TokenKey("lost"), ONE)
    assert both.reseal() == Resealed(resealed=6, current=4, unreadable=1)
    assert both.reseal() == Resealed(resealed=0, current=10, unreadable=1)
    assert [new.get(key) for key in keys] == [make_token(key.owner) for key in keys]


def test_a_token_is_sealed_anew_while_it_is_refreshed() -> None:
    rows = MemoryRows()
    old, both = (SealedTokenStore(rows, keys) for keys in ([OLD, NEW], [NEW, OLD]))
    old.put(KEY, ONE)
    seen: list[Resealed] = []
    do = _during(lambda: seen.append(both.reseal()), TWO)
    assert old.refresh(KEY, ONE, do) == TWO
    assert seen == [Resealed(1, 0, 0)]
    assert old.get(KEY) == both.get(KEY) == TWO


def test_a_token_is_refreshed_while_it_is_sealed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = MemoryRows()
    old, both = (SealedTokenStore(rows, keys) for keys in ([OLD, NEW], [NEW, OLD]))
    old.put(KEY, ONE)
    seal = both.sealer.seal

    def slowly(data: bytes, row_id: str) -> bytes:
        old.refresh(KEY, ONE, Calls(TWO))
        return seal(data, row_id)

    monkeypatch.setattr(both.sealer, "seal", slowly)
    both.reseal()
    assert old.get(KEY) == both.get(KEY) == TWO


def test_a_failure_that_was_noted_is_sealed_anew_with_its_token() -> None:
    rows = MemoryRows()
    old, both = (SealedTokenStore(rows, keys) for keys in ([OLD], [NEW, OLD]))
    old.put(KEY, ONE)
    with pytest.raises(TransportError):
        old.refresh(KEY, ONE, Calls(TransportError()))
    assert both.reseal().resealed == 1
    with pytest.raises(TransportError):
        both.refresh(KEY, ONE, Calls())


def test_a_place_that_is_held_for_a_token_is_no_token() -> None:
    rows = MemoryRows()
    store = SealedTokenStore(rows, [NEW])
    rows.write(KEY.row_id, KEY.owner_id, Row(5, b""))
    assert store.get(KEY) is None
    assert store.list(KEY.owner) == []
    assert store.reseal() == Resealed(0, 0, 0)
    assert store.refresh(KEY, None, Calls(ONE)) == ONE
    assert store.get(KEY) == ONE


# -- at the same time --------------------------------------------------------------------


def test_who_finds_a_newer_token_stale_does_not_get_that_one(store: MemoryTokenStore) -> None:
    with ThreadPoolExecutor() as pool:
        later: list[Any] = []

        def do(current: Any) -> Any:
            later.append(pool.submit(store.refresh, KEY, TWO, Calls(THREE)))
            threading.Event().wait(0.1)  # a moment for it to come; no result depends on that
            return TWO

        assert store.refresh(KEY, ONE, do) == TWO
        assert later[0].result(10) == THREE


@pytest.mark.parametrize(
    ("stale", "current", "other"),
    [
        (ONE, ONE, False),
        (ONE, TWO, True),
        (None, ONE, True),
        (ONE, None, False),
        ({"access_token": ONE["access_token"]}, ONE, False),
        (ONE, {"access_token": ONE["access_token"]}, False),
        (ONE, {**ONE, "refresh_token": TWO["refresh_token"]}, True),
        ({"oauth_token": "a"}, {"oauth_token": "a"}, False),
        ({"oauth_token": "a"}, {"oauth_token": "b"}, True),
    ],
    ids=range(9),
)
def test_tokens_are_told_apart(stale: Any, current: Any, other: bool) -> None:
    assert is_other(stale, current) is other


def test_different_owners_do_not_wait_for_each_other(store: MemoryTokenStore) -> None:
    other = TokenKey("demo", "bob")
    entered, leave = threading.Event(), threading.Event()

    def do(current: Any) -> Any:
        entered.set()
        assert leave.wait(10)
        return TWO

    thread = threading.Thread(target=store.refresh, args=(KEY, ONE, do))
    thread.start()
    assert entered.wait(10)
    assert store.refresh(other, None, Calls(THREE)) == THREE
    assert store.get(KEY) == ONE
    leave.set()
    thread.join()
    assert store.get(KEY) == TWO
