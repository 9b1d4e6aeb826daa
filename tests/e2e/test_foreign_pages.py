"""What pages of other sites can do here: show a button, and nothing more."""

from __future__ import annotations

import pytest

from ._chromium import Tab
from ._person import WANTED
from ._person import allow
from ._person import arrives_as
from ._person import sign_in
from ._site import Elsewhere
from ._site import Site


@pytest.mark.parametrize("path", ["/auth/login", "/auth/login/demo"])
def test_a_foreign_link_shows_the_button_first(
    site: Site, elsewhere: Elsewhere, tab: Tab, path: str
) -> None:
    tab.open(elsewhere.page(f'<a href="{site.url(path)}?next=/albums?year%3D2026">Go</a>'))
    tab.press("Go")
    tab.sees("Sign in")
    assert tab.visitor.hosts == {elsewhere.host, site.host}
    tab.press("Continue with Demo")
    allow(tab)
    arrives_as(tab, site)


def test_a_foreign_link_to_a_page_for_people_who_are_signed_in_leads_there(
    site: Site, elsewhere: Elsewhere, tab: Tab
) -> None:
    tab.open(elsewhere.page(f'<a href="{site.url("/letters?page=2")}">Go</a>'))
    tab.press("Go")
    tab.press("Continue with Demo")
    allow(tab)
    arrives_as(tab, site, target="/letters?page=2")


def test_a_foreign_form_shows_the_button_first(site: Site, elsewhere: Elsewhere, tab: Tab) -> None:
    action = site.url("/auth/login/demo")
    field = f'<input name="next" type="hidden" value="{WANTED}">'
    tab.open(elsewhere.page(f'<form method="post" action="{action}">{field}<button>Go</button>'))
    tab.press("Go")
    tab.sees("Sign in")
    assert tab.visitor.hosts == {elsewhere.host, site.host}
    tab.press("Continue with Demo")
    allow(tab)
    arrives_as(tab, site)


def test_a_foreign_form_signs_nobody_out(site: Site, elsewhere: Elsewhere, tab: Tab) -> None:
    sign_in(tab, site)
    form = f'<form method="post" action="{site.url("/auth/logout")}"><button>Go</button></form>'
    tab.open(elsewhere.page(form))
    tab.press("Go")
    tab.sees("Forbidden")
    tab.open(site.url("/letters"))
    arrives_as(tab, site, target="/letters")


def test_a_foreign_form_links_no_account(site: Site, elsewhere: Elsewhere, tab: Tab) -> None:
    sign_in(tab, site)
    form = f'<form method="post" action="{site.url("/auth/link/demo")}"><button>Go</button></form>'
    tab.open(elsewhere.page(form))
    tab.press("Go")
    tab.sees("Forbidden")


def test_a_foreign_image_begins_no_login(site: Site, elsewhere: Elsewhere, tab: Tab) -> None:
    tab.open(elsewhere.page(f'<img alt="" src="{site.url("/auth/login/demo")}">'))
    assert "/auth/login/demo" in tab.visitor.paths(site.host)
    assert tab.visitor.hosts == {elsewhere.host, site.host}
    assert tab.visitor.cookies() == set()


def test_a_page_that_is_fetched_in_advance_begins_no_login(site: Site, tab: Tab) -> None:
    tab.open(site.url("/"))
    prefetch = """(url) => new Promise((done) => {
      const link = Object.assign(document.createElement("link"), {rel: "prefetch", href: url});
      link.onload = link.onerror = () => done();
      document.head.append(link);
    })"""
    tab.script(prefetch, "/auth/login/demo")
    assert "/auth/login/demo" in tab.visitor.paths(site.host)
    assert tab.visitor.hosts == {site.host}


def test_a_foreign_page_shows_ours_in_no_frame(site: Site, elsewhere: Elsewhere, tab: Tab) -> None:
    tab.open(elsewhere.page(f'<iframe src="{site.url("/auth/login")}"></iframe>'))
    tab.visitor.settle()
    (refusal,) = tab.visitor.complaints
    assert "frame-ancestors" in refusal or "X-Frame-Options" in refusal
    tab.visitor.complaints.clear()
