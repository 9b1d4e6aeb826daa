"""What every page keeps: headers, forms that only we send, cookies without secrets."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator

import pytest
from itsdangerous import base64_decode

from .conftest import Demo

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def _pages(demo: Demo) -> Iterator[tuple[str, str]]:
    yield "/", demo.open("/").html
    yield "/nothing", demo.open("/nothing").html
    yield "/auth/callback/demo", demo.open("/auth/callback/demo").html
    demo.sign_in()
    for path in ("/", "/profile", "/api", "/session"):
        yield path, demo.open(path).html


def test_localhost_is_sent_to_the_one_spelling(demo: Demo) -> None:
    other = demo.url.replace("127.0.0.1", "localhost")
    answer = demo.browser.http.get(
        f"{other}/auth/login?next=/api", allow_redirects=False, timeout=20
    )
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{demo.url}/auth/login?next=/api"
    answer = demo.browser.http.post(f"{other}/auth/logout", timeout=20)
    assert answer.status_code == 421


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(demo: Demo) -> None:
    answer = demo.browser.http.get(
        f"{demo.url}/auth/login?next=/api", allow_redirects=False, timeout=20
    )
    cookie = next(
        c for c in answer.raw.headers.getlist("Set-Cookie") if c.startswith("example_app")
    )
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_no_token_can_be_read_from_a_cookie(demo: Demo) -> None:
    demo.open("/auth/login")
    pending = _readable_cookies(demo)
    assert "code_verifier" not in pending
    demo.sign_in()
    demo.open("/session").click("Refresh now")
    assert not [text for text in _tokens(demo) if text in _readable_cookies(demo)]


def test_no_page_shows_a_token(demo: Demo) -> None:
    for path, html in _pages(demo):
        assert not [text for text in _tokens(demo) if text in html], path
    refreshed = demo.open("/session").click("Refresh now")
    assert not [text for text in _tokens(demo) if text in refreshed.html]


def _tokens(demo: Demo) -> list[str]:
    found = [demo.flask_app.config["DEMO_CLIENT_SECRET"]]
    token = demo.token() or {}
    found += [token[name] for name in ("access_token", "refresh_token", "id_token") if token]
    assert min(map(len, found)) > 16
    return found


def _readable_cookies(demo: Demo) -> str:
    values = [cookie.value or "" for cookie in demo.browser.http.cookies]
    return " ".join([*values, *(_decoded(value) for value in values)])


def _decoded(value: str) -> str:
    payload = value.lstrip(".").partition(".")[0]
    try:
        raw = base64_decode(payload)
        return (zlib.decompress(raw) if value.startswith(".") else raw).decode("latin-1")
    except (ValueError, zlib.error):
        return ""


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(demo: Demo) -> None:
    for path, html in _pages(demo):
        assert "<script" not in html, path
        assert "<style" not in html, path
        assert not re.search(r"\s(style|on\w+)=", html), path
        assert not re.search(r'<(?:link|img)[^>]*="(?:https?:)?//', html), path


def test_pages_have_their_landmarks_and_labels(demo: Demo) -> None:
    for path, html in _pages(demo):
        assert '<html lang="en">' in html, path
        assert html.count("<h1") == 1, path
        assert [html.count(f"<{tag}") for tag in ("main", "footer")] == [1, 1], path
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), path
        for name in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', html):
            assert name in ids, path


@pytest.mark.parametrize("path", ["/", "/nothing", "/auth/callback/demo"])
def test_headers_of_all_pages(demo: Demo, path: str) -> None:
    headers = demo.open(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
@pytest.mark.parametrize("path", ["/api", "/session/refresh"])
def test_a_form_of_another_site_is_refused(demo: Demo, path: str, site: str) -> None:
    demo.sign_in()
    before = len(demo.provider.log)
    answer = demo.browser.http.post(
        demo.url + path, data={"text": "Forged"}, headers={"Sec-Fetch-Site": site}, timeout=20
    )
    assert answer.status_code == 400
    assert len(demo.provider.log) == before


def test_the_style_sheet_may_be_cached_and_imports_nothing(demo: Demo) -> None:
    answer = demo.browser.http.get(f"{demo.url}/static/style.css", timeout=20)
    assert answer.headers["Cache-Control"] != "no-store"
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    assert "prefers-color-scheme: dark" in answer.text


def test_a_fault_of_the_app_shows_no_trace(demo: Demo) -> None:
    demo.flask_app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    demo.flask_app.view_functions["pages.home"] = lambda: os.environ["SECRET-DETAIL"]
    page = demo.open("/")
    assert page.status == 500
    assert "Internal Server Error" in page.text
    assert "SECRET-DETAIL" not in page.html
