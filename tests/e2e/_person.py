"""What a person does at the provider, and where that leads to."""

from __future__ import annotations

from ._chromium import Tab
from ._site import Site

WANTED = "/albums?year=2026"


def allow(tab: Tab, who: str = "Alice") -> None:
    """Be somebody at the provider, and agree."""
    tab.press(f"Continue as {who}")
    tab.press("Allow")


def sign_in(tab: Tab, site: Site, who: str = "Alice", target: str = WANTED) -> None:
    """Sign in from an address that was typed in."""
    tab.open(site.login_url(target))
    allow(tab, who)
    arrives_as(tab, site, who.lower(), target)


def arrives_as(tab: Tab, site: Site, who: str = "alice", target: str = WANTED) -> None:
    """The person is signed in, and at the page that was wanted."""
    tab.arrives(site.url(target))
    assert tab.text("h1") == target
    assert tab.text("#who") == who
