from __future__ import annotations

import pytest

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import CALLBACK
from tests.testing._relying_party import RelyingParty
from tests.testing._relying_party import query_of

BYE = "http://localhost/bye"


def signed_in(browser: ScriptedBrowser, rp: RelyingParty, sub: str = "alice") -> str:
    page = browser.sign_in(rp.authorize().url, sub, stop_before=CALLBACK)
    return str(rp.redeem(query_of(page.history[-1].url)["code"]).json()["id_token"])


def end_session(rp: RelyingParty, **params: str) -> str:
    request = rp.get("/end_session", params=params).request
    return str(request.url)


def is_signed_in(browser: ScriptedBrowser, rp: RelyingParty) -> bool:
    page = browser.walk(rp.authorize(prompt="none").url, stop_before=CALLBACK)
    return "code" in query_of(page.history[-1].url)


def test_a_hint_signs_out_and_goes_back(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    hint = signed_in(browser, rp)
    assert is_signed_in(browser, rp)
    url = end_session(rp, id_token_hint=hint, post_logout_redirect_uri=BYE, state="the-state")
    page = browser.walk(url, stop_before=BYE)
    assert page.history[-1].url == f"{BYE}?state=the-state"
    assert not is_signed_in(browser, rp)


def test_without_state_none_comes_back(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    hint = signed_in(browser, rp)
    url = end_session(rp, id_token_hint=hint, post_logout_redirect_uri=BYE)
    assert browser.walk(url, stop_before=BYE).history[-1].url == BYE


def test_without_a_target_a_page_says_it_is_done(
    browser: ScriptedBrowser, rp: RelyingParty
) -> None:
    page = browser.open(end_session(rp, id_token_hint=signed_in(browser, rp)))
    assert "You are signed out" in page.text


def test_the_request_may_be_posted(rp: RelyingParty) -> None:
    hint = rp.login()["id_token"]
    response = rp.post(
        "/end_session", data={"id_token_hint": hint, "post_logout_redirect_uri": BYE}
    )
    assert response.status_code == 303
    assert response.headers["Location"] == BYE


def test_without_a_hint_the_person_is_asked(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    signed_in(browser, rp)
    url = end_session(rp, client_id="demo", post_logout_redirect_uri=BYE, state="s")
    page = browser.open(url)
    assert "Sign out?" in page.text
    assert is_signed_in(browser, rp)
    stay = browser.submit(page, {"decision": "stay"})
    assert "You are still signed in" in stay.text
    assert is_signed_in(browser, rp)
    done = browser.walk(url, {"decision": "sign_out"}, stop_before=BYE)
    assert done.history[-1].url == f"{BYE}?state=s"
    assert not is_signed_in(browser, rp)


def test_a_hint_of_somebody_else_asks_first(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    rp.op.auto_sign_in = "bob"
    hint = rp.login()["id_token"]
    rp.op.auto_sign_in = None
    signed_in(browser, rp, "alice")
    page = browser.open(end_session(rp, id_token_hint=hint))
    assert "Sign out?" in page.text
    assert "Alice Example" in page.text


def test_an_unknown_hint_is_as_good_as_none(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    signed_in(browser, rp)
    url = end_session(
        rp, id_token_hint="e30.e30.e30", client_id="demo", post_logout_redirect_uri=BYE
    )
    assert "Sign out?" in browser.open(url).text


@pytest.mark.parametrize(
    ("target", "accepted"),
    [
        ("https://app.example/bye", True),
        ("https://app.example/bye/", False),
        ("https://app.example/bye?x=1", False),
        ("https://evil.test/", False),
        ("http://127.0.0.1/native", False),
    ],
)
def test_the_target_must_be_registered(
    rp: RelyingParty, registered: ClientRecord, target: str, accepted: bool
) -> None:
    code = rp.code(client_id="registered", redirect_uri="https://app.example/callback")
    token = rp.redeem(
        code,
        redirect_uri="https://app.example/callback",
        auth=("registered", registered.client_secret),
    ).json()
    params = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": target}
    response = rp.get("/end_session", params=params)
    assert (response.status_code == 302) is accepted
    if not accepted:
        assert response.status_code == 400
        assert "Location" not in response.headers


def test_a_target_without_a_client_is_refused(rp: RelyingParty) -> None:
    response = rp.get("/end_session", params={"post_logout_redirect_uri": BYE})
    assert response.status_code == 400
    assert "not certain" in response.text


def test_a_client_id_that_does_not_fit_the_hint_is_refused(rp: RelyingParty) -> None:
    hint = rp.login()["id_token"]
    params = {"id_token_hint": hint, "client_id": "demo-public"}
    assert rp.get("/end_session", params=params).status_code == 400


def test_a_repeated_parameter_is_refused(rp: RelyingParty) -> None:
    response = rp.get("/end_session", params=[("state", "a"), ("state", "b")])
    assert response.status_code == 400


def test_a_confirmation_needs_our_form(
    browser: ScriptedBrowser, rp: RelyingParty, op: DevelopmentProvider
) -> None:
    signed_in(browser, rp)
    page = browser.open(end_session(rp))
    form = page.forms[0]
    form.fields.clear()
    assert browser.submit(page, {"decision": "sign_out"}, form=form).status == 403
    with ScriptedBrowser({op.issuer: op.wsgi}) as other:
        stranger = browser.open(end_session(rp))
        assert other.submit(stranger, {"decision": "sign_out"}).status == 400
    assert is_signed_in(browser, rp)
