"""Fixtures with the names that pytest-flask looks for, and nobody else in these tests uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask import url_for
from werkzeug.wrappers import Response

from flask_oauthclient import OAuth
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider


@pytest.fixture
def provider() -> Iterator[DevelopmentProvider]:
    """A development provider at which alice is signed in already."""
    provider = DevelopmentProvider()
    provider.auto_sign_in = "alice"
    with provider.serve():
        yield provider


@pytest.fixture
def oauth() -> OAuth:
    """The registry of the app."""
    return OAuth()


@pytest.fixture
def app(provider: DevelopmentProvider, oauth: OAuth) -> Flask:
    """The app around whose tests pytest-flask pushes a request context."""
    app = Flask("plugin")
    app.config.update(
        SECRET_KEY="the secret key of the plugin test",
        TESTING=True,
        DEMO_CLIENT_ID=DEMO_CLIENT_ID,
        DEMO_CLIENT_SECRET=DEMO_CLIENT_SECRET,
        DEMO_ISSUER=provider.issuer,
    )
    oauth.init_app(app)
    oauth.register("demo", client_kwargs={"scope": "openid"})

    @app.get("/login")
    def login() -> Response:
        response: Response = oauth.demo.authorize_redirect(url_for("callback", _external=True))
        return response

    @app.get("/callback")
    def callback() -> dict[str, Any]:
        return dict(oauth.demo.authorize_access_token()["userinfo"])

    return app
