"""The ways in which a pending login can be missing are told apart, and each says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.clock import Clock
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import CLIENT_SECRET
from tests.helpers.site import SECRET_KEY
from tests.helpers.site import Site
from tests.helpers.urls import with_params

CACHES = ("none", "simple", "files", "redis", "memcached")
Make = Callable[..., Site]
WHAT_TO_DO = re.compile(
    r"[Ss]tart the login again|Go back to the application|Open the app|Try again"
)


@pytest.fixture(params=CACHES)
def kept_in(request: pytest.FixtureRequest, make_site: Make, make_cache: Make) -> Site:
    """A site that keeps its pending logins in the session, or in a cache."""
    return make_site(cache=make_cache(request.param))


def assert_code(site: Site, visit: Visit, code: str) -> None:
    site.outbound.clear()
    response = site.finish(visit)
    assert response.text == code
    assert isinstance(site.error, MismatchingStateError)
    assert response.status_code == 400
    assert WHAT_TO_DO.search(site.error.description)
    assert site.outbound.paths == []


def test_lost_cookies(kept_in: Site) -> None:
    visit = kept_in.begin()
    kept_in.drop_cookies("")
    assert kept_in.cookie_header() == ""
    assert_code(kept_in, visit, "state_lost")


def test_another_browser(kept_in: Site) -> None:
    visit = kept_in.begin()
    with kept_in.visited_by(kept_in.new_browser()):
        kept_in.begin()
        assert_code(kept_in, visit, "state_foreign")


def test_another_persons_session(kept_in: Site) -> None:
    visit = kept_in.begin()
    with kept_in.visited_by(kept_in.new_browser()):
        kept_in.set_session({"user": "bob"})
        assert_code(kept_in, visit, "state_foreign")


def test_unknown_state(kept_in: Site) -> None:
    visit = with_params(kept_in.begin(), state="x" * 30)
    assert_code(kept_in, visit, "mismatching_state")


def test_state_of_another_application(kept_in: Site, make_site: Make) -> None:
    other = make_site(secret_key="the secret key of another application")
    assert_code(kept_in, other.begin(), "mismatching_state")


def test_expired(kept_in: Site, clock: Clock) -> None:
    visit = kept_in.begin()
    clock.advance(601)
    assert_code(kept_in, visit, "state_expired")


def test_not_yet_expired(kept_in: Site, clock: Clock) -> None:
    visit = kept_in.begin()
    kept_in.provider.clock = lambda: clock() - 590  # the provider's codes live for a minute
    clock.advance(590)
    assert kept_in.finish(visit, leeway=700).status_code == 200


def test_expired_after_the_browser_was_closed(kept_in: Site, clock: Clock) -> None:
    visit = kept_in.begin()
    kept_in.drop_cookies("session")
    clock.advance(661)
    assert kept_in.cookie_header() == ""  # its ten minutes are over in the browser, too
    assert_code(kept_in, visit, "state_expired")


def test_expired_by_a_day(kept_in: Site, clock: Clock) -> None:
    visit = kept_in.begin()
    clock.advance(86_400)
    assert_code(kept_in, visit, "state_expired")


def test_used(kept_in: Site) -> None:
    visit = kept_in.begin()
    assert kept_in.finish(visit).status_code == 200
    assert_code(kept_in, visit, "state_used")


def test_used_at_another_process(kept_in: Site, make_site: Make) -> None:
    visit = kept_in.begin()
    assert kept_in.finish(visit).status_code == 200
    twin = make_site(cache=kept_in.oauth.cache, browser=kept_in.browser)
    assert_code(twin, visit, "state_used")


def test_used_up_by_an_error(kept_in: Site) -> None:
    visit = kept_in.begin()
    kept_in.finish(with_params(visit, code=None, error="access_denied"))
    assert_code(kept_in, visit, "state_used")


@pytest.mark.parametrize("cache", CACHES)
def test_another_host(make_site: Make, make_cache: Make, cache: str) -> None:
    site = make_site(cache=make_cache(cache), origin="http://localhost:5000")
    there = "http://127.0.0.1:5000/callback/demo"
    site.browser.mount("http://127.0.0.1:5000", site.flask_app)
    site.provider.add_client(ClientRecord(CLIENT_ID, CLIENT_SECRET, redirect_uris=(there,)))
    answer = site.send_login(redirect_uri=there)
    page = site.browser.sign_in(answer.headers["Location"], stop_before=there)
    assert_code(site, page.history[-1], "state_other_host")


@pytest.mark.parametrize("cache", CACHES)
def test_either_carrier_alone_is_enough(make_site: Make, make_cache: Make, cache: str) -> None:
    for lost in ("session", "__Host-oac_"):
        site = make_site(cache=make_cache(cache))
        visit = site.begin()
        site.drop_cookies(lost)
        assert site.finish(visit).status_code == 200


def test_ninth_tab_drops_the_oldest(kept_in: Site) -> None:
    visits = kept_in.begin_at_once(8)
    ninth = kept_in.begin()
    assert_code(kept_in, visits[0], "state_foreign")
    for visit in (*visits[1:], ninth):
        assert kept_in.finish(visit).status_code == 200


def test_ninth_login_in_one_tab_drops_the_oldest(kept_in: Site) -> None:
    visits = [kept_in.begin() for _ in range(9)]
    assert len(kept_in.pending()) == 8
    assert_code(kept_in, visits[0], "state_foreign")
    for visit in visits[1:]:
        assert kept_in.finish(visit).status_code == 200


def test_old_secret_key_still_knows_its_states(make_site: Make) -> None:
    site = make_site()
    visit = site.begin()
    renewed = make_site(
        secret_key="another key",
        config={"SECRET_KEY_FALLBACKS": [SECRET_KEY]},
        browser=site.browser,
    )
    site.drop_cookies("")
    assert_code(renewed, visit, "state_lost")


def test_application_without_a_secret_key(make_site: Make) -> None:
    site = make_site(secret_key=None)
    assert site.send_login().status_code == 500
    assert site.error.error == "missing_configuration"
    assert "SECRET_KEY" in site.error.description
    assert isinstance(site.error, RuntimeError)


def test_provider_of_the_session_is_never_asked(provider: DevelopmentProvider, site: Site) -> None:
    before: Any = len(provider.log)
    for state in ("x", "x" * 30, ""):
        site.finish(Visit("GET", f"{site.callback_url()}?code=c&state={state}"))
    assert len(provider.log) == before
