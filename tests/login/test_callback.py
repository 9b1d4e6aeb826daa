"""What the browser brings to the redirect URI: rows C of the table of faults."""

from __future__ import annotations

from urllib.parse import parse_qsl
from urllib.parse import urlencode

import pytest

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import ClientRecord
from tests.helpers.cases import Case
from tests.helpers.cases import Cases
from tests.helpers.rejection import PROVIDER_TEXT
from tests.helpers.rejection import assert_rejected
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import CLIENT_SECRET
from tests.helpers.site import ISSUER
from tests.helpers.site import Site
from tests.helpers.site import query_of
from tests.helpers.site import state_of
from tests.helpers.site import with_params
from tests.helpers.world import World

cases = Cases()

WITHOUT_CODE = {"code": None}
DENIED = {"error": "access_denied", "error_description": PROVIDER_TEXT, **WITHOUT_CODE}


@cases.rows(
    "C01",
    [
        "access_denied",
        "login_required",
        "interaction_required",
        "consent_required",
        "account_selection_required",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_response_type",
        "server_error",
        "temporarily_unavailable",
    ],
)
def error_with_a_valid_state(world: World, code: str) -> None:
    site = world.make_site()
    error = assert_rejected(site, with_params(site.begin(), **{**DENIED, "error": code}), code)
    assert isinstance(error, AuthorizationError)
    assert error.detail["error_description"] == PROVIDER_TEXT


@cases.rows(
    "C01-unknown",
    {"made-up": "too_many_cooks", "uri": "urn:example:error", "empty": "", "markup": "<b>x</b>"},
)
def error_that_nobody_knows(world: World, code: str) -> None:
    site = world.make_site()
    response = site.finish(with_params(site.begin(), **{**DENIED, "error": code}))
    assert response.status_code == 400
    assert isinstance(site.error, AuthorizationError)
    assert site.error.error in (code, "authorization_error")
    assert "<" not in response.text
    assert PROVIDER_TEXT not in str(site.error)
    assert site.outbound.paths == ["/.well-known/openid-configuration"]


@cases.row("C01-by-the-provider")
def person_who_cancels(world: World) -> None:
    world.provider.auto_sign_in = None
    site = world.make_site()
    answers = {"decision": "cancel"}
    page = site.browser.walk(
        site.login_url(), {"persona": "alice"}, stop_before=site.callback_url()
    )
    page = site.browser.submit(page, answers)
    assert (page.status, page.text) == (400, "access_denied")
    assert world.provider.log.count("token") == 0


@cases.rows("C02", {"forged": "x" * 30, "absent": None, "empty": ""})
def error_without_a_valid_state(world: World, state: str | None) -> None:
    site = world.make_site()
    visit = with_params(site.begin(), **DENIED, state=state)
    code = "mismatching_state" if state else "missing_state"
    error = assert_rejected(site, visit, code, kept=True)
    assert PROVIDER_TEXT not in repr(error.detail)
    assert "access_denied" not in repr(error)


@cases.rows("C03", {"other": "https://evil.test", "slash": ISSUER + "/", "empty": ""})
def error_of_another_issuer(world: World, iss: str) -> None:
    site = world.make_site()
    error = assert_rejected(site, with_params(site.begin(), **DENIED, iss=iss), "mismatching_iss")
    assert PROVIDER_TEXT not in repr(error.detail)
    assert "access_denied" not in repr(error.detail)


@cases.row("C03-absent")
def error_without_the_announced_issuer(world: World) -> None:
    site = world.make_site()
    assert_rejected(site, with_params(site.begin(), **DENIED, iss=None), "missing_iss")


@cases.rows(
    "C04",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{config}}",
        "%s%n%(error)s",
        "javascript:alert(1)",
        "\u202e\u2028\u2029\ud7ff",
    ],
)
def markup_of_the_provider(world: World, text: str) -> None:
    site = world.make_site()
    params = {**DENIED, "error_description": text, "error_uri": text}
    error = assert_rejected(site, with_params(site.begin(), **params), "access_denied")
    assert text not in f"{error}{error!r}{error.description}{error.uri}"


