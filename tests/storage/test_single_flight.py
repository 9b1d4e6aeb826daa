"""Work that is done once for all who want it (for refresh: rows R01, R06)."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.storage import single_flight
from flask_oauthclient.storage.single_flight import SingleFlight
from tests.registry._publisher import Clock
from tests.registry.test_documents_threads import SOON
from tests.registry.test_documents_threads import THREADS
from tests.registry.test_documents_threads import Gate
from tests.registry.test_documents_threads import at_once
from tests.registry.test_documents_threads import run_apart


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that single flights go by."""
    clock = Clock()
    monkeypatch.setattr(single_flight, "monotonic", clock)
    return clock


class Work:
    """Counts how often it is done."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.done = 0
        self.failure = failure

    def __call__(self) -> int:
        self.done += 1
        if self.failure is not None:
            raise self.failure
        return self.done


def test_r01_work_is_done_once_for_all_threads() -> None:
    flights, work = SingleFlight[int](), Work()

    def slow() -> int:
        time.sleep(0.02)
        return work()

    assert at_once(lambda: flights.do("key", slow)) == [1] * THREADS
    assert work.done == 1


def test_other_keys_are_other_work() -> None:
    flights, work = SingleFlight[int](), Work()

    assert [flights.do(key, work) for key in "abc"] == [1, 2, 3]


def test_other_keys_do_not_wait() -> None:
    flights, gate = SingleFlight[int](), Gate()

    def held_up() -> int:
        gate()
        return 1

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(flights.do, "slow", held_up)
        assert gate.reached.wait(SOON)
        assert flights.do("fast", Work()) == 1
        gate.open()
        assert held.result(SOON) == 1


def test_late_comers_get_the_result_for_a_while(clock: Clock) -> None:
    flights, work = SingleFlight[int](memory=30), Work()

    results = []
    for _ in range(4):
        results.append(flights.do("key", work))
        clock.advance(15)

    assert results == [1, 1, 2, 2]


def test_failure_goes_to_all_who_wait_each_with_its_own() -> None:
    gate, waiting = Gate(), threading.Semaphore(0)
    original = TransportError("provider_timeout", detail={"a": 1})

    class Watched(SingleFlight[int]):
        @staticmethod
        def _wait(flight: Future[int]) -> int:
            waiting.release()
            return SingleFlight._wait(flight)

    flights = Watched()

    def failing() -> int:
        gate()
        raise original

    def one() -> OAuthError:
        with pytest.raises(OAuthError) as caught:
            flights.do("key", failing)
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(one)
        assert gate.reached.wait(SOON)
        others = [pool.submit(one) for _ in range(7)]
        for _ in others:
            assert waiting.acquire(timeout=SOON)
        gate.open()
        errors = [future.result(SOON) for future in [first, *others]]

    assert errors[0] is original
    assert len({id(error) for error in errors}) == 8
    for error in errors:
        assert type(error) is TransportError
        assert (error.error, error.detail) == ("provider_timeout", {"a": 1})


def test_failure_is_not_remembered() -> None:
    flights, work = SingleFlight[int](), Work(TransportError("provider_timeout"))
    with pytest.raises(TransportError):
        flights.do("key", work)
    work.failure = None

    assert flights.do("key", work) == 2


def test_failure_of_another_kind_goes_on() -> None:
    flights, gate, failure = SingleFlight[int](), Gate(), ValueError("x")

    def failing() -> int:
        gate()
        raise failure

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flights.do, "key", failing)
        assert gate.reached.wait(SOON)
        second = pool.submit(flights.do, "key", failing)
        gate.open()
        for future in (first, second):
            assert type(future.exception(SOON)) is type(failure)


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_flight, "_LONGEST_WAIT", 0.01)
    flights, gate = SingleFlight[int](), Gate()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flights.do, "key", lambda: gate() or 1)
        assert gate.reached.wait(SOON)
        with pytest.raises(TokenStoreError, match="token_busy"):
            flights.do("key", lambda: 2)
        gate.open()
        assert first.result(SOON) == 1


def test_memory_is_bounded(clock: Clock) -> None:
    flights, work = SingleFlight[int](), Work()
    for number in range(3000):
        flights.do(f"key {number}", work)

    assert len(flights._flights) <= 1024
    assert flights.do("key 2999", work) == 3000  # the newest are remembered
    assert flights.do("key 0", work) == 3001  # the oldest are not


def test_memory_is_bounded_while_one_work_hangs(clock: Clock) -> None:
    flights, gate, work = SingleFlight[int](), Gate(), Work()

    def hanging() -> int:
        gate()
        return 0

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(flights.do, "hanging", hanging)
        assert gate.reached.wait(SOON)
        for number in range(3000):
            flights.do(f"key {number}", work)
        assert len(flights._flights) <= 1024
        with ThreadPoolExecutor(1) as other:
            second = other.submit(flights.do, "hanging", work)
            gate.open()
            assert held.result(SOON) == second.result(SOON) == 0


def test_old_results_are_let_go(clock: Clock) -> None:
    flights, work = SingleFlight[int](memory=30), Work()
    for number in range(100):
        flights.do(f"key {number}", work)
    clock.advance(31)
    flights.do("another", work)

    assert list(flights._flights) == ["another"]


FORK = """
import os, signal, sys, threading
from flask_oauthclient.storage.single_flight import SingleFlight

signal.alarm(30)
flights, working, go_on = SingleFlight(), threading.Event(), threading.Event()

def work():
    working.set()
    go_on.wait()
    return "parent"

thread = threading.Thread(target=flights.do, args=("key", work))
thread.start()
working.wait()
child = os.fork()
if child == 0:
    os._exit(0 if flights.do("key", lambda: "child") == "child" else 1)
_, status = os.waitpid(child, 0)
go_on.set()
thread.join()
assert flights.do("key", work) == "parent"
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_fork_while_a_thread_works_does_not_lock_the_child() -> None:
    run_apart(FORK)
