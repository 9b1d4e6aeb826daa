"""The application that is deployed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from flask import Flask
from flask import jsonify
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_oauthclient import OAuth
from flask_oauthclient import current_identity
from flask_oauthclient import login_required

HOST = "rp.test"
CLIENT_ID = "rp"
CLIENT_SECRET = "the client secret of these tests"
#: One proxy, as the documentation and our warning have it.
ONE_PROXY: Mapping[str, int] = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_prefix": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is different from one deployment to another; written as JSON on a command line."""

    issuer: str
    #: File for what is logged as a warning or worse.
    log: str
    workers: int = 2
    redis_url: str | None = None
    #: Arguments of ProxyFix; without any there is none.
    proxy_fix: Mapping[str, int] = field(default_factory=lambda: ONE_PROXY)
    config: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON has them."""
        return asdict(self)


def make_app(settings: Settings) -> Flask:
    """The application; all of its workers share a secret key."""
    logging.basicConfig(filename=settings.log, level=logging.WARNING)
    app = Flask("deployed")
    app.config.update(SECRET_KEY="the secret key that all workers share", **settings.config)
    oauth = OAuth(app, cache=_redis_cache(settings.redis_url) if settings.redis_url else None)
    oauth.register(
        "demo",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        issuer=settings.issuer,
        client_kwargs={"scope": "openid profile email"},
    )
    app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")
    app.add_url_rule("/", "home", lambda: "the front page")
    app.add_url_rule("/page/<int:number>", "page", _page)
    app.add_url_rule("/private", "private", login_required(_private))
    if settings.proxy_fix:
        fixed = ProxyFix(app.wsgi_app, **settings.proxy_fix)
        setattr(app, "wsgi_app", fixed)  # noqa: B010  Flask's own way, which its types forbid
    return app


def _page(number: int) -> str:
    return f"page {number}"


def _private() -> Any:
    return jsonify(sub=current_identity.sub)


def _redis_cache(url: str) -> Any:
    import redis
    from cachelib import RedisCache

    return RedisCache(redis.Redis.from_url(url))