@cases.rows(
    "C05", {"crlf": "a\r\nSet-Cookie: x=y", "esc": "a\x1b[31mred", "nul": "a\0b", "nel": "a\x85b"}
)
def control_characters_of_the_provider(world: World, text: str) -> None:
    site = world.make_site()
    params = {**DENIED, "error_description": text, "error_uri": text}
    error = assert_rejected(site, with_params(site.begin(), **params), "access_denied")
    kept = error.detail["error_description"] + error.detail["error_uri"]
    assert kept.isprintable()
    assert len(kept) <= 400


@cases.rows("C06", ["code", "state", "iss", "error", "error_description", "response"])
def parameter_twice(world: World, name: str) -> None:
    site = world.make_site()
    visit = site.begin()
    value = query_of(visit.url).get(name, ["x"])[0]
    twice = urlencode([(name, value)] * (1 if name in query_of(visit.url) else 2))
    code = "missing_state" if name == "state" else "invalid_callback"
    kept = name == "state"
    assert_rejected(site, Visit("GET", f"{visit.url}&{twice}"), code, kept=kept)


@cases.row("C08")
def both_code_and_error(world: World) -> None:
    site = world.make_site()
    visit = with_params(site.begin(), error="access_denied", error_description=PROVIDER_TEXT)
    assert_rejected(site, visit, "access_denied")


@cases.rows("C09", {"absent": None, "empty": ""})
def neither_code_nor_error(world: World, code: str | None) -> None:
    site = world.make_site()
    error = assert_rejected(site, with_params(site.begin(), code=code), "missing_code")
    assert error.http_status == 400


@cases.row("C10")
def issuer_absent_though_announced(world: World) -> None:
    site = world.make_site()
    assert_rejected(site, with_params(site.begin(), iss=None), "missing_iss")


@cases.row("C10-as-text")
def issuer_absent_though_announced_by_a_string(world: World) -> None:
    site = world.make_site()
    name = "authorization_response_iss_parameter_supported"
    with world.provider.faults.on("discovery").edit_json(lambda d: {**d, name: "true"}):
        visit = site.begin()
    assert_rejected(site, with_params(visit, iss=None), "missing_iss")


@cases.row("C11")
def issuer_of_another_server(world: World) -> None:
    site = world.make_site()
    error = assert_rejected(
        site, with_params(site.begin(), iss="https://evil.test"), "mismatching_iss"
    )
    assert error.detail == {"expected": ISSUER, "received": "https://evil.test"}


@cases.rows(
    "C12",
    {
        "slash": ISSUER + "/",
        "host-case": "https://OP.test",
        "scheme-case": "HTTPS://op.test",
        "port": ISSUER + ":443",
        "dot": "https://op.test.",
        "space": ISSUER + " ",
        "encoded": "https://op%2Etest",
        "query": ISSUER + "?",
        "http": "http://op.test",
        "empty": "",
    },
)
def issuer_that_is_almost_ours(world: World, iss: str) -> None:
    site = world.make_site()
    assert_rejected(site, with_params(site.begin(), iss=iss), "mismatching_iss")


def not_announced(document: dict[str, object]) -> dict[str, object]:
    name = "authorization_response_iss_parameter_supported"
    return {k: v for k, v in document.items() if k != name}


@cases.rows("C13", {"other": "https://evil.test", "slash": ISSUER + "/", "empty": ""})
def issuer_that_is_wrong_and_not_announced(world: World, iss: str) -> None:
    world.provider.faults.on("discovery").edit_json(not_announced)
    site = world.make_site()
    assert_rejected(site, with_params(site.begin(), iss=iss), "mismatching_iss")


@cases.rows("C13-fine", {"absent": None, "right": ISSUER})
def issuer_that_is_not_announced(world: World, iss: str | None) -> None:
    world.provider.faults.on("discovery").edit_json(not_announced)
    site = world.make_site()
    assert site.finish(with_params(site.begin(), iss=iss)).status_code == 200


@cases.rows("C14", {"jwt": "eyJhbGciOiJub25lIn0.e30.", "empty": ""})
def jarm_beside_a_plain_code(world: World, response: str) -> None:
    site = world.make_site()
    assert_rejected(site, with_params(site.begin(), response=response), "wrong_response_mode")


