"""Logins that fail at the blueprint's callback: the page, what stays, and what begins anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from urllib.parse import urlsplit

import flask
import pytest
import requests
from requests.cookies import get_cookie_header

from flask_oauthclient import OAuthError
from flask_oauthclient.flask_client import signals
from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import WSGIAdapter
from tests.helpers.cases import Cases
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.helpers.rejection import PROVIDER_TEXT
from tests.helpers.urls import query_of
from tests.helpers.urls import state_of
from tests.helpers.urls import with_params

from ._site import ISSUER
from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]
DENIED = {"error": "access_denied", "error_description": PROVIDER_TEXT, "code": None}
UNKNOWN = AuthorizationError.error
#: What the session holds of logins, not of people.
_PASSING = ("_state_", "_oauthclient_again", "_oauthclient_next")


def lasting(site: BlueprintSite) -> dict[str, Any]:
    """The session without what is about a pending login."""
    return {k: v for k, v in site.session().items() if not k.startswith(_PASSING)}


def send(site: BlueprintSite, visit: Visit, **headers: str) -> requests.Response:
    """A visit with the browser's cookies of which it keeps nothing."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = requests.Request(visit.method, visit.url, headers=named, data=visit.data).prepare()
    cookies = get_cookie_header(site.browser.cookies, request)
    request.headers["Cookie"] = cookies or ""
    return WSGIAdapter(site.app.wsgi_app).send(request)


def assert_page(site: BlueprintSite, visit: Visit, code: str, status: int = 400) -> Page:
    """Visit a callback that shows an error page, and check everything that this means."""
    before = lasting(site)
    site.outbound.clear()
    page = site.finish(visit)
    assert (page.status, f">{code}</code>" in page.text) == (status, True)
    assert urlsplit(page.url).path == urlsplit(visit.url).path
    assert PROVIDER_TEXT not in page.text
    assert site.outbound.paths == []
    assert lasting(site) == before
    assert page.response.headers["Cache-Control"] == "no-store"
    return page


# -- what comes to the callback --------------------------------------------------------------

cases = Cases()


@cases.rows("C01", ["access_denied", "login_required", "consent_required", "server_error"])
def error_of_the_provider(site: BlueprintSite, code: str) -> None:
    visit = with_params(site.begin(next="/who?a"), **{**DENIED, "error": code})
    page = assert_page(site, visit, code)
    assert page.forms[0].data({}, ()) == [("next", "/who?a")]
    assert site.browser.submit(page, form=page.forms[0]).url == f"{ORIGIN}/who?a"


@cases.rows(
    "C01-unknown",
    {"word": "call_555_0100_now", "urn": "urn:evil:error", "url": "https://evil.test", "b": "<b>"},
)
def error_that_nobody_knows(site: BlueprintSite, code: str) -> None:
    page = assert_page(site, with_params(site.begin(), **{**DENIED, "error": code}), UNKNOWN)
    assert code not in page.text


@cases.rows("C02", {"forged": "x" * 30, "absent": None, "empty": ""})
def error_without_a_valid_state(site: BlueprintSite, state: str | None) -> None:
    visit = site.begin()
    code = "mismatching_state" if state else "missing_state"
    page = assert_page(site, with_params(visit, **DENIED, state=state), code)
    assert "access_denied" not in page.text
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.rows("C03", {"other": "https://evil.test", "absent": None})
def error_of_another_issuer(site: BlueprintSite, iss: str | None) -> None:
    code = "mismatching_iss" if iss else "missing_iss"
    page = assert_page(site, with_params(site.begin(), **DENIED, iss=iss), code)
    assert "access_denied" not in page.text


@cases.rows("C04", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{config}}"])
def markup_of_the_provider(site: BlueprintSite, text: str) -> None:
    params = {**DENIED, "error_description": text, "error_uri": text}
    page = assert_page(site, with_params(site.begin(), **params), "access_denied")
    assert text not in page.text


