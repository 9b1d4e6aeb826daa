"""One worker process of an application with the blueprint.

``python -m tests.workers._sign_out_worker ISSUER CLIENT_ID CLIENT_SECRET REDIS_URL`` prints its
port as JSON and serves until it is stopped.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import redis
from cachelib import RedisCache
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient import current_identity
from flask_oauthclient.testing.provider import serve_wsgi


def make_app(issuer: str, client_id: str, client_secret: str, redis_url: str) -> Flask:
    """The application; all of its workers share a secret key and the cache."""
    app = Flask("sign_out_workers")
    app.config.update(SECRET_KEY="the secret key that all workers share")
    oauth = OAuth(app, cache=RedisCache(redis.Redis.from_url(redis_url)))
    oauth.register(
        "demo",
        client_id=client_id,
        client_secret=client_secret,
        issuer=issuer,
        client_kwargs={"scope": "openid"},
    )
    app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")

    @app.get("/")
    def home() -> str:
        return '<form method="post" action="/auth/logout"><button>Sign out</button></form>'

    @app.get("/who")
    def who() -> dict[str, Any]:
        return {"sub": current_identity.sub if current_identity else None}

    return app


def main(issuer: str, client_id: str, client_secret: str, redis_url: str) -> None:
    """Serve."""
    with serve_wsgi(make_app(issuer, client_id, client_secret, redis_url)) as server:
        json.dump({"port": server.port}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
