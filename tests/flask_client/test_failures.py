"""Logins that fail at the blueprint's callback: the page, what stays, and what begins anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import flask
import pytest
import requests

from flask_oauthclient import OAuthError
from flask_oauthclient.flask_client import signals
from flask_oauthclient.testing.provider import WSGIAdapter
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.helpers.urls import state_of
from tests.helpers.urls import with_params
from tests.sign_in import callback_cases
from tests.sign_in import trouble_cases
from tests.sign_in._site import DENIED
from tests.sign_in._site import assert_page
from tests.sign_in._site import send
from tests.sign_in._site import starts_of

from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]


@pytest.mark.parametrize("case", callback_cases.cases.params())
def test_callback(case: Callable[[BlueprintSite], None], site: BlueprintSite) -> None:
    case(site)


@pytest.mark.parametrize("case", trouble_cases.cases.params())
def test_trouble(case: Callable[[BlueprintSite], None], site: BlueprintSite) -> None:
    case(site)


@pytest.mark.parametrize("case", trouble_cases.cases_in_time.params())
def test_trouble_in_time(case: Callable[..., None], site: BlueprintSite, clock: Clock) -> None:
    case(site, clock)


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
