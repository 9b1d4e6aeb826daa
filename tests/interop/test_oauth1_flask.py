"""OAuth 1.0a logins at a provider on oauthlib, through its own pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import cachelib
import pytest
from flask import Flask
from flask import request
from flask import session
from werkzeug.wrappers import Response

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.testing.browser import Page

from ..helpers.leaks import Watch
from ..servers.oauthlib_server import OAuth1Server
from .site import REDIRECT_URI
from .site import Site
from .visitor import Visitor
from .visitor import answer_of

METHODS = ("HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "RSA-SHA512", "PLAINTEXT")
MakeSite = Callable[..., Site]


@pytest.fixture
def site_at(oauth1_server: OAuth1Server, watch: Watch) -> MakeSite:
    """Makes sites whose client is registered at the provider."""
    watch.secret(oauth1_server.client_secret, oauth1_server.rsa_key)

    def make(cache: Any = None, **client_kwargs: Any) -> Site:
        app = Flask("interop")
        app.config.update(SECRET_KEY="the secret key of the interop site", TESTING=True)
        site = Site(app, OAuth(app, cache=cache))
        site.oauth.register(
            "demo",
            client_id=oauth1_server.client_id,
            client_secret=oauth1_server.client_secret,
            request_token_url=oauth1_server.request_token_url,
            authorize_url=oauth1_server.authorize_url,
            access_token_url=oauth1_server.access_token_url,
            api_base_url=f"{oauth1_server.base_url}/",
            client_kwargs=client_kwargs,
            fetch_token=lambda: site.tokens.get(session.get("user", "")),
        )
        _add_views(site, watch)
        return site

    return make


def _add_views(site: Site, watch: Watch) -> None:
    app, oauth = site.app, site.oauth

    @app.get("/login")
    def login() -> Response:
        response: Response = oauth.demo.authorize_redirect(REDIRECT_URI, extra=request.args)
        return response

    @app.get("/callback")
    def callback() -> dict[str, Any]:
        token: Any = oauth.demo.authorize_access_token()
        watch.secret(token["oauth_token"], token["oauth_token_secret"])
        user = oauth.demo.get("echo").json()["user"]
        session["user"] = user
        site.tokens[user] = token
        return {"user": user, "extra": token["extra"]}

    @app.get("/me")
    def me() -> dict[str, Any]:
        answer: dict[str, Any] = oauth.demo.get("echo", params={"q": "grüße"}).json()
        return answer

    @app.post("/status")
    def status() -> dict[str, Any]:
        answer: dict[str, Any] = oauth.demo.post("echo", data=request.form.to_dict()).json()
        return answer

    @app.errorhandler(OAuthError)
    def failed(error: OAuthError) -> tuple[dict[str, Any], int]:
        return {"error": error.error, "description": error.description}, error.http_status


def visitor_of(site: Site, user: str = "alice", press: str = "Allow") -> Visitor:
    return Visitor(site, {"user": user}, press=[press])


def query_of(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def kwargs_of(server: OAuth1Server, method: str) -> dict[str, Any]:
    key = {"rsa_key": server.rsa_key} if method.startswith("RSA") else {}
    return {"signature_method": method, **key}


@pytest.mark.parametrize("method", METHODS)
def test_login(site_at: MakeSite, oauth1_server: OAuth1Server, method: str) -> None:
    visitor = visitor_of(site_at(**kwargs_of(oauth1_server, method)), "bob")
    assert answer_of(visitor.log_in("/login?next=/basket")) == {
        "user": "bob",
        "extra": {"next": "/basket"},
    }
    assert answer_of(visitor.get("/me"))["user"] == "bob"
    asked = [entry for entry in oauth1_server.log() if entry["path"] != "/authorize"]
    assert [entry["path"] for entry in asked] == ["/initiate", "/token", "/echo", "/echo"]
    assert {entry["signature_method"] for entry in asked} == {method}
    assert len({entry["nonce"] for entry in asked}) == 4


def test_login_with_a_cache(site_at: MakeSite) -> None:
    visitor = visitor_of(site_at(cache=cachelib.SimpleCache()))
    assert answer_of(visitor.log_in())["user"] == "alice"


def test_api_call_is_understood_as_it_was_meant(site_at: MakeSite) -> None:
    site = site_at()
    visitor = visitor_of(site)
    visitor.log_in()
    assert answer_of(visitor.get("/me"))["query"] == [["q", "grüße"]]
    with site.app.test_request_context():
        answer = site.oauth.demo.post(
            "echo?page=1", token=site.tokens["alice"], data=[("a", "1"), ("a", ""), ("b", "~ %&")]
        ).json()
    assert answer["query"] == [["page", "1"]]
    assert answer["form"] == [["a", "1"], ["a", ""], ["b", "~ %&"]]


def test_two_users_have_their_own_tokens(site_at: MakeSite) -> None:
    site = site_at()
    alice, bob = visitor_of(site, "alice"), visitor_of(site, "bob")
    alice.log_in()
    bob.log_in()
    assert answer_of(alice.get("/me"))["user"] == "alice"
    assert answer_of(bob.get("/me"))["user"] == "bob"


def test_user_who_denies(site_at: MakeSite, oauth1_server: OAuth1Server) -> None:
    site = site_at()
    page = visitor_of(site, press="Deny").log_in()
    assert query_of(page).keys() == {"denied"}
    assert (page.status, answer_of(page)["error"]) == (400, "access_denied")
    assert site.tokens == {}
    assert oauth1_server.log("/token") == []


def test_user_who_denies_may_start_again(site_at: MakeSite) -> None:
    visitor = visitor_of(site_at(), press="Deny")
    visitor.log_in()
    visitor.press = ["Allow"]
    assert answer_of(visitor.log_in())["user"] == "alice"


def test_spent_callback_makes_no_second_call(
    site_at: MakeSite, oauth1_server: OAuth1Server
) -> None:
    visitor = visitor_of(site_at())
    page = visitor.log_in()
    assert answer_of(visitor.get(page.url))["error"] == "state_used"
    assert len(oauth1_server.log("/token")) == 1


def test_callback_in_another_browser(site_at: MakeSite, oauth1_server: OAuth1Server) -> None:
    site = site_at()
    attacker, victim = visitor_of(site, "attacker"), visitor_of(site, "victim")
    page = attacker.browser.walk(
        "http://localhost/login", attacker.answers, attacker.press, stop_before=REDIRECT_URI
    )
    callback = page.history[-1].url
    assert answer_of(victim.get(callback))["error"] == "mismatching_state"
    assert oauth1_server.log("/token") == []


def test_wrong_client_secret(site_at: MakeSite, oauth1_server: OAuth1Server) -> None:
    site = site_at()
    site.oauth.demo.session.auth.client_secret = "wrong"
    answer = answer_of(visitor_of(site).get("/login"))
    assert answer["error"] == "fetch_token_denied"
    assert "401" in answer["description"]
    assert oauth1_server.log("/authorize") == []
