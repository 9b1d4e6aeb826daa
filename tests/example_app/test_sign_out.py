"""Signing out, here and at the provider."""

from __future__ import annotations

from .conftest import Demo


def test_sign_out_ends_both_sessions(demo: Demo) -> None:
    page = demo.sign_in().click("Sign out")
    assert page.url == f"{demo.url}/"
    assert "You are signed out, here and at the provider." in page.text
    assert "Please sign in first." in demo.open("/profile").text
    assert len(demo.sign_ins) == 0
    # The provider has forgotten the person too: it asks who they are.
    assert demo.open().click("Sign in with").has("Bob")


def test_the_provider_is_told_who_leaves_and_where_to_return(demo: Demo) -> None:
    demo.sign_in().click("Sign out")
    (sent,) = [record.query for record in demo.provider.log if record.endpoint == "end_session"]
    assert sent["post_logout_redirect_uri"] == f"{demo.url}/auth/signed-out"
    assert sent["id_token_hint"].count(".") == 2
    assert len(sent["state"]) >= 20


def test_a_return_that_nobody_asked_for_is_refused(demo: Demo) -> None:
    for query in ("", "?state=made-up"):
        page = demo.open(f"/auth/signed-out{query}")
        assert page.status == 400
        assert "signed out, here and at the provider" not in page.text


def test_a_login_state_is_no_sign_out_state(demo: Demo) -> None:
    page = demo.open("/auth/login")
    state = next(r.query["state"] for r in demo.provider.log if r.endpoint == "authorize")
    page = demo.open(f"/auth/signed-out?state={state}")
    assert page.status == 400


def test_sign_out_needs_our_form(demo: Demo) -> None:
    demo.sign_in()
    forged = demo.browser.http.post(f"{demo.url}/auth/logout", timeout=20)
    assert forged.status_code == 400
    forged = demo.browser.http.post(f"{demo.url}/auth/logout", data={"csrf": "guess"}, timeout=20)
    assert forged.status_code == 400
    assert "Alice Example" in demo.open("/profile").text


def test_a_link_does_not_sign_out(demo: Demo) -> None:
    demo.sign_in()
    page = demo.open("/auth/logout")
    assert page.status == 405
    assert "POST" in page.headers["Allow"]
    assert "Alice Example" in demo.open("/profile").text


def test_a_provider_without_sign_out_leaves_the_one_here(demo: Demo) -> None:
    def without(document: dict[str, object]) -> dict[str, object]:
        return {k: v for k, v in document.items() if k != "end_session_endpoint"}

    demo.provider.faults.on("discovery").edit_json(without)
    page = demo.sign_in().click("Sign out")
    assert page.status == 200
    assert "You are signed out of this app." in page.text
    assert "Please sign in first." in demo.open("/profile").text


def test_signing_out_twice_does_no_harm(demo: Demo) -> None:
    page = demo.sign_in()
    page.click("Sign out")
    again = page.click("Sign out")
    assert again.status == 400
    assert demo.calls("end_session") == 1
