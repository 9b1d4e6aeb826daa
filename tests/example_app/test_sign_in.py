"""Signing in at the development provider, and the ways in which it does not work.

The blueprint has tests of its own; here is what the app does with it.
"""

from __future__ import annotations

import pytest

from example_app import create_app
from example_app.development import settings_for

from .conftest import Demo

BUTTON = "Sign in with the development provider"


def test_a_person_signs_in_and_sees_their_claims(demo: Demo) -> None:
    page = demo.open().click(BUTTON).click("Alice").click("Allow")
    assert page.url == f"{demo.url}/"
    assert "Hello, Alice Example." in page.text
    page = page.click("Profile")
    assert page.status == 200
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
    assert "Alice Example" in page.text


def test_the_userinfo_endpoint_is_asked_once_for_a_login(demo: Demo) -> None:
    demo.provider.claims_in_id_token = False
    page = demo.open().click(BUTTON).click("Alice").click("Allow")
    assert "Hello, Alice Example." in page.text
    assert demo.calls("userinfo") == 1


def test_a_provider_without_a_userinfo_endpoint_has_a_profile_all_the_same(demo: Demo) -> None:
    fault = demo.provider.faults.on("discovery")
    fault.edit_json(lambda found: {k: v for k, v in found.items() if k != "userinfo_endpoint"})
    page = demo.sign_in()
    assert page.status == 200
    assert "email alice@example.com" in page.text
    assert demo.calls("userinfo") == 0


@pytest.mark.parametrize("path", ["/profile", "/api", "/session"])
def test_who_asks_for_a_page_signs_in_and_is_brought_back_to_it(demo: Demo, path: str) -> None:
    page = demo.open(path)
    assert page.url.startswith(demo.provider.issuer)
    assert page.click("Alice").click("Allow").url == demo.url + path


def test_a_visitor_from_elsewhere_is_asked_first(demo: Demo) -> None:
    demo.browser.http.headers["Sec-Fetch-Site"] = "cross-site"
    page = demo.open("/profile")
    del demo.browser.http.headers["Sec-Fetch-Site"]
    assert demo.calls("authorize") == 0
    assert "Example app" in page.text  # the page of the blueprint, in the frame of the app
    page = page.click("Continue with the development provider").click("Alice").click("Allow")
    assert page.url == f"{demo.url}/profile"


@pytest.mark.parametrize("target", ["//elsewhere.test", "https://elsewhere.test/", "/auth/login"])
def test_no_other_place_can_be_named(demo: Demo, target: str) -> None:
    page = demo.open(f"/auth/login?next={target}").click("Alice").click("Allow")
    assert page.url == f"{demo.url}/"


def test_pressing_cancel_is_no_accident(demo: Demo) -> None:
    page = demo.open("/profile").click("Cancel")
    assert page.status == 400
    assert "access_denied" in page.text
    assert "Example app" in page.text
    assert demo.token() is None
    page = page.click("Try again").click("Alice").click("Allow")
    assert page.url == f"{demo.url}/profile"


def test_a_forged_id_token_signs_nobody_in(demo: Demo) -> None:
    demo.provider.faults.on("id_token").edit_claims(lambda claims: {**claims, "aud": "another"})
    page = demo.sign_in()
    assert page.status == 502
    assert "invalid_claim" in page.text
    assert demo.token() is None
    assert demo.open().has(BUTTON)


def test_a_userinfo_endpoint_that_fails_signs_nobody_in(demo: Demo) -> None:
    demo.provider.claims_in_id_token = False
    demo.provider.faults.on("userinfo").respond(status=503)
    page = demo.sign_in()
    assert page.status == 502
    assert page.has("Try again")
    assert demo.token() is None
    assert demo.open().has(BUTTON)


def test_a_userinfo_endpoint_that_fails_later_is_told(demo: Demo) -> None:
    fault = demo.provider.faults.on("userinfo").respond(status=503)
    page = demo.sign_in()
    assert page.status == 502
    assert "That did not work" in page.text
    demo.provider.faults.discard(fault)
    assert "Alice Example" in page.click("Try again").text


def test_a_provider_out_of_reach_is_an_error_page(free_port: int) -> None:
    app = create_app(settings_for(f"http://127.0.0.1:{free_port}"))
    answer = app.test_client().get("/auth/login")
    assert answer.status_code == 502
    assert "provider_unreachable" in answer.text


def test_two_tabs_both_finish(demo: Demo) -> None:
    get, login = demo.browser.http.get, f"{demo.url}/auth/login?next=/profile"
    tabs = [get(login, allow_redirects=False, timeout=20).headers["Location"] for _ in range(2)]
    page = demo.browser.open(tabs[0]).click("Alice").click("Allow")
    assert (page.status, page.url) == (200, f"{demo.url}/profile")
    page = demo.browser.open(tabs[1])
    assert (page.status, page.url) == (200, f"{demo.url}/profile")
    assert demo.token() is not None


def test_a_login_begun_at_localhost_ends_well(demo: Demo) -> None:
    page = demo.browser.open(demo.url.replace("127.0.0.1", "localhost"))
    page = page.click("Sign in with").click("Alice").click("Allow")
    assert (page.status, page.url) == (200, f"{demo.url}/")
    assert "Hello, Alice Example." in page.text
