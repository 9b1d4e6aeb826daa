"""A scripted user: follows redirects, fills in forms, keeps cookies.

>>> browser = ScriptedBrowser({"http://localhost": app.wsgi_app, provider.issuer: provider.wsgi})
>>> page = browser.sign_in("http://localhost/login", persona="alice")
>>> assert "Alice Example" in page.text

Applications are called in process where they are given, and over HTTP where not. The user does only
what was said: a form is sent when it has a field or a button that the answers name, so a page of
which nothing is known is where the walk ends.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t
from collections.abc import Mapping
from collections.abc import Sequence
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.parse import urljoin
from urllib.parse import urlsplit

import requests

from .cookies import CookieStore
from .forms import Data
from .forms import Form
from .forms import parse_forms
from .provider.adapter import WSGIAdapter
from .provider.clients import is_loopback_host

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MAX_STEPS = 40
_REDIRECTS = (301, 302, 303, 307, 308)
_SUBMITS_ITSELF = re.compile(r"\.submit\(\)")


class BrowserError(RuntimeError):
    """The scripted user can't go on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """A request that a browser is about to make."""

    method: str
    url: str
    data: Data | None = dataclasses.field(default=None, repr=False)
    #: The page whose link or form leads there; ``None`` for the address bar.
    initiator: str | None = None


@dataclasses.dataclass(frozen=True)
class Page:
    """Where the browser stands."""

    url: str
    response: requests.Response = dataclasses.field(repr=False)
    #: Every request on the way here, oldest first.
    history: tuple[Visit, ...] = dataclasses.field(default=(), repr=False)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def text(self) -> str:
        """The text of the body."""
        return self.response.text

    @functools.cached_property
    def forms(self) -> list[Form]:
        """The forms of an HTML page."""
        kind = self.response.headers.get("Content-Type", "")
        return parse_forms(self.text) if "html" in kind else []

    @property
    def submits_itself(self) -> bool:
        """Whether a script sends the first form, as pages of ``form_post`` do."""
        return bool(self.forms) and _SUBMITS_ITSELF.search(self.text) is not None


