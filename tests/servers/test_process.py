"""The servers of the test run start, fail and end as promised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .process import ServerFailed
from .process import free_port
from .process import running

ROOT = Path(__file__).parents[2]

ANNOUNCE = "import os, json; print(json.dumps({'pid': os.getpid()}), flush=True);"
SLEEP = "import time; time.sleep(600)"
OWNER = f"""
from tests.servers.process import running
import sys
with running([sys.executable, "-c", {ANNOUNCE + SLEEP!r}]) as server:
    print(server.first_line()["pid"], flush=True)
    {SLEEP}
"""


def ends(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process that isn't our child ends in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_server_ends_with_its_block() -> None:
    with running([sys.executable, "-c", ANNOUNCE + SLEEP]) as server:
        pid = server.first_line()["pid"]
        os.kill(pid, 0)
    assert ends(pid)


def test_server_ends_when_the_test_process_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    assert ends(pid)


def test_server_that_never_comes_up_shows_what_it_said() -> None:
    program = "import sys; sys.exit('the disk is full')"
    with (
        running([sys.executable, "-c", program]) as server,
        pytest.raises(ServerFailed, match="the disk is full"),
    ):
        server.first_line()


def test_server_that_ends_is_not_waited_for() -> None:
    begin = time.monotonic()
    with (
        running([sys.executable, "-c", "import sys; sys.exit('no port')"]) as server,
        pytest.raises(ServerFailed, match="no port"),
    ):
        server.wait_for_port(free_port())
    assert time.monotonic() - begin < 10
