"""gunicorn with the application.

``python -m tests.deployment._gunicorn SETTINGS`` prints its port as JSON when it listens, and
serves until it is stopped.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

from tests.deployment._app import Settings
from tests.deployment._app import make_app


class Server(BaseApplication):
    """Each worker makes the application for itself.

    :param settings: of the deployment.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        settings = {
            "bind": "127.0.0.1:0",
            "workers": self._settings.workers,
            "worker_class": "gthread",
            "threads": 2,
            "loglevel": "warning",
            "graceful_timeout": 1,
            # gunicorn believes a proxy on this machine without ProxyFix; most are elsewhere.
            "forwarded_allow_ips": "192.0.2.1",
            "when_ready": _say_port,
        }
        if "control_socket_disable" in self.cfg.settings:
            settings["control_socket_disable"] = True
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the application."""
        return make_app(self._settings)


def _say_port(arbiter: Any) -> None:
    port = arbiter.LISTENERS[0].sock.getsockname()[1]
    os.write(sys.stdout.fileno(), f"{json.dumps({'port': port})}\n".encode())


if __name__ == "__main__":
    Server(Settings(**json.loads(sys.argv[1]))).run()
