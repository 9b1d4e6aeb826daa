"""What the tests of a token store have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import TypeVar

from ...storage.tokens.key import TokenKey

T = TypeVar("T")

#: The key of most tests.
KEY = TokenKey("demo", "alice")
#: Keys that some store could take for one another.
KEYS = [
    TokenKey("a"),
    TokenKey("A"),
    TokenKey("a", "b"),
    TokenKey("ab"),
    TokenKey("", "ab"),
    TokenKey("a", "", "b"),
    TokenKey("a", "b", "c"),
    TokenKey("a", "bc"),
    TokenKey("demo", "user"),
    TokenKey("demo", "User"),
    TokenKey("demo", "user "),
    TokenKey("demo", "user\0"),
    TokenKey("demo", "us%r"),
    TokenKey("demo", "ü\N{SNOWMAN}"),
    TokenKey("demo", "u\N{COMBINING DIAERESIS}\N{SNOWMAN}"),
    TokenKey("demo", "x" * 300),
    TokenKey("demo", "x" * 299 + "y"),
    TokenKey("demo", "user", "work"),
    TokenKey("demo", "user", "Work"),
    TokenKey("demo", "user", "y" * 300),
]
#: Threads that want the same thing at the same time.
THREADS = 16
#: Seconds in which others get to where they meet, or wait. No result depends on it.
MOMENT = 0.1
#: Seconds after which what should not wait is taken to wait for ever.
PATIENCE = 10


class Calls:
    """What is given to ``refresh``: gives the next token, or raises, and counts.

    :param answers: tokens and errors, one for each call.
    """

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self._answers = list(answers)
        #: The token that was there, at each call.
        self.given: list[Mapping[str, Any] | None] = []

    def __call__(self, current: dict[str, Any] | None) -> Mapping[str, Any]:
        """Be called by a store."""
        self.given.append(current)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def make_token(name: str) -> dict[str, Any]:
    """Make a token that has a refresh token."""
    return {
        "access_token": f"access-token-{name}",
        "refresh_token": f"refresh-token-{name}",
        "token_type": "Bearer",
        "expires_at": 1_700_000_000,
    }


class Threads:
    """Ways in which several threads use a store."""

    def in_thread(self, work: Callable[[], T]) -> T:
        """Do something in a thread of its own; override it to put a context around."""
        return work()

    def _together(self, work: Callable[[], T]) -> list[T]:
        """Do something in all threads, from the same moment on."""
        barrier = threading.Barrier(THREADS)

        def one() -> T:
            barrier.wait(timeout=30)
            return self.in_thread(work)

        with ThreadPoolExecutor(THREADS) as pool:
            waiting = [pool.submit(one) for _ in range(THREADS)]
            return [future.result(timeout=30) for future in waiting]

    def _must_not_wait(self, work: Callable[[], T]) -> T:
        """Do something that another thread may not hold up, and say so if it does."""
        pool = ThreadPoolExecutor(1)
        try:
            return pool.submit(self.in_thread, work).result(timeout=PATIENCE)
        except TimeoutError:
            raise AssertionError("the store lets this wait for the refresh of a token") from None
        finally:
            pool.shutdown(wait=False)  # it would wait for what waits for us

    def _meanwhile(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[[], Any],
        answer: Mapping[str, Any] | Exception,
    ) -> Meanwhile:
        """A refresh during which another thread does something, and which then has an answer."""
        return Meanwhile(Calls(answer), lambda: pool.submit(self.in_thread, work).result)


class Meanwhile:
    """A refresh during which another thread does something, which may have to wait for its end.

    :param calls: what gives its answer.
    :param start: lets the other thread begin, and gives what waits for its end.
    """

    def __init__(self, calls: Calls, start: Callable[[], Callable[..., Any]]) -> None:
        self._calls = calls
        self._start = start
        #: Whether the other thread did not have to wait.
        self.was_in_time = False

    def __call__(self, current: dict[str, Any] | None) -> Mapping[str, Any]:
        """Be called by a store."""
        result = self._start()
        try:
            result(timeout=MOMENT * 10)
            self.was_in_time = True
        except TimeoutError:
            self.was_in_time = False
        return self._calls(current)


def slowly(calls: Calls) -> Callable[[dict[str, Any] | None], Mapping[str, Any]]:
    """The same, while others come to wait for it."""

    def do(current: dict[str, Any] | None) -> Mapping[str, Any]:
        threading.Event().wait(MOMENT)
        return calls(current)

    return do


def error_of(work: Callable[[], Any]) -> Exception:
    """What something raises."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  whatever it is, the test looks at it
        return error
    raise AssertionError("nothing was raised")
