"""What may come to the callback, and what our routes make of it."""

from __future__ import annotations

from urllib.parse import urlencode
from urllib.parse import urlsplit

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from tests.helpers.cases import Cases
from tests.helpers.urls import query_of
from tests.helpers.urls import state_of
from tests.helpers.urls import with_params

from ._site import DENIED
from ._site import ISSUER
from ._site import ORIGIN
from ._site import LoginSite
from ._site import assert_page
from ._site import send

UNKNOWN = AuthorizationError.error

cases = Cases()


@cases.rows("C01", ["access_denied", "login_required", "consent_required", "server_error"])
def error_of_the_provider(site: LoginSite, code: str) -> None:
    visit = with_params(site.begin(next="/who?a"), **{**DENIED, "error": code})
    page = assert_page(site, visit, code)
    assert page.forms[0].data({}, ()) == [("next", "/who?a")]
    assert site.browser.submit(page, form=page.forms[0]).url == f"{ORIGIN}/who?a"


@cases.rows(
    "C01-unknown",
    {"word": "call_555_0100_now", "urn": "urn:evil:error", "url": "https://evil.test", "b": "<b>"},
)
def error_that_nobody_knows(site: LoginSite, code: str) -> None:
    page = assert_page(site, with_params(site.begin(), **{**DENIED, "error": code}), UNKNOWN)
    assert code not in page.text


@cases.rows("C02", {"forged": "x" * 30, "absent": None, "empty": ""})
def error_without_a_valid_state(site: LoginSite, state: str | None) -> None:
    visit = site.begin()
    code = "mismatching_state" if state else "missing_state"
    page = assert_page(site, with_params(visit, **DENIED, state=state), code)
    assert "access_denied" not in page.text
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.rows("C03", {"other": "https://evil.test", "absent": None})
def error_of_another_issuer(site: LoginSite, iss: str | None) -> None:
    code = "mismatching_iss" if iss else "missing_iss"
    page = assert_page(site, with_params(site.begin(), **DENIED, iss=iss), code)
    assert "access_denied" not in page.text


@cases.rows("C04", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{config}}"])
def markup_of_the_provider(site: LoginSite, text: str) -> None:
    params = {**DENIED, "error_description": text, "error_uri": text}
    page = assert_page(site, with_params(site.begin(), **params), "access_denied")
    assert text not in page.text


@cases.rows("C05", {"crlf": "a\r\nSet-Cookie: x=y", "esc": "a\x1b[31mred", "nul": "a\0b"})
def control_characters_of_the_provider(site: LoginSite, text: str) -> None:
    params = {**DENIED, "error_description": text, "error_uri": text}
    page = assert_page(site, with_params(site.begin(), **params), "access_denied")
    assert "x=y" not in str(page.response.headers)


@cases.rows("C06", ["code", "iss", "error"])
def parameter_twice(site: LoginSite, name: str) -> None:
    visit = site.begin()
    value = query_of(visit.url).get(name, ["x"])[0]
    twice = urlencode([(name, value)] * (1 if name in query_of(visit.url) else 2))
    assert_page(site, Visit("GET", f"{visit.url}&{twice}"), "invalid_callback")


@cases.row("C08")
def both_code_and_error(site: LoginSite) -> None:
    assert_page(site, with_params(site.begin(), error="access_denied"), "access_denied")


@cases.rows("C09", {"absent": None, "empty": ""})
def neither_code_nor_error(site: LoginSite, code: str | None) -> None:
    assert_page(site, with_params(site.begin(), code=code), "missing_code")


@cases.row("C10")
def issuer_absent(site: LoginSite) -> None:
    assert_page(site, with_params(site.begin(), iss=None), "missing_iss")


@cases.rows("C11", ["https://evil.test"])
@cases.rows("C12", [f"{ISSUER}/", "https://OP.test", f"{ISSUER}:443"])
def issuer_of_another(site: LoginSite, iss: str) -> None:
    assert_page(site, with_params(site.begin(), iss=iss), "mismatching_iss")


@cases.row("C13")
def issuer_wrong_and_not_announced(site: LoginSite) -> None:
    name = "authorization_response_iss_parameter_supported"
    with site.provider.faults.on("discovery").edit_json(lambda d: {**d, name: False}):
        visit = site.begin()
    assert_page(site, with_params(visit, iss="https://evil.test"), "mismatching_iss")


