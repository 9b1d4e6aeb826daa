from __future__ import annotations

import re

import pytest
import requests

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import RelyingParty

NOTICE = "not a real sign-in: no password is asked"


def pages_of(rp: RelyingParty, browser: ScriptedBrowser) -> dict[str, requests.Response]:
    sign_in = browser.open(rp.authorize(login_hint="anh").url)
    consent = browser.submit(sign_in, {"persona": "anh"})
    pages = {
        "home": rp.get("/"),
        "error": rp.get("/authorize"),
        "sign_in": sign_in.response,
        "consent": consent.response,
        "sign_out": browser.open(f"{rp.op.issuer}/end_session").response,
        "signed_out": rp.get("/end_session"),
    }
    rp.op.auto_sign_in = "alice"
    pages["form_post"] = rp.authorize(response_mode="form_post")
    return pages


def test_each_page_says_what_it_is(rp: RelyingParty, browser: ScriptedBrowser) -> None:
    for name, page in pages_of(rp, browser).items():
        assert "Development provider" in page.text, name
        assert NOTICE in page.text, name


def test_each_page_is_a_proper_document(rp: RelyingParty, browser: ScriptedBrowser) -> None:
    for name, page in pages_of(rp, browser).items():
        assert page.text.startswith("<!doctype html>\n<html lang="), name
        assert page.text.count("<h1>") == 1, name
        assert re.search(r"<title>\S", page.text), name
        assert 'name="viewport"' in page.text, name


def test_each_page_is_shut_off(rp: RelyingParty, browser: ScriptedBrowser) -> None:
    for name, page in pages_of(rp, browser).items():
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert page.headers["Cache-Control"] == "no-store", name
        assert page.headers["X-Content-Type-Options"] == "nosniff", name


def test_no_page_fetches_from_elsewhere(rp: RelyingParty, browser: ScriptedBrowser) -> None:
    for name, page in pages_of(rp, browser).items():
        assert "style=" not in page.text, name
        assert re.search(r"\son\w+=", page.text) is None, name
        for source in re.findall(r'(?:src|<link[^>]* href)="([^"]*)"', page.text):
            assert source.startswith("/static/"), name
            assert rp.get(source).status_code == 200, name
    assert "url(" not in rp.get("/static/provider.css").text
    assert "@import" not in rp.get("/static/provider.css").text


def test_forms_may_lead_to_the_client(rp: RelyingParty, registered: object) -> None:
    page = rp.authorize(client_id="registered", redirect_uri="https://app.example/callback")
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self'" in policy
    assert policy.endswith("https://app.example")


def test_what_a_client_sends_is_escaped(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.auto_sign_in = "alice"
    evil = '"><script>alert(1)</script>'
    page = rp.authorize(response_mode="form_post", state=evil)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


def test_links_stay_below_an_issuer_with_a_path() -> None:
    op = DevelopmentProvider("http://127.0.0.1:5001/op")
    with ScriptedBrowser({op.issuer: op.wsgi}) as browser, requests.Session() as session:
        session.mount("http://127.0.0.1:5001/", op.adapter())
        rp = RelyingParty(op, session)
        page = browser.open(rp.authorize().url)
        assert 'href="/op/static/provider.css"' in page.text
        done = browser.sign_in(rp.authorize().url, stop_before="http://localhost/callback")
        assert "code=" in done.history[-1].url
        paths = {cookie.name: cookie.path for cookie in browser.cookies}
        assert paths[op.cookies.session] == "/op"
        assert (paths[op.cookies.page] or "").startswith("/op/interaction/")


def test_the_cookie_is_of_this_issuer_only(rp: RelyingParty) -> None:
    one = rp.authorize().headers["Set-Cookie"]
    rp.session.cookies.clear()
    rp.op.issuer = "https://op.test"
    rp.session.mount(rp.op.issuer, rp.op.adapter())
    other = rp.authorize().headers["Set-Cookie"]
    assert one.partition("=")[0] != other.partition("=")[0]
    for cookie in (one, other):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
    assert "Secure" not in one
    assert "Secure" in other


@pytest.mark.parametrize("path", ["/static/..%2Fprovider.py", "/static/nothing", "/nowhere"])
def test_nothing_else_is_there(rp: RelyingParty, path: str) -> None:
    assert rp.get(path).status_code == 404


def test_methods_are_checked(rp: RelyingParty) -> None:
    response = rp.post("/jwks")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert rp.session.head(f"{rp.op.issuer}/jwks").content == b""
