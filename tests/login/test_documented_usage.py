"""Web applications as users of the established client have them, with another import."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from flask import Flask
from flask import jsonify
from flask import redirect
from flask import url_for
from flask.testing import FlaskClient

from flask_oauthclient.flask_client import FlaskOAuth1App
from flask_oauthclient.flask_client import FlaskOAuth2App
from flask_oauthclient.flask_client import OAuth
from flask_oauthclient.flask_client import OAuthError
from flask_oauthclient.flask_client import token_update
from flask_oauthclient.protocol import add_params_to_uri
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of
from tests.servers.oauthlib_server import OAuth1Server

from ._authlib_style import CLIENT
from ._authlib_style import TOKEN
from ._authlib_style import Double
from ._authlib_style import form_of
from ._authlib_style import make_app
from ._authlib_style import sending

#: What a database of the application has: tokens by user and client, as text.
Database = dict[tuple[str, str], str]


@pytest.fixture(autouse=True)
def _secrets_of_the_doubles(watch: Watch) -> None:
    watch.secret(CLIENT["client_secret"], TOKEN["access_token"], TOKEN["refresh_token"])


def twitter_config(server: OAuth1Server) -> dict[str, Any]:
    """The documented keys of a client of OAuth 1.0a."""
    return {
        "TWITTER_CLIENT_ID": server.client_id,
        "TWITTER_CLIENT_SECRET": server.client_secret,
        "TWITTER_REQUEST_TOKEN_URL": server.request_token_url,
        "TWITTER_REQUEST_TOKEN_PARAMS": None,
        "TWITTER_ACCESS_TOKEN_URL": server.access_token_url,
        "TWITTER_ACCESS_TOKEN_PARAMS": None,
        "TWITTER_AUTHORIZE_URL": server.authorize_url,
        "TWITTER_API_BASE_URL": f"{server.base_url}/",
        "TWITTER_CLIENT_KWARGS": None,
    }


def shared_routes(app: Flask, oauth: OAuth, database: Database) -> None:
    """Routes for whatever client."""

    @app.route("/login/<name>")
    def login(name: str) -> Any:
        client: Any = oauth.create_client(name)
        return client.authorize_redirect(url_for("authorize", name=name, _external=True))

    @app.route("/authorize/<name>")
    def authorize(name: str) -> Any:
        client: Any = oauth.create_client(name)
        database["alice", name] = json.dumps(client.authorize_access_token())
        return redirect(url_for("profile", name=name))

    @app.route("/profile/<name>")
    def profile(name: str) -> Any:
        client: Any = oauth.create_client(name)
        response = client.get({"twitter": "echo", "demo": "api/me"}[name])
        return jsonify(status=response.status_code)


def make_shared(config: dict[str, Any]) -> tuple[Flask, OAuth, Database]:
    """An application with a registry that is made first and initialised later."""
    app, database = make_app(**config), Database()

    def fetch_token(name: str) -> Any:
        text = database.get(("alice", name))
        return json.loads(text) if text else None

    oauth = OAuth(fetch_token=fetch_token)
    twitter = oauth.register("twitter")
    oauth.register("demo", client_kwargs={"scope": "api"})
    oauth.init_app(app)
    shared_routes(app, oauth, database)
    assert twitter.client_id == config["TWITTER_CLIENT_ID"]
    return app, oauth, database


def test_both_protocols_behind_the_same_routes(
    oauth1_server: OAuth1Server, provider_keys: KeyRing, watch: Watch
) -> None:
    provider = DevelopmentProvider(keys=provider_keys)
    provider.auto_sign_in = "alice"
    with provider.serve():
        demo = {
            "DEMO_CLIENT_ID": DEMO_CLIENT_ID,
            "DEMO_CLIENT_SECRET": DEMO_CLIENT_SECRET,
            "DEMO_ACCESS_TOKEN_URL": f"{provider.issuer}/token",
            "DEMO_AUTHORIZE_URL": f"{provider.issuer}/authorize",
            "DEMO_API_BASE_URL": f"{provider.issuer}/",
        }
        app, oauth, database = make_shared({**twitter_config(oauth1_server), **demo})
        with app.test_client() as browser:
            at_twitter = browser.get("/login/twitter").location
            watch.secret(oauth1_server.client_secret)
            done = browser.get(oauth1_server.allow(at_twitter))
            assert done.location == "/profile/twitter"
            watch.secret(json.loads(database["alice", "twitter"])["oauth_token_secret"])

            at_demo = browser.get("/login/demo").location
            with ScriptedBrowser({provider.issuer: provider.wsgi}) as at_provider:
                callback = "http://localhost/authorize/demo"
                walk = at_provider.walk(at_demo, stop_before=callback)
            assert browser.get(walk.history[-1].url).location == "/profile/demo"

        # Another browser, and another day: what counts is what was stored.
        other = app.test_client()
        assert other.get("/profile/twitter").json == {"status": 200}
        assert other.get("/profile/demo").json == {"status": 200}
    assert isinstance(oauth.twitter, FlaskOAuth1App)
    assert isinstance(oauth.demo, FlaskOAuth2App)


def test_profile_in_the_callback(oauth1_server: OAuth1Server, watch: Watch) -> None:
    app = make_app(**twitter_config(oauth1_server))
    oauth = OAuth(app)
    oauth.register("twitter")
    watch.secret(oauth1_server.client_secret)

    @app.route("/login")
    def login() -> Any:
        return oauth.twitter.authorize_redirect(url_for("authorize", _external=True))

    @app.route("/authorize")
    def authorize() -> Any:
        token = oauth.twitter.authorize_access_token()
        watch.secret(token["oauth_token_secret"])
        # No token is passed: the one of this request is meant.
        return jsonify(status=oauth.twitter.get("echo", params={"skip": "1"}).status_code)

    browser = app.test_client()
    callback = oauth1_server.allow(browser.get("/login").location)
    assert browser.get(callback).json == {"status": 200}


def test_user_who_says_no_at_oauth_1(oauth1_server: OAuth1Server, watch: Watch) -> None:
    app = make_app(**twitter_config(oauth1_server))
    oauth = OAuth(app)
    twitter: Any = oauth.register("twitter")
    watch.secret(oauth1_server.client_secret)

    @app.errorhandler(OAuthError)
    def show(error: OAuthError) -> Any:
        return jsonify(error=error.error), 400

    @app.route("/login")
    def login() -> Any:
        return twitter.authorize_redirect(url_for("authorize", _external=True))

    @app.route("/authorize")
    def authorize() -> Any:
        return dict(twitter.authorize_access_token())

    browser = app.test_client()
    callback = oauth1_server.deny(str(browser.get("/login").location))
    response = browser.get(callback)
    assert (response.status_code, response.json) == (400, {"error": "access_denied"})


def make_demo(app: Flask | None = None, **register: Any) -> tuple[Flask, Any]:
    app = app or make_app()
    return app, OAuth(app).register("dev", **{**CLIENT, **register})


def test_signal_stores_renewed_tokens() -> None:
    app, dev = make_demo()
    rows = {TOKEN["refresh_token"]: {**TOKEN, "expires_at": 100}}

    @token_update.connect_via(app)
    def on_token_update(
        sender: Flask,
        name: str,
        token: Any,
        refresh_token: str | None = None,
        access_token: str | None = None,
    ) -> None:
        assert name == "dev"
        assert refresh_token is not None
        assert access_token is None
        row = rows.pop(refresh_token)
        row.update(access_token=token["access_token"], expires_at=token["expires_at"])
        rows[token.get("refresh_token") or refresh_token] = row

    def answer(request: requests.PreparedRequest) -> Any:
        renewed = {"access_token": "the-renewed-token", "token_type": "Bearer", "expires_in": 60}
        return Double(renewed if request.method == "POST" else {})

    with app.test_request_context(), sending(answer) as sent:
        dev.get("me", token=dict(rows[TOKEN["refresh_token"]]))
    assert sent[1].headers["Authorization"] == "Bearer the-renewed-token"
    (row,) = rows.values()
    assert row["access_token"] == "the-renewed-token"
    assert row["expires_at"] == pytest.approx(time.time() + 60, abs=30)


def slack_like(session: Any) -> None:
    """A fix for a provider that nests its token and wants it elsewhere."""

    def unwrap(response: Any) -> Any:
        response.raise_for_status()
        token = response.json()["authed_user"]
        token["token_type"] = "Bearer"
        response._content = json.dumps(token).encode()
        return response

    def in_query(url: str, headers: Any, data: Any) -> Any:
        return add_params_to_uri(url, [("v", "1")]), headers, data

    session.register_compliance_hook("access_token_response", unwrap)
    session.register_compliance_hook("protected_request", in_query)


def real(document: Any) -> requests.Response:
    """A response as the network would bring it."""
    response = requests.Response()
    response.status_code = 200
    response._content = json.dumps(document).encode()
    return response


def finish(app: Flask, dev: Any, answer: Callable[..., Any], **params: Any) -> tuple[Any, Any]:
    """A login with a patched network: its token, and the token request."""
    redirect_uri = "https://rp.test/callback"
    app.add_url_rule("/login", "login", lambda: dev.authorize_redirect(redirect_uri))
    app.add_url_rule("/callback", "callback", lambda: dict(dev.authorize_access_token(**params)))
    browser: FlaskClient = app.test_client()
    (state,) = query_of(str(browser.get("/login").location))["state"]
    with sending(answer) as sent:
        token = browser.get(f"/callback?code=the-code&state={state}").json
    return token, sent[0]


def test_compliance_fix_that_rewrites_a_response() -> None:
    app, dev = make_demo(compliance_fix=slack_like)
    document = {"ok": True, "authed_user": {"access_token": TOKEN["access_token"], "id": "U1"}}
    token, _ = finish(app, dev, lambda request: real(document))
    assert token["access_token"] == TOKEN["access_token"]
    assert token["id"] == "U1"
    with app.test_request_context(), sending(lambda request: Double({})) as sent:
        dev.get("users.identity", token=token)
    assert query_of(sent[0].url)["v"] == ["1"]


def test_keywords_of_the_callback_join_the_token_request() -> None:
    app, dev = make_demo(access_token_params={"resource": "the-api"})
    headers = {"X-Tenant": "one"}
    _, request = finish(app, dev, lambda r: Double(TOKEN), headers=headers, timeout=3, extra_p="1")
    form = form_of(request)
    assert form["resource"] == ["the-api"]
    assert form["extra_p"] == ["1"]
    assert "timeout" not in form
    assert request.headers["X-Tenant"] == "one"


@pytest.mark.filterwarnings("ignore:The password grant")
def test_grants_without_a_browser() -> None:
    app, dev = make_demo()
    with app.app_context(), sending(lambda request: Double(TOKEN)) as sent:
        dev.fetch_access_token(grant_type="client_credentials", scope="read")
        dev.fetch_access_token(username="alice", password="the-password-of-alice")
        dev.fetch_access_token(grant_type="refresh_token", refresh_token="the-refresh-token")
    forms = [form_of(request) for request in sent]
    assert [form["grant_type"] for form in forms] == [
        ["client_credentials"],
        ["password"],
        ["refresh_token"],
    ]
    assert forms[0]["scope"] == ["read"]


def test_class_that_adds_to_a_login() -> None:
    class Tenant(FlaskOAuth2App):
        OAUTH_APP_CONFIG = {"api_base_url": "https://resource.test/v2/"}  # noqa: RUF012

        def authorize_access_token(self, **kwargs: Any) -> Any:
            token = super().authorize_access_token(**kwargs)
            token["tenant"] = "one"
            return token

    app = make_app()
    oauth = OAuth(app)
    settings = {k: v for k, v in CLIENT.items() if k != "api_base_url"}
    dev: Any = oauth.register("dev", client_cls=Tenant, **settings)
    token, _ = finish(app, dev, lambda request: Double(TOKEN))
    assert token["tenant"] == "one"
    assert dev.api_base_url == "https://resource.test/v2/"


def test_settings_may_be_changed_before_the_first_call() -> None:
    app, dev = make_demo()
    dev.client_id = "another"
    dev.api_base_url = "https://resource.test/v3/"
    with app.test_request_context(), sending(lambda request: Double({})) as sent:
        url = dev.create_authorization_url("https://rp.test/callback")["url"]
        dev.get("me", token=TOKEN)
    assert query_of(url)["client_id"] == ["another"]
    assert sent[0].url == "https://resource.test/v3/me"
