"""How the pages look: light and dark, small and large, to the right and to the left."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import AccountMismatchError

from ._chromium import Scheme
from ._chromium import Tab
from ._looks import contrast
from ._looks import focus
from ._looks import found_by_axe
from ._looks import measured
from ._person import allow
from ._person import arrives_as
from ._site import MakeSite
from ._site import Site

LANGUAGES = ("en", "de", "es", "ar")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
#: 320 px is what is left of a window of 1280 px at 400 % (WCAG 1.4.10).
WIDTHS = (320, 360, 1200)

LONG = "Internationale Bildungsgemeinschaft Nordrhein-Westfalen-Niederrhein"


def _mismatch(_: object) -> None:
    raise AccountMismatchError


#: For each page its address and how the site is set up.
PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "sign in": ("/auth/login", {"more": ("other", "third"), "labels": {"other": LONG}}),
    "nothing to choose": ("/auth/login", {"providers": ()}),
    "error": ("/auth/callback/demo", {}),
    "error, for developers": ("/auth/callback/demo", {"debug": True}),
    "another account": ("/auth/login", {"on_login": _mismatch}),
    "signed out": ("/auth/logout/callback", {}),
}
pages = pytest.mark.parametrize(("path", "settings"), PAGES.values(), ids=PAGES.keys())


def views(tab: Tab, url: str) -> Iterator[tuple[str, str, int]]:
    """Show a page in every way there is."""
    for language in LANGUAGES:
        tab.speak(language)
        tab.open(url)
        for scheme, width in product(SCHEMES, WIDTHS):
            tab.look(scheme, width)
            yield language, scheme, width


def tabbed(tab: Tab) -> list[tuple[str, bool]]:
    """What the Tab key leads to, until it leads out of the page again."""
    found: list[tuple[str, bool]] = []
    while True:
        tab.key("Tab")
        if tab.script("() => document.activeElement === document.body"):
            return found
        found.append(focus(tab))


@pages
def test_a_page_is_good_for_all(
    make_site: MakeSite, tab: Tab, axe: None, path: str, settings: dict[str, Any]
) -> None:
    site = make_site(**settings)
    site.provider.auto_sign_in = "alice"
    found = []
    for language, scheme, width in views(tab, site.url(path)):
        wrong = measured(tab)
        if (scheme, width) in (("light", 360), ("dark", 1200)):
            wrong += found_by_axe(tab)
        found += [f"{language}, {scheme}, {width} px: {text}" for text in wrong]
    assert found == []


@pages
def test_the_tab_key_shows_where_it_is(
    make_site: MakeSite, tab: Tab, path: str, settings: dict[str, Any]
) -> None:
    site = make_site(**settings)
    site.provider.auto_sign_in = "alice"
    tab.open(site.url(path))
    for scheme in SCHEMES:
        tab.look(scheme, 360)
        assert [name for name, is_seen in tabbed(tab) if not is_seen] == []
    controls = tab.script("() => document.querySelectorAll('a, button').length")
    assert len(tabbed(tab)) == controls


def test_a_login_needs_no_mouse(make_site: MakeSite, tab: Tab) -> None:
    site = make_site(more=("other",))
    tab.open(site.login_url("/albums?year=2026"))
    enter(tab, "Continue with Demo")
    tab.sees("Sign in to Demo app")
    enter(tab, "Cancel")
    tab.sees("Sign-in cancelled")
    enter(tab, "Try again")
    tab.sees("Sign in to Demo app")
    enter(tab, "Continue as Alice")
    tab.sees("Allow Demo app?")
    enter(tab, "Allow")
    arrives_as(tab, site)
    enter(tab, "Sign out")
    tab.sees("You are signed out")


def enter(tab: Tab, name: str) -> None:
    """Go to a control with the Tab key, and press Enter."""
    while True:
        tab.key("Tab")
        if name in tab.script("() => document.activeElement.innerText"):
            break
    tab.key("Enter")


def test_what_is_read_out_is_all_there_is_to_know(make_site: MakeSite, tab: Tab) -> None:
    site = make_site(more=("other",), labels={"other": "Ostrich"})
    tab.open(site.url("/auth/login"))
    assert tab.read_out().splitlines() == [
        "- main:",
        '  - heading "Sign in" [level=1]',
        "  - list:",
        "    - listitem:",
        '      - button "Continue with Demo"',
        "    - listitem:",
        '      - button "Continue with Ostrich"',
    ]


def test_right_to_left_mirrors_the_page(make_site: MakeSite, tab: Tab) -> None:
    site = make_site(more=("other",))
    tab.look("light", 360)
    sides = {}
    for language in ("en", "ar"):
        tab.speak(language)
        tab.open(site.url("/auth/login"))
        x = "(name) => document.querySelector(name).getBoundingClientRect().x"
        mark, label = (tab.script(x, f".oauthclient-{name}") for name in ("mark", "label"))
        sides[language] = "left" if mark < label else "right"
    assert sides == {"en": "left", "ar": "right"}


def test_dark_is_dark_and_light_is_light(site: Site, tab: Tab) -> None:
    tab.open(site.url("/auth/logout/callback"))
    background = "() => getComputedStyle(document.querySelector('main')).backgroundColor"
    black = {}
    for scheme in SCHEMES:
        tab.look(scheme, 360)
        black[scheme] = contrast(tab.script(background), "rgb(0, 0, 0)")
    assert black["light"] > 15
    assert black["dark"] < 2


# -- the tests that find nothing would find something ------------------------------------------


def test_a_bad_page_is_found_to_be_bad(site: Site, tab: Tab, axe: None) -> None:
    site.app.add_url_rule("/bad", "bad", lambda: _BAD)
    tab.open(site.url("/bad"))
    tab.look("light", 360)
    assert [text.rpartition(" is ")[2] for text in measured(tab)] == [
        "wider than the window",
        "small",
        "cut off",
    ]
    assert {text.partition(":")[0] for text in found_by_axe(tab)} >= {
        "color-contrast",
        "html-has-lang",
        "image-alt",
    }
    tab.key("Tab")
    assert focus(tab) == ("pale", False)


_BAD = """<!doctype html><title>Bad</title><meta name="viewport" content="width=device-width">
<main style="background: #fff"><button style="outline: none; color: #ddd">pale</button>
<a href="/" style="display: block; width: 400px; height: 50px">wide</a>
<img src="data:,"></main>"""


def test_a_browser_complains_of_what_a_policy_forbids(site: Site, tab: Tab) -> None:
    policy = {"Content-Security-Policy": "default-src 'none'"}
    site.app.add_url_rule("/bad", "bad", lambda: ("<style>p {}</style>", policy))
    tab.open(site.url("/bad"))
    tab.visitor.settle()
    (complaint,) = tab.visitor.complaints
    assert "Content Security Policy" in complaint
    tab.visitor.complaints.clear()


def test_a_login_leaves_the_page_of_the_application_alone(site: Site, tab: Tab) -> None:
    tab.open(site.url("/letters"))
    allow(tab)
    arrives_as(tab, site, target="/letters")
    assert tab.script("() => document.styleSheets.length") == 0
