"""One app four times: people sign in, and its page says who they are.

Each is as its library's documentation shows it. All are found at ``/``; where a login starts is in
:data:`STARTS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from flask import Flask
from flask import redirect
from flask import session
from flask import url_for
from werkzeug.wrappers import Response

from tests.benchmarks._apps import SCOPE
from tests.benchmarks._apps import registration
from tests.benchmarks._by_hand import hand_written_app
from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET

STARTS: Mapping[str, str] = {
    "by hand": "/login",
    "ours": "/auth/login/demo",
    "authlib": "/login",
    "flask-dance": "/login/demo",
}

_MODULES = {"ours": "flask_oauthclient", "authlib": "authlib", "flask-dance": "flask_dance"}


def installed_apps() -> list[str]:
    """:returns: the apps whose libraries are installed."""
    return [side for side in STARTS if side not in _MODULES or find_spec(_MODULES[side])]


def served_app(side: str, issuer: str) -> Flask:
    """:returns: one of the apps, for the provider ``issuer``."""
    builders: Mapping[str, Callable[[str], Flask]] = {
        "by hand": hand_written_app,
        "ours": blueprint_app,
        "authlib": _authlib_app,
        "flask-dance": _flask_dance_app,
    }
    return builders[side](issuer)


def blueprint_app(issuer: str) -> Flask:
    """:returns: the app with the blueprint of this package."""
    from flask_oauthclient import OAuth
    from flask_oauthclient import current_identity

    app = _new_app("ours")
    oauth = OAuth(app)
    oauth.register("demo", **registration(_metadata_url(issuer)))
    app.register_blueprint(oauth.create_blueprint(), url_prefix="/auth")

    @app.get("/")
    def home() -> str:
        return current_identity.sub if current_identity else ""

    return app


def _authlib_app(issuer: str) -> Flask:
    from authlib.integrations.flask_client import OAuth

    app = _new_app("authlib")
    oauth: Any = OAuth(app)
    oauth.register("demo", **registration(_metadata_url(issuer)))

    @app.get("/login")
    def login() -> Response:
        response: Response = oauth.demo.authorize_redirect(url_for("auth", _external=True))
        return response

    @app.get("/auth")
    def auth() -> Response:
        session["user"] = oauth.demo.authorize_access_token()["userinfo"]
        return redirect("/")

    @app.get("/")
    def home() -> str:
        person = session.get("user")
        return str(person["sub"]) if person else ""

    return app


def _flask_dance_app(issuer: str) -> Flask:
    from flask_dance.consumer import OAuth2ConsumerBlueprint

    if issuer.startswith("http:"):
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    app = _new_app("flask-dance")
    blueprint = OAuth2ConsumerBlueprint(
        "demo",
        __name__,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        base_url=f"{issuer}/",
        token_url=f"{issuer}/token",
        authorization_url=f"{issuer}/authorize",
        scope=SCOPE.split(),
    )
    app.register_blueprint(blueprint, url_prefix="/login")

    # It knows no ID tokens: who that was, the API says.
    @app.get("/")
    def home() -> str | Response:
        if not blueprint.session.authorized:
            return redirect(url_for("demo.login"))
        answer = blueprint.session.get("userinfo")
        answer.raise_for_status()
        return str(answer.json()["sub"])

    return app


def _new_app(name: str) -> Flask:
    app = Flask(name)
    app.secret_key = "benchmark"
    return app


def _metadata_url(issuer: str) -> str:
    return f"{issuer}/.well-known/openid-configuration"