@cases.row("C14-alone")
def jarm_that_was_not_asked_for(world: World) -> None:
    site = world.make_site()
    visit = with_params(site.begin(), response="x.y.z", code=None, iss=None)
    assert_rejected(site, visit, "wrong_response_mode")


def posted(visit: Visit) -> Visit:
    """The same answer as a form that the provider's page posts."""
    base, _, query = visit.url.partition("?")
    return Visit("POST", base, parse_qsl(query), f"{ISSUER}/authorize")


@cases.row("C16-query-for-form-post")
def query_though_form_post_was_asked_for(world: World) -> None:
    site = world.make_site()
    form = dict(site.begin(response_mode="form_post").data or ())
    visit = Visit("GET", f"{site.callback_url()}?{urlencode(form)}")
    assert_rejected(site, visit, "wrong_response_mode")


@cases.rows("C16-post-for-query", ["query", "fragment"])
def post_though_another_mode_was_asked_for(world: World, mode: str) -> None:
    site = world.make_site(origin="http://localhost:5000")
    visit = posted(site.begin(response_mode=mode))
    # The browser sends the cookies along where provider and site are one site.
    response = site.finish(Visit("POST", visit.url, visit.data, site.origin))
    assert response.text == "wrong_response_mode"
    assert world.provider.log.count("token") == 0


@cases.row("C16-fine")
def post_though_no_mode_was_asked_for(world: World) -> None:
    site = world.make_site()
    visit = posted(site.begin())
    assert site.finish(Visit("POST", visit.url, visit.data, site.origin)).status_code == 200


@cases.row("C16-form-post")
def form_post_across_sites(world: World) -> None:
    site = world.make_site()
    visit = site.begin(response_mode="form_post")
    assert visit.method == "POST"
    assert visit.initiator is not None
    assert visit.initiator.startswith(ISSUER)
    assert site.finish(visit).status_code == 200
    assert_rejected(site, visit, "state_used")


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@cases.rows(
    "C17",
    {
        "json": (JSON, b'{"code": "c", "state": "s"}', "invalid_callback", 400),
        "multipart": ("multipart/form-data; boundary=b", b"--b--", "invalid_callback", 400),
        "text": ("text/plain", b"code=c&state=s", "invalid_callback", 400),
        "no-type": ("", b"code=c", "invalid_callback", 400),
        "large": (FORM, b"code=" + b"x" * 1_048_576, "callback_too_large", 413),
        "many": (FORM, b"a=1&" * 30_000, "callback_too_large", 413),
        "json-large": (JSON, b"[" * 1_048_576, "invalid_callback", 400),
    },
)
def post_that_is_no_small_form(world: World, sent: tuple[str, bytes, str, int]) -> None:
    kind, body, code, status = sent
    site = world.make_site()
    visit = site.begin()
    site.outbound.clear()
    url = f"{site.callback_url()}?{visit.url.partition('?')[2]}"
    answer = site.post_with(site.cookie_header(), url, body, {"Content-Type": kind})
    assert (answer.status_code, answer.text) == (status, code)
    assert site.outbound.paths == []
    assert site.finish(visit).status_code == 200


@cases.row("C17-empty")
def post_of_an_empty_form(world: World) -> None:
    site = world.make_site()
    site.begin()
    answer = site.post_with(site.cookie_header(), site.callback_url(), b"", {"Content-Type": FORM})
    assert (answer.status_code, answer.text) == (400, "missing_state")


@cases.row("C17-query-of-a-post")
def query_of_a_post_does_not_count(world: World) -> None:
    site = world.make_site()
    visit = Visit("POST", site.begin().url, [("x", "y")], site.origin)
    assert_rejected(site, visit, "missing_state", kept=True)


@cases.rows(
    "C18",
    {
        "id-token": {"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJldmUifQ."},
        "access-token": {"access_token": "injected", "token_type": "Bearer"},
        "refresh-token": {"refresh_token": "injected", "expires_in": "1"},
    },
)
def tokens_of_the_front_channel_are_not_used(world: World, params: dict[str, str]) -> None:
    site = world.make_site()
    assert site.finish(with_params(site.begin(), **params)).json()["user"] == "alice"
    assert "injected" not in site.token.values()
    assert site.token["id_token"] not in params.values()


