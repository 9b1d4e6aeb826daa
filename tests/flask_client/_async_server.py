"""An application with an asynchronous view, as it is served.

``python -X dev -m tests.flask_client._async_server SERVER API`` prints its port as JSON and serves
until it is stopped; SERVER is ``gunicorn`` or ``werkzeug``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from flask_oauthclient import OAuth

from ._api import CLIENT


def make_app(api: str) -> Flask:
    """The application."""
    app = Flask("served")
    oauth = OAuth(app, fetch_token=lambda name: {"access_token": "a-token", "token_type": "Bearer"})
    oauth.register("demo", api_base_url=api, access_token_url=f"{api}token", **CLIENT)

    @app.get("/both")
    async def both() -> Any:
        answers = await asyncio.gather(oauth.demo.aget("echo"), oauth.demo.aget("echo"))
        return [answer.status_code for answer in answers]

    @app.get("/left")
    def left() -> Any:
        gc.collect()
        return {"loops": len(oauth.demo._of_loops._of_loop)}

    return app


def _say(port: int) -> None:
    os.write(sys.stdout.fileno(), f"{json.dumps({'port': port})}\n".encode())


def _werkzeug(app: Flask) -> None:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    _say(server.port)
    server.serve_forever()


def _gunicorn(app: Flask) -> None:
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self) -> None:
            for name, value in _GUNICORN.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            return app

    Server().run()


_GUNICORN = {
    "bind": "127.0.0.1:0",
    "worker_class": "gthread",
    "threads": 8,
    "loglevel": "warning",
    "graceful_timeout": 1,
    "control_socket_disable": True,
    "when_ready": lambda arbiter: _say(arbiter.LISTENERS[0].sock.getsockname()[1]),
}


if __name__ == "__main__":
    server, api = sys.argv[1:]
    (_gunicorn if server == "gunicorn" else _werkzeug)(make_app(api))
