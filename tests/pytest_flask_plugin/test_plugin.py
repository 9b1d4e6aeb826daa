"""The package in the tests of a user who has pytest-flask installed."""

from __future__ import annotations

import pytest
import requests
from flask import Flask
from flask import has_request_context
from flask import session
from flask import url_for
from flask.testing import FlaskClient

from flask_oauthclient import OAuth
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID


def test_plugin_is_on(app: Flask) -> None:
    assert has_request_context()


def test_login_with_the_client_of_the_plugin(client: FlaskClient) -> None:
    to_provider = client.get(url_for("login"))
    back = requests.get(to_provider.location, allow_redirects=False, timeout=5)
    answer = client.get(back.headers["Location"])

    assert answer.status_code == 200
    assert answer.get_json()["sub"] == "alice"


def test_login_begins_in_the_context_around_the_test(app: Flask, oauth: OAuth) -> None:
    answer = oauth.demo.authorize_redirect("http://localhost/callback")
    assert answer.status_code == 302
    assert [name.startswith("_state_demo_") for name in session] == [True]


def test_client_is_the_one_of_the_app(app: Flask, oauth: OAuth) -> None:
    assert oauth.demo.client_id == DEMO_CLIENT_ID


@pytest.mark.options(demo_client_id="from-the-marker")
def test_option_marker_reaches_a_client_that_is_not_in_use_yet(app: Flask, oauth: OAuth) -> None:
    oauth.register("demo")
    assert oauth.demo.client_id == "from-the-marker"
