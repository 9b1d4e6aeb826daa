"""Logins that go wrong on the way: what begins anew, what is come back to, and what is a page."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import requests

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from tests.helpers.cases import Cases
from tests.helpers.clock import Clock
from tests.helpers.urls import query_of
from tests.helpers.urls import with_params

from ._site import DENIED
from ._site import ISSUER
from ._site import ORIGIN
from ._site import LoginSite
from ._site import assert_page
from ._site import lose_cookies
from ._site import send
from ._site import send_alone
from ._site import starts_of

cases = Cases()
#: Those in which time passes.
cases_in_time = Cases()


@cases.row("cancel-at-the-provider-keeps-next")
def cancel_at_the_provider_keeps_next(site: LoginSite) -> None:
    site.provider.auto_sign_in = None
    page = site.browser.walk(f"{ORIGIN}/auth/login?next=/who?a=b", {"persona": "alice"})
    page = site.browser.submit(page, {"decision": "cancel"})
    assert (page.status, "access_denied" in page.text) == (400, True)
    page = site.browser.submit(page, form=page.forms[0])
    page = site.browser.submit(page, {"decision": "allow"})
    assert page.url == f"{ORIGIN}/who?a=b"


@cases.row("cancel-leaves-whoever-is-signed-in")
def cancel_leaves_whoever_is_signed_in(site: LoginSite) -> None:
    site.sign_in()
    before = site.who()
    assert_page(site, with_params(site.begin(), **DENIED), "access_denied")
    assert site.who() == before


@cases.row("lost-state-begins-anew-by-itself")
def lost_state_begins_anew_by_itself(site: LoginSite) -> None:
    visit = site.begin(next="/who")
    lose_cookies(site)
    page = site.finish(visit)
    assert (page.status, starts_of(page)) == (200, 1)
    assert site.who()["sub"] == "alice"


@cases.row("state-of-another-browser-signs-in-nobody-with-its-code")
def state_of_another_browser_signs_in_nobody_with_its_code(site: LoginSite) -> None:
    """Row S03: a link to somebody else's login does not even begin one."""
    site.provider.auto_sign_in = None
    other = ScriptedBrowser({ORIGIN: site.wsgi, ISSUER: site.provider.wsgi})
    page = other.sign_in(f"{ORIGIN}/auth/login/demo", "bob", stop_before=f"{ORIGIN}/auth/callback/")
    site.sign_in()
    end = site.finish(page.history[-1])
    other.close()
    assert site.who()["sub"] == "alice"
    assert (end.status, starts_of(end)) == (400, 0)


@cases.row("state-that-is-lost-once-more-is-a-page")
def state_that_is_lost_once_more_is_a_page(site: LoginSite) -> None:
    visit = site.begin(next="/who")
    session_only = [cookie.name for cookie in site.browser.cookies if "oac_" in cookie.name]
    assert session_only
    lose_cookies(site)
    answer = site.browser.send(visit)  # the note of it is in the browser now
    assert urlsplit(answer.headers["Location"]).path == "/auth/login/demo"
    assert_page(site, visit, "state_foreign")


@cases.row("note-of-a-new-beginning-cannot-be-made-up")
def note_of_a_new_beginning_cannot_be_made_up(site: LoginSite) -> None:
    site.open("/who")
    for mark in ("", "x", "1"):
        answer = send(
            site,
            Visit("GET", f"{ORIGIN}/auth/login/demo?again={mark}"),
            Sec_Fetch_Site="cross-site",
        )
        assert (answer.status_code, "state_lost" in answer.text) == (400, True)


@cases.row("callback-again-in-another-browser-leads-nowhere")
def callback_again_in_another_browser_leads_nowhere(site: LoginSite) -> None:
    visit = site.begin(next="/who?secret-place")
    site.finish(visit)
    answer = send_alone(site, visit.url.removeprefix(ORIGIN))
    assert "secret-place" not in str(answer.headers) + answer.text


@cases.row("two-callbacks-again-each-go-to-their-own-next")
def two_callbacks_again_each_go_to_their_own_next(site: LoginSite) -> None:
    visits = [site.begin(next=f"/who?{number}") for number in range(3)]
    for visit in visits:
        site.finish(visit)
    for number, visit in enumerate(visits):
        assert site.finish(visit).url == f"{ORIGIN}/who?{number}"


@cases.row("same-callback-in-two-threads")
def same_callback_in_two_threads(site: LoginSite) -> None:
    """Row S06."""
    visit = site.begin(next="/who")
    barrier, answers = threading.Barrier(2), []

    def go() -> None:
        barrier.wait()
        answers.append(send(site, visit).headers["Location"])

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.provider.log.count("token") == 1
    assert "/who" in answers
    [other] = [answer for answer in answers if answer != "/who"]
    assert urlsplit(other).path == "/auth/login/demo"
    assert query_of(other)["next"] == ["/who"]


@cases_in_time.row("expired-state-begins-anew-with-the-same-next")
def expired_state_begins_anew_with_the_same_next(site: LoginSite, clock: Clock) -> None:
    visit = site.begin(next="/who?late")
    clock.advance(660)
    page = site.finish(visit)
    assert (page.url, starts_of(page)) == (f"{ORIGIN}/who?late", 1)


@cases_in_time.row("callback-again-within-half-a-minute-goes-to-next")
def callback_again_within_half_a_minute_goes_to_next(site: LoginSite, clock: Clock) -> None:
    visit = site.begin(next="/who?a")
    site.finish(visit)
    before = site.who()
    site.outbound.clear()
    clock.advance(25)
    assert site.finish(visit).url == f"{ORIGIN}/who?a"
    assert (site.who(), site.outbound.paths) == (before, [])


@cases_in_time.row("callback-again-after-half-a-minute-is-a-page")
def callback_again_after_half_a_minute_is_a_page(site: LoginSite, clock: Clock) -> None:
    visit = site.begin(next="/who?a")
    site.finish(visit)
    clock.advance(40)
    assert_page(site, visit, "state_used")
    assert site.who()["sub"] == "alice"


@cases.rows("new-beginning-waits-for-the-person", ["HEAD", "prefetch"])
def new_beginning_waits_for_the_person(site: LoginSite, kind: str) -> None:
    method, headers = ("HEAD", {}) if kind == "HEAD" else ("GET", {"Sec_Purpose": kind})
    visit = site.begin()
    lose_cookies(site)
    url = f"{ORIGIN}{site.browser.send(visit).headers['Location']}"
    answer = send(site, Visit(method, url), **headers)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)


@cases.rows("two-tabs-in-any-order", {"first": (0, 1), "second": (1, 0)})
def two_tabs_in_any_order(site: LoginSite, order: tuple[int, int]) -> None:
    """Rows S08 and S09."""
    visits = [site.begin(next="/who?0"), site.begin(next="/who?1")]
    for number in order:
        assert site.finish(visits[number]).url == f"{ORIGIN}/who?{number}"
    assert site.who()["sub"] == "alice"


@cases.rows("double-click-ends-at-next-whichever-answer-comes-last", [0, 1])
def double_click_ends_at_next_whichever_answer_comes_last(site: LoginSite, last: int) -> None:
    """Row S06: the slower one's cookies may win in the browser."""
    visit = site.begin(next="/who")
    answers = [send(site, visit), send(site, visit)]
    for answer in (answers[1 - last], answers[last]):
        site.browser._cookies.keep(answer)
    page = site.browser.open(requests.compat.urljoin(visit.url, answers[1].headers["Location"]))
    assert (page.url, site.who()["sub"]) == (f"{ORIGIN}/who", "alice")
