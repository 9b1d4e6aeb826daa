"""A login as it should be, who may start one, and where it leads."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask_oauthclient.sign_in.pages import HEADERS
from tests.helpers.cases import Cases
from tests.helpers.urls import query_of

from ._site import ISSUER
from ._site import ORIGIN
from ._site import LoginSite
from ._site import send_alone

LOGINS = ("/auth/login", "/auth/login/demo")

cases = Cases()


@cases.row("login")
def sign_in_with_the_one_provider(site: LoginSite) -> None:
    page = site.sign_in()
    assert (page.url, page.text) == (f"{ORIGIN}/", "the front page")
    who = site.who()
    assert (who["provider"], who["issuer"], who["sub"]) == ("demo", ISSUER, "alice")
    assert {"openid", "email"} <= set(who["scopes"])


@cases.row("next")
def next_is_carried_through(site: LoginSite) -> None:
    assert site.sign_in(next="/who?a=%20b&c=d").url == f"{ORIGIN}/who?a=%20b&c=d"


@cases.rows(
    "next-elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "/%2f/evil.test"]
)
@cases.rows(
    "next-ours",
    [
        "/auth/login",
        "/auth/login?next=/auth/login",
        "/auth/login/demo#x",
        "/auth/%6Cogin",
        "/auth/logout/callback",
        "/auth/callback/demo?code=x&state=y",
    ],
)
def next_leads_nowhere_else(site: LoginSite, evil: str) -> None:
    assert site.sign_in(next=evil).url == f"{ORIGIN}/"


@cases.row("next-is-for-us-alone")
def next_does_not_travel_to_the_provider(site: LoginSite) -> None:
    """Row N17."""
    site.sign_in(next="/who?wanted")
    sent = site.provider.log.find("authorize")
    assert sent
    assert all("wanted" not in repr(dict(record.query)) for record in sent)


@cases.row("login-required")
def protected_page_is_come_back_to(site: LoginSite) -> None:
    page = site.browser.sign_in(f"{ORIGIN}/private?x=1&y=%2F")
    assert (page.url, page.text) == (f"{ORIGIN}/private?x=1&y=%2F", "the private page")


@cases.row("login-required-of-a-script")
def script_gets_401_instead_of_a_page(site: LoginSite) -> None:
    answer = send_alone(site, "/private", Sec_Fetch_Mode="cors", Sec_Fetch_Site="same-origin")
    assert (answer.status_code, answer.json()) == (401, {"error": "login_required"})
    assert send_alone(site, "/private", Accept="application/json").status_code == 401


@cases.rows(
    "person",
    {"typed": {"Sec_Fetch_Site": "none"}, "ours": {"Sec_Fetch_Site": "same-origin"}, "old": {}},
)
def person_starts_a_login(site: LoginSite, headers: dict[str, str]) -> None:
    for path in LOGINS:
        answer = send_alone(site, path, **headers)
        assert answer.headers["Location"].startswith(f"{ISSUER}/")


@cases.rows(
    "foreign",
    {
        "cross-site": {"Sec_Fetch_Site": "cross-site"},
        "same-site": {"Sec_Fetch_Site": "same-site"},
        "referer": {"Referer": "https://evil.test/"},
        "origin": {"Origin": "https://evil.test"},
        "null": {"Origin": "null"},
        "prefetch": {"Sec_Purpose": "prefetch", "Sec_Fetch_Site": "same-origin"},
    },
)
def nobody_else_does(site: LoginSite, headers: dict[str, str]) -> None:
    for path in LOGINS:
        for method in ("GET", "HEAD", "POST"):
            answer = send_alone(site, path, method, **headers)
            assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
            assert ("Continue with Demo" in answer.text) is (method != "HEAD")


@cases.row("head")
def head_starts_nothing(site: LoginSite) -> None:
    answer = send_alone(site, "/auth/login", "HEAD", Sec_Fetch_Site="none")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)


@cases.rows(
    "A04", ["state", "nonce", "redirect_uri", "client_id", "response_type", "code_challenge"]
)
def what_binds_a_login_is_not_replaced(site: LoginSite, name: str) -> None:
    answer = send_alone(site, f"/auth/login/demo?{name}=of-the-attacker")
    params = query_of(answer.headers["Location"])
    assert len(params[name]) == 1
    assert params[name] != ["of-the-attacker"]


@cases.row("A05")
def query_is_not_copied_into_the_request(site: LoginSite) -> None:
    asked = "scope=admin&prompt=none&login_hint=x&acr_values=0&max_age=0"
    params = query_of(send_alone(site, f"/auth/login?{asked}").headers["Location"])
    assert params["scope"] == ["openid profile email"]
    assert not {"prompt", "login_hint", "acr_values", "max_age"} & params.keys()


@cases.rows("A09", ["X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Host"])
def forged_host_changes_no_redirect_uri(site: LoginSite, name: str) -> None:
    value = "for=x;host=evil.test;proto=http" if name == "Forwarded" else "evil.test"
    params = query_of(send_alone(site, "/auth/login", **{name: value}).headers["Location"])
    assert params["redirect_uri"] == [f"{ORIGIN}/auth/callback/demo"]


@cases.row("again")
def callback_that_is_repeated_goes_where_the_login_went(site: LoginSite) -> None:
    visit = site.begin(next="/who")
    assert site.finish(visit).url == f"{ORIGIN}/who"
    assert site.finish(visit).url == f"{ORIGIN}/who"


@cases.row("headers")
def pages_have_strict_headers(site: LoginSite) -> None:
    answer = send_alone(site, "/auth/login", Sec_Fetch_Site="cross-site")
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)


@cases.rows(
    "sign-out",
    {
        "site": {"Sec_Fetch_Site": "cross-site"},
        "origin": {"Origin": "https://evil.test"},
        "plain": {"Origin": "http://rp.test"},
    },
)
def foreign_page_signs_nobody_out(site: LoginSite, headers: dict[str, str]) -> None:
    assert send_alone(site, "/auth/logout", "POST", **headers).status_code == 403
    assert send_alone(site, "/auth/logout", "GET").status_code == 405


@cases.row("down")
def provider_that_is_down_at_the_start_is_told_and_next_stays(site: LoginSite) -> None:
    with site.provider.faults.on("discovery").respond(status=503):
        page = site.open("/auth/login/demo", next="/who?a=1")
    assert (page.status, "provider_unavailable" in page.text) == (502, True)
    assert page.forms[0].data({}, ()) == [("next", "/who?a=1")]
    assert urlsplit(page.forms[0].action).path == "/auth/login/demo"
