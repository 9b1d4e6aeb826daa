"""How gunicorn serves the project: two workers, and a log that says which of them answered."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

wsgi_app = "mysite.wsgi"
bind = "127.0.0.1:0"
workers = 2
worker_class = "gthread"
threads = 4
graceful_timeout = 1
loglevel = "warning"
accesslog = os.environ["ACCESS_LOG"]
errorlog = os.environ["ERROR_LOG"]
access_log_format = "%(p)s %(s)s %(m)s %(U)s"
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Say the port."""
    port = server.LISTENERS[0].sock.getsockname()[1]
    os.write(sys.stdout.fileno(), f"{json.dumps({'port': port})}\n".encode())
