"""The two libraries, behind the one API that both offer."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from cachelib import RedisCache
from flask import Flask
from flask import session
from werkzeug.wrappers import Response

from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET
from tests.benchmarks._server import REDIRECT_URI

MODULES: Mapping[str, str] = {
    "authlib": "authlib.integrations.flask_client",
    "ours": "flask_oauthclient",
}
"""Where each side's ``OAuth`` is."""

SCOPE = "openid profile email"


def sides() -> list[str]:
    """:returns: the libraries that are installed."""
    return [side for side, module in MODULES.items() if find_spec(module.split(".")[0])]


def each_side(measure: Callable[[str], Any]) -> dict[str, Any]:
    """:returns: what ``measure`` finds for each installed library."""
    return {side: measure(side) for side in sides()}


def oauth_class(side: str) -> Any:
    """:returns: the side's registry class."""
    return import_module(MODULES[side]).OAuth


def client_app(side: str, metadata_url: str, redis_url: str | None = None, **options: Any) -> Flask:
    """Build an app with ``/start`` and ``/callback``.

    :param redis_url: where the pending logins are; without one, they are in the Flask session.
    :param options: more for ``register``.
    :returns: the app; its registry is ``app.extensions["benchmark"]``.
    """
    app = Flask(side)
    app.secret_key = "benchmark"
    oauth = oauth_class(side)()
    oauth.init_app(app, cache=_redis_cache(redis_url) if redis_url else None)
    app.extensions["benchmark"] = oauth
    oauth.register("demo", **registration(metadata_url), **options)

    @app.get("/start")
    def start() -> Response:
        response: Response = oauth.demo.authorize_redirect(REDIRECT_URI)
        return response

    @app.get("/callback")
    def callback() -> str:
        session["user"] = oauth.demo.authorize_access_token()["userinfo"]["sub"]
        return "signed in"

    return app


def client_of(app: Flask) -> Any:
    """:returns: the registered client of a :func:`client_app`."""
    return app.extensions["benchmark"].demo


def registration(metadata_url: str) -> dict[str, Any]:
    """:returns: what both sides register."""
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "server_metadata_url": metadata_url,
        "client_kwargs": {"scope": SCOPE, "code_challenge_method": "S256"},
    }


def _redis_cache(url: str) -> RedisCache:
    host, _, port = url.removeprefix("redis://").partition("/")[0].partition(":")
    return RedisCache(host, int(port))