@cases.rows("C05", {"crlf": "a\r\nSet-Cookie: x=y", "esc": "a\x1b[31mred", "nul": "a\0b"})
def control_characters_of_the_provider(site: BlueprintSite, text: str) -> None:
    params = {**DENIED, "error_description": text, "error_uri": text}
    page = assert_page(site, with_params(site.begin(), **params), "access_denied")
    assert "x=y" not in str(page.response.headers)


@cases.rows("C06", ["code", "iss", "error"])
def parameter_twice(site: BlueprintSite, name: str) -> None:
    visit = site.begin()
    value = query_of(visit.url).get(name, ["x"])[0]
    twice = urlencode([(name, value)] * (1 if name in query_of(visit.url) else 2))
    assert_page(site, Visit("GET", f"{visit.url}&{twice}"), "invalid_callback")


@cases.row("C08")
def both_code_and_error(site: BlueprintSite) -> None:
    assert_page(site, with_params(site.begin(), error="access_denied"), "access_denied")


@cases.rows("C09", {"absent": None, "empty": ""})
def neither_code_nor_error(site: BlueprintSite, code: str | None) -> None:
    assert_page(site, with_params(site.begin(), code=code), "missing_code")


@cases.row("C10")
def issuer_absent(site: BlueprintSite) -> None:
    assert_page(site, with_params(site.begin(), iss=None), "missing_iss")


@cases.rows("C11", ["https://evil.test"])
@cases.rows("C12", [f"{ISSUER}/", "https://OP.test", f"{ISSUER}:443"])
def issuer_of_another(site: BlueprintSite, iss: str) -> None:
    assert_page(site, with_params(site.begin(), iss=iss), "mismatching_iss")


@cases.row("C13")
def issuer_wrong_and_not_announced(site: BlueprintSite) -> None:
    name = "authorization_response_iss_parameter_supported"
    with site.provider.faults.on("discovery").edit_json(lambda d: {**d, name: False}):
        visit = site.begin()
    assert_page(site, with_params(visit, iss="https://evil.test"), "mismatching_iss")


@cases.row("C14")
def jarm_beside_a_code(site: BlueprintSite) -> None:
    assert_page(site, with_params(site.begin(), response="x.y.z"), "wrong_response_mode")


@cases.rows("C17", {"json": "application/json", "multipart": "multipart/form-data; boundary=x"})
def posted_body_that_is_no_form(site: BlueprintSite, kind: str) -> None:
    visit = site.begin()
    post = Visit("POST", visit.url.partition("?")[0], b'{"state":1}')  # type: ignore[arg-type]
    answer = send(site, post, Content_Type=kind)
    assert (answer.status_code, "invalid_callback" in answer.text) == (400, True)
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.row("C17-large")
def posted_body_that_is_large(site: BlueprintSite) -> None:
    visit = site.begin()
    data = [("state", state_of(visit)), ("code", "x" * 1_000_000)]
    answer = send(site, Visit("POST", visit.url.partition("?")[0], data), Origin=ISSUER)
    assert (answer.status_code, "callback_too_large" in answer.text) == (413, True)
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.row("C20")
def unknown_parameters(site: BlueprintSite) -> None:
    visit = with_params(site.begin(), session_state="x", scope="all", authuser="0")
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.rows("C21", {"long": "c" * 8000, "crlf": "c\r\nX-Evil: 1"})
def odd_code(site: BlueprintSite, code: str) -> None:
    page = site.finish(with_params(site.begin(), code=code))
    assert (page.status, "invalid_grant" in page.text) == (400, True)
    assert "X-Evil" not in page.response.headers
    [sent] = [record.form for record in site.provider.log.find("token")]
    assert sent["code"] == code


