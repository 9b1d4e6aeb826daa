"""One call for all who want the same thing at the same time."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Any
from typing import Generic
from typing import TypeVar

from ..protocol.errors import OAuthError
from ..protocol.errors import TokenStoreError

T = TypeVar("T")

_CAPACITY = 1024
#: Seconds that anybody waits for what somebody else does: more than a request to the provider
#: takes, and a lock and a store that are slow.
_LONGEST_WAIT = 60.0


class SingleFlight(Generic[T]):
    """Work that is done once for each key; who comes while it is done gets its result.

    :param memory: seconds for which a result is given to late comers too. A thread that has
        read a token just before another one replaced it must not spend it a second time.
    """

    def __init__(self, memory: float = 30.0) -> None:
        self._memory = memory
        self.reset()
        _all.add(self)

    def reset(self) -> None:
        """Forget all work, also what threads of the parent process were doing during a fork."""
        self._lock = threading.Lock()
        #: Until when each is remembered, its result, and the thread that works for it.
        self._flights: OrderedDict[str, tuple[float, Future[T], int]] = OrderedDict()

    def do(self, key: str, work: Callable[[], T]) -> T:
        """Do the work, or wait for whoever is doing it.

        :param key: what makes two pieces of work the same.
        :param work: called by one thread.
        :raises OAuthError: the error of the work, to everybody who waited for it.
        :raises TokenStoreError: if the work itself asks for it, was interrupted, or takes too long.
        """
        flight, is_first = self._join(key)
        if not is_first:
            return self._wait(flight)
        try:
            result = work()
        except BaseException as failure:
            self._leave(key)
            flight.set_exception(_for_others(failure))
            raise
        flight.set_result(result)
        return result

    def _join(self, key: str) -> tuple[Future[T], bool]:
        now = monotonic()
        with self._lock:
            self._forget_old(now)
            known = self._flights.get(key)
            if known is not None:
                _check_not_within(*known[1:])
                return known[1], False
            flight: Future[T] = Future()
            self._flights[key] = now + self._memory, flight, threading.get_ident()
            return flight, True

    def _forget_old(self, now: float) -> None:
        for key, (until, flight, _) in list(self._flights.items()):
            if not flight.done():
                continue
            if until > now and len(self._flights) < _CAPACITY:
                break
            del self._flights[key]

    def _leave(self, key: str) -> None:
        with self._lock:
            self._flights.pop(key, None)

    @staticmethod
    def _wait(flight: Future[T]) -> T:
        try:
            failure = flight.exception(_LONGEST_WAIT)
        except TimeoutError:
            raise TokenStoreError("token_busy") from None
        if isinstance(failure, OAuthError):
            raise failure.again()  # each thread its own traceback
        return flight.result()


def _check_not_within(flight: Future[Any], worker: int) -> None:
    """Nobody waits for work that he is in the middle of: that would be for ever."""
    if worker == threading.get_ident() and not flight.done():
        raise TokenStoreError(
            "token_busy", "What refreshes a token has asked for the same token meanwhile."
        )


def _for_others(failure: BaseException) -> BaseException:
    """What those see who waited: that one thread, or greenlet, is to end is no end of theirs."""
    return failure if isinstance(failure, Exception) else TokenStoreError("token_busy")


_all: weakref.WeakSet[SingleFlight[Any]] = weakref.WeakSet()


def _reset_all() -> None:
    for flights in list(_all):
        flights.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
