from __future__ import annotations

import pytest

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.testing._relying_party import CALLBACK
from tests.testing._relying_party import RelyingParty
from tests.testing._relying_party import query_of


def test_a_person_signs_in_and_allows(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    page = browser.open(rp.authorize().url)
    assert "Continue as Alice Example" in " ".join(b.text for b in page.forms[0].buttons)
    page = browser.submit(page, {"persona": "alice"})
    assert "Allow Demo app?" in page.text
    page = browser.walk(rp.authorize().url, {"decision": "allow"}, stop_before=CALLBACK)
    answer = query_of(page.history[-1].url)
    assert answer["state"] == "state-of-the-test"
    assert answer["iss"] == rp.op.issuer
    assert rp.redeem(answer["code"]).status_code == 200


def test_a_person_cancels(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    page = browser.walk(rp.authorize().url, {"decision": "cancel"}, stop_before=CALLBACK)
    answer = query_of(page.history[-1].url)
    assert answer["error"] == "access_denied"
    assert answer["state"] == "state-of-the-test"
    assert answer["iss"] == rp.op.issuer


def test_consent_is_asked_once_and_again_for_more(
    browser: ScriptedBrowser, rp: RelyingParty
) -> None:
    browser.sign_in(rp.authorize(scope="openid").url, stop_before=CALLBACK)
    silent = browser.walk(rp.authorize(scope="openid").url, stop_before=CALLBACK)
    assert "code" in query_of(silent.history[-1].url)
    more = browser.open(rp.authorize(scope="openid email").url)
    assert "Your email address" in more.text
    again = browser.open(rp.authorize(scope="openid", prompt="consent").url)
    assert "Allow Demo app?" in again.text


def test_the_request_may_be_posted(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.auto_sign_in = "alice"
    response = rp.post("/authorize", data=rp.parameters())
    assert response.status_code == 303
    assert "code" in query_of(response.headers["Location"])


def test_the_redirect_uri_keeps_its_own_query(rp: RelyingParty, op: DevelopmentProvider) -> None:
    op.auto_sign_in = "alice"
    answer = rp.callback(redirect_uri="http://localhost/callback?tenant=7")
    assert answer["tenant"] == "7"
    assert "code" in answer


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"client_id": "nobody"}, "Unknown client"),
        ({"client_id": None}, "Unknown client"),
        ({"redirect_uri": None}, "The redirect_uri is missing"),
        ({"redirect_uri": "https://app.example/"}, "This redirect_uri is not registered"),
        ({"redirect_uri": "http://localhost@evil.test/"}, "This redirect_uri is not registered"),
        ({"redirect_uri": "http://localhost.evil.test/"}, "This redirect_uri is not registered"),
        ({"redirect_uri": "http://localhost/#x"}, "This redirect_uri is not registered"),
        ({"redirect_uri": "http://127.0.0.1:x/"}, "This redirect_uri is not registered"),
        ({"redirect_uri": "javascript:alert(1)"}, "This redirect_uri is not registered"),
    ],
)
def test_without_a_trusted_redirect_uri_only_the_person_is_told(
    rp: RelyingParty, changes: dict[str, str | None], title: str
) -> None:
    response = rp.authorize(**changes)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert f"<h1>{title}</h1>" in response.text


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        ("https://app.example/callback", True),
        ("https://app.example/callback/", False),
        ("https://app.example/callback?x=1", False),
        ("https://APP.example/callback", False),
        ("http://127.0.0.1/native", True),
        ("http://127.0.0.1:51234/native", True),
        ("http://127.0.0.1:51234/other", False),
        ("http://localhost/native", False),
        ("http://x@127.0.0.1:51234/native", False),
    ],
)
def test_redirect_uris_match_exactly_except_for_a_loopback_port(
    rp: RelyingParty, registered: ClientRecord, uri: str, accepted: bool
) -> None:
    response = rp.authorize(client_id="registered", redirect_uri=uri)
    assert (response.status_code == 200) is accepted


