"""Signing in, as people do it."""

from __future__ import annotations

import re

import pytest

from ._chromium import PLAIN_HOST
from ._chromium import Tab
from ._chromium import Visitor
from ._person import WANTED
from ._person import allow
from ._person import arrives_as
from ._person import sign_in
from ._site import MakeSite
from ._site import Site
from .conftest import MakeVisitor

FORM_POST = {"authorize_params": {"response_mode": "form_post"}}


def test_a_login_ends_at_the_page_that_was_wanted(site: Site, tab: Tab) -> None:
    tab.open(site.url("/"))
    tab.press("Sign in")
    allow(tab)
    arrives_as(tab, site)


def test_a_page_for_people_who_are_signed_in_is_where_they_end(site: Site, tab: Tab) -> None:
    tab.open(site.url("/letters?from=bob&page=2"))
    allow(tab)
    arrives_as(tab, site, target="/letters?from=bob&page=2")


def test_one_of_several_providers_is_chosen_on_the_page(make_site: MakeSite, tab: Tab) -> None:
    site = make_site(more=("other",))
    tab.open(site.login_url(WANTED))
    tab.sees("Sign in")
    tab.press("Continue with Demo")
    allow(tab)
    arrives_as(tab, site)


def test_a_second_login_needs_no_page_at_the_provider(site: Site, tab: Tab) -> None:
    sign_in(tab, site)
    tab.visitor.lose_cookies("localhost")
    tab.open(site.url("/letters"))
    arrives_as(tab, site, target="/letters")


def test_two_tabs_at_once_both_finish_at_their_own_pages(site: Site, visitor: Visitor) -> None:
    first, second = visitor.tab(), visitor.tab()
    first.open(site.login_url("/first"))
    second.open(site.login_url("/second"))
    allow(second)
    arrives_as(second, site, target="/second")
    first.press("Continue as Alice")
    arrives_as(first, site, target="/first")
    second.reload()
    arrives_as(second, site, target="/second")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_posted_callback_brings_the_cookies_along(
    make_site: MakeSite, make_visitor: MakeVisitor, scripts: bool
) -> None:
    site, tab = make_site(demo=FORM_POST), make_visitor(java_script_enabled=scripts).tab()
    tab.open(site.login_url(WANTED))
    allow(tab)
    if not scripts:
        tab.press("Continue")  # the provider's page cannot send its form by itself
    arrives_as(tab, site)
    ways = [method for method, url in tab.visitor.asked if url.startswith(site.url("/auth/callb"))]
    assert ways == ["POST", "GET"]


def test_nothing_here_needs_scripts(make_site: MakeSite, make_visitor: MakeVisitor) -> None:
    site, tab = make_site(more=("other",)), make_visitor(java_script_enabled=False).tab()
    tab.open(site.url("/albums?year=2026"))
    tab.press("Continue with Demo")
    tab.press("Cancel")
    tab.press("Try again")
    allow(tab)
    arrives_as(tab, site)
    tab.press("Sign out")
    tab.sees("You are signed out")


def test_somebody_else_has_to_say_so(site: Site, tab: Tab) -> None:
    sign_in(tab, site)
    tab.visitor.lose_cookies("127.0.0.1")  # of the provider
    tab.open(site.login_url("/letters"))
    allow(tab, "Bob")
    tab.sees("You are signed in with another account")
    tab.press("Switch to the other account")
    arrives_as(tab, site, "bob", "/letters")


def test_a_script_is_not_sent_to_the_provider(site: Site, tab: Tab) -> None:
    tab.open(site.url("/"))
    asked = "async () => { const r = await fetch('/letters'); return [r.status, await r.json()] }"
    assert tab.script(asked) == [401, {"error": "login_required"}]
    assert tab.visitor.hosts == {site.host}


@pytest.mark.parametrize("page", ["/auth/login", "/auth/callback/demo?code=c&state=s"])
def test_buttons_work_over_plain_http(make_site: MakeSite, tab: Tab, page: str) -> None:
    """Where browsers send no Fetch Metadata, and tell forms apart by their origin."""
    site = make_site(more=("other",))
    tab.open(site.url(page).replace("localhost", PLAIN_HOST))
    tab.press("Try again" if "callback" in page else "Continue with Demo")
    tab.arrives(re.compile(re.escape(site.provider.issuer)))
