"""The worker processes as a test sees them, and the provider's remote control."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
_LIMIT = 110
_SECRET = ("access_token", "refresh_token", "id_token")
_PATIENCE = 15


def wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """Ask again and again.

    :param is_so: what to wait for.
    :param otherwise: what is wrong if it never is.
    """
    until = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < until, otherwise
        time.sleep(0.01)


class WorkerProcess:
    """A worker.

    :param holding: where it is put when it says that it holds a lock.
    :param module: what it runs.
    """

    def __init__(self, holding: queue.Queue[WorkerProcess], module: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            text=True,
            start_new_session=True,
        )
        self._holding = holding
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if "holding" in answer:
                self._holding.put(self)
            else:
                self._answers.put(answer)
        self._answers.put(None)

    def send(self, command: str, value: Any = None) -> None:
        """Send a command; :meth:`answer` waits for what comes of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({command: value}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The answer to the oldest command that has none yet."""
        answer = self._answers.get(timeout=_LIMIT)
        if answer is None:
            raise AssertionError(f"A worker has ended. It said: {self.said()[-3000:]}")
        return answer

    def said(self) -> str:
        """What it has logged."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def kill(self) -> None:
        """End it with no time for anything (``kill -9``)."""
        self._process.kill()
        self.end()

    def end(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)
        self._process.stdout.close()

    def close(self) -> None:
        """Drop what it has logged."""
        self._errors.close()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None


@dataclass(slots=True)
class Report:
    """What became of the calls of several workers."""

    good: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    unfinished: int = 0

    def add(self, told: dict[str, Any]) -> None:
        """Add what one worker tells."""
        self.good += told["good"]
        self.failed += Counter(told["failed"])
        self.took += told["took"]
        self.ended += told["ended"]
        self.unfinished += told["unfinished"]

    def milliseconds(self, share: float) -> float:
        """How long calls took, at most, of a share of all of them."""
        took = sorted(self.took)
        return round(1000 * took[min(int(share * len(took)), len(took) - 1)], 1)


class Workers:
    """Workers that are started when they are needed, and used again by the next test.

    :param module: what each of them runs.
    """

    def __init__(self, module: str = "tests.tokens._worker") -> None:
        self._module = module
        self._all: list[WorkerProcess] = []
        self._site: dict[str, Any] = {}
        self._logs: list[str] = []
        #: What they must not log, besides what the provider knows of.
        self.secrets: set[str] = set()
        self.holding: queue.Queue[WorkerProcess] = queue.Queue()

    def open(self, count: int, place: dict[str, Any], client: dict[str, Any]) -> None:
        """Let so many workers make the application."""
        self._site = {"place": place, "client": client}
        while len(self._all) < count:
            self._all.append(WorkerProcess(self.holding, self._module))
        self.used = self._all[:count]
        self.tell("site", self._site)

    def tell(self, command: str, value: Any = None) -> list[dict[str, Any]]:
        """Send a command to all that are used, and wait for their answers."""
        for worker in self.used:
            worker.send(command, value)
        return [worker.answer() for worker in self.used]

    def keep(self, owner: str, token: dict[str, Any]) -> None:
        """Let one of them put a token into the store."""
        self.secrets |= {token[name] for name in _SECRET if name in token}
        self.ask("keep", {"owner": owner, "token": token})

    def ask(self, command: str, value: Any = None) -> dict[str, Any]:
        """Send a command to one of them, and wait for its answer."""
        self.used[0].send(command, value)
        return self.used[0].answer()

    def begin(self, **calls: Any) -> None:
        """Start calls in all workers; no thread begins before all of them stand ready."""
        self.tell("get", calls)
        self.tell("go")

    def end(self, command: str = "join") -> Report:
        """Wait for the calls."""
        report = Report()
        for told in self.tell(command):
            report.add(told)
        return report

    def run(self, **calls: Any) -> Report:
        """Do calls in all workers."""
        self.begin(**calls)
        return self.end()

    def replace(self, dead: WorkerProcess, **calls: Any) -> None:
        """Kill a worker, and start another one that goes on in its place."""
        dead.kill()
        self._logs.append(dead.said())
        dead.close()
        fresh = WorkerProcess(self.holding, self._module)
        self._all[self._all.index(dead)] = fresh
        self.used[self.used.index(dead)] = fresh
        for command, value in (("site", self._site), ("get", calls), ("go", None)):
            fresh.send(command, value)
            fresh.answer()

    def tidy(self) -> str:
        """Drop workers that have ended, and give what all have logged so far."""
        logs = "".join([*self._logs, *(worker.said() for worker in self._all)])
        self._logs = []
        self._all = [worker for worker in self._all if worker.is_running]
        return logs

    def close(self) -> None:
        """End all."""
        for worker in self._all:
            worker.end()
            worker.close()


@dataclass(frozen=True, slots=True)
class Provider:
    """The remote control of :mod:`tests.tokens._provider`."""

    issuer: str
    http: requests.Session = field(repr=False)

    def admin(self, what: str, **values: Any) -> Any:
        """Send a command."""
        answer = self.http.post(f"{self.issuer}/admin/{what}", json=values, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def look(self, what: str) -> Any:
        """Read something."""
        answer = self.http.get(f"{self.issuer}/admin/{what}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def grant(self, sub: str, *, is_over: bool = False) -> dict[str, Any]:
        """A token response for somebody, as a login would have given it."""
        token: dict[str, Any] = self.admin("grant", sub=sub)
        return {**token, "expires_at": 1_700_000_000} if is_over else token

    def ledger(self) -> dict[str, Any]:
        """What was asked for."""
        told: dict[str, Any] = self.look("ledger")
        return told
