"""How a login starts: by whom, with which parameters, and where it shall lead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cachelib import SimpleCache

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.testing.browser import Visit
from tests.helpers.urls import query_of

from ._site import ISSUER
from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]
LOGINS = ["/auth/login", "/auth/login/demo"]


def location(site: BlueprintSite, path: str, **options: Any) -> str:
    """Where one request outside the browser is sent."""
    answer = site.app.test_client().open(path, base_url=ORIGIN, **options)
    return str(answer.headers["Location"])


# -- what a visitor has no say in ------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("client_id", "client_secret", "response_type", "redirect_uri", "state", "nonce"),
        *("code_challenge", "code_challenge_method", "code_verifier", "request", "request_uri"),
        "extra",
    ],
)
def test_visitors_cannot_be_given_a_say_in_it(site: BlueprintSite, name: str) -> None:
    with pytest.raises(InvalidSettingError, match=name):
        site.oauth.create_blueprint(query_params=["login_hint", name])


def test_what_is_allowed_is_copied(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(query_params=["login_hint", "ui_locales"])
    params = query_of(location(site, "/auth/login?login_hint=a%26b&ui_locales=vi&prompt=none"))
    assert (params["login_hint"], params["ui_locales"]) == (["a&b"], ["vi"])
    assert "prompt" not in params
    data = {"login_hint": "posted"}
    posted = location(site, "/auth/login/demo", method="POST", data=data)
    assert query_of(posted)["login_hint"] == ["posted"]


def test_forged_host_header_is_no_match_for_the_configuration(make_blueprint_site: Make) -> None:
    """Row A09."""
    site = make_blueprint_site(config={"OAUTHCLIENT_BASE_URL": ORIGIN})
    answer = site.app.test_client().get("/auth/login", base_url="https://evil.test")
    assert query_of(answer.headers["Location"])["redirect_uri"] == [f"{ORIGIN}/auth/callback/demo"]
    site = make_blueprint_site(config={"TRUSTED_HOSTS": ["rp.test"]})
    answer = site.app.test_client().get("/auth/login", base_url="https://evil.test")
    assert answer.status_code == 400


# -- next ------------------------------------------------------------------------------------


def test_next_is_kept_whole(site: BlueprintSite) -> None:
    """Row N14."""
    page = site.sign_in(next="/who?b=c&d=e#f")
    assert page.url == f"{ORIGIN}/who?b=c&d=e#f"


def test_next_is_checked_once_more_when_it_is_used(make_blueprint_site: Make) -> None:
    """Row N16: whatever was kept, nobody is sent elsewhere."""
    site = make_blueprint_site()
    visit = site.begin(next="/who")
    session = site.session()
    [key] = [key for key in session if key.startswith("_state_")]
    session[key]["data"]["extra"]["next"] = "//evil.test/"
    interface: Any = site.app.session_interface
    value = interface.get_signing_serializer(site.app).dumps(session)
    site.browser.cookies.set("session", value, domain="rp.test", path="/")  # type: ignore[attr-defined]
    assert site.finish(visit).url == f"{ORIGIN}/"


@pytest.mark.parametrize(
    "path",
    [
        "/auth/login",
        "/auth/login?next=/auth/login",
        "/auth/login/demo#x",
        "/auth/%6Cogin",
        "/auth/logout/callback",
        "/auth/callback/demo?code=x&state=y",
        "/auth/frontchannel-logout/demo?iss=https%3A%2F%2Fop.test&sid=x",
    ],
)
def test_next_is_none_of_the_login_pages(site: BlueprintSite, path: str) -> None:
    assert site.sign_in(next=path).url == f"{ORIGIN}/"


class BrokenCache(SimpleCache):
    """A cache whose server does not answer."""

    def _down(self, *args: object, **kwargs: object) -> Any:
        raise ConnectionError("no answer")

    get = set = add = delete = has = get_many = set_many = _down


def test_store_that_is_down_starts_no_login(make_blueprint_site: Make) -> None:
    """Row S25."""
    page = make_blueprint_site(cache=BrokenCache()).open("/auth/login/demo", next="/who")
    assert (page.status, "state_unavailable" in page.text) == (503, True)
    assert page.forms[0].data({}, ()) == [("next", "/who")]


def test_store_that_goes_down_completes_no_login(make_blueprint_site: Make) -> None:
    """Row S25: the check is not skipped."""
    site = make_blueprint_site(cache=SimpleCache())
    visit = site.begin(next="/who")
    site.oauth.current_state().logins._cache = BrokenCache()
    site.outbound.clear()
    page = site.finish(visit)
    assert (page.status, "state_unavailable" in page.text) == (503, True)
    assert (site.outbound.paths, site.who()) == ([], {})


# -- many at once ----------------------------------------------------------------------------


def test_thousand_starts_do_not_fill_the_browser(site: BlueprintSite) -> None:
    """Row S13."""
    for number in range(1000):
        site.browser.send(Visit("GET", f"{ORIGIN}/auth/login?next=/who?n={number}"))
    cookies = {cookie.name: cookie.value or "" for cookie in site.browser.cookies}
    assert len(cookies["session"]) < 4093
    assert sum(len(name) + len(value) for name, value in cookies.items()) < 8000
    assert site.sign_in(next="/who").url == f"{ORIGIN}/who"


def test_starts_without_cookies_cost_no_memory(site: BlueprintSite) -> None:
    """Row S14."""
    for _ in range(200):
        site.app.test_client().get("/auth/login", base_url=ORIGIN)
    state = site.oauth.current_state()
    assert len(state.logins._spent._until) == 0
    assert (state.cache, len(state.clients)) == (None, 1)


# -- linking ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/auth/login/demo?link=1", "/auth/link/demo"])
def test_image_on_a_foreign_page_starts_nothing(site: BlueprintSite, path: str) -> None:
    """Row S20."""
    site.sign_in()
    before = site.session()
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}
    client = site.app.test_client()
    for cookie in site.browser.cookies:
        client.set_cookie(cookie.name, cookie.value or "", domain="rp.test", secure=True)
    answer = client.get(path, base_url=ORIGIN, headers=headers)
    assert answer.status_code in (200, 405)
    assert "Set-Cookie" not in answer.headers
    assert site.session() == before


# -- the application's word ------------------------------------------------------------------


@pytest.mark.parametrize("sent", [{"plan": "gold"}, ["a", "b"], "text", 7, None, {}])
def test_what_the_start_sends_along_arrives(make_blueprint_site: Make, sent: Any) -> None:
    asked, arrived = [], []
    site = make_blueprint_site(
        on_start=lambda name: asked.append(name) or sent,
        on_login=lambda result: arrived.append(result.extra),
    )
    site.sign_in()
    assert (asked, arrived) == (["demo"], [{} if sent is None else sent])


def test_labels_stand_on_the_page(make_blueprint_site: Make) -> None:
    site = make_blueprint_site(labels={"demo": "<b>Ours & theirs</b>"})
    page = site.app.test_client().head("/auth/login", base_url=ORIGIN)
    assert page.status_code == 200
    headers = {"Sec-Fetch-Site": "cross-site"}
    text = site.app.test_client().get("/auth/login", base_url=ORIGIN, headers=headers).text
    assert "&lt;b&gt;Ours &amp; theirs&lt;/b&gt;" in text


def test_page_without_providers_says_so(make_blueprint_site: Make) -> None:
    page = make_blueprint_site(providers=[]).open("/auth/login")
    assert (page.status, page.forms) == (200, [])


def test_error_of_the_application_at_the_start_is_a_page(make_blueprint_site: Make) -> None:
    def on_start(name: str) -> None:
        raise OAuthError("closed_today", "Come back tomorrow.", http_status=503)

    site = make_blueprint_site(on_start=on_start)
    page = site.open("/auth/login", next="/who")
    assert (page.status, "closed_today" in page.text) == (503, True)
    assert page.forms[0].data({}, ()) == [("next", "/who")]


def test_issuer_stays_the_same_as_that_of_the_site(site: BlueprintSite) -> None:
    assert location(site, "/auth/login").startswith(f"{ISSUER}/")