class ScriptedBrowser:
    """One browser with one user.

    :param apps: WSGI applications by the origin that they answer for; everything else goes over
        HTTP.
    :param verify: For TLS, as in ``requests``.
    :param allow_network: Let it leave this machine.
    :param headers: More headers of every request, such as ``Accept-Language``.
    """

    def __init__(
        self,
        apps: Mapping[str, WSGIApplication] | None = None,
        *,
        verify: bool | str = True,
        allow_network: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.session = requests.Session()
        self.verify = verify
        self.allow_network = allow_network
        self.headers = {
            "Accept": "text/html,*/*;q=0.8",
            "User-Agent": "ScriptedBrowser",
            **(headers or {}),
        }
        self._cookies = CookieStore()
        self._origins: set[str] = set()
        for url, app in (apps or {}).items():
            self.mount(url, app)

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    @property
    def cookies(self) -> CookieJar:
        """The cookie jar."""
        return self._cookies.jar

    def mount(self, url: str, app: WSGIApplication) -> None:
        """Call an application in process for everything at an origin.

        :param url: A URL of that origin.
        :param app: The application.
        """
        origin = origin_of(url)
        self._origins.add(origin)
        self.session.mount(f"{origin}/", WSGIAdapter(app))

    def open(self, url: str, *, from_page: Page | None = None) -> Page:
        """Open a URL and follow redirects, but fill in nothing.

        :param url: The URL.
        :param from_page: The page on which it was a link; without one it was typed in.
        :returns: The page.
        :raises BrowserError: if the redirects have no end, or leave this machine.
        """
        initiator = None if from_page is None else from_page.url
        return self._follow(Visit("GET", url, initiator=initiator))

    def submit(
        self,
        page: Page,
        answers: Mapping[str, str] | None = None,
        press: Sequence[str] = (),
        form: Form | None = None,
    ) -> Page:
        """Fill in a form, send it, and follow redirects.

        :param page: The page.
        :param answers: Field and button names with their values.
        :param press: Texts of buttons to press.
        :param form: The form; by default the one that has something to do with the answers.
        :returns: The next page.
        :raises BrowserError: if there is no such form.
        """
        chosen = form or _meant_form(page, answers or {}, press)
        if chosen is None:
            raise BrowserError(f"No form at {without_query(page.url)} has what was asked for.")
        return self._follow(_submission(page, chosen, answers or {}, press))

    def walk(
        self,
        url: str,
        answers: Mapping[str, str] | None = None,
        press: Sequence[str] = (),
        stop_before: str | None = None,
    ) -> Page:
        """Open a URL, and send every form that the answers have something for.

        :param url: The URL.
        :param answers: Field and button names with their values.
        :param press: Texts of buttons to press, for buttons without a name.
        :param stop_before: Stop before a request to a URL that begins so, and give the page before
            it; the request is the last in the page's history.
        :returns: The first page on which there is nothing to do.
        :raises BrowserError: if there is no end to it.
        """
        page = self._follow(Visit("GET", url), stop_before)
        for _ in range(MAX_STEPS):
            if stop_before is not None and page.history[-1].url.startswith(stop_before):
                return page
            form = _meant_form(page, answers or {}, press)
            if form is None:
                return page
            visit = _submission(page, form, answers or {}, press)
            page = self._follow(visit, stop_before, page.history)
        raise BrowserError(f"The same questions come again at {without_query(page.url)}.")

    def sign_in(self, url: str, persona: str = "alice", stop_before: str | None = None) -> Page:
        """Sign in at the development provider and agree to what is asked.

        :param url: Where the application starts a login.
        :param persona: The subject of the person.
        :param stop_before: As in :meth:`walk`.
        :returns: The page at which the login ends.
        """
        return self.walk(url, {"persona": persona, "decision": "allow"}, stop_before=stop_before)

    def send(self, visit: Visit) -> requests.Response:
        """Make one request, with cookies, and follow nothing.

        :param visit: The request.
        :returns: The response.
        :raises BrowserError: if it would leave this machine.
        """
        self._check_destination(visit.url)
        request = requests.Request(
            visit.method,
            visit.url,
            headers=self.headers,
            data=visit.data,
        ).prepare()
        if visit.method == "POST" and visit.initiator is not None:
            request.headers["Origin"] = origin_of(visit.initiator)
        self._cookies.attach(request, visit.initiator)
        # Sent without the environment's proxies, which Session.request would look up.
        response = self.session.send(request, allow_redirects=False, verify=self.verify, timeout=30)
        self._cookies.keep(response)
        return response

    def _check_destination(self, url: str) -> None:
        host = urlsplit(url).hostname or ""
        if self.allow_network or origin_of(url) in self._origins or is_loopback_host(host):
            return
        raise BrowserError(f"Refusing to leave this machine for {origin_of(url)}.")

    def _follow(
        self, visit: Visit, stop_before: str | None = None, history: tuple[Visit, ...] = ()
    ) -> Page:
        for _ in range(MAX_STEPS):
            response = self.send(visit)
            history = (*history, visit)
            page = Page(visit.url, response, history)
            following = _next_visit(visit, page)
            if following is None:
                return page
            if stop_before is not None and following.url.startswith(stop_before):
                return Page(visit.url, response, (*history, following))
            visit = following
        raise BrowserError(f"The redirects have no end at {without_query(visit.url)}.")


def _next_visit(visit: Visit, page: Page) -> Visit | None:
    location = page.response.headers.get("Location")
    if page.status in _REDIRECTS and location is not None:
        url = urljoin(visit.url, location)
        if page.status in (307, 308):
            return Visit(visit.method, url, visit.data, visit.initiator)
        # The page that began it all stays the initiator; redirects don't change it.
        return Visit("GET", url, None, visit.initiator)
    return _submission(page, page.forms[0], {}, ()) if page.submits_itself else None


def _meant_form(page: Page, answers: Mapping[str, str], press: Sequence[str]) -> Form | None:
    return next((form for form in page.forms if form.is_meant(answers, press)), None)


def _submission(page: Page, form: Form, answers: Mapping[str, str], press: Sequence[str]) -> Visit:
    url, data = urljoin(page.url, form.action), form.data(answers, press)
    if form.method == "POST":
        return Visit("POST", url, data, page.url)
    return Visit("GET", f"{url.partition('?')[0]}?{urlencode(data)}", None, page.url)


def origin_of(url: str) -> str:
    """Tell the origin of a URL.

    :param url: The URL.
    :returns: Scheme, host and port.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def without_query(url: str) -> str:
    """Take off what may be secret in a URL.

    :param url: The URL.
    :returns: The URL up to its query.
    """
    return url.partition("?")[0].partition("#")[0]
