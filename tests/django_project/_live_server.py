"""Django's live server with the project, as its own test cases start it.

``python -m tests.django_project._live_server`` prints its port as JSON when it listens, and serves
until it is stopped.
"""

from __future__ import annotations

import json
import signal

import django
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread


def main() -> None:
    """Serve the project of ``DJANGO_SETTINGS_MODULE``."""
    django.setup()
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    print(json.dumps({"port": server.port}), flush=True)  # noqa: T201
    signal.pause()


if __name__ == "__main__":
    main()
