"""Views for people who are signed in, well enough for what they want."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import flask
import pytest

from flask_oauthclient import login_required
from flask_oauthclient.sign_in.pages import HEADERS
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import Visit
from tests.helpers.clock import Clock
from tests.helpers.urls import query_of

from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]


def view(site: BlueprintSite, path: str = "/view", **demand: Any) -> None:
    """Add a page with a demand; it shows what the request was."""
    name = demand.pop("name", None)

    def show(**kwargs: Any) -> str:
        request = flask.request
        return f"{request.path}|{request.query_string.decode()}"

    guard = login_required(name, **demand)
    site.app.add_url_rule(path, path.replace(".", ""), guard(show), methods=["GET", "POST"])


def asked_of(page: Page) -> list[dict[str, list[str]]]:
    """The authorization requests on the way to a page."""
    return [query_of(v.url) for v in page.history if urlsplit(v.url).path == "/authorize"]


def get(site: BlueprintSite, path: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.app.test_client().get(path, base_url=ORIGIN, headers=named)


# -- somebody --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/p/plain",
        "/p/a%20b",
        "/p/%C3%A9t%C3%A9",
        "/p/a%2520b",
        "/p/100%25",
        "/p/a%3Fb%23c",
        "/p/a+b;c=d@e:f",
        "/p/x?q=a%20b&q=a+b&empty=&flag",
        "/p/x?next=%2Fy%3Fz%3D1",
        "/p/x?q=%E4%BD%A0&r=%FF",
        "/p/x?q=%2520",
        "/p/%E4%BD%A0/?a=b",
    ],
)
def test_page_is_come_back_to_with_every_byte(site: BlueprintSite, path: str) -> None:
    view(site, "/p/<path:rest>")
    page = site.browser.sign_in(f"{ORIGIN}{path}")
    assert page.status == 200
    assert page.text == site.open(path).text
    assert page.url == f"{ORIGIN}{path}"


def test_page_below_a_prefix_is_come_back_to(make_blueprint_site: Make) -> None:
    site = make_blueprint_site()
    view(site)
    answer = site.app.test_client().get("/view?a=b", base_url=f"{ORIGIN}/app")
    parts = urlsplit(answer.headers["Location"])
    assert parts.path == "/app/auth/login"
    assert query_of(answer.headers["Location"])["next"] == ["/app/view?a=b"]


@pytest.mark.parametrize("path", ["//evil.test/x", "/%2f%2fevil.test", "/p/%0d%0aX: y", "/\\evil"])
def test_odd_path_leads_nowhere_else(site: BlueprintSite, path: str) -> None:
    view(site, "/<path:rest>")
    environ = {"PATH_INFO": path}
    answer = site.app.test_client().get(
        "/", base_url=ORIGIN, environ_overrides={**environ, "SCRIPT_NAME": ""}
    )
    assert answer.status_code in (303, 308)
    assert urlsplit(answer.headers["Location"]).netloc in ("", "rp.test")
    wanted = query_of(answer.headers["Location"]).get("next", ["/"])[0]
    assert not wanted.startswith(("//", "/\\"))
    assert "\r" not in wanted


def test_all_forms_of_the_decorator(site: BlueprintSite) -> None:
    for number, guard in enumerate([login_required, login_required(), login_required(None)]):
        site.app.add_url_rule(f"/g{number}", f"g{number}", guard(lambda: "in"))
    assert {get(site, f"/g{number}").status_code for number in range(3)} == {303}
    site.sign_in()
    assert [site.open(f"/g{number}").text for number in range(3)] == ["in"] * 3


def test_decorated_view_keeps_its_name_and_arguments(site: BlueprintSite) -> None:
    @site.app.get("/hello/<name>")
    @login_required
    def hello(name: str, greeting: str = "Hello") -> str:
        """Greet."""
        return f"{greeting}, {name}"

    assert (hello.__name__, hello.__doc__) == ("hello", "Greet.")
    assert site.browser.sign_in(f"{ORIGIN}/hello/you").text == "Hello, you"


def test_async_view(site: BlueprintSite) -> None:
    @site.app.get("/async")
    @login_required
    async def later() -> str:
        return "later"

    assert site.browser.sign_in(f"{ORIGIN}/async").text == "later"


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        (f"{ORIGIN}/form?a=b", "/form?a=b"),
        ("https://evil.test/form", "/"),
        (f"{ORIGIN}@evil.test/", "/"),
        (f"{ORIGIN}//evil.test/", "/"),
        ("", "/"),
    ],
)
def test_posted_form_leads_back_to_its_page(
    site: BlueprintSite, referrer: str, expected: str
) -> None:
    view(site)
    answer = site.app.test_client().post("/view", base_url=ORIGIN, headers={"Referer": referrer})
    assert answer.status_code == 303
    assert query_of(answer.headers["Location"])["next"] == [expected]


# -- scripts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Mode": "cors"},
        {"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Mode": "same-origin"},
        {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "object"},
        {"X_Requested_With": "XMLHttpRequest"},
        {"Accept": "application/json"},
        {"Accept": "application/json, text/plain, */*"},
        {"Content_Type": "application/json"},
    ],
)
def test_script_gets_401_and_no_login_starts(site: BlueprintSite, headers: dict[str, str]) -> None:
    """Row A17."""
    answer = get(site, "/private", **headers)
    assert (answer.status_code, answer.json) == (401, {"error": "login_required"})
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "*/*"},
        {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
        {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document", "Sec_Fetch_Site": "none"},
        {
            "Sec_Fetch_Mode": "navigate",
            "Sec_Fetch_Dest": "document",
            "Sec_Fetch_Site": "cross-site",
        },
    ],
)
def test_person_is_sent_to_sign_in(site: BlueprintSite, headers: dict[str, str]) -> None:
    answer = get(site, "/private", **headers)
    assert (answer.status_code, urlsplit(answer.headers["Location"]).path) == (303, "/auth/login")


def test_script_is_told_what_is_missing(site: BlueprintSite) -> None:
    view(site, "/scoped", scopes=["api"])
    view(site, "/strong", acr="2")
    site.sign_in()
    client = site.app.test_client()
    for cookie in site.browser.cookies:
        client.set_cookie(cookie.name, cookie.value or "", domain="rp.test")
    headers = {"Sec-Fetch-Mode": "cors"}
    answers = [client.get(p, base_url=ORIGIN, headers=headers) for p in ("/scoped", "/strong")]
    assert [(answer.status_code, answer.json["error"]) for answer in answers] == [
        (403, "insufficient_scope"),
        (401, "insufficient_user_authentication"),
    ]


# -- more than somebody ----------------------------------------------------------------------


def test_scopes_are_asked_for_with_the_usual_ones(site: BlueprintSite) -> None:
    """Nobody is signed in, so openid has to be asked for too."""
    view(site, scopes=["api"])
    page = site.open("/view", a="b")
    assert (page.text, asked_of(page)[0]["scope"]) == ("/view|a=b", ["openid profile email api"])


def test_scopes_are_asked_for_in_addition(site: BlueprintSite) -> None:
    view(site, "/one", scopes=["api"])
    view(site, "/two", scopes=["phone"])
    site.sign_in()
    assert asked_of(site.open("/one"))[0]["scope"] == ["openid profile email api"]
    page = site.open("/two")
    asked = set(asked_of(page)[0]["scope"][0].split())
    assert asked == {"openid", "profile", "email", "api", "phone"}
    assert (site.open("/one").text, asked_of(site.open("/one"))) == ("/one|", [])


def test_scopes_of_another_provider_are_not_asked_for(make_blueprint_site: Make) -> None:
    other = {
        "client_id": "x",
        "authorize_url": "https://x.test/authorize",
        "access_token_url": "https://x.test/token",
        "client_kwargs": {"scope": "repo"},
    }
    site = make_blueprint_site(more={"other": other})
    view(site, name="other", scopes=["gist"])
    site.browser.sign_in(f"{ORIGIN}/auth/login/demo")
    client = site.app.test_client()
    for cookie in site.browser.cookies:
        client.set_cookie(cookie.name, cookie.value or "", domain="rp.test", secure=True)
    answer = client.get("/view", base_url=ORIGIN)
    answer = client.get(answer.headers["Location"], base_url=ORIGIN)
    assert query_of(answer.headers["Location"])["scope"] == ["repo gist"]


def test_scope_that_is_not_granted_is_a_page_and_no_loop(site: BlueprintSite) -> None:
    view(site, scopes=["api"])
    site.provider.faults.on("token").edit_json(lambda t: {**t, "scope": "openid email"})
    for _ in range(2):
        page = site.open("/view", a="b")
        assert (page.status, "demand_not_met" in page.text) == (403, True)
        assert len(asked_of(page)) <= 1
    assert page.forms[0].data({}, ()) == [("next", "/view?a=b")]
    headers = page.response.headers
    assert {name: headers[name] for name in HEADERS} == dict(HEADERS)


def test_scope_in_another_order_each_time_is_no_loop(site: BlueprintSite) -> None:
    orders = [["openid", "email"], ["email", "openid"], ["openid", "profile"]] * 20

    def shuffled(token: dict[str, Any]) -> dict[str, Any]:
        return {**token, "scope": " ".join(orders.pop())}

    view(site, scopes=["api"])
    site.provider.faults.on("token").edit_json(shuffled)
    page = site.open("/view")
    assert (page.status, len(asked_of(page))) == (403, 1)


def test_refusal_to_grant_a_scope_may_be_thought_over(site: BlueprintSite) -> None:
    view(site, scopes=["api"])
    with site.provider.faults.on("token").edit_json(lambda t: {**t, "scope": "openid"}):
        page = site.open("/view", a="b")
    assert page.status == 403
    again = site.browser.submit(page, form=page.forms[0])
    assert again.text == "/view|a=b"


def test_age_of_a_sign_in(site: BlueprintSite, clock: Clock) -> None:
    site.provider.auto_sign_in = None
    site.provider.clock = clock
    view(site, max_age=300)
    view(site, "/other", max_age=3000)
    page = site.browser.sign_in(f"{ORIGIN}/view")
    assert (page.text, asked_of(page)[0]["max_age"]) == ("/view|", ["300"])
    clock.advance(200)
    assert asked_of(site.open("/view")) == []
    clock.advance(200)
    assert asked_of(site.open("/other")) == []
    page = site.browser.sign_in(f"{ORIGIN}/view?again")
    assert (page.text, asked_of(page)[0]["max_age"]) == ("/view|again", ["300"])
    assert asked_of(site.open("/view")) == []


def test_provider_that_heeds_no_age_is_found_out(site: BlueprintSite, clock: Clock) -> None:
    view(site, max_age=300)
    old = clock() - 4000
    site.provider.faults.on("id_token").edit_claims(lambda c: {**c, "auth_time": int(old)})
    page = site.browser.sign_in(f"{ORIGIN}/view")
    assert (page.status, "invalid_claim" in page.text) == (502, True)
    assert site.who() == {}


@pytest.mark.parametrize(("acr", "status"), [("2", 200), ("1", 200), ("gold", 502)])
def test_way_of_a_sign_in(site: BlueprintSite, acr: str, status: int) -> None:
    view(site, acr=acr)
    page = site.open("/view")
    assert page.status == status
    assert asked_of(page)[0]["acr_values"] == [acr]
    assert len(asked_of(page)) == 1


def test_stronger_sign_in_replaces_the_weaker(site: BlueprintSite) -> None:
    view(site, acr="2")
    site.sign_in()
    assert '"acr":"1"' in site.session()["_oauthclient_identity"]
    assert site.open("/view").text == "/view|"
    assert '"acr":"2"' in site.session()["_oauthclient_identity"]


def test_demand_of_another_page_is_not_taken_along(site: BlueprintSite) -> None:
    view(site, acr="2")
    site.browser.send(Visit("GET", f"{ORIGIN}/view"))
    page = site.sign_in(next="/who")
    assert "acr_values" not in asked_of(page)[0]


def test_named_provider(make_blueprint_site: Make) -> None:
    site = make_blueprint_site()
    view(site, name="demo")
    page = site.open("/view")
    assert page.text == "/view|"
    assert f"{ORIGIN}/auth/login/demo" in [visit.url.partition("?")[0] for visit in page.history]


def test_forged_next_cannot_bring_a_demand_along(site: BlueprintSite) -> None:
    page = site.sign_in(next="/view", scope="api", max_age="0", acr_values="2")
    assert not {"max_age", "acr_values"} & asked_of(page)[0].keys()


def test_response_of_on_login_does_not_send_people_round_in_circles(
    make_blueprint_site: Make,
) -> None:
    site = make_blueprint_site(on_login=lambda result: flask.redirect(result.next_url))
    page = site.open("/private")
    assert (page.status, "missing_configuration" in page.text) == (500, True)
    assert len(asked_of(page)) == 1


def test_who_signs_out_at_once_may_come_in_at_once(site: BlueprintSite) -> None:
    for _ in range(2):
        assert site.open("/private").text == "the private page"
        site.app.view_functions["home"] = lambda: (
            '<form method="post" action="/auth/logout"><button>Out</button></form>'
        )
        site.browser.submit(site.open("/"), press=["Out"])
        assert site.who() == {}
