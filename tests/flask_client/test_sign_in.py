"""Signing in and out through the mounted blueprint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import flask
import pytest

from flask_oauthclient.flask_client import signals
from flask_oauthclient.flask_client.identity import MAX_BYTES
from flask_oauthclient.flask_client.login_result import LoginResult
from flask_oauthclient.flask_client.pages import HEADERS
from flask_oauthclient.flask_client.signed_in import KEY

from ._site import ISSUER
from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]
CALLBACK = f"{ORIGIN}/auth/callback/"
OTHER = {
    "client_id": "x",
    "authorize_url": "https://x.test/a",
    "access_token_url": "https://x.test/t",
}


def get(site: BlueprintSite, path: str, method: str = "GET", **headers: str) -> Any:
    """One request outside the browser, with headers as named (``sec_fetch_site=...``)."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.app.test_client().open(path, base_url=ORIGIN, method=method, headers=named)


def test_sign_in_with_the_one_provider(site: BlueprintSite) -> None:
    page = site.sign_in()
    assert (page.url, page.text) == (f"{ORIGIN}/", "the front page")
    who = site.who()
    assert (who["provider"], who["issuer"], who["sub"]) == ("demo", ISSUER, "alice")
    assert {"openid", "email"} <= set(who["scopes"])


def test_next_is_carried_through(site: BlueprintSite) -> None:
    assert site.sign_in(next="/who?a=%20b&c=d").url == f"{ORIGIN}/who?a=%20b&c=d"


@pytest.mark.parametrize(
    "evil", ["https://evil.test/", "//evil.test", "/\\evil.test", "/auth/login"]
)
def test_next_leads_nowhere_else(site: BlueprintSite, evil: str) -> None:
    assert site.sign_in(next=evil).url == f"{ORIGIN}/"


def test_protected_page_is_come_back_to(site: BlueprintSite) -> None:
    page = site.browser.sign_in(f"{ORIGIN}/private?x=1")
    assert (page.url, page.text) == (f"{ORIGIN}/private?x=1", "the private page")


def test_script_gets_401_instead_of_a_page(site: BlueprintSite) -> None:
    answer = get(site, "/private", sec_fetch_mode="cors", sec_fetch_site="same-origin")
    assert (answer.status_code, answer.json) == (401, {"error": "login_required"})
    assert get(site, "/private", accept="application/json").status_code == 401


# -- who may start a login -------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/auth/login", "/auth/login/demo"])
@pytest.mark.parametrize(
    "headers", [{"sec_fetch_site": "none"}, {"sec_fetch_site": "same-origin"}, {}]
)
def test_person_starts_a_login(site: BlueprintSite, path: str, headers: dict[str, str]) -> None:
    assert get(site, path, **headers).headers["Location"].startswith(f"{ISSUER}/")


@pytest.mark.parametrize("path", ["/auth/login", "/auth/login/demo"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"referer": "https://evil.test/"},
        {"origin": "https://evil.test"},
        {"sec_purpose": "prefetch", "sec_fetch_site": "same-origin"},
    ],
)
def test_nobody_else_does(
    site: BlueprintSite, path: str, method: str, headers: dict[str, str]
) -> None:
    answer = get(site, path, method, **headers)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert b"Demo" in answer.data or method == "HEAD"


def test_head_starts_nothing(site: BlueprintSite) -> None:
    answer = get(site, "/auth/login", "HEAD", sec_fetch_site="none")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)


