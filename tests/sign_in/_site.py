"""A site with our routes, whichever framework answers, and what the tables of cases do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import Protocol
from urllib.parse import urlsplit

import requests
from requests.cookies import get_cookie_header

from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import WSGIAdapter
from tests.helpers.outbound import Outbound
from tests.helpers.rejection import PROVIDER_TEXT

ORIGIN = "https://rp.test"
ISSUER = "https://op.test"
DENIED = {"error": "access_denied", "error_description": PROVIDER_TEXT, "code": None}
#: What the session holds of logins, not of people.
_PASSING = ("_state_", "_oauthclient_again", "_oauthclient_next")


class LoginSite(Protocol):
    """The application at ``https://rp.test``, its routes below ``/auth``, with one browser."""

    provider: DevelopmentProvider
    outbound: Outbound
    browser: ScriptedBrowser

    @property
    def wsgi(self) -> Callable[..., Any]:
        """The application, for a server."""
        ...

    def open(self, path: str, **query: Any) -> Page:
        """Visit a page as if its address had been typed in."""
        ...

    def sign_in(self, **query: Any) -> Page:
        """Sign in as Alice."""
        ...

    def begin(self, path: str = "/auth/login/demo", persona: str = "alice", **query: Any) -> Visit:
        """Go through a login up to the visit of the callback, and don't make that."""
        ...

    def finish(self, visit: Visit) -> Page:
        """Visit the callback, and go where that leads."""
        ...

    def session(self) -> dict[str, Any]:
        """What the browser's session holds."""
        ...

    def who(self) -> dict[str, Any]:
        """Who the application takes the visitor for."""
        ...


def lasting(site: LoginSite) -> dict[str, Any]:
    """The session without what is about a pending login."""
    return {k: v for k, v in site.session().items() if not k.startswith(_PASSING)}


def send(site: LoginSite, visit: Visit, **headers: str) -> requests.Response:
    """A visit with the browser's cookies of which it keeps nothing."""
    return _send(site, visit, get_cookie_header(site.browser.cookies, _request(visit, {})), headers)


def send_alone(site: LoginSite, path: str, method: str = "GET", **headers: str) -> Any:
    """A visit without any cookies, with headers as named (``Sec_Fetch_Site=...``)."""
    return _send(site, Visit(method, f"{ORIGIN}{path}"), None, headers)


def _send(
    site: LoginSite, visit: Visit, cookies: str | None, headers: dict[str, str]
) -> requests.Response:
    request = _request(visit, headers)
    request.headers["Cookie"] = cookies or ""
    return WSGIAdapter(site.wsgi).send(request)


def _request(visit: Visit, headers: dict[str, str]) -> requests.PreparedRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.Request(visit.method, visit.url, headers=named, data=visit.data).prepare()


def assert_page(site: LoginSite, visit: Visit, code: str, status: int = 400) -> Page:
    """Visit a callback that shows an error page, and check everything that this means."""
    before = lasting(site)
    site.outbound.clear()
    page = site.finish(visit)
    assert (page.status, f">{code}</code>" in page.text) == (status, True)
    assert urlsplit(page.url).path == urlsplit(visit.url).path
    assert PROVIDER_TEXT not in page.text
    assert site.outbound.paths == []
    assert lasting(site) == before
    assert page.response.headers["Cache-Control"] == "no-store"
    return page


def lose_cookies(site: LoginSite) -> None:
    """Forget what the browser knows of the site, but not of the provider."""
    for cookie in list(site.browser.cookies):
        if cookie.domain.startswith("rp.test"):
            site.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)


def starts_of(page: Page) -> int:
    """How often a login began on the way to a page."""
    return sum(urlsplit(visit.url).path == "/auth/login/demo" for visit in page.history)
