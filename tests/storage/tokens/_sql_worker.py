"""Processes that share the tokens in a database, or the locks in a file.

``python -m tests.storage.tokens._sql_worker HOW ADDRESS ...`` says when it is ready, and waits for
a line.

==========================  ==================================================================
``refresh URL FILE THREADS``  refreshes one token in several threads, and prints what each of them
                              got; the refresh itself adds a line to the file
``hold URL``                  begins to refresh, says so, and goes on after another line
``lock FILE NAME``            holds a lock, says so, and goes on after another line
==========================  ==================================================================
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import create_engine

from flask_oauthclient.storage.tokens import sql_database
from flask_oauthclient.storage.tokens.file_locks import FileLocks
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore

KEY = TokenKey("demo", "alice@example.com", "work")
KEYS = ["the key of the tests of the database"]
OLD = {"access_token": "old-access-token", "refresh_token": "old-refresh-token"}
NEW = {"access_token": "new-access-token", "refresh_token": "new-refresh-token"}


class Worker:
    """A process of the kind that this module is."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.tokens._sql_worker", *arguments],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def expect(self, line: str) -> None:
        """Wait until it has said something."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{line}\n"

    def go(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def result(self) -> Any:
        """What it printed at its end."""
        out, _ = self.process.communicate(timeout=40)
        assert self.process.returncode == 0
        return json.loads(out)

    def kill(self) -> None:
        """End it at once; it can do nothing any more."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def workers(count: int, *arguments: str) -> Iterator[list[Worker]]:
    """Start some, and see to it that they end."""
    started = [Worker(*arguments) for _ in range(count)]
    try:
        for worker in started:
            worker.expect("ready")
        yield started
    finally:
        for worker in started:
            worker.kill()


def make_store(engine: Engine) -> SQLAlchemyTokenStore:
    """A store of its own."""
    return SQLAlchemyTokenStore(engine, keys=KEYS)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _refresh(url: str, file: str, threads: str) -> None:
    engine = create_engine(url)
    store = make_store(engine)
    barrier = threading.Barrier(int(threads))

    def do(current: Any) -> dict[str, str]:
        log = os.open(file, os.O_WRONLY | os.O_APPEND)
        os.write(log, b"refreshed\n")
        os.close(log)
        return NEW

    def work(_: int) -> Any:
        barrier.wait()
        return store.refresh(KEY, OLD, do)

    store.get(KEY)
    _say("ready")
    sys.stdin.readline()
    with ThreadPoolExecutor(int(threads)) as pool:
        json.dump(list(pool.map(work, range(int(threads)))), sys.stdout)
    engine.dispose()


def _hold(url: str, idle: str = "60") -> None:
    sql_database.IDLE_SECONDS = int(idle)
    engine = create_engine(url)

    def do(current: Any) -> dict[str, str]:
        _say("holding")
        sys.stdin.readline()
        return {**NEW, "access_token": "late-access-token"}

    _say("ready")
    sys.stdin.readline()
    json.dump(make_store(engine).refresh(KEY, OLD, do), sys.stdout)
    engine.dispose()


def _lock(file: str, name: str) -> None:
    _say("ready")
    sys.stdin.readline()
    with FileLocks(file).hold(name):
        _say("holding")
        sys.stdin.readline()
    json.dump("released", sys.stdout)


if __name__ == "__main__":
    {"refresh": _refresh, "hold": _hold, "lock": _lock}[sys.argv[1]](*sys.argv[2:])
