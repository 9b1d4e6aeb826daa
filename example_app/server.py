"""A small threaded server on the loopback address, and the choice of its port."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer
from werkzeug.serving import WSGIRequestHandler
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"


class RequestHandler(WSGIRequestHandler):
    """Logs a request without its query: the callback's holds an authorization code."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print one short line for a page, and nothing for a style sheet."""
        path = self.path.partition("?")[0]
        if "/static/" not in path:
            print(f"  {self.command} {path} -> {int(code)}", flush=True)


def listen(port: int) -> socket.socket:
    """Open a listening socket, at a free port if the wanted one is taken.

    :param port: The wanted port; 0 for any.
    :returns: The socket; whoever asked for ``port`` compares what it got.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        listener.bind((HOST, 0))
    listener.listen(128)
    return listener


def serve(app: WSGIApplication, listener: socket.socket) -> None:
    """Answer requests until interrupted.

    :param app: The app.
    :param listener: From :func:`listen`.
    """
    server = _server(app, listener)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(server.socket):
        server.serve_forever()


def _server(app: WSGIApplication, listener: socket.socket) -> BaseWSGIServer:
    port = listener.getsockname()[1]
    # The server takes the open socket over, so that nobody can take the port in between.
    with listener:
        return make_server(
            HOST, port, app, threaded=True, request_handler=RequestHandler, fd=listener.fileno()
        )
