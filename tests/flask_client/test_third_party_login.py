"""Logins that another site starts (OpenID Connect Core 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient.flask_client.site import FlaskSite
from flask_oauthclient.sign_in.pages import target_in_site
from tests.helpers.urls import query_of

from ._site import ISSUER
from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]
HINT = "alice@example.com"
FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://portal.test"}


def visit(site: BlueprintSite, method: str, **params: str) -> Any:
    where = "query_string" if method == "GET" else "data"
    return site.app.test_client().open(
        "/auth/login", base_url=ORIGIN, method=method, headers=FOREIGN, **{where: params}
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_person_says_yes_first(site: BlueprintSite, method: str) -> None:
    answer = visit(site, method, iss=ISSUER, target_link_uri=f"{ORIGIN}/who", login_hint=HINT)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Continue with Demo" in answer.text


def test_button_goes_on_with_all_that_was_said(site: BlueprintSite) -> None:
    site.provider.auto_sign_in = "alice"
    page = site.open("/auth/login", iss=ISSUER, target_link_uri=f"{ORIGIN}/who?a", login_hint=HINT)
    assert len(page.history) == 1
    page = site.browser.submit(page, form=page.forms[0])
    assert page.url == f"{ORIGIN}/who?a"
    [sent] = [v.url for v in page.history if v.url.startswith(f"{ISSUER}/authorize")]
    assert query_of(sent)["login_hint"] == [HINT]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("iss", ["https://evil.test", f"{ISSUER}/", "op.test", "x" * 5000, "<b>"])
def test_unknown_issuer_starts_nothing(make_blueprint_site: Make, method: str, iss: str) -> None:
    site = make_blueprint_site(third_party_login=True)
    answer = visit(site, method, iss=iss, target_link_uri=f"{ORIGIN}/who")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    assert iss not in answer.text or iss == "op.test"
    assert all(path == "/.well-known/openid-configuration" for path in site.outbound.paths)


def test_application_may_let_it_go_straight(make_blueprint_site: Make) -> None:
    """As the conformance module oidcc-client-test-3rd-party-init-login does it."""
    site = make_blueprint_site(third_party_login=True)
    params = {"iss": ISSUER, "target_link_uri": f"{ORIGIN}/who?a=b", "login_hint": HINT}
    answer = visit(site, "GET", **params)
    sent = query_of(answer.headers["Location"])
    assert (answer.status_code, sent["login_hint"]) == (302, [HINT])
    assert site.open("/auth/login", **params).url == f"{ORIGIN}/who?a=b"
    assert site.who()["sub"] == "alice"


def test_posted_form_comes_once_more_with_the_cookies(make_blueprint_site: Make) -> None:
    """Without them, whoever is signed in would get a new session for theirs."""
    site = make_blueprint_site(third_party_login=True)
    params = {"iss": ISSUER, "target_link_uri": f"{ORIGIN}/who?a=b", "login_hint": HINT}
    answer = visit(site, "POST", **params)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (303, False)
    assert {k: v[0] for k, v in query_of(answer.headers["Location"]).items()} == params
    assert site.browser.open(f"{ORIGIN}{answer.headers['Location']}").url == f"{ORIGIN}/who?a=b"


@pytest.mark.parametrize("purpose", ["prefetch", ""])
def test_nobody_looking_starts_one(make_blueprint_site: Make, purpose: str) -> None:
    site = make_blueprint_site(third_party_login=True)
    answer = site.app.test_client().open(
        "/auth/login",
        base_url=ORIGIN,
        method="GET" if purpose else "HEAD",
        query_string={"iss": ISSUER},
        headers={"Sec-Purpose": purpose},
    )
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/",
        "//evil.test",
        f"{ORIGIN}@evil.test/",
        f"{ORIGIN}.evil.test/",
        f"{ORIGIN}:444/who",
        "http://rp.test/who",
        f"{ORIGIN}//evil.test",
        f"{ORIGIN}/\\evil.test",
        "javascript:alert(1)//://",
        "None/who",
        f"{ORIGIN}/auth/login?iss={ISSUER}",
        "",
    ],
)
def test_target_is_a_page_of_this_site(make_blueprint_site: Make, target: str) -> None:
    site = make_blueprint_site(third_party_login=True)
    page = site.open("/auth/login", iss=ISSUER, target_link_uri=target)
    assert page.url == f"{ORIGIN}/"


def test_target_below_the_public_address(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(
        third_party_login=True, config={"OAUTHCLIENT_BASE_URL": "https://public.test/app/"}
    )
    target = "https://public.test/app/who?a"
    with site.app.test_request_context(base_url="https://inside.test/app"):
        assert target_in_site(FlaskSite(), target) == "/app/who?a"


def test_issuer_is_known_without_asking_anybody(make_blueprint_site: Make) -> None:
    """A provider that is down keeps nobody from signing in at another."""
    down = {"client_id": "x", "server_metadata_url": "https://down.test/metadata"}
    site = make_blueprint_site(third_party_login=True, more={"down": down})
    site.oauth.down.session.mount("https://", site.outbound)
    answer = visit(site, "GET", iss=ISSUER)
    assert answer.headers["Location"].startswith(ISSUER)
    assert not [path for path in site.outbound.paths if "down.test" in path]
    site.oauth.down.session.close()
    assert visit(site, "GET", iss="https://down.test").status_code == 200


def test_another_account_is_not_switched_to(make_blueprint_site: Make) -> None:
    """Row S21: a login that another site starts is one like any other."""
    site = make_blueprint_site(third_party_login=True)
    site.sign_in()
    site.provider.auto_sign_in = "bob"
    for cookie in list(site.browser.cookies):
        if cookie.domain.startswith("op.test"):
            site.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)
    page = site.open("/auth/login", iss=ISSUER, target_link_uri=f"{ORIGIN}/who")
    assert (page.status, site.who()["sub"]) == (409, "alice")