def test_a_single_registered_redirect_uri_may_be_left_out(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    op.add_client(ClientRecord("one", "secret-of-one", redirect_uris=("https://one.example/cb",)))
    op.auto_sign_in = "alice"
    response = rp.authorize(client_id="one", redirect_uri=None)
    assert response.headers["Location"].startswith("https://one.example/cb?")
    code = query_of(response.headers["Location"])["code"]
    redeemed = rp.redeem(code, redirect_uri=None, auth=("one", "secret-of-one"))
    assert redeemed.status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "made-up"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "too-short"}, "invalid_request"),
        ({"code_challenge": "=" * 43}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://x.test/"}, "request_uri_not_supported"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_other_errors_go_back_to_the_client(
    rp: RelyingParty, changes: dict[str, str | None], error: str
) -> None:
    answer = rp.callback(**changes)
    assert answer["error"] == error
    assert answer["state"] == "state-of-the-test"
    assert answer["iss"] == rp.op.issuer
    assert "code" not in answer


def test_a_repeated_parameter_is_refused(rp: RelyingParty) -> None:
    pairs = [*rp.parameters().items(), ("nonce", "another-nonce")]
    answer = query_of(rp.get("/authorize", params=pairs).headers["Location"])
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_repeated_client_or_redirect_uri_is_shown_to_the_person(
    rp: RelyingParty, name: str
) -> None:
    parameters = rp.parameters()
    response = rp.get("/authorize", params=[*parameters.items(), (name, parameters[name])])
    assert response.status_code == 400
    assert "Location" not in response.headers


