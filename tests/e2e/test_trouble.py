"""Signing in when something comes between: the person, the browser or the time."""

from __future__ import annotations

import re

import pytest
from flask import Response

from flask_oauthclient import LoginResult
from tests.helpers.clock import Clock

from ._chromium import Tab
from ._person import WANTED
from ._person import allow
from ._person import arrives_as
from ._person import sign_in
from ._site import MakeSite
from ._site import Site

CALLBACK = "/auth/callback/demo"


def test_who_cancels_can_try_again_and_ends_at_the_same_page(site: Site, tab: Tab) -> None:
    tab.open(site.login_url(WANTED))
    tab.press("Cancel")
    tab.sees("Sign-in cancelled")
    assert "access_denied" in tab.text()
    tab.press("Try again")
    allow(tab)
    arrives_as(tab, site)


def test_who_cancels_can_go_to_the_start_page(site: Site, tab: Tab) -> None:
    tab.open(site.login_url(WANTED))
    tab.press("Cancel")
    tab.press("Go to the start page")
    tab.arrives(site.url("/"))
    assert tab.text("#who") == "nobody"


def test_back_from_the_page_that_was_wanted_signs_nobody_out(site: Site, tab: Tab) -> None:
    tab.open(site.url("/public"))
    sign_in(tab, site)
    tab.back_to(site.url("/public"))
    assert tab.text("#who") == "alice"
    tab.open(site.url("/letters"))
    arrives_as(tab, site, target="/letters")


def test_back_to_a_callback_that_failed_keeps_a_later_login(site: Site, tab: Tab) -> None:
    tab.open(site.login_url(WANTED))
    tab.press("Cancel")
    tab.sees("Sign-in cancelled")
    cancelled = tab.url
    tab.press("Try again")
    allow(tab)
    arrives_as(tab, site)
    tab.back_to(cancelled)
    tab.sees("This sign-in is already complete")
    tab.press("Go to the start page")
    tab.arrives(site.url("/"))
    assert tab.text("#who") == "alice"


def test_the_callback_of_a_login_that_is_complete_goes_on(site: Site, tab: Tab) -> None:
    sign_in(tab, site)
    tab.open(tab.visitor.asked_for(CALLBACK)[0])
    arrives_as(tab, site)


def _greet(_: LoginResult) -> Response:
    return Response("<!doctype html><title>Hello</title><h1>Hello</h1>", mimetype="text/html")


def test_a_callback_that_shows_a_page_can_be_reloaded(make_site: MakeSite, tab: Tab) -> None:
    site = make_site(on_login=_greet)
    tab.open(site.login_url("/public"))
    allow(tab)
    tab.sees("Hello")
    tab.reload()
    tab.arrives(site.url("/public"))


def test_back_to_a_callback_that_shows_a_page_goes_on(make_site: MakeSite, tab: Tab) -> None:
    site = make_site(on_login=_greet)
    tab.open(site.login_url("/public"))
    allow(tab)
    tab.sees("Hello")
    tab.open(site.url("/"))
    tab.back()
    tab.arrives(site.url("/public"))


@pytest.mark.parametrize("lost", ["session", re.compile("^(?!session$)")], ids=["session", "own"])
def test_a_login_survives_the_loss_of_one_of_its_cookies(
    site: Site, tab: Tab, lost: str | re.Pattern[str]
) -> None:
    tab.open(site.login_url(WANTED))
    tab.press("Continue as Alice")
    before = tab.visitor.cookies()
    tab.visitor.lose_cookies("localhost", name=lost)
    assert tab.visitor.cookies() < before
    tab.press("Allow")
    arrives_as(tab, site)
    assert len(tab.visitor.asked_for(CALLBACK)) == 1


def test_a_login_whose_cookies_are_all_lost_begins_anew_by_itself(site: Site, tab: Tab) -> None:
    tab.open(site.login_url(WANTED))
    tab.press("Continue as Alice")
    tab.visitor.lose_cookies("localhost")
    tab.press("Allow")
    arrives_as(tab, site, target="/")  # what was wanted, the cookies knew
    assert len(tab.visitor.asked_for(CALLBACK)) == 2


def test_a_login_that_took_too_long_begins_anew_by_itself(
    clock: Clock, site: Site, tab: Tab
) -> None:
    tab.open(site.login_url(WANTED))
    tab.press("Continue as Alice")
    tab.sees("Allow Demo app?")
    clock.advance(900)
    tab.press("Allow")
    arrives_as(tab, site)
    assert len(tab.visitor.asked_for(CALLBACK)) == 2


def test_a_state_that_is_none_of_ours_begins_nothing_by_itself(site: Site, tab: Tab) -> None:
    tab.open(site.login_url(WANTED))
    tab.open(site.url(f"{CALLBACK}?code=made-up&state=made-up"))
    tab.sees("This sign-in has run out")
    tab.press("Try again")
    allow(tab)
    arrives_as(tab, site)


def test_a_browser_without_cookies_is_told_and_not_sent_around(site: Site, tab: Tab) -> None:
    site.without_cookies = True
    tab.open(site.login_url(WANTED))
    allow(tab)
    tab.sees("This sign-in has run out")
    assert "Please allow cookies for this site" in tab.text()
    assert len(tab.visitor.asked_for(CALLBACK)) == 1
    site.without_cookies = False
    tab.press("Try again")
    arrives_as(tab, site, target="/")


def test_a_provider_that_is_down_can_be_tried_again(site: Site, tab: Tab) -> None:
    site.provider.faults.on("token").respond(status=503)
    tab.open(site.login_url(WANTED))
    allow(tab)
    tab.sees("The sign-in service does not answer")
    site.provider.faults.clear()
    tab.press("Try again")
    arrives_as(tab, site)
