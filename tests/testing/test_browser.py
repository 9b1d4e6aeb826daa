from __future__ import annotations

import typing as t

import pytest
from flask import Flask
from flask import redirect
from flask import request
from werkzeug.wrappers import Response

from flask_oauthclient.testing.browser import BrowserError
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.cookies import site_of
from flask_oauthclient.testing.forms import parse_forms
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import serve_wsgi

SHOP = "http://shop.test"
BANK = "http://bank.test"


@pytest.fixture
def shop() -> Flask:
    application = Flask("shop")

    @application.get("/login")
    def login() -> Response:
        response = redirect(
            "http://127.0.0.1:5001/authorize?client_id=demo&response_type=code&scope=openid"
            f"&redirect_uri=http://localhost/callback&response_mode={request.args['mode']}"
        )
        response.set_cookie("lax", "1", samesite="Lax")
        return response

    @application.route("/callback", methods=["GET", "POST"])
    def callback() -> dict[str, t.Any]:
        return {
            "method": request.method,
            "code": "code" in request.values,
            "cookies": sorted(request.cookies),
            "origin": request.headers.get("Origin"),
        }

    @application.get("/loop")
    def loop() -> Response:
        return redirect("/loop")

    @application.get("/away")
    def away() -> Response:
        return redirect("https://www.example.com/")

    @application.route("/again", methods=["GET", "POST"])
    def again() -> str:
        return '<form method="post"><input name="a"><button>Go</button></form>'

    return application


@pytest.fixture
def user(shop: Flask, op: DevelopmentProvider) -> t.Iterator[ScriptedBrowser]:
    with ScriptedBrowser({"http://localhost": shop.wsgi_app, op.issuer: op.wsgi}) as browser:
        yield browser


def test_a_login_from_app_to_provider_and_back(user: ScriptedBrowser) -> None:
    page = user.sign_in("http://localhost/login?mode=query", "bob")
    assert page.url.startswith("http://localhost/callback?code=")
    assert page.response.json()["method"] == "GET"
    assert page.response.json()["cookies"] == ["lax"]
    assert [visit.method for visit in page.history] == ["GET", "GET", "POST", "GET", "POST", "GET"]


def test_a_form_that_sends_itself_is_sent_without_lax_cookies(user: ScriptedBrowser) -> None:
    page = user.sign_in("http://localhost/login?mode=form_post")
    seen = page.response.json()
    assert seen["method"] == "POST"
    assert seen["code"] is True
    assert seen["cookies"] == []
    assert seen["origin"] == "http://127.0.0.1:5001"


def test_stop_before_leaves_the_request_unmade(user: ScriptedBrowser) -> None:
    page = user.sign_in(
        "http://localhost/login?mode=form_post", stop_before="http://localhost/callback"
    )
    assert page.url.startswith("http://127.0.0.1:5001/interaction/")
    last = page.history[-1]
    assert (last.method, last.url) == ("POST", "http://localhost/callback")
    assert dict(last.data or [])["code"]


def test_over_http(shop: Flask, op: DevelopmentProvider) -> None:
    with op.serve(port=0) as provider, serve_wsgi(shop.wsgi_app) as server:
        url = (
            f"{provider.url}/authorize?client_id=demo&response_type=code&scope=openid"
            f"&redirect_uri={server.url}/callback"
        )
        with ScriptedBrowser() as browser:
            assert browser.sign_in(url).response.json()["code"] is True


def test_it_refuses_to_leave_the_machine(user: ScriptedBrowser) -> None:
    with pytest.raises(BrowserError, match=r"leave this machine for https://www\.example\.com"):
        user.open("http://localhost/away")


def test_endless_redirects_and_questions_are_errors(user: ScriptedBrowser) -> None:
    with pytest.raises(BrowserError, match="no end"):
        user.open("http://localhost/loop")
    with pytest.raises(BrowserError, match="same questions"):
        user.walk("http://localhost/again", {"a": "b"})


def test_a_form_that_is_not_there_is_an_error(user: ScriptedBrowser) -> None:
    page = user.open("http://localhost/again")
    with pytest.raises(BrowserError, match="No form"):
        user.submit(page, {"b": "c"})
    assert user.submit(page, press=["Go"]).status == 200


@pytest.fixture
def bank() -> Flask:
    application = Flask("bank")

    @application.get("/")
    def start() -> Response:
        response = Response("bank")
        response.set_cookie("strict", "1", samesite="Strict")
        response.set_cookie("lax", "1", samesite="Lax")
        response.set_cookie("default", "1")
        response.headers.add("Set-Cookie", "none=1; SameSite=None")
        return response

    @application.route("/cookies", methods=["GET", "POST"])
    def cookies() -> dict[str, t.Any]:
        return {"cookies": sorted(request.cookies)}

    return application


