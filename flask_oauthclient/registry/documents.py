"""Documents that a provider publishes: its metadata and its keys.

A document is fetched when it is first needed and used until its time is up: what ``Cache-Control``
says, but five minutes at least and a day at most. Then one thread asks again (with the ``ETag``,
so that an unchanged document costs nothing) while the others go on with what is there. If the
provider cannot be reached, the old document stays in use for up to a day, and is asked for again
after one second, two, four, up to a minute. However many threads want a document that is not
there yet, one of them fetches it.

A key that the set lacks is a reason to ask before the time is up. How often, depends on where the
token came from: one that the provider's own token endpoint has just handed out is worth a request
at once, every time; tokens from the open internet share a budget of two requests a minute, or
anyone could make us flood the provider with made-up key identifiers.
"""

from __future__ import annotations

import math
import os
import re
import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any
from typing import Generic
from typing import TypeVar

from ..protocol.errors import OAuthError
from ..protocol.messages import Response

T = TypeVar("T")

MIN_TTL = 300.0
MAX_TTL = 86_400.0
MAX_STALE = 86_400.0
MAX_BACKOFF = 60.0

#: Refetches for unknown keys of tokens from the open internet: so many in so many seconds.
BUDGET = 2
BUDGET_SECONDS = 60.0

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
_NOT_KEPT = re.compile(r"(?:^|[\s,])no-(?:cache|store)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Copy(Generic[T]):
    """One state of a document."""

    value: T
    etag: str | None
    fresh_until: float


class Document(Generic[T]):
    """A document that is kept.

    :param fetch: asks the provider, given the ``ETag`` of the copy at hand; the answer may be 304.
    :param parse: reads the answer.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        fetch: Callable[[str | None], Response],
        parse: Callable[[Response], T],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._fetch = fetch
        self._parse = parse
        self._clock = clock
        self._lock = threading.Lock()
        self._copy: Copy[T] | None = None
        self._failure: OAuthError | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._asked_at = -math.inf
        self._spent: deque[float] = deque(maxlen=BUDGET)
        _documents.add(self)

    def unlock(self) -> None:
        """Forget a lock that another thread of the parent process held during a fork."""
        self._lock = threading.Lock()

    def get(self) -> T:
        """The document, fetched or revalidated if need be.

        :raises OAuthError: if there is none and none can be had.
        """
        copy = self._copy
        now = self._clock()
        if copy is not None and now < copy.fresh_until:
            return copy.value
        if copy is not None and now < copy.fresh_until + MAX_STALE:
            return self._revalidate(copy).value
        with self._lock:
            if self._copy is not None and self._copy is not copy:
                return self._copy.value
            return self._load(None).value

    def peek(self) -> T | None:
        """What is at hand, without asking anybody."""
        return self._copy.value if self._copy is not None else None

    def newer_than(self, seen: T, *, trusted: bool) -> T:
        """The document after one more look at the provider, if that is allowed now.

        :param seen: the value that turned out not to be enough.
        :param trusted: whether the reason came from the provider itself.
        :returns: a newer value, or ``seen`` again.
        """
        asked_at = self._clock()
        with self._lock:
            copy = self._copy
            if copy is None or copy.value is not seen:
                return seen if copy is None else copy.value
            if self._asked_at > asked_at:
                return seen  # somebody else has just looked, and there was nothing new
            if not trusted:
                return self._refresh(copy).value if self._within_budget() else seen
            self._retry_at = 0.0  # the provider is there: it has just sent a token
            return self._refresh(copy).value

    def _within_budget(self) -> bool:
        now = self._clock()
        if len(self._spent) == BUDGET and self._spent[0] > now - BUDGET_SECONDS:
            return False
        self._spent.append(now)  # before the request: a failing provider costs budget too
        return True

    def _revalidate(self, copy: Copy[T]) -> Copy[T]:
        lock = self._lock
        if self._clock() < self._retry_at or not lock.acquire(blocking=False):
            return copy
        try:
            current = self._copy or copy
            return self._refresh(current) if current is copy else current
        finally:
            lock.release()

    def _refresh(self, copy: Copy[T]) -> Copy[T]:
        """Ask again; on failure the copy at hand stays in use."""
        try:
            return self._load(copy.etag)
        except OAuthError:
            return copy

    def _load(self, etag: str | None) -> Copy[T]:
        now = self._clock()
        if self._failure is not None and now < self._retry_at:
            raise self._failure.again()
        self._asked_at = now
        try:
            copy = self._read(self._fetch(etag), now)
        except OAuthError as failure:
            self._failures += 1
            self._failure = failure.again()
            self._retry_at = self._clock() + min(2.0 ** (self._failures - 1), MAX_BACKOFF)
            raise
        self._copy, self._failure, self._failures, self._retry_at = copy, None, 0, 0.0
        return copy

    def _read(self, response: Response, now: float) -> Copy[T]:
        fresh_until = now + time_to_live(response.headers.get("cache-control", ""))
        etag = response.headers.get("etag")
        if response.status == 304 and self._copy is not None:
            return Copy(self._copy.value, etag or self._copy.etag, fresh_until)
        return Copy(self._parse(response), etag, fresh_until)


_documents: weakref.WeakSet[Document[Any]] = weakref.WeakSet()


def _unlock_all() -> None:
    for document in list(_documents):
        document.unlock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_all)


def time_to_live(cache_control: str) -> float:
    """How long a document may be used without asking, in seconds (RFC 9111 section 5.2.2)."""
    found = _MAX_AGE.search(cache_control)
    if found is None or _NOT_KEPT.search(cache_control):
        return MIN_TTL
    return min(max(float(found[1]), MIN_TTL), MAX_TTL)
