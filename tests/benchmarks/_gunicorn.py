"""An app in gunicorn, with workers that have threads.

``python -m tests.benchmarks._gunicorn DESCRIPTOR WORKERS THREADS SIDE ISSUER`` serves on a socket
that is open already. Each worker says its process id when it is ready; all end when their standard
input does.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

from gunicorn.app.base import BaseApplication

from tests.benchmarks._served_apps import served_app


class Server(BaseApplication):
    """gunicorn for one of the apps; each worker makes its own."""

    def __init__(self, descriptor: str, workers: str, threads: str, side: str, issuer: str) -> None:
        self._descriptor = descriptor
        self._workers = int(workers)
        self._threads = int(threads)
        self._side = side
        self._issuer = issuer
        self._master = os.getpid()
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        settings = {
            "bind": f"fd://{self._descriptor}",
            "workers": self._workers,
            "threads": self._threads,
            "worker_class": "gthread",
            "loglevel": "critical",
            "control_socket_disable": True,
            "post_worker_init": self._ready,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the app."""
        app = served_app(self._side, self._issuer)
        app.logger.setLevel(logging.CRITICAL)
        return app

    def _ready(self, worker: Any) -> None:
        # In the worker: a thread in the master would be there while it forks.
        threading.Thread(target=self._end_with_input, daemon=True).start()
        os.write(sys.stdout.fileno(), f"{worker.pid}\n".encode())

    def _end_with_input(self) -> None:
        os.read(sys.stdin.fileno(), 1)
        with suppress(ProcessLookupError):
            os.kill(self._master, signal.SIGQUIT)


if __name__ == "__main__":
    Server(*sys.argv[1:]).run()