@pytest.mark.parametrize(
    ("method", "initiator", "sent"),
    [
        ("GET", None, ["default", "lax", "none", "strict"]),
        ("POST", None, ["default", "lax", "none", "strict"]),
        ("GET", f"{BANK}:8080/page", ["default", "lax", "none", "strict"]),
        ("POST", "http://www.bank.test/page", ["default", "lax", "none", "strict"]),
        ("GET", f"{SHOP}/page", ["default", "lax", "none"]),
        ("POST", f"{SHOP}/page", ["none"]),
        ("POST", "https://bank.test/page", ["none"]),
    ],
)
def test_cookies_mind_same_site(
    bank: Flask, method: str, initiator: str | None, sent: list[str]
) -> None:
    target = f"{BANK}/cookies"
    form = f'<form method="{method}" action="{target}"><button>Go</button></form>'

    def elsewhere(environ: t.Any, start_response: t.Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [form.encode()]

    with ScriptedBrowser({BANK: bank.wsgi_app}) as browser:
        browser.open(f"{BANK}/")
        if initiator is None:
            from flask_oauthclient.testing.browser import Visit

            seen = browser.send(Visit(method, target, []))
        else:
            browser.mount(initiator, elsewhere)
            seen = browser.submit(browser.open(initiator), press=["Go"]).response
        assert seen.json()["cookies"] == sent


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("http://127.0.0.1:5000/x", ("http", "127.0.0.1")),
        ("http://[::1]:5000/x", ("http", "::1")),
        ("http://localhost:5000/x", ("http", "localhost")),
        ("https://a.b.example.com/", ("https", "example.com")),
    ],
)
def test_sites(url: str, site: tuple[str, str]) -> None:
    assert site_of(url) == site


FORM = """
<form action="/first"><input name="ignored"></form>
<form action="/second" method="post">
  <input type="hidden" name="token" value="t&amp;1">
  <input name="login"><input type="password" name="password" value="">
  <input type="checkbox" name="terms"><input type="checkbox" name="news" value="yes" checked>
  <input type="radio" name="kind" value="a" checked><input type="radio" name="kind" value="b">
  <input type="button" name="no" value="x"><input type="file" name="upload">
  <select name="country">
    <option value="de">D</option><option value="fr" selected>F</option>
  </select>
  <select name="empty"></select>
  <textarea name="note">text</textarea>
  <button type="button" name="script">Nothing</button>
  <button name="action" value="go"> Sign <b>in</b> </button>
  <input type="submit" name="action" value="cancel">
</form>
<input name="outside">
"""


def test_forms_are_read_as_a_browser_reads_them() -> None:
    first, second = parse_forms(FORM)
    assert (first.action, first.method) == ("/first", "GET")
    assert (second.action, second.method) == ("/second", "POST")
    assert [(b.name, b.value, b.text) for b in second.buttons] == [
        ("action", "go", "Sign in"),
        ("action", "cancel", "cancel"),
    ]
    assert second.data({"login": "alice", "password": "x", "kind": "b", "terms": "on"}) == [
        ("token", "t&1"),
        ("login", "alice"),
        ("password", "x"),
        ("terms", "on"),
        ("news", "yes"),
        ("kind", "b"),
        ("country", "fr"),
        ("note", "text"),
        ("action", "go"),
    ]
    assert second.data({}, ["cancel"])[-1] == ("action", "cancel")
    assert second.data({"action": "cancel"})[-1] == ("action", "cancel")


def test_a_form_is_meant_by_what_a_user_can_see() -> None:
    _, second = parse_forms(FORM)
    assert second.is_meant({"login": "alice"})
    assert second.is_meant({"action": "go"})
    assert second.is_meant({}, ["Sign in"])
    assert not second.is_meant({"token": "x"})
    assert not second.is_meant({"action": "other"})
    assert dict(second.data({"token": "changed", "login": "a"}))["token"] == "t&1"


def test_browser_may_prefer_a_language() -> None:
    def app(environ: t.Any, start_response: t.Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["HTTP_ACCEPT_LANGUAGE"].encode()]

    apps = {"http://localhost": app}
    with ScriptedBrowser(apps, headers={"Accept-Language": "de"}) as browser:
        assert browser.open("http://localhost/").text == "de"
