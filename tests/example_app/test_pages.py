"""The API page and the tokens page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from .conftest import Demo


def test_a_note_is_added_through_the_api(demo: Demo) -> None:
    page = demo.sign_in().click("API")
    assert "No notes yet." in page.text
    page = page.click("Add note", text="Buy <oat> milk")
    assert "Saved. The provider answered 201 Created in" in page.text
    assert "Buy &lt;oat&gt; milk" in page.html
    assert 'oauth.demo.get("notes") 200 OK' in page.text
    assert "ms" in page.text


def test_each_view_is_one_call(demo: Demo) -> None:
    demo.sign_in()
    before = demo.calls("api"), len(demo.provider.log)
    demo.open("/api")
    assert demo.calls("api") - before[0] == 1
    assert len(demo.provider.log) - before[1] == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 201])
def test_a_note_that_cannot_be_is_not_sent(demo: Demo, text: str) -> None:
    page = demo.sign_in().click("API").click("Add note", text=text)
    assert "A note has 1 to 200 characters." in page.text
    assert [record.method for record in demo.provider.log if record.endpoint == "api"] == [
        "GET",
        "GET",
    ]


def test_two_people_have_their_own_notes(demo: Demo) -> None:
    demo.sign_in("Alice").click("API").click("Add note", text="Of Alice")
    demo.open("/profile").click("Sign out")
    page = demo.sign_in("Bob").click("API")
    assert "Of Alice" not in page.text


def test_an_api_that_fails_is_shown_as_it_is(demo: Demo) -> None:
    demo.sign_in()
    demo.provider.faults.on("api").respond(status=503)
    page = demo.open("/api")
    assert page.status == 200
    assert "503 Service Unavailable" in page.text
    page = page.click("Add note", text="Lost")
    assert "Not saved. The provider answered 503" in page.text


def test_an_api_that_hangs_up_is_an_error_page(demo: Demo) -> None:
    demo.sign_in()
    demo.provider.faults.on("api").drop()
    page = demo.open("/api")
    assert page.status == 502
    assert page.has("Try again")


def test_the_tokens_page_tells_without_showing(demo: Demo) -> None:
    page = demo.sign_in().click("Tokens")
    assert "Expires in 59 min" in page.text or "Expires in 1 h" in page.text
    for scope in ("openid", "profile", "email", "api"):
        assert f'<span class="tag">{scope}</span>' in page.html
    assert "Not refreshed yet" in page.text


def test_refresh_changes_the_access_token_and_rotates_the_other(demo: Demo) -> None:
    page = demo.sign_in().click("Tokens")
    old = demo.token()
    page = page.click("Refresh now")
    new = demo.token()
    assert old is not None
    assert new is not None
    assert "The provider gave out a new access token." in page.text
    assert "Last refresh When just now" in page.text
    assert "Refresh token rotated" in page.text
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert new["id_token"]
    assert [r.form["grant_type"] for r in demo.provider.log if r.endpoint == "token"] == [
        "authorization_code",
        "refresh_token",
    ]
    assert "200 OK" in demo.open("/api").text


def test_a_refresh_token_that_is_kept_is_called_so(demo: Demo) -> None:
    demo.provider.rotate_refresh_tokens = False
    page = demo.sign_in().click("Tokens").click("Refresh now")
    assert "Refresh token kept" in page.text


def test_an_impatient_person_breaks_nothing(demo: Demo) -> None:
    page = demo.sign_in().click("Tokens")
    form = page.form_with("Refresh now")
    cookies = {cookie.name: cookie.value or "" for cookie in demo.browser.http.cookies}

    def press(_: int) -> int:
        url = f"{demo.url}/session/refresh"
        answer = requests.post(
            url,
            data=form,
            cookies=cookies,
            headers={"Sec-Fetch-Site": "same-origin"},
            allow_redirects=False,
            timeout=20,
        )
        return answer.status_code

    with ThreadPoolExecutor(8) as people:
        assert set(people.map(press, range(16))) == {302}
    assert "200 OK" in demo.open("/api").text


def test_who_is_refused_a_refresh_signs_in_again_and_comes_back(demo: Demo) -> None:
    page = demo.sign_in().click("Tokens").click("Refresh now")
    demo.provider.faults.on("token", times=1).respond_json({"error": "invalid_grant"}, status=400)
    page = page.click("Refresh now")
    assert (page.status, page.url) == (200, f"{demo.url}/session")
    assert "Not refreshed yet" in page.text  # another sign-in, another session


def test_who_is_refused_a_call_signs_in_again_and_comes_back(demo: Demo) -> None:
    demo.sign_in()
    demo.expire_token()
    demo.provider.faults.on("token", times=1).respond_json({"error": "invalid_grant"}, status=400)
    page = demo.open("/api")
    assert (page.status, page.url) == (200, f"{demo.url}/api")
    assert "200 OK" in page.text


def test_a_refresh_that_fails_for_now_keeps_the_token_and_is_told(demo: Demo) -> None:
    page = demo.sign_in().click("Tokens")
    before = demo.token()
    demo.provider.faults.on("token").status(503)
    page = page.click("Refresh now")
    assert "provider_unavailable" in page.text
    assert page.status == 502
    assert demo.token() == before
    page = page.click("Try again")
    assert (page.status, page.url) == (200, f"{demo.url}/session")
    assert "200 OK" in demo.open("/api").text


def test_an_expired_token_is_refreshed_by_the_call(demo: Demo) -> None:
    demo.sign_in()
    demo.expire_token()
    assert "200 OK" in demo.open("/api").text
    assert "200 OK" in demo.open("/api").text
    assert demo.calls("token") == 2
    assert "Last refresh When just now" in demo.open("/session").text


def test_a_token_that_expires_at_once_is_replaced_from_the_start(demo: Demo) -> None:
    demo.provider.access_token_lifetime = 1
    page = demo.sign_in()
    assert "Alice Example" in page.text
    assert "200 OK" in demo.open("/api").text
    assert "200 OK" in demo.open("/api").text


def test_without_a_refresh_token_there_is_no_button(demo: Demo) -> None:
    demo.provider.always_refresh_token = False
    demo.flask_app.config["DEMO_CLIENT_KWARGS"] = {"scope": "openid profile"}
    page = demo.sign_in().click("Tokens")
    assert "This provider gave no refresh token." in page.text
    assert not page.has("Refresh now")


def test_at_another_provider_the_api_page_asks_userinfo(demo: Demo) -> None:
    demo.sign_in()
    demo.flask_app.config["DEMO_API_BASE_URL"] = None
    before = demo.calls("userinfo")
    page = demo.open("/api")
    assert "oauth.demo.userinfo()" in page.text
    assert "&#34;sub&#34;: &#34;alice&#34;" in page.html
    assert demo.calls("userinfo") - before == 1
