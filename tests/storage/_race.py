"""Several processes that take the same values, or claim the same keys, at the same time.

``python -m tests.storage._race take|claim KIND ADDRESS RACE KEYS`` says when it is ready, waits for
a line, takes what it gets and prints what that is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask_oauthclient.storage.cache import claim
from flask_oauthclient.storage.cache import take
from tests.storage._caches import CACHES


def key(race: str, number: int) -> str:
    """The key of a value."""
    return f"_state_demo_{race}{number:014d}"


def _claimed(cache: Any, key: str) -> str | None:
    return "claimed" if claim(cache, key, 600) else None


_WAYS: dict[str, Callable[[Any, str], str | None]] = {"take": take, "claim": _claimed}


def run(processes: int, *arguments: str) -> list[list[tuple[int, str]]]:
    """Start processes, let them go at once and collect what each of them got.

    :param processes: how many.
    :param arguments: of each, as above.
    """
    command = [sys.executable, "-m", "tests.storage._race", *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    root = Path(__file__).parents[2]
    racers = [subprocess.Popen(command, cwd=root, **pipes) for _ in range(processes)]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        return [_finish(racer) for racer in _start(racers)]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()


def _start(racers: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    return racers


def _finish(racer: subprocess.Popen[str]) -> list[tuple[int, str]]:
    out, _ = racer.communicate(timeout=50)
    assert racer.returncode == 0
    return [tuple(pair) for pair in json.loads(out)]


def main(how: str, kind: str, address: str, race: str, count: str) -> None:
    """Take part in the race."""
    with CACHES[kind](address) as cache:
        cache.get("a_connection")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        won = {number: _WAYS[how](cache, key(race, number)) for number in range(int(count))}
    json.dump([[number, text] for number, text in won.items() if text is not None], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
