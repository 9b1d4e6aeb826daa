"""What a mounted blueprint does to the rest of an application: nothing."""

from __future__ import annotations

import re

from flask import Flask

import flask_oauthclient
from flask_oauthclient import OAuth


def app_without_prefix() -> Flask:
    app = Flask("app")
    app.config["SECRET_KEY"] = "the secret key of these tests"
    oauth = OAuth(app)
    oauth.register(
        "other",
        client_id="x",
        authorize_url="https://x.test/a",
        access_token_url="https://x.test/t",
    )
    app.register_blueprint(oauth.create_blueprint())
    app.add_url_rule("/plain", "plain", lambda: "a page for everybody")
    return app


def test_stylesheet_is_found_without_a_prefix() -> None:
    client = app_without_prefix().test_client()
    page = client.get("/login", headers={"Sec-Fetch-Site": "cross-site"})
    [url] = re.findall(r'href="([^"]+\.css)"', page.text)
    with client.get(url) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/css")


def test_page_for_everybody_stays_one_for_every_cache() -> None:
    assert "Vary" not in app_without_prefix().test_client().get("/plain").headers


def test_safe_next_is_the_function() -> None:
    assert flask_oauthclient.safe_next("//evil.test") == "/"
