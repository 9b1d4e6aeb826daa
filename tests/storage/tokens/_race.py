"""Processes that refresh one token.

``python -m tests.storage.tokens._race refresh|hold KIND ADDRESS PREFIX`` says when it is ready and
waits for a line. Then ``refresh`` refreshes the token in all its threads, and prints how often that
took a call to the provider, and what the threads got. ``hold`` says that it is in the middle of a
refresh, and stays there until it is killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask_oauthclient.storage.tokens.cache import CacheTokenStore
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.testing.token_stores import make_token
from tests.storage._caches import CACHES

KEYS = ["the only key of all processes"]
KEY = TokenKey("demo", "alice@example.com", "work")
STALE = make_token("stale")
FRESH = make_token("fresh")
THREADS = 8
#: Seconds after which the lock of a holder ends who was killed.
LOCK_SECONDS = 1


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process, and wait until it is ready.

    :param arguments: as above.
    """
    command = [sys.executable, "-m", "tests.storage.tokens._race", *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=Path(__file__).parents[3], **pipes) as racer:
        try:
            assert hear(racer) == "ready"
            yield racer
        finally:
            racer.kill()


def hear(racer: subprocess.Popen[str]) -> str:
    """The next line that a process says."""
    assert racer.stdout is not None
    return racer.stdout.readline().strip()


def go(racer: subprocess.Popen[str]) -> None:
    """Let a process go on."""
    assert racer.stdin is not None
    racer.stdin.write("go\n")
    racer.stdin.flush()


def _refresh(store: CacheTokenStore) -> None:
    calls: list[Any] = []

    def do(current: Any) -> dict[str, Any]:
        calls.append(current)
        threading.Event().wait(0.2)  # the others come meanwhile
        return FRESH

    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(store.refresh, KEY, STALE, do) for _ in range(THREADS)]
        tokens = [future.result() for future in waiting]
    _say(json.dumps({"calls": len(calls), "tokens": tokens}))


def _hold(store: CacheTokenStore) -> None:
    def do(current: Any) -> dict[str, Any]:
        _say("holding")
        sys.stdin.readline()
        return FRESH

    store.refresh(KEY, STALE, do)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_WAYS: dict[str, tuple[Callable[[CacheTokenStore], None], int]] = {
    "refresh": (_refresh, 15),
    "hold": (_hold, LOCK_SECONDS),
}


def main(how: str, kind: str, address: str, prefix: str) -> None:
    """Take part in the race."""
    work, lock_seconds = _WAYS[how]
    with CACHES[kind](address) as cache:
        store = CacheTokenStore(cache, KEYS, prefix=prefix, lock_seconds=lock_seconds)
        assert store.get(KEY) == STALE
        _say("ready")
        sys.stdin.readline()
        work(store)


if __name__ == "__main__":
    main(*sys.argv[1:])