@cases.row("C20")
def unknown_parameters_are_ignored(world: World) -> None:
    site = world.make_site()
    more = {"session_state": "abc.def", "scope": "admin", "userinfo": "{}", "Code": "other"}
    visit = with_params(site.begin(), **more)
    assert site.finish(visit).status_code == 200
    twice = Visit("GET", with_params(site.begin(), **more).url + "&session_state=2")
    assert site.finish(twice).status_code == 200


@cases.rows(
    "C21",
    {
        "long": "x" * 8192,
        "crlf": "a\r\nHost: evil",
        "form": "a&code=b+c=d%",
        "utf8": "\u00e9\u4e16",
    },
)
def code_with_anything_in_it(world: World, code: str) -> None:
    site = world.make_site()
    assert_rejected(site, with_params(site.begin(), code=code), "invalid_grant", sent=["/token"])
    record = world.provider.log.find("token")[0]
    assert record.form["code"] == code
    assert set(record.form) == {"grant_type", "code", "redirect_uri", "code_verifier"}


@cases.rows("C22", ["PUT", "DELETE", "PATCH", "HEAD"])
def other_methods(world: World, method: str) -> None:
    site = world.make_site()
    visit = site.begin()
    site.outbound.clear()
    answer = site.send_with(site.cookie_header(), visit.url, method)
    assert answer.status_code == 405
    assert site.error.error == "method_not_allowed"
    assert site.outbound.paths == []
    assert site.finish(visit).status_code == 200


@cases.row("C24")
def stolen_code_with_the_state_of_the_thief(world: World) -> None:
    site = world.make_site()
    stolen = query_of(site.begin().url)["code"][0]
    with site.visited_by(site.new_browser()):
        visit = with_params(site.begin(), code=stolen)
        assert_rejected(site, visit, "invalid_grant", sent=["/token"])


@cases.row("C24-without-pkce")
def stolen_code_at_a_server_without_pkce(world: World) -> None:
    kwargs = {"scope": "openid", "code_challenge_method": None}
    site = world.make_site(register={"client_kwargs": kwargs})
    stolen = query_of(site.begin().url)["code"][0]
    with site.visited_by(site.new_browser()):
        visit = with_params(site.begin(), code=stolen)
        error = assert_rejected(site, visit, "invalid_claim", sent=["/token", "/jwks"])
    assert error.detail["claim"] == "nonce"


@cases.rows("C25", ["unknown", "demo2", "__class__", "register", "<script>"])
def client_that_is_not_registered(world: World, name: str) -> None:
    site = world.make_site()
    visit = site.begin()
    site.outbound.clear()
    answer = site.send_with(site.cookie_header(), visit.url.replace("/demo?", f"/{name}?"))
    assert answer.status_code == 404
    assert name not in answer.text
    assert state_of(visit) not in answer.text
    assert site.outbound.paths == []
    assert site.finish(visit).status_code == 200


def registered_at(site: Site, uri: str) -> None:
    site.provider.add_client(ClientRecord(CLIENT_ID, CLIENT_SECRET, redirect_uris=(uri,)))


@cases.rows(
    "C26",
    [
        "?from=op",
        "?a=1&b=2",
        "?a=%2F%20x",
        "?a=/+b",
        "?next=https%3A%2F%2Frp.test%2F%3Fx%3D1%26y%3D2",
        "?A=B&a=b",
        "?empty=",
    ],
)
def redirect_uri_is_the_same_to_the_byte(world: World, query: str) -> None:
    site = world.make_site()
    uri = site.callback_url() + query
    registered_at(site, uri)
    assert site.login(redirect_uri=uri).status_code == 200
    asked, traded = (world.provider.log.find(name)[-1] for name in ("authorize", "token"))
    assert asked.query["redirect_uri"] == traded.form["redirect_uri"] == uri


@pytest.mark.parametrize("case", cases.params())
def test_callback(case: Case, world: World) -> None:
    case(world)