@cases.rows("C22", ["PUT", "DELETE", "PATCH"])
@cases.rows("S22", ["HEAD"])
def other_methods(site: BlueprintSite, method: str) -> None:
    visit = site.begin()
    assert send(site, Visit(method, visit.url)).status_code == 405
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.rows("S22-prefetch", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"])
def prefetch(site: BlueprintSite, purpose: str) -> None:
    visit = site.begin()
    site.outbound.clear()
    answer = send(site, visit, Sec_Purpose=purpose)
    assert (answer.status_code, site.outbound.paths) == (405, [])
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.row("C24")
def stolen_code_with_a_state_of_the_attacker(site: BlueprintSite) -> None:
    stolen = query_of(site.begin().url)["code"][0]
    attacker = ScriptedBrowser({ORIGIN: site.app.wsgi_app, ISSUER: site.provider.wsgi})
    page = attacker.sign_in(
        f"{ORIGIN}/auth/login/demo", "bob", stop_before=f"{ORIGIN}/auth/callback/"
    )
    answer = attacker.open(with_params(page.history[-1], code=stolen).url)
    attacker.close()
    assert (answer.status, "invalid_grant" in answer.text) == (400, True)


@cases.rows("C25", ["nobody", "<script>", "demo/", "..%2Fdemo"])
def unknown_provider(site: BlueprintSite, name: str) -> None:
    answer = send(site, Visit("GET", f"{ORIGIN}/auth/callback/{name}?code=x&state=y"))
    assert answer.status_code == 404
    assert name not in answer.text


@cases.row("C26")
def redirect_uri_at_the_token_endpoint(site: BlueprintSite) -> None:
    site.sign_in()
    [sent] = [record.query["redirect_uri"] for record in site.provider.log.find("authorize")]
    [form] = [record.form for record in site.provider.log.find("token")]
    assert form["redirect_uri"] == sent == f"{ORIGIN}/auth/callback/demo"


@cases.rows("S05", ["token", "userinfo", "id_token"])
def callback_that_failed_comes_again(site: BlueprintSite, point: str) -> None:
    visit = site.begin(next="/who")
    if point == "id_token":
        site.provider.faults.on("id_token", times=1).tamper_signature()
    else:
        site.provider.claims_in_id_token = False
        site.provider.faults.on(point, times=1).respond(status=503)  # type: ignore[call-overload]
    page = site.finish(visit)
    assert (page.status, site.who()) == (502, {})
    assert page.forms[0].data({}, ()) == [("next", "/who")]
    answer = send(site, visit)
    assert urlsplit(answer.headers["Location"]).path == "/auth/login/demo"
    assert site.provider.log.count("token") == 1


@cases.row("U01")
def userinfo_about_somebody_else(site: BlueprintSite) -> None:
    site.provider.claims_in_id_token = False
    site.provider.faults.on("userinfo").edit_json(lambda claims: {**claims, "sub": "bob"})
    page = site.sign_in(next="/who")
    assert (page.status, "userinfo" in page.text) == (502, True)
    assert page.forms[0].data({}, ()) == [("next", "/who")]
    assert site.who() == {}


@cases.row("A16")
def silent_login_that_needs_the_person(site: BlueprintSite) -> None:
    visit = with_params(site.begin(next="/who"), **{**DENIED, "error": "login_required"})
    page = assert_page(site, visit, "login_required")
    assert len(page.history) == 1


@pytest.mark.parametrize("case", cases.params())
def test_callback(case: Callable[[BlueprintSite], None], site: BlueprintSite) -> None:
    case(site)


# -- who presses Cancel ----------------------------------------------------------------------


def test_cancel_at_the_provider_keeps_next(site: BlueprintSite) -> None:
    site.provider.auto_sign_in = None
    page = site.browser.walk(f"{ORIGIN}/auth/login?next=/who?a=b", {"persona": "alice"})
    page = site.browser.submit(page, {"decision": "cancel"})
    assert (page.status, "access_denied" in page.text) == (400, True)
    page = site.browser.submit(page, form=page.forms[0])
    page = site.browser.submit(page, {"decision": "allow"})
    assert page.url == f"{ORIGIN}/who?a=b"


def test_cancel_leaves_whoever_is_signed_in(site: BlueprintSite) -> None:
    site.sign_in()
    before = site.who()
    assert_page(site, with_params(site.begin(), **DENIED), "access_denied")
    assert site.who() == before


# -- a state that is lost begins anew, once --------------------------------------------------


def lose_cookies(site: BlueprintSite) -> None:
    """Forget what the browser knows of the site, but not of the provider."""
    for cookie in list(site.browser.cookies):
        if cookie.domain.startswith("rp.test"):
            site.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)


