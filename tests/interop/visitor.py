"""A person with a browser who visits the site and signs in at the provider."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urljoin
from urllib.parse import urlsplit

from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit

from .site import ORIGIN
from .site import Site

_SECRET = {"access_token", "code", "id_token", "nonce", "refresh_token", "state"}


class Visitor:
    """One person. The site is called in process, the provider over HTTP.

    :param site: the site.
    :param answers: what the person writes into the provider's forms.
    :param press: the buttons that the person presses there.
    """

    def __init__(self, site: Site, answers: Mapping[str, str], press: Sequence[str] = ()) -> None:
        self.site = site
        self.browser = ScriptedBrowser({ORIGIN: site.app.wsgi_app})
        self.answers = answers
        self.press = press
        self.seen: list[Visit] = []

    def log_in(self, path: str = "/login") -> Page:
        """Start a login and answer everything the provider asks."""
        return self._see(self.browser.walk(urljoin(ORIGIN, path), self.answers, self.press))

    def get(self, url: str) -> Page:
        """Open a page and follow redirects, but answer nothing."""
        return self._see(self.browser.open(urljoin(ORIGIN, url)))

    def submit(
        self, page: Page, answers: Mapping[str, str] | None = None, press: Sequence[str] = ()
    ) -> Page:
        """Send a form of a page."""
        return self._see(self.browser.submit(page, answers, press))

    def _see(self, page: Page) -> Page:
        self.seen += page.history
        return page

    def secrets(self) -> set[str]:
        """What of these logins must show nowhere: see :mod:`tests.helpers.leaks`."""
        queries = [parse_qsl(urlsplit(visit.url).query) for visit in self.seen]
        posted = [visit.data or [] for visit in self.seen if visit.url.startswith(ORIGIN)]
        sent = {value for data in queries + posted for name, value in data if name in _SECRET}
        kept = {t[name] for t in self.site.tokens.values() for name in _SECRET if name in t}
        return sent | kept

    def query_of(self, url: str) -> dict[str, str]:
        """The parameters with which the browser came to a URL, the last time that it did."""
        visit = next(v for v in reversed(self.seen) if v.url.partition("?")[0] == url)
        return dict(parse_qsl(urlsplit(visit.url).query))


def answer_of(page: Page) -> dict[str, Any]:
    """The JSON with which the site answered."""
    answer: dict[str, Any] = page.response.json()
    return answer
