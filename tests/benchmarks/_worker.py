"""One worker process of an application server, on a socket that its siblings share.

``python -m tests.benchmarks._worker DESCRIPTOR SIDE METADATA_URL [REDIS_URL]`` says ``true`` when
it listens and ends when its standard input does.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Any

from werkzeug.serving import WSGIRequestHandler
from werkzeug.serving import make_server

from tests.benchmarks._apps import client_app


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


def main(descriptor: str, side: str, metadata_url: str, redis_url: str | None = None) -> None:
    """Serve until standard input ends."""
    app = client_app(side, metadata_url, redis_url)
    app.logger.setLevel(logging.CRITICAL)
    server = make_server(
        "127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler, fd=int(descriptor)
    )
    # All siblings wake for one connection; those who come too late must not wait in accept().
    server.socket.setblocking(False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("true", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
