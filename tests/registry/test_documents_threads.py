"""Documents and many threads, or processes, at once (row J01)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from flask_oauthclient.protocol.errors import OAuthError
from tests.registry._publisher import UNREACHABLE
from tests.registry._publisher import Publisher

T = TypeVar("T")
THREADS = 32
SOON = 30.0  # far more than anything here takes; only a failure waits so long


def at_once(work: Callable[[], T], threads: int = THREADS) -> list[T]:
    """Let threads do the same at the same time."""
    start = threading.Barrier(threads)

    def one(_: int) -> T:
        start.wait(SOON)
        return work()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads), timeout=SOON))


class Gate:
    """Holds requests up until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self._open.wait(SOON)

    def open(self) -> None:
        """Let them go on."""
        self._open.set()


def test_j01_one_request_for_all_who_wait() -> None:
    publisher = Publisher()
    publisher.meanwhile = lambda: time.sleep(0.02)
    document = publisher.document(time.monotonic)

    values = at_once(document.get)

    assert publisher.requests == 1
    assert len({id(value) for value in values}) == 1


def test_j05_one_failure_for_all_who_wait() -> None:
    publisher = Publisher()
    publisher.failure = UNREACHABLE
    publisher.meanwhile = lambda: time.sleep(0.02)
    document = publisher.document()

    def failing() -> OAuthError:
        with pytest.raises(OAuthError) as caught:
            document.get()
        return caught.value

    failures = at_once(failing)

    assert publisher.requests == 1
    assert {failure.error for failure in failures} == {"provider_unreachable"}
    assert len({id(failure) for failure in failures}) == THREADS


def test_one_thread_asks_again_while_the_others_go_on() -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document()
    old = document.get()
    publisher.clock.advance(600)
    gate = publisher.meanwhile = Gate()
    publisher.text, publisher.etag = "second", '"2"'

    with ThreadPoolExecutor(1) as pool:
        newer = pool.submit(document.get)
        assert gate.reached.wait(SOON)
        assert at_once(document.get) == [old] * THREADS
        gate.open()
        assert newer.result(SOON).text == "second"

    assert document.get() is newer.result()
    assert publisher.requests == 2


def test_revalidation_at_once_is_one_request() -> None:
    for _ in range(20):
        publisher = Publisher("max-age=600", etag='"1"')
        document = publisher.document()
        document.get()
        publisher.clock.advance(600)

        at_once(document.get, 8)

        assert publisher.requests == 2


def test_trusted_looks_at_once_share_what_one_of_them_finds() -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document(time.monotonic)
    seen = document.get()
    publisher.text, publisher.etag = "second", '"2"'
    publisher.meanwhile = lambda: time.sleep(0.02)

    values = at_once(lambda: document.newer_than(seen, trusted=True))

    assert publisher.requests == 2
    assert {value.text for value in values} == {"second"}


@pytest.mark.parametrize("outcome", ["unchanged", "unreachable"])
def test_trusted_looks_at_once_that_find_nothing_are_few(outcome: str) -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document(time.monotonic)
    seen = document.get()
    publisher.failure = UNREACHABLE if outcome == "unreachable" else None
    publisher.meanwhile = lambda: time.sleep(0.05)

    values = at_once(lambda: document.newer_than(seen, trusted=True))

    # One for those who asked before it went out; one more for those who came while it was out,
    # because its answer may be older than their reason; and room for a slow machine.
    assert 2 <= publisher.requests <= 8
    assert {id(value) for value in values} == {id(seen)}


def test_look_during_a_revalidation_asks_once_more() -> None:
    """What is on its way may have left before the key was published."""
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document()
    seen = document.get()
    publisher.clock.advance(600)
    gate = publisher.meanwhile = Gate()

    with ThreadPoolExecutor(2) as pool:
        revalidation = pool.submit(document.get)
        assert gate.reached.wait(SOON)
        publisher.clock.advance(1)
        look = pool.submit(document.newer_than, seen, trusted=True)
        gate.open()
        assert revalidation.result(SOON) is seen
        look.result(SOON)

    assert publisher.requests == 3


def test_j02_threads_share_the_budget() -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document(time.monotonic)
    seen = document.get()

    for _ in range(6):
        at_once(lambda: document.newer_than(seen, trusted=False))

    assert publisher.requests <= 3


FORK = """
import os, signal, sys, threading
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.registry.documents import Document

signal.alarm(30)
fetching, go_on, parent = threading.Event(), threading.Event(), os.getpid()

def fetch(etag):
    if os.getpid() == parent and MODE in ("cold", "stale"):
        fetching.set()
        go_on.wait()
    return Response(200, {}, b"new")

MODE = "first"
now = [0.0]
document = Document(fetch, lambda response: response.body, lambda: now[0])
MODE = sys.argv[1]
if MODE == "stale":
    MODE = "first"; document.get(); MODE = "stale"; now[0] = 400.0
thread = threading.Thread(target=document.get)
thread.start()
fetching.wait()
child = os.fork()
if child == 0:
    done = document.get() == b"new" and document.newer_than(document.peek(), trusted=True) == b"new"
    os._exit(0 if done else 1)
_, status = os.waitpid(child, 0)
go_on.set()
thread.join()
assert document.get() == b"new"
sys.exit(os.waitstatus_to_exitcode(status))
"""

FORK_INSIDE = """
import os, signal, sys
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.registry.documents import Document

signal.alarm(30)
now, children = [0.0], []

def fetch(etag):
    if now[0] and not children:
        children.append(os.fork())
    return Response(200, {}, b"new")

document = Document(fetch, lambda response: response.body, lambda: now[0])
document.get()
now[0] = 400.0
assert document.get() == b"new"
now[0] = 800.0
assert document.get() == b"new"
if children == [0]:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]))
"""


def run_apart(program: str, *arguments: str) -> None:
    """Run a program in a process of its own: a test process has threads and must not fork."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("mode", ["cold", "stale"])
def test_fork_in_the_middle_of_a_request_does_not_lock_the_child(mode: str) -> None:
    run_apart(FORK, mode)


def test_fork_by_the_thread_that_asks() -> None:
    run_apart(FORK_INSIDE)
