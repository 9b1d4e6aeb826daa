"""Signing in at the development provider, and every way in which it does not work."""

from __future__ import annotations

import pytest

from example_app import create_app
from example_app.development import settings_for
from example_app.identity import PAGES

from .conftest import Demo


def test_a_person_signs_in_and_sees_their_claims(demo: Demo) -> None:
    page = demo.sign_in("Alice")
    assert page.status == 200
    assert page.url == f"{demo.url}/profile"
    assert "Alice Example" in page.text
    for claim in ("sub", "email_verified", "iss", "aud", "exp", "nonce", "at_hash"):
        assert f"<code>{claim}</code>" in page.html
    assert "Whether the provider checked that the address is yours." in page.text


def test_a_name_outside_ascii_is_shown_as_it_is(demo: Demo) -> None:
    page = demo.sign_in("Nguyễn Thị Ánh")
    assert "Nguyễn Thị Ánh" in page.text
    assert "NÁ" in page.text


def test_claims_of_the_userinfo_endpoint_are_marked(demo: Demo) -> None:
    demo.provider.claims_in_id_token = False
    page = demo.sign_in("Alice")
    assert "email alice@example.com Your preferred e-mail address. userinfo" in page.text
    assert "sub alice" in page.text


@pytest.mark.parametrize("name", PAGES)
def test_who_asks_for_a_page_is_brought_back_to_it(demo: Demo, name: str) -> None:
    page = demo.open(f"/{name}")
    assert "Please sign in first." in page.text
    page = page.click("Sign in with").click("Alice").click("Allow")
    assert page.url == f"{demo.url}/{name}"


@pytest.mark.parametrize("name", ["//elsewhere.test", "https://elsewhere.test/", "auth.login", ""])
def test_no_other_place_can_be_named(demo: Demo, name: str) -> None:
    page = demo.browser.http.get(f"{demo.url}/auth/login", params={"next": name}, timeout=20)
    assert page.url.startswith(demo.provider.issuer)
    demo.open("/")
    assert demo.sign_in().url == f"{demo.url}/profile"


def test_pressing_cancel_is_no_accident(demo: Demo) -> None:
    page = demo.open().click("Sign in with").click("Cancel")
    assert page.status == 400
    assert "Sign-in was cancelled" in page.text
    assert "access_denied" in page.text
    assert "Please sign in first." in demo.open("/profile").text
    page = page.click("Try again").click("Alice").click("Allow")
    assert page.url == f"{demo.url}/profile"


def test_refusing_consent_is_cancelling_too(demo: Demo) -> None:
    page = demo.open().click("Sign in with").click("Alice").click("Cancel")
    assert page.status == 400
    assert "Sign-in was cancelled" in page.text


def test_a_callback_that_nobody_asked_for_is_refused(demo: Demo) -> None:
    page = demo.open("/auth/callback?code=stolen&state=made-up")
    assert page.status == 400
    assert "This sign-in did not begin here" in page.text
    assert "mismatching_state" in page.text
    assert page.has("Try again")
    assert demo.calls("token") == 0


def test_an_error_redirect_that_nobody_asked_for_is_refused(demo: Demo) -> None:
    page = demo.open("/auth/callback?error=access_denied&state=made-up")
    assert page.status == 400
    assert "Sign-in was cancelled" not in page.text


def test_a_bare_callback_is_explained(demo: Demo) -> None:
    page = demo.open("/auth/callback")
    assert page.status == 400
    assert "missing_state" in page.text


def test_the_callback_works_once(demo: Demo) -> None:
    page = demo.open().click("Sign in with").click("Alice")
    answer = demo.browser.http.post
    used: list[str] = []

    def remember(url: str, **kwargs: object) -> object:
        response = answer(url, **kwargs)  # type: ignore[arg-type]
        used.extend(step.url for step in response.history if "/auth/callback" in step.url)
        return response

    demo.browser.http.post = remember  # type: ignore[method-assign, assignment]
    page.click("Allow")
    page = demo.open(used[0].removeprefix(demo.url))
    assert page.status == 400
    assert "This sign-in is already done" in page.text
    assert demo.calls("token") == 1
    assert "Alice Example" in demo.open("/profile").text


def test_a_provider_out_of_order_is_an_error_page(demo: Demo) -> None:
    demo.provider.faults.on("token").respond(status=503)
    page = demo.sign_in()
    assert page.status == 502
    assert page.has("Try again")
    assert "Please sign in first." in demo.open("/profile").text


def test_a_forged_id_token_signs_nobody_in(demo: Demo) -> None:
    demo.provider.faults.on("id_token").edit_claims(lambda claims: {**claims, "aud": "another"})
    page = demo.sign_in()
    assert page.status == 502
    assert "invalid_claim" in page.text
    assert "Please sign in first." in demo.open("/profile").text


def test_a_provider_out_of_reach_is_an_error_page(free_port: int) -> None:
    app = create_app(settings_for(f"http://127.0.0.1:{free_port}"))
    answer = app.test_client().get("/auth/login")
    assert answer.status_code == 502
    assert "The provider does not answer" in answer.text
    assert "provider_unreachable" in answer.text


def test_signing_in_again_ends_the_sign_in_before(demo: Demo) -> None:
    demo.sign_in("Alice")
    demo.open("/auth/login")
    assert "Alice Example" in demo.open("/profile").text
    assert len(demo.sign_ins) == 1


def test_two_tabs_both_finish(demo: Demo) -> None:
    get, login = demo.browser.http.get, f"{demo.url}/auth/login"
    tabs = [get(login, allow_redirects=False, timeout=20).headers["Location"] for _ in range(2)]
    page = demo.browser.open(tabs[0]).click("Alice").click("Allow")
    assert (page.status, page.url) == (200, f"{demo.url}/profile")
    page = demo.browser.open(tabs[1])
    assert (page.status, page.url) == (200, f"{demo.url}/profile")
    assert len(demo.sign_ins) == 1
