"""Rows C01 to C14: errors, repetitions and issuers."""

from __future__ import annotations

from urllib.parse import urlencode

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.testing.browser import Visit
from tests.helpers.cases import Cases
from tests.helpers.rejection import PROVIDER_TEXT
from tests.helpers.rejection import assert_rejected
from tests.helpers.site import ISSUER
from tests.helpers.urls import query_of
from tests.helpers.urls import with_params
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