def starts_of(page: Page) -> int:
    return sum(urlsplit(visit.url).path == "/auth/login/demo" for visit in page.history)


def test_lost_state_begins_anew_by_itself(site: BlueprintSite) -> None:
    visit = site.begin(next="/who")
    lose_cookies(site)
    page = site.finish(visit)
    assert (page.status, starts_of(page)) == (200, 1)
    assert site.who()["sub"] == "alice"


def test_lost_state_leads_where_the_session_remembers(site: BlueprintSite) -> None:
    visit = site.begin(next="/who?a=1&b=%2F")
    for cookie in list(site.browser.cookies):
        if "oac_" in cookie.name:
            site.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)
    session = {k: v for k, v in site.session().items() if not k.startswith("_state_")}
    interface: Any = site.app.session_interface
    value = interface.get_signing_serializer(site.app).dumps(session)
    site.browser.cookies.set("session", value, domain="rp.test", path="/")  # type: ignore[attr-defined]
    page = site.finish(visit)
    assert (page.status, starts_of(page)) == (400, 0)
    assert site.browser.submit(page, press=["Try again"]).url == f"{ORIGIN}/who?a=1&b=%2F"


def test_expired_state_begins_anew_with_the_same_next(site: BlueprintSite, clock: Clock) -> None:
    visit = site.begin(next="/who?late")
    clock.advance(660)
    page = site.finish(visit)
    assert (page.url, starts_of(page)) == (f"{ORIGIN}/who?late", 1)


def test_state_of_another_browser_signs_in_nobody_with_its_code(site: BlueprintSite) -> None:
    """Row S03: a link to somebody else's login does not even begin one."""
    site.provider.auto_sign_in = None
    other = ScriptedBrowser({ORIGIN: site.app.wsgi_app, ISSUER: site.provider.wsgi})
    page = other.sign_in(f"{ORIGIN}/auth/login/demo", "bob", stop_before=f"{ORIGIN}/auth/callback/")
    site.sign_in()
    end = site.finish(page.history[-1])
    other.close()
    assert site.who()["sub"] == "alice"
    assert (end.status, starts_of(end)) == (400, 0)


def test_browser_without_cookies_gets_the_page_after_one_bounce(site: BlueprintSite) -> None:
    heard, told = [], []
    signals.login_failed.connect(lambda sender, **found: heard.append(found), site.app, weak=False)
    visit = site.begin(next="/who?a=1")
    wsgi = WSGIAdapter(site.app.wsgi_app)
    url, seen = visit.url, []
    for _ in range(10):
        answer = wsgi.send(requests.Request("GET", url).prepare())
        seen.append(urlsplit(url).path)
        if answer.status_code != 302:
            told.append(answer)
            break
        url = requests.compat.urljoin(url, answer.headers["Location"])
    assert seen == ["/auth/callback/demo", "/auth/login/demo"]
    assert (told[0].status_code, "state_lost" in told[0].text) == (400, True)
    assert [found["error"].error for found in heard] == ["state_lost"]


def test_state_that_is_lost_once_more_is_a_page(site: BlueprintSite) -> None:
    visit = site.begin(next="/who")
    session_only = [cookie.name for cookie in site.browser.cookies if "oac_" in cookie.name]
    assert session_only
    lose_cookies(site)
    answer = site.browser.send(visit)  # the note of it is in the browser now
    assert urlsplit(answer.headers["Location"]).path == "/auth/login/demo"
    assert_page(site, visit, "state_foreign")


def test_note_of_a_new_beginning_cannot_be_made_up(site: BlueprintSite) -> None:
    site.open("/who")
    for mark in ("", "x", "1"):
        answer = send(
            site,
            Visit("GET", f"{ORIGIN}/auth/login/demo?again={mark}"),
            Sec_Fetch_Site="cross-site",
        )
        assert (answer.status_code, "state_lost" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("method", "headers"), [("HEAD", {}), ("GET", {"Sec_Purpose": "prefetch"})]
)
def test_new_beginning_waits_for_the_person(
    site: BlueprintSite, method: str, headers: dict[str, str]
) -> None:
    visit = site.begin()
    lose_cookies(site)
    url = f"{ORIGIN}{site.browser.send(visit).headers['Location']}"
    answer = send(site, Visit(method, url), **headers)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)


