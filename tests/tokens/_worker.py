"""One worker process. It reads commands, one JSON object a line, and answers each with a line.

==================  ==========================================================================
``{"site": ...}``   make the application; see :class:`tests.tokens._site.Site`
``{"keep": ...}``   put a token into the store
``{"renew": ...}``  replace a token, whether its time is up or not; answers why it cannot be
``{"get": ...}``    start threads that call the API, and answer when all of them stand ready
``{"go": ...}``     let them begin
``{"join": ...}``   wait for them, and answer with what became of their calls
``{"stop": ...}``   the same, without waiting until their time is up
``{"look": ...}``   what became of them so far, in numbers
``{"arm": ...}``    whoever is about to send a refresh says so instead, and waits to be killed
``{"disarm": ...}`` no more of that
``{"forget": ...}`` remember a failed refresh for so many seconds
==================  ==========================================================================

It ends with its standard input.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from typing import Any

from flask_oauthclient import OAuthError
from flask_oauthclient.storage.tokens import kept
from tests.tokens._site import Site

_LIMIT = 100

_out = threading.Lock()
_armed = threading.Event()


def say(what: dict[str, Any]) -> None:
    """Write a line."""
    with _out:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def stand_still(session: Any) -> None:
    """Adapt a client: between taking the lock and sending there is a moment to be killed in."""

    def hook(url: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
        if _armed.is_set():
            say({"holding": True})
            threading.Event().wait(_LIMIT)
        return url, headers, body

    session.register_compliance_hook("refresh_token_request", hook)


class Calls:
    """Threads that call the API, and what became of it.

    :param site: the application.
    :param threads: how many threads.
    :param owner: whose token they use.
    :param seconds: how long; at least one call is made.
    :param path: of the API.
    """

    def __init__(
        self, site: Site, threads: int, owner: str, seconds: float = 0, path: str = "me"
    ) -> None:
        self._site, self._owner, self._seconds, self._path = site, owner, seconds, path
        self._start = threading.Barrier(threads + 1)
        self._go, self._stopped = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._took: list[float] = []
        #: When the good calls were over.
        self._ended: list[float] = []
        self._failed: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._work) for _ in range(threads)]
        for thread in self._threads:
            thread.start()
        self._start.wait(_LIMIT)

    def go(self) -> None:
        """Begin."""
        self._go.set()

    def join(self, *, stop: bool) -> dict[str, Any]:
        """Wait for the end."""
        if stop:
            self._stopped.set()
        for thread in self._threads:
            thread.join(_LIMIT)
        return {
            "good": len(self._ended),
            "failed": self._failed,
            "took": self._took,
            "ended": self._ended,
            "unfinished": sum(thread.is_alive() for thread in self._threads),
        }

    def so_far(self) -> dict[str, Any]:
        """What has become of the calls until now."""
        with self._lock:
            return {"good": len(self._ended), "failed": self._failed.total()}

    def _work(self) -> None:
        self._start.wait(_LIMIT)
        self._go.wait(_LIMIT)
        until = time.monotonic() + self._seconds
        self._call()
        while time.monotonic() < until and not self._stopped.is_set():
            self._call()

    def _call(self) -> None:
        begun = time.monotonic()
        failure = self._failure()
        ended = time.monotonic()
        with self._lock:
            self._took.append(round(ended - begun, 5))
            if failure:
                self._failed[failure] += 1
            else:
                self._ended.append(ended)

    def _failure(self) -> str:
        """Call once; empty if it went well."""
        try:
            answer = self._site.call(self._owner, self._path, **{"X-Call": uuid.uuid4().hex})
        except Exception as error:  # noqa: BLE001  whatever it is, the test shall see it
            return f"{type(error).__name__} {getattr(error, 'error', '')}".strip()
        return "" if answer.status_code == 200 else f"status {answer.status_code}"


class Worker:
    """What the commands do."""

    site: Any
    calls: Calls

    def __init__(self) -> None:
        #: What ends when the next test begins, although this one may have failed.
        self._last = ExitStack()

    def do(self, name: str, value: Any) -> dict[str, Any]:
        """Carry out a command."""
        answer: dict[str, Any] | None = getattr(self, f"_do_{name}")(value)
        return answer or {}

    def _do_site(self, value: dict[str, Any]) -> None:
        _armed.clear()
        kept.FAILURE_SECONDS = 30
        self._last.close()
        self.site = self._make_site(value)
        self._last.enter_context(self.site.stack)

    def _make_site(self, value: dict[str, Any]) -> Any:
        return Site(**value, compliance_fix=stand_still)

    def _do_keep(self, value: dict[str, Any]) -> None:
        self.site.keep(**value)

    def _do_renew(self, value: str) -> dict[str, Any]:
        try:
            self.site.refresh(value)
        except OAuthError as error:
            return {"error": error.error}
        return {"error": None}

    def _do_get(self, value: dict[str, Any]) -> None:
        self.calls = Calls(self.site, **value)
        self._last.callback(self.calls.join, stop=True)

    def _do_go(self, value: Any) -> None:
        self.calls.go()

    def _do_join(self, value: Any) -> dict[str, Any]:
        return self.calls.join(stop=False)

    def _do_stop(self, value: Any) -> dict[str, Any]:
        return self.calls.join(stop=True)

    def _do_look(self, value: Any) -> dict[str, Any]:
        return self.calls.so_far()

    def _do_arm(self, value: Any) -> None:
        _armed.set()

    def _do_disarm(self, value: Any) -> None:
        _armed.clear()

    def _do_forget(self, value: float) -> None:
        kept.FAILURE_SECONDS = value  # type: ignore[assignment]


def serve(worker: Worker) -> None:
    """Carry out the commands that come."""
    logging.basicConfig(level=logging.INFO)
    for line in sys.stdin:
        [(name, value)] = json.loads(line).items()
        say(worker.do(name, value))


if __name__ == "__main__":
    serve(Worker())
