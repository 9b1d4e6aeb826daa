"""A small threaded HTTP/1.1 server on the loopback interface, for any WSGI application.

It keeps connections open, sends the head and the body of an answer in one packet (two would cost
44 ms per call: Nagle's algorithm waits for the delayed acknowledgement of the first), counts the
connections that it accepts, and leaves neither threads nor sockets behind.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import threading
import typing as t
from collections.abc import Generator
from contextlib import contextmanager

from .connection import Connection

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger(__name__)


class RunningServer:
    """What :func:`serve_wsgi` gives: where the server is, and how many connections it took."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        scheme = "https" if server.ssl_context else "http"
        self.port: int = server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted; with TLS each is one handshake."""
        return self._server.accepted

    def hang_up(self) -> None:
        """Close every open connection, as a server does whose keep-alive time is over."""
        self._server.hang_up()


@contextmanager
def serve_wsgi(
    app: WSGIApplication, port: int = 0, ssl_context: ssl.SSLContext | None = None
) -> Generator[RunningServer]:
    """Serve a WSGI application on 127.0.0.1 for the length of a ``with`` block.

    :param app: The application.
    :param port: The port, or 0 for a free one.
    :param ssl_context: Serve TLS with it.
    :returns: The running server.
    """
    with _Server(app, port, ssl_context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield RunningServer(server)
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()
            server.join_workers()


class _Server(socketserver.TCPServer):
    """Accepts connections and gives each a thread."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, app: WSGIApplication, port: int, ssl_context: ssl.SSLContext | None) -> None:
        self.app = app
        self.ssl_context = ssl_context
        self.accepted = 0
        self._lock = threading.Lock()
        self._workers: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", port), socketserver.BaseRequestHandler)

    def get_request(self) -> tuple[socket.socket, t.Any]:
        connection, address = super().get_request()
        self.accepted += 1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.ssl_context is not None:
            # The handshake happens in the worker, so that a slow client holds nobody up.
            connection = self.ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def process_request(self, request: t.Any, client_address: t.Any) -> None:
        worker = threading.Thread(target=self._work, args=(request,), daemon=True)
        with self._lock:
            self._workers[worker] = request
        worker.start()

    def _work(self, request: socket.socket) -> None:
        try:
            Connection(request, self.app).serve()
        except (ConnectionError, ssl.SSLError, TimeoutError, OSError):
            logger.debug("A connection ended early.")
        except Exception:
            logger.exception("The application failed.")
        finally:
            self.shutdown_request(request)
            with self._lock:
                self._workers.pop(threading.current_thread(), None)

    def hang_up(self) -> None:
        with self._lock:
            connections = list(self._workers.values())
        for connection in connections:
            try:
                # The plain shutdown: a TLS goodbye would wait for the other side.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                logger.debug("A connection was closed already.")

    def join_workers(self) -> None:
        with self._lock:
            workers = list(self._workers)
        for worker in workers:
            worker.join(timeout=5)