@pytest.mark.parametrize("fallback", [True, False])
def test_secret_key_that_changes_during_a_login(
    site: BlueprintSite, fallback: bool, watch: Watch
) -> None:
    """Row S17."""
    visit = site.begin(next="/who")
    old = site.app.secret_key
    site.app.secret_key = "another secret key of these tests"
    site.app.config["SECRET_KEY_FALLBACKS"] = [old] if fallback else None
    watch.secret(str(old), str(site.app.secret_key))
    site.oauth.init_app(site.app)
    site.oauth.demo.session.mount("https://", site.outbound)
    page = site.finish(visit)
    if fallback:
        assert page.url == f"{ORIGIN}/who"
    else:
        assert (page.status, "mismatching_state" in page.text) == (400, True)
        assert site.browser.submit(page, form=page.forms[0]).status == 200
        assert site.who()["sub"] == "alice"


# -- a callback that comes again -------------------------------------------------------------


def test_callback_again_within_half_a_minute_goes_to_next(
    site: BlueprintSite, clock: Clock
) -> None:
    visit = site.begin(next="/who?a")
    site.finish(visit)
    before = site.who()
    site.outbound.clear()
    clock.advance(25)
    assert site.finish(visit).url == f"{ORIGIN}/who?a"
    assert (site.who(), site.outbound.paths) == (before, [])


def test_callback_again_after_half_a_minute_is_a_page(site: BlueprintSite, clock: Clock) -> None:
    visit = site.begin(next="/who?a")
    site.finish(visit)
    clock.advance(40)
    assert_page(site, visit, "state_used")
    assert site.who()["sub"] == "alice"


def test_callback_again_in_another_browser_leads_nowhere(site: BlueprintSite) -> None:
    visit = site.begin(next="/who?secret-place")
    site.finish(visit)
    answer = site.app.test_client().get(visit.url.removeprefix(ORIGIN), base_url=ORIGIN)
    assert "secret-place" not in str(answer.headers) + answer.text


def test_two_callbacks_again_each_go_to_their_own_next(site: BlueprintSite) -> None:
    visits = [site.begin(next=f"/who?{number}") for number in range(3)]
    for visit in visits:
        site.finish(visit)
    for number, visit in enumerate(visits):
        assert site.finish(visit).url == f"{ORIGIN}/who?{number}"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_tabs_in_any_order(site: BlueprintSite, order: tuple[int, int]) -> None:
    """Rows S08 and S09."""
    visits = [site.begin(next="/who?0"), site.begin(next="/who?1")]
    for number in order:
        assert site.finish(visits[number]).url == f"{ORIGIN}/who?{number}"
    assert site.who()["sub"] == "alice"


def test_same_callback_in_two_threads(site: BlueprintSite) -> None:
    """Row S06."""
    visit = site.begin(next="/who")
    barrier, answers = threading.Barrier(2), []

    def go() -> None:
        barrier.wait()
        answers.append(send(site, visit).headers["Location"])

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.provider.log.count("token") == 1
    assert "/who" in answers
    [other] = [answer for answer in answers if answer != "/who"]
    assert urlsplit(other).path == "/auth/login/demo"
    assert query_of(other)["next"] == ["/who"]


@pytest.mark.parametrize("last", [0, 1])
def test_double_click_ends_at_next_whichever_answer_comes_last(
    site: BlueprintSite, last: int
) -> None:
    """Row S06: the slower one's cookies may win in the browser."""
    visit = site.begin(next="/who")
    answers = [send(site, visit), send(site, visit)]
    for answer in (answers[1 - last], answers[last]):
        site.browser._cookies.keep(answer)
    page = site.browser.open(requests.compat.urljoin(visit.url, answers[1].headers["Location"]))
    assert (page.url, site.who()["sub"]) == (f"{ORIGIN}/who", "alice")


