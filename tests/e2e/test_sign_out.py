"""Signing out, here and at the provider."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from cachelib import SimpleCache

from ._chromium import Tab
from ._person import WANTED
from ._person import allow
from ._person import arrives_as
from ._person import sign_in
from ._site import MakeSite
from ._site import Site


def test_signing_out_ends_the_session_here_and_there(site: Site, tab: Tab) -> None:
    sign_in(tab, site)
    tab.press("Sign out")
    tab.sees("You are signed out")
    assert "/end_session" in tab.visitor.paths(site.provider.issuer.removeprefix("http://"))
    assert tab.url.startswith(site.url("/auth/logout/callback?state="))
    tab.open(site.url("/public"))
    assert tab.text("#who") == "nobody"
    tab.open(site.login_url(WANTED))
    tab.sees("Sign in to Demo app")  # the provider asks anew


def test_who_has_signed_out_can_sign_in_again(site: Site, tab: Tab) -> None:
    sign_in(tab, site)
    tab.press("Sign out")
    tab.press("Sign in again")
    allow(tab)
    arrives_as(tab, site, target="/")


def test_the_page_that_says_so_can_be_reloaded(site: Site, tab: Tab) -> None:
    sign_in(tab, site)
    tab.press("Sign out")
    tab.sees("You are signed out")
    tab.reload()
    tab.sees("You are signed out")


def test_back_shows_no_page_of_the_person_who_has_signed_out(site: Site, tab: Tab) -> None:
    sign_in(tab, site)
    tab.press("Sign out")
    tab.sees("You are signed out")
    tab.back()
    tab.sees("Sign in")  # and no page of Alice


def test_a_provider_without_sign_out_is_not_asked(make_site: MakeSite, tab: Tab) -> None:
    site = make_site()
    site.oauth.demo.load_server_metadata().pop("end_session_endpoint", None)
    sign_in(tab, site)
    tab.press("Sign out")
    tab.sees("You are signed out")
    assert tab.url == site.url("/auth/logout/callback")
    tab.open(site.url("/public"))
    assert tab.text("#who") == "nobody"


def test_a_frame_in_a_page_of_the_provider_ends_the_session(make_site: MakeSite, tab: Tab) -> None:
    site = make_site(cache=SimpleCache())
    sign_in(tab, site)
    (session,) = site.provider.sessions._sessions.values()
    query = urlencode({"iss": site.provider.issuer, "sid": session.sid})
    frame = escape(site.url(f"/auth/frontchannel-logout/demo?{query}"))
    html = {"Content-Type": "text/html"}
    site.provider.faults.on("home").respond(body=f'<iframe src="{frame}"></iframe>', headers=html)
    tab.open(f"{site.provider.issuer}/")  # no cookie of the application comes into that frame
    tab.open(site.url("/public"))
    assert tab.text("#who") == "nobody"
