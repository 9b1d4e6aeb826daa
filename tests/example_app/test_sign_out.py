"""Signing out, here and at the provider."""

from __future__ import annotations

from ._browser import Browser
from .conftest import Demo

BUTTON = "Sign in with the development provider"


def test_sign_out_ends_both_sessions(demo: Demo) -> None:
    page = demo.sign_in().click("Sign out")
    assert page.url.startswith(f"{demo.url}/auth/logout/callback?")
    assert "You are signed out" in page.text
    assert demo.open().has(BUTTON)
    # The provider has forgotten the person too: it asks who they are.
    assert page.click("Sign in again").has("Bob")


def test_the_provider_is_told_who_leaves_and_where_to_return(demo: Demo) -> None:
    demo.sign_in().click("Sign out")
    (sent,) = [record.query for record in demo.provider.log if record.endpoint == "end_session"]
    assert sent["post_logout_redirect_uri"] == f"{demo.url}/auth/logout/callback"
    assert sent["id_token_hint"].count(".") == 2
    assert len(sent["state"]) >= 20


def test_sign_out_needs_our_form(demo: Demo) -> None:
    demo.sign_in()
    headers = {"Sec-Fetch-Site": "same-site", "Origin": demo.provider.issuer}
    forged = demo.browser.http.post(f"{demo.url}/auth/logout", headers=headers, timeout=20)
    assert forged.status_code == 403
    assert "Alice Example" in demo.open("/profile").text


def test_a_link_does_not_sign_out(demo: Demo) -> None:
    demo.sign_in()
    page = demo.open("/auth/logout")
    assert page.status == 405
    assert "POST" in page.headers["Allow"]
    assert "Alice Example" in demo.open("/profile").text


def test_signing_out_twice_does_no_harm(demo: Demo) -> None:
    page = demo.sign_in()
    page.click("Sign out")
    again = page.click("Sign out")
    assert "You are signed out" in again.text
    assert demo.calls("end_session") == 1


def test_sign_out_leaves_no_token_that_works(demo: Demo) -> None:
    page = demo.sign_in()
    token = demo.token()
    assert token is not None
    page.click("Sign out")
    assert demo.token() is None
    assert demo.provider.grants.find_refresh(token["refresh_token"]) is None


def test_who_signs_out_in_another_browser_signs_in_again_in_this_one(demo: Demo) -> None:
    demo.sign_in()
    other = Browser().open(demo.url).click(BUTTON).click("Alice").click("Allow")
    other.click("Sign out")
    for path in ("/profile", "/api", "/session"):
        before = demo.calls("authorize")
        page = demo.open(path)
        assert (page.status, page.url) == (200, demo.url + path)
        assert demo.calls("authorize") - before == (path == "/profile")