def test_posted_callback_again_goes_to_next(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(
        register={"client_kwargs": {"scope": "openid", "response_mode": "form_post"}}
    )
    visits = []
    for number in range(2):
        visits.append(site.begin(next=f"/who?{number}"))
        assert visits[-1].method == "POST"
        assert site.browser._follow(visits[-1]).url == f"{ORIGIN}/who?{number}"
    for number, visit in enumerate(visits):
        assert site.browser._follow(visit).url == f"{ORIGIN}/who?{number}"


# -- the application's word ------------------------------------------------------------------


def test_application_may_answer_a_failure(make_blueprint_site: Make) -> None:
    seen: list[OAuthError] = []

    def on_error(error: OAuthError) -> Any:
        seen.append(error)
        return flask.redirect("/who?failed") if error.error == "access_denied" else None

    site = make_blueprint_site(on_error=on_error)
    assert site.finish(with_params(site.begin(next="/x"), **DENIED)).url == f"{ORIGIN}/who?failed"
    assert_page(site, with_params(site.begin(), iss=None), "missing_iss")
    assert [error.error for error in seen] == ["access_denied", "missing_iss"]
    assert seen[0].extra["next"] == "/x"


def test_page_of_the_application_may_have_scripts(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(on_error=lambda error: ("<script src=x>", 400))
    headers = site.finish(with_params(site.begin(), **DENIED)).response.headers
    assert "Content-Security-Policy" not in headers
    assert headers["Cache-Control"] == "no-store"


def test_failure_is_signalled_once(site: BlueprintSite) -> None:
    heard = []
    signals.login_failed.connect(lambda sender, **found: heard.append(found), site.app, weak=False)
    page = site.finish(with_params(site.begin(), **DENIED))
    assert page.status == 400
    [found] = heard
    assert (found["name"], found["error"].error) == ("demo", "access_denied")


def test_page_links_to_what_the_code_means(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(docs_url="https://docs.test/de/")
    page = site.finish(with_params(site.begin(), **DENIED))
    assert 'href="https://docs.test/de/errors.html#access-denied"' in page.text


@pytest.mark.parametrize("debug", [True, False])
def test_hint_is_for_the_developer_alone(site: BlueprintSite, debug: bool) -> None:
    site.app.debug = debug
    page = site.finish(with_params(site.begin(), iss=None))
    assert ("RFC 9207" in page.text) is debug


def test_page_may_be_the_applications(make_blueprint_site: Make, tmp_path: Any) -> None:
    (tmp_path / "oauthclient").mkdir()
    (tmp_path / "oauthclient" / "error.html").write_text("Oh: {{ code }} {{ status }} {{ next }}")
    site = make_blueprint_site()
    site.app.template_folder = str(tmp_path)
    page = site.finish(with_params(site.begin(next="/who"), **DENIED))
    assert (page.status, page.text) == (400, "Oh: access_denied 400 /who")


def test_page_speaks_the_readers_language(site: BlueprintSite) -> None:
    visit = with_params(site.begin(), **DENIED)
    answer = send(site, visit, Accept_Language="de")
    assert '<html lang="de"' in answer.text
    assert "access_denied" in answer.text


def test_nothing_of_a_failure_is_secret(site: BlueprintSite, watch: Watch) -> None:
    """Rows G01, G02 and G05; the watch looks at everything that was logged."""
    visit = site.begin()
    page = site.finish(with_params(visit, code="a-code-of-the-attacker"))
    watch.secret("a-code-of-the-attacker")
    assert "invalid_grant" in page.text
    assert watch.logged("login at demo failed: invalid_grant")
    for secret in (state_of(visit), "a-code-of-the-attacker", "Traceback"):
        assert secret not in page.text


def test_nothing_of_a_login_is_secret(site: BlueprintSite, watch: Watch) -> None:
    """Row G01."""
    site.sign_in(next="/who")
    sealed = [c.value for c in site.browser.cookies if c.domain.startswith("rp.test") and c.value]
    watch.secret(*(value for value in sealed if len(value) > 8))
    assert site.who()["sub"] == "alice"
