"""Signing in and out through the mounted blueprint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import flask
import pytest

from flask_oauthclient.flask_client import signals
from flask_oauthclient.sign_in.identity import MAX_BYTES
from flask_oauthclient.sign_in.login_result import LoginResult
from flask_oauthclient.sign_in.signed_in import KEY
from tests.sign_in import starting_cases

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


@pytest.mark.parametrize("case", starting_cases.cases.params())
def test_start(case: Callable[[BlueprintSite], None], site: BlueprintSite) -> None:
    case(site)


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
