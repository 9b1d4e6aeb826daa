"""One worker process of an application.

``python -m tests.workers._worker ISSUER [REDIS_URL]`` prints its port as JSON and serves
until it is stopped.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from cachelib import RedisCache
from flask import Flask
from flask import request
from flask import session

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import serve_wsgi

HOST = "app.localhost"
CALLBACK = f"http://{HOST}/callback"


def make_app(issuer: str, redis_url: str | None = None) -> Flask:
    """The application; all of its workers share a secret key."""
    app = Flask("workers")
    app.config.update(
        SECRET_KEY="the secret key that all workers share",
        DEMO_CLIENT_ID=DEMO_CLIENT_ID,
        DEMO_CLIENT_SECRET=DEMO_CLIENT_SECRET,
        DEMO_ISSUER=issuer,
    )
    cache = _redis_cache(redis_url) if redis_url else None
    oauth = OAuth(app, cache=cache)
    oauth.register("demo", client_kwargs={"scope": "openid"})

    @app.get("/login")
    def login() -> Any:
        return oauth.demo.authorize_redirect(CALLBACK, extra={"tab": request.args["tab"]})

    @app.get("/callback")
    def callback() -> str:
        token = oauth.demo.authorize_access_token()
        session["user"] = token["userinfo"]["sub"]
        return f"{session['user']} in tab {token['extra']['tab']}"

    @app.errorhandler(OAuthError)
    def failed(error: OAuthError) -> tuple[str, int]:
        return error.error, error.http_status

    return app


def _redis_cache(url: str) -> RedisCache:
    import redis

    return RedisCache(redis.Redis.from_url(url))


def main(issuer: str, redis_url: str | None = None) -> None:
    """Serve."""
    with serve_wsgi(make_app(issuer, redis_url)) as server:
        json.dump({"port": server.port}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