def test_page_lists_the_providers(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(more={"other_one": OTHER})
    page = site.open("/auth/login", next="/who")
    assert "Other One" in page.text
    assert [urlsplit(form.action).path for form in page.forms] == [
        "/auth/login/demo",
        "/auth/login/other_one",
    ]
    assert site.browser.submit(page, {}, form=page.forms[0]).url == f"{ORIGIN}/who"


def test_blueprint_may_serve_a_chosen_few(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(more={"other": OTHER}, providers=["demo"])
    assert site.sign_in().url == f"{ORIGIN}/"
    for path in ("/auth/login/other", "/auth/callback/other", "/auth/login/nobody"):
        assert get(site, path).status_code == 404


def test_paths_may_be_those_that_are_registered_already(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(paths={"callback": "/login/<provider>/authorized"})
    location = get(site, "/auth/login").headers["Location"]
    [redirect_uri] = parse_qs(urlsplit(location).query)["redirect_uri"]
    assert redirect_uri == f"{ORIGIN}/auth/login/demo/authorized"


def test_base_url_of_the_configuration_wins(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(config={"OAUTHCLIENT_BASE_URL": "https://public.test/app/"})
    location = get(site, "/auth/login").headers["Location"]
    [redirect_uri] = parse_qs(urlsplit(location).query)["redirect_uri"]
    assert redirect_uri == "https://public.test/app/auth/callback/demo"


# -- what the application says ---------------------------------------------------------------


def test_on_login_gives_the_key_of_the_person(make_blueprint_site: Make) -> None:
    seen: list[LoginResult] = []

    def on_login(result: LoginResult) -> int:
        seen.append(result)
        return 42

    site = make_blueprint_site(on_login=on_login)
    site.sign_in(next="/who")
    assert site.who()["user"] == 42
    [result] = seen
    assert (result.name, result.next_url, result.claims["sub"]) == ("demo", "/who", "alice")
    assert result.userinfo["email"]
    assert result.token["access_token"] not in repr(result)


def test_on_login_may_answer_itself(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(on_login=lambda result: flask.redirect("/who?own"))
    assert site.sign_in().url == f"{ORIGIN}/who?own"
    assert site.who() == {}


def test_session_is_that_of_the_person_alone(make_blueprint_site: Make) -> None:
    site = make_blueprint_site()

    @site.app.get("/remember")
    def remember() -> str:
        flask.session["cart"] = "of somebody else"
        return ""

    @site.app.get("/session")
    def session() -> dict[str, Any]:
        return dict(flask.session)

    site.open("/remember")
    site.sign_in()
    kept = site.open("/session").response.json()
    assert "cart" not in kept
    assert len(kept[KEY]) <= MAX_BYTES


def test_signals_tell_and_carry_no_token(site: BlueprintSite) -> None:
    heard: list[tuple[str, set[str]]] = []
    names = ("login_started", "login_succeeded", "login_failed", "logged_out")

    def listen(name: str) -> Callable[..., None]:
        return lambda sender, **found: heard.append((name, set(found)))

    listeners = {name: listen(name) for name in names}
    for name, listener in listeners.items():
        getattr(signals, name).connect(listener, site.app)
    site.sign_in()
    site.browser.submit(page_with_logout(site), press=["Sign out"])
    assert heard == [
        ("login_started", {"name"}),
        ("login_succeeded", {"name", "identity", "claims"}),
        ("logged_out", {"name", "identity"}),
    ]


# -- out -------------------------------------------------------------------------------------


def page_with_logout(site: BlueprintSite) -> Any:
    form = '<form method="post" action="/auth/logout"><button>Sign out</button></form>'
    site.app.view_functions["home"] = lambda: form
    return site.open("/")


def test_sign_out_here_and_there(site: BlueprintSite) -> None:
    site.sign_in()
    page = site.browser.submit(page_with_logout(site), press=["Sign out"])
    assert any(visit.url.startswith(f"{ISSUER}/end_session") for visit in page.history)
    assert urlsplit(page.url).path == "/auth/logout/callback"
    assert site.who() == {}


@pytest.mark.parametrize(
    "headers", [{"sec_fetch_site": "cross-site"}, {"origin": "https://evil.test"}]
)
def test_foreign_page_signs_nobody_out(site: BlueprintSite, headers: dict[str, str]) -> None:
    assert get(site, "/auth/logout", "POST", **headers).status_code == 403
    assert get(site, "/auth/logout", "GET").status_code == 405


# -- when it goes wrong ----------------------------------------------------------------------


def test_cancelled_login_is_told_and_may_be_tried_again(site: BlueprintSite) -> None:
    client = site.app.test_client()
    location = client.get("/auth/login?next=/who", base_url=ORIGIN).headers["Location"]
    [state] = parse_qs(urlsplit(location).query)["state"]
    answer = client.get(
        f"/auth/callback/demo?error=access_denied&error_description=SECRET-WORDS&state={state}"
        f"&iss={ISSUER}",
        base_url=ORIGIN,
    )
    assert answer.status_code == 400
    assert "access_denied" in answer.text
    assert "SECRET-WORDS" not in answer.text


def test_callback_that_is_repeated_goes_where_the_login_went(site: BlueprintSite) -> None:
    page = site.browser.sign_in(f"{ORIGIN}/auth/login?next=/who", stop_before=CALLBACK)
    callback = page.history[-1].url
    assert site.browser.open(callback).url == f"{ORIGIN}/who"
    assert site.browser.open(callback).url == f"{ORIGIN}/who"


def test_pages_have_strict_headers(site: BlueprintSite) -> None:
    answer = get(site, "/auth/login", sec_fetch_site="cross-site")
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
