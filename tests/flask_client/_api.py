"""An API with a token endpoint beside it, over real connections, which tells what it was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask import redirect
from flask import request

from flask_oauthclient.testing.provider import RunningServer
from flask_oauthclient.testing.provider import serve_wsgi

#: The keywords of a client that can log in nowhere; each test adds its tokens.
CLIENT = {"client_id": "rp", "client_secret": "the client secret of these tests"}
_PATIENCE = 20.0


class Api:
    """``/echo`` answers with the request; ``/strict`` wants a token that ``/token`` gave.

    A refresh token is taken once. ``/slow`` answers when it is let go.
    """

    server: RunningServer

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._spent: set[str] = set()
        self._given: set[str] = set()
        #: The forms of the token requests, and how many calls of ``/strict`` were refused.
        self.asked: list[dict[str, str]] = []
        self.refused = 0
        #: A call of ``/slow`` is here, and may go on.
        self.waiting, self.let_go = threading.Event(), threading.Event()
        self.app = Flask("api")
        methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
        rule = self.app.add_url_rule
        rule("/echo", "echo", self._echo, methods=methods, provide_automatic_options=False)
        rule("/strict", "strict", self._strict)
        rule("/token", "token", self._token, methods=["POST"])
        rule("/slow", "slow", self._slow)
        rule("/large", "large", lambda: b"x" * 100_000)
        rule("/to", "to", lambda: redirect(request.args["url"]))
        self.app.after_request(_with_cookie)

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        """The application, which is its own proxy (RFC 9112 section 3.2.2)."""
        path = environ["PATH_INFO"]
        if path.startswith("http://"):
            environ = {**environ, "PATH_INFO": urlsplit(path).path}
        return self.app.wsgi_app(environ, start_response)

    def _echo(self) -> Any:
        text = request.get_data(as_text=True)
        return {"method": request.method, "headers": dict(request.headers), "body": text}

    def _strict(self) -> Any:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token in self._given:
            return {"token": token}
        with self._lock:
            self.refused += 1
        return {}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}

    def _token(self) -> Any:
        form = request.form.to_dict()
        with self._lock:
            self.asked.append(form)
            spent = form.get("refresh_token")
            if spent in self._spent:
                return {"error": "invalid_grant"}, 400
            self._spent |= {spent} if spent else set()
            self._count += 1
            fresh = f"access token {self._count}".replace(" ", "-")
            self._given.add(fresh)
        return {
            "access_token": fresh,
            "refresh_token": fresh.replace("access", "refresh"),
            "token_type": "Bearer",
            "expires_in": 3600,
        }

    def _slow(self) -> Any:
        self.waiting.set()
        self.let_go.wait(_PATIENCE)
        return {}

    @property
    def url(self) -> str:
        """Where it is, with a slash at the end."""
        return f"{self.server.url}/"

    def client(self, **more: Any) -> dict[str, Any]:
        """The registration of a client."""
        return {
            **CLIENT,
            "access_token_url": f"{self.url}token",
            "api_base_url": self.url,
            **more,
        }

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self.server._server._workers)


def _with_cookie(response: Any) -> Any:
    response.set_cookie("tracker", "1")
    return response


@contextmanager
def serving() -> Iterator[Api]:
    """Serve an API."""
    api = Api()
    with serve_wsgi(api.wsgi) as server:
        api.server = server
        try:
            yield api
        finally:
            api.let_go.set()


def wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """Wait for what comes soon, such as the other end noticing that a connection is closed."""
    until = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < until, otherwise
        time.sleep(0.005)


def spent(name: str = "old", **more: Any) -> dict[str, Any]:
    """A token whose time is up."""
    return {
        "access_token": f"{name}-access-token",
        "refresh_token": f"{name}-refresh-token",
        "token_type": "Bearer",
        "expires_at": 1_700_000_000,
        **more,
    }
