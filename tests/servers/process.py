"""Start a server program, wait for it within a time limit, stop it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from typing import Any

from . import supervise

_START_LIMIT = 30.0
_STOP_LIMIT = 10.0


class ServerFailed(Exception):
    """A server did not come up; the message ends with what it printed."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server program that is running under :mod:`tests.servers.supervise`."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def failed(self, why: str) -> ServerFailed:
        """An error that shows what the server said last."""
        self.errors.seek(0)
        return ServerFailed(f"{why}: {self.errors.read()[-2000:].decode(errors='replace')}")

    def first_line(self) -> dict[str, Any]:
        """The line of JSON that our own servers print when they listen."""
        stdout, received = self.process.stdout, b""
        assert stdout is not None
        deadline = time.monotonic() + _START_LIMIT
        while not received.endswith(b"\n"):
            if not select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise self.failed("The server is not up in time")
            chunk = os.read(stdout.fileno(), 4096)
            if not chunk:
                raise self.failed("The server ended")
            received += chunk
        answer: dict[str, Any] = json.loads(received)
        return answer

    def wait_for_port(self, port: int) -> None:
        """Wait until the server accepts connections."""
        self.wait_until(lambda: accepts(port))

    def wait_until(self, up: Callable[[], bool]) -> None:
        """Wait until the server is up, by a test that is asked again and again."""
        deadline = time.monotonic() + _START_LIMIT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise self.failed("The server ended")
            if up():
                return
            time.sleep(0.01)
        raise self.failed("The server is not up in time")


def accepts(port: int) -> bool:
    """Whether somebody accepts connections at a loopback port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


@contextmanager
def running(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[ServerProcess]:
    """Run a program for the length of a ``with`` block, and no longer than this process lives.

    :param argv: the program and its arguments.
    :param env: variables to add to the environment.
    :param cwd: the folder to run it in.
    :param stop: the signal that it is stopped with.
    """
    command = [sys.executable, supervise.__file__, stop.name, *map(str, argv)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop the server in order
        ) as process,
    ):
        try:
            yield ServerProcess(process, errors)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            _await_end(process)


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its own session, so its own group
        process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on, for programs that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