def test_unknown_scopes_and_the_claims_parameter_are_ignored(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    op.auto_sign_in = "alice"
    code = rp.code(scope="openid made-up", claims='{"id_token": null}', ui_locales="de")
    assert rp.redeem(code).json()["scope"] == "openid"


def test_a_public_client_needs_pkce_and_a_confidential_one_when_required(
    rp: RelyingParty, op: DevelopmentProvider
) -> None:
    without = {"code_challenge": None, "code_challenge_method": None}
    assert rp.callback(client_id="demo-public", **without)["error"] == "invalid_request"
    assert rp.authorize(**without).status_code == 200
    op.require_pkce = True
    assert rp.callback(**without)["error"] == "invalid_request"


def test_prompt_none_answers_without_a_page(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    silent = rp.authorize(prompt="none").url

    def ask() -> dict[str, str]:
        page = browser.walk(silent, stop_before=CALLBACK)
        return query_of(page.history[-1].url)

    assert ask()["error"] == "login_required"
    browser.walk(rp.authorize().url, {"persona": "alice"})
    assert ask()["error"] == "consent_required"
    browser.walk(rp.authorize().url, {"decision": "allow"}, stop_before=CALLBACK)
    assert "code" in ask()


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_a_prompt_asks_again(browser: ScriptedBrowser, rp: RelyingParty, prompt: str) -> None:
    browser.sign_in(rp.authorize().url, stop_before=CALLBACK)
    page = browser.open(rp.authorize(prompt=prompt).url)
    assert "Sign in to Demo app" in page.text
    page = browser.sign_in(rp.authorize(prompt=prompt).url, "bob", stop_before=CALLBACK)
    code = query_of(page.history[-1].url)["code"]
    token = rp.redeem(code).json()["access_token"]
    assert rp.bearer("/userinfo", token).json()["sub"] == "bob"


def test_max_age_asks_again_when_the_sign_in_is_old(
    browser: ScriptedBrowser, rp: RelyingParty, op: DevelopmentProvider
) -> None:
    now = 1_800_000_000.0
    op.clock = lambda: now
    browser.sign_in(rp.authorize().url, stop_before=CALLBACK)
    fresh = browser.walk(rp.authorize(max_age="60").url, stop_before=CALLBACK)
    assert "code" in query_of(fresh.history[-1].url)
    now += 61
    assert "Sign in to Demo app" in browser.open(rp.authorize(max_age="60").url).text
    assert "code" in query_of(
        browser.sign_in(rp.authorize(max_age="60").url, stop_before=CALLBACK).history[-1].url
    )


def test_an_id_token_hint_of_somebody_else_asks_again(
    browser: ScriptedBrowser, rp: RelyingParty
) -> None:
    hint = rp.login()["id_token"]
    rp.op.auto_sign_in = None
    browser.sign_in(rp.authorize().url, "bob", stop_before=CALLBACK)
    page = browser.walk(rp.authorize(prompt="none", id_token_hint=hint).url, stop_before=CALLBACK)
    assert query_of(page.history[-1].url)["error"] == "login_required"


@pytest.mark.parametrize("hint", ["anh", "anh@example.net", "ánh.nguyễn"])
def test_a_login_hint_puts_its_person_first(
    browser: ScriptedBrowser, rp: RelyingParty, hint: str
) -> None:
    page = browser.open(rp.authorize(login_hint=hint).url)
    assert page.forms[0].buttons[0].value == "anh"
    assert "suggested by the app" in page.text


def test_not_you_shows_the_people_again(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    page = browser.submit(browser.open(rp.authorize().url), {"persona": "alice"})
    page = browser.submit(page, {"decision": "switch"})
    assert "Sign in to Demo app" in page.text
    page = browser.submit(page, {"persona": "bob"})
    assert "Bob Sample" in page.text


def test_form_post_sends_the_parameters_in_a_form(rp: RelyingParty) -> None:
    rp.op.auto_sign_in = "alice"
    page = rp.authorize(response_mode="form_post")
    assert page.status_code == 200
    assert f'<form method="post" action="{CALLBACK}">' in page.text
    assert 'name="code"' in page.text
    assert 'name="state" value="state-of-the-test"' in page.text
    nonce = page.text.partition('<script nonce="')[2].partition('"')[0]
    assert f"script-src 'nonce-{nonce}'" in page.headers["Content-Security-Policy"]


def test_errors_are_posted_too(rp: RelyingParty) -> None:
    page = rp.authorize(response_mode="form_post", prompt="none")
    assert 'name="error" value="login_required"' in page.text
    assert f'name="iss" value="{rp.op.issuer}"' in page.text


def test_a_form_without_our_token_is_refused(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    page = browser.open(rp.authorize().url)
    form = page.forms[0]
    form.fields.clear()
    refused = browser.submit(page, {"persona": "alice"}, form=form)
    assert refused.status == 403
    assert "did not come from our page" in refused.text


def test_an_open_page_belongs_to_its_browser(
    browser: ScriptedBrowser, rp: RelyingParty, op: DevelopmentProvider
) -> None:
    page = browser.open(rp.authorize().url)
    with ScriptedBrowser({op.issuer: op.wsgi}) as other:
        refused = other.submit(page, {"persona": "alice"})
    assert refused.status == 400
    assert "out of date" in refused.text


def test_signing_in_changes_the_cookie(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    def session_cookie() -> str | None:
        return next(c.value for c in browser.cookies if c.name == rp.op.cookies.session)

    browser.submit(browser.open(rp.authorize().url), {"persona": "alice"})
    before = session_cookie()
    browser.submit(browser.open(rp.authorize(prompt="login").url), {"persona": "alice"})
    assert before != session_cookie()


def test_a_finished_page_cannot_be_used_again(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    consent = browser.submit(browser.open(rp.authorize().url), {"persona": "alice"})
    first = browser.walk(consent.url, {"decision": "allow"}, stop_before=CALLBACK)
    assert "code" in query_of(first.history[-1].url)
    assert browser.submit(consent, {"decision": "allow"}).status == 400


def test_tabs_do_not_disturb_each_other(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    tabs = [browser.open(rp.authorize(state=f"state-of-tab-{n}").url) for n in range(3)]
    consents = [browser.submit(tab, {"persona": "alice"}) for tab in tabs]
    ends = [
        browser.walk(page.url, {"decision": "allow"}, stop_before=CALLBACK) for page in consents
    ]
    assert [query_of(end.history[-1].url)["state"] for end in ends] == [
        "state-of-tab-0",
        "state-of-tab-1",
        "state-of-tab-2",
    ]


def test_an_unknown_persona_is_refused(browser: ScriptedBrowser, rp: RelyingParty) -> None:
    page = browser.open(rp.authorize().url)
    form = page.forms[0]
    form.buttons.clear()
    fields = dict(form.data({}))
    response = rp.session.post(
        rp.op.issuer + form.action,
        data={**fields, "persona": "mallory"},
        cookies={cookie.name: cookie.value or "" for cookie in browser.cookies},
        allow_redirects=False,
    )
    assert response.status_code == 400
    assert "Nobody of that name" in response.text
