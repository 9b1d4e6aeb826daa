"""A person with a browser who visits the site, and signs in at the providers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlencode
from urllib.parse import urlsplit

from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.forms import Button

_SECRET = {"code", "id_token_hint", "nonce", "oauth_token", "oauth_verifier", "state"}


class Person:
    """One person, with one browser.

    :param origin: where the site is.
    :param name: what to write into the providers' forms.
    """

    def __init__(self, origin: str, name: str = "alice") -> None:
        self.origin = origin
        self.browser = ScriptedBrowser()
        self.answers = {"login": name, "password": "any", "user": name}
        self.press = ["Continue", "Allow"]
        self.seen: list[Visit] = []

    def open(self, path: str, **query: str) -> Page:
        """Visit an address, and answer nothing."""
        return self._see(self.browser.open(self._url(path, query)))

    def walk(self, path: str, **query: str) -> Page:
        """Visit an address, and say yes to everything that a provider asks."""
        return self._see(self.browser.walk(self._url(path, query), self.answers, self.press))

    def sign_in(self, name: str = "op", next_url: str = "/") -> Page:
        """Sign in, at the provider of a name."""
        return self.walk(f"/auth/login/{name}", next=next_url)

    def begin(self, next_url: str, name: str = "op") -> str:
        """Go through a login up to the visit of the callback, and don't make that.

        :returns: the callback.
        """
        url = self._url(f"/auth/login/{name}", {"next": next_url})
        callback = f"{self.origin}/auth/callback/"
        page = self.browser.walk(url, self.answers, self.press, stop_before=callback)
        return self._see(page).history[-1].url

    def sign_out(self) -> Page:
        """Press the button of the front page, and say yes to the provider's question."""
        page = self._see(self.browser.submit(self.open("/"), press=["Sign out"]))
        # The page's buttons stand outside of the form and name it by their `form` attribute.
        page.forms[0].buttons.append(Button("logout", "yes", "Yes, sign me out"))
        return self._see(self.browser.submit(page, {"logout": "yes"}))

    def user(self) -> str:
        """The number of the user that the site takes the person for, or ``nobody``."""
        return said(self.open("/"))

    def session_key(self) -> str | None:
        """The value of the session cookie."""
        return next((c.value for c in self.browser.cookies if c.name == "sessionid"), None)

    def secrets(self) -> set[str]:
        """What of these visits must show nowhere."""
        queries = [parse_qsl(urlsplit(visit.url).query) for visit in self.seen]
        posted: list[Any] = [visit.data or [] for visit in self.seen]
        return {v for data in (*queries, *posted) for name, v in data if name in _SECRET}

    def _url(self, path: str, query: dict[str, str]) -> str:
        url = path if path.startswith("http") else f"{self.origin}{path}"
        return f"{url}?{urlencode(query)}" if query else url

    def _see(self, page: Page) -> Page:
        self.seen += page.history
        return page


def said(page: Page) -> str:
    """What stands in bold on a page of the site."""
    found = re.search("<b>(.*?)</b>", page.text)
    assert found is not None, page.text
    return found[1]


def code_of(page: Page) -> str:
    """The error code that one of our error pages shows."""
    found = re.search("<code[^>]*>(.*?)</code>", page.text)
    assert found is not None, page.text
    return found[1]
