"""Posted callbacks, whose parameters come a second time behind a sealed handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient.testing.browser import Visit
from tests.helpers.clock import Clock
from tests.helpers.rejection import assert_rejected
from tests.helpers.site import ISSUER
from tests.helpers.site import Site
from tests.helpers.urls import query_of
from tests.helpers.urls import state_of

CACHES = ("none", "simple", "files", "redis", "memcached")


def relayed(site: Site, **params: Any) -> Visit:
    """The visit that follows a posted callback."""
    visit = site.begin(response_mode="form_post", **params)
    response = site.browser.send(visit)
    assert response.status_code == 303
    return site.relayed(visit, response)


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("origin", ["https://rp.test", "http://localhost:5000"])
def test_posted_callback_finds_the_cookies(
    make_site: Callable[..., Site], make_cache: Callable[[str], Any], cache: str, origin: str
) -> None:
    site = make_site(cache=make_cache(cache), origin=origin)
    site.login()
    before = site.session()
    assert before["user"] == "alice"
    assert site.login(response_mode="form_post", extra={"next": "/x"}).status_code == 200
    assert site.session() == before
    assert site.token["extra"] == {"next": "/x"}


def test_handle_shows_nothing(site: Site) -> None:
    visit = site.begin(response_mode="form_post")
    url = site.relayed(visit, site.browser.send(visit)).url
    assert not any(value in url for _, value in visit.data or ())
    assert list(query_of(url)) == ["oauthclient_form"]


@pytest.mark.parametrize("query", ["", "?from=op"])
def test_redirect_is_relative_and_keeps_the_query(site: Site, query: str) -> None:
    uri = site.callback_url() + query
    visit = site.begin(response_mode="form_post", redirect_uri=uri)
    response = site.browser.send(visit)
    assert response.headers["Location"].startswith("?" + query.removeprefix("?"))
    assert site.relayed(visit, response).url.startswith(uri)
    assert site.finish(site.relayed(visit, response)).status_code == 200
    assert site.provider.log.find("token")[0].form["redirect_uri"] == uri


def test_handle_is_used_once(site: Site) -> None:
    visit = relayed(site)
    assert site.finish(visit).status_code == 200
    assert site.finish(visit).text == "state_used"
    assert site.provider.log.count("token") == 1


def test_handle_is_good_for_a_minute(site: Site, clock: Clock) -> None:
    visit = relayed(site)
    clock.advance(59)
    late = relayed(site)
    assert site.finish(visit).status_code == 200
    clock.advance(61)
    assert site.finish(late).text == "invalid_callback"


def test_handle_belongs_to_one_callback(make_site: Callable[..., Site], site: Site) -> None:
    both = make_site({"demo": site.provider, "other": site.provider})
    visit = relayed(both)
    moved = Visit("GET", visit.url.replace("/demo?", "/other?"))
    both.outbound.clear()
    assert both.finish(moved).text == "invalid_callback"
    assert both.outbound.paths == []
    assert both.finish(visit).status_code == 200


def test_every_bit_of_the_handle_counts(site: Site) -> None:
    visit = relayed(site)
    base, _, handle = visit.url.partition("=")
    for place in range(0, len(handle), 7):
        flipped = handle[:place] + chr(ord(handle[place]) ^ 1) + handle[place + 1 :]
        assert site.finish(Visit("GET", f"{base}={flipped}")).text == "invalid_callback"
    for made_up in ("", "x", "x" * 5000, handle[:-4], handle * 2):
        assert site.finish(Visit("GET", f"{base}={made_up}")).text == "invalid_callback"
    assert site.finish(visit).status_code == 200


def test_parameters_beside_the_handle_do_not_count(site: Site) -> None:
    visit = relayed(site)
    beside = Visit("GET", f"{visit.url}&code=other&state=other&error=access_denied")
    assert site.finish(beside).status_code == 200


def test_handle_of_the_attacker_is_nothing_to_the_victim(site: Site) -> None:
    visit = relayed(site)
    with site.visited_by(site.new_browser()):
        site.begin()
        site.outbound.clear()
        assert site.finish(visit).text == "state_foreign"
        assert site.outbound.paths == []


def test_form_of_the_attacker_is_nothing_to_the_victim(site: Site) -> None:
    visit = site.begin(response_mode="form_post")
    with site.visited_by(site.new_browser()):
        site.begin()
        evil = Visit("POST", visit.url, visit.data, "https://evil.test/")
        assert_rejected(site, evil, "state_foreign", kept=True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "x" * 30}, "mismatching_state"),
        ({"state": ""}, "missing_state"),
        ({"state": None}, "missing_state"),
    ],
)
def test_form_without_a_state_of_ours_is_not_relayed(
    site: Site, changes: dict[str, str | None], code: str
) -> None:
    visit = site.begin(response_mode="form_post")
    form = {k: v for k, v in {**dict(visit.data or ()), **changes}.items() if v is not None}
    response = site.browser.send(Visit("POST", visit.url, list(form.items()), visit.initiator))
    assert (response.status_code, response.text) == (400, code)


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ([("code", "second")], "invalid_callback"),
        ([("state", "second")], "missing_state"),
        ([("error", "access_denied")], "access_denied"),
        ([("iss", "https://evil.test")], "invalid_callback"),
        ([("response", "x.y.z")], "wrong_response_mode"),
    ],
)
def test_posted_parameters_are_judged_like_others(
    site: Site, extra: list[tuple[str, str]], code: str
) -> None:
    visit = site.begin(response_mode="form_post")
    more = Visit("POST", visit.url, [*(visit.data or ()), *extra], visit.initiator)
    assert_rejected(site, more, code, kept=code == "missing_state")


def test_error_is_posted_too(site: Site) -> None:
    site.provider.auto_sign_in = None
    visit = site.begin(response_mode="form_post", prompt="none")
    assert_rejected(site, visit, "login_required")


def test_other_forms_of_the_application_are_left_alone(site: Site) -> None:
    site.flask_app.add_url_rule("/form", "form", lambda: "form", methods=["POST"])
    state = state_of(site.begin())
    for data in ([("state", "x")], [("text", "hello")], [("state", state + "x")]):
        posted = Visit("POST", f"{site.origin}/form", data, ISSUER)
        assert site.browser.send(posted).text == "form"
