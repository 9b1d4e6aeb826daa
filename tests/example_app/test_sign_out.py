"""Signing out, here and at the provider."""

from __future__ import annotations

from .conftest import Demo

BUTTON = "Sign in with the development provider"


def test_sign_out_ends_both_sessions(demo: Demo) -> None:
    page = demo.sign_in().click("Sign out")
    assert page.url.startswith(f"{demo.url}/auth/logout/callback?")
    assert "You are signed out" in page.text
    assert demo.open().has(BUTTON)
    assert len(demo.sign_ins) == 0
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


def test_who_has_signed_out_in_another_browser_is_asked_to_sign_in_again(demo: Demo) -> None:
    demo.sign_in()
    (person,) = demo.sign_ins._sign_ins
    demo.sign_ins.remove(person)
    for path in ("/profile", "/api", "/session"):
        page = demo.open(path)
        assert page.status >= 400
        assert "Please sign in again" in page.text
        assert "missing_token" in page.text
    assert page.click("Try again").url == f"{demo.url}/session"