@cases.row("C14")
def jarm_beside_a_code(site: LoginSite) -> None:
    assert_page(site, with_params(site.begin(), response="x.y.z"), "wrong_response_mode")


@cases.rows("C17", {"json": "application/json", "multipart": "multipart/form-data; boundary=x"})
def posted_body_that_is_no_form(site: LoginSite, kind: str) -> None:
    visit = site.begin()
    post = Visit("POST", visit.url.partition("?")[0], b'{"state":1}')  # type: ignore[arg-type]
    answer = send(site, post, Content_Type=kind)
    assert (answer.status_code, "invalid_callback" in answer.text) == (400, True)
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.row("C17-large")
def posted_body_that_is_large(site: LoginSite) -> None:
    visit = site.begin()
    data = [("state", state_of(visit)), ("code", "x" * 1_000_000)]
    answer = send(site, Visit("POST", visit.url.partition("?")[0], data), Origin=ISSUER)
    assert (answer.status_code, "callback_too_large" in answer.text) == (413, True)
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.row("C20")
def unknown_parameters(site: LoginSite) -> None:
    visit = with_params(site.begin(), session_state="x", scope="all", authuser="0")
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.rows("C21", {"long": "c" * 8000, "crlf": "c\r\nX-Evil: 1"})
def odd_code(site: LoginSite, code: str) -> None:
    page = site.finish(with_params(site.begin(), code=code))
    assert (page.status, "invalid_grant" in page.text) == (400, True)
    assert "X-Evil" not in page.response.headers
    [sent] = [record.form for record in site.provider.log.find("token")]
    assert sent["code"] == code


@cases.rows("C22", ["PUT", "DELETE", "PATCH"])
@cases.rows("S22", ["HEAD"])
def other_methods(site: LoginSite, method: str) -> None:
    visit = site.begin()
    assert send(site, Visit(method, visit.url)).status_code == 405
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.rows("S22-prefetch", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"])
def prefetch(site: LoginSite, purpose: str) -> None:
    visit = site.begin()
    site.outbound.clear()
    answer = send(site, visit, Sec_Purpose=purpose)
    assert (answer.status_code, site.outbound.paths) == (405, [])
    assert site.finish(visit).url == f"{ORIGIN}/"


@cases.row("C24")
def stolen_code_with_a_state_of_the_attacker(site: LoginSite) -> None:
    stolen = query_of(site.begin().url)["code"][0]
    attacker = ScriptedBrowser({ORIGIN: site.wsgi, ISSUER: site.provider.wsgi})
    page = attacker.sign_in(
        f"{ORIGIN}/auth/login/demo", "bob", stop_before=f"{ORIGIN}/auth/callback/"
    )
    answer = attacker.open(with_params(page.history[-1], code=stolen).url)
    attacker.close()
    assert (answer.status, "invalid_grant" in answer.text) == (400, True)


@cases.rows("C25", ["nobody", "<script>", "demo/", "..%2Fdemo"])
def unknown_provider(site: LoginSite, name: str) -> None:
    answer = send(site, Visit("GET", f"{ORIGIN}/auth/callback/{name}?code=x&state=y"))
    assert answer.status_code == 404
    assert name not in answer.text


@cases.row("C26")
def redirect_uri_at_the_token_endpoint(site: LoginSite) -> None:
    site.sign_in()
    [sent] = [record.query["redirect_uri"] for record in site.provider.log.find("authorize")]
    [form] = [record.form for record in site.provider.log.find("token")]
    assert form["redirect_uri"] == sent == f"{ORIGIN}/auth/callback/demo"


@cases.rows("S05", ["token", "userinfo", "id_token"])
def callback_that_failed_comes_again(site: LoginSite, point: str) -> None:
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
def userinfo_about_somebody_else(site: LoginSite) -> None:
    site.provider.claims_in_id_token = False
    site.provider.faults.on("userinfo").edit_json(lambda claims: {**claims, "sub": "bob"})
    page = site.sign_in(next="/who")
    assert (page.status, "userinfo" in page.text) == (502, True)
    assert page.forms[0].data({}, ()) == [("next", "/who")]
    assert site.who() == {}


@cases.row("A16")
def silent_login_that_needs_the_person(site: LoginSite) -> None:
    visit = with_params(site.begin(next="/who"), **{**DENIED, "error": "login_required"})
    page = assert_page(site, visit, "login_required")
    assert len(page.history) == 1
