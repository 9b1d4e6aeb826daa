"""Chromium, driven: one process for all tests, and a profile of its own for each visitor."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import TYPE_CHECKING
from typing import Any
from typing import Literal
from typing import TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext
    from playwright.async_api import ConsoleMessage
    from playwright.async_api import Locator
    from playwright.async_api import Page
    from playwright.async_api import Request

T = TypeVar("T")
Scheme = Literal["light", "dark"]

#: A host of this machine that browsers do not trust as they trust loopback.
PLAIN_HOST = "app.test"
_RULES = (
    *(f"MAP {PLAIN_HOST} 127.0.0.1", "MAP * ~NOTFOUND"),
    *("EXCLUDE 127.0.0.1", "EXCLUDE localhost"),
)
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=" + " , ".join(_RULES),
)
#: Milliseconds that a page may take.
_PATIENCE = 15_000
#: What browsers say of every page that is not a 200; error pages are none.
_STATUS = "Failed to load resource: the server responded with a status of"


class Chromium:
    """A browser without a window.

    Its event loop runs only while a test waits for the browser, so that no other test finds
    itself inside one; that is what Playwright's own synchronous interface would do.

    :param program: where it is installed.
    """

    def __init__(self, program: str) -> None:
        from playwright.async_api import async_playwright

        self._runner = asyncio.Runner()
        self._driver = self.run(async_playwright().start())
        self._browser = self.run(
            self._driver.chromium.launch(executable_path=program, args=_FLAGS, timeout=30_000)
        )

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        """Wait for the browser to do something."""
        return self._runner.run(steps)

    def visitor(self, **options: Any) -> Visitor:
        """Somebody with a fresh profile.

        :param options: how the person has set the browser up, in the words of Playwright.
        """

        async def arrive() -> Visitor:
            context = await self._browser.new_context(**options)
            context.set_default_timeout(_PATIENCE)
            return Visitor(self, context)  # which listens, and can do so only in the event loop

        return self.run(arrive())

    def close(self) -> None:
        """End the process."""
        self.run(self._browser.close())
        self.run(self._driver.stop())
        self._runner.close()


class Visitor:
    """Somebody at a browser.

    :param chromium: the browser.
    :param context: the person's profile in it.
    """

    def __init__(self, chromium: Chromium, context: BrowserContext) -> None:
        self.chromium = chromium
        self.context = context
        #: Every request, in order: method and URL.
        self.asked: list[tuple[str, str]] = []
        #: What the browser finds wrong with a page, as its console says.
        self.complaints: list[str] = []
        context.on("request", self._note_request)
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _note_request(self, request: Request) -> None:
        self.asked.append((request.method, request.url))

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_STATUS):
            self.complaints.append(message.text)

    @property
    def hosts(self) -> set[str]:
        """The hosts that were asked for something."""
        return {urlsplit(url).netloc for _, url in self.asked}

    def asked_for(self, path: str) -> list[str]:
        """The addresses with this path that were asked for, in order."""
        return [url for _, url in self.asked if urlsplit(url).path == path]

    def paths(self, host: str) -> list[str]:
        """The paths that a host was asked for, in order."""
        return [urlsplit(url).path for _, url in self.asked if urlsplit(url).netloc == host]

    def tab(self) -> Tab:
        """Open an empty tab."""
        return Tab(self, self.chromium.run(self.context.new_page()))

    def cookies(self) -> set[str]:
        """The names of the cookies that the browser keeps."""
        return {cookie.get("name", "") for cookie in self.chromium.run(self.context.cookies())}

    def lose_cookies(self, domain: str, **which: Any) -> None:
        """Forget cookies of a site; all of them unless a ``name`` is given."""
        self.chromium.run(self.context.clear_cookies(domain=domain, **which))

    def settle(self) -> None:
        """Hear everything that the browser has to say until now."""
        for page in self.context.pages:
            self.chromium.run(page.title())

    def close(self) -> None:
        """Close all tabs and throw the profile away."""
        self.chromium.run(self.context.close())


class Tab:
    """A tab of a visitor's browser.

    :param visitor: whose.
    :param page: what it shows.
    """

    def __init__(self, visitor: Visitor, page: Page) -> None:
        self.visitor = visitor
        self.page = page

    def _run(self, steps: Coroutine[Any, Any, T]) -> T:
        from playwright.async_api import Error

        try:
            return self.visitor.chromium.run(steps)
        except Error as error:
            error.add_note(f"The tab is at {urlsplit(self.url).path}")
            raise

    def open(self, url: str) -> None:
        """Type an address in."""
        self._run(self.page.goto(url))

    def press(self, name: str) -> None:
        """Press the button or link whose name begins so."""
        self._run(self.control(name).click())

    def control(self, name: str) -> Locator:
        """The button or link whose name begins so."""
        begins = re.compile(f"^{re.escape(name)}")
        button = self.page.get_by_role("button", name=begins)
        return button.or_(self.page.get_by_role("link", name=begins))

    def key(self, name: str) -> None:
        """Press a key."""
        self._run(self.page.keyboard.press(name))

    def sees(self, heading: str) -> None:
        """Wait for a page with this heading."""
        self._run(self.page.get_by_role("heading", name=heading, exact=True).wait_for())

    def arrives(self, url: str | re.Pattern[str]) -> None:
        """Wait until this page has been loaded."""
        self._run(self.page.wait_for_url(url))

    def speak(self, language: str) -> None:
        """Prefer a language from now on."""
        self._run(self.page.set_extra_http_headers({"Accept-Language": language}))

    def look(self, scheme: Scheme, width: int) -> None:
        """Prefer a colour scheme, in a window of so many pixels."""
        self._run(self.page.emulate_media(color_scheme=scheme))
        self._run(self.page.set_viewport_size({"width": width, "height": 800}))

    def read_out(self) -> str:
        """What a screen reader has to say, as an outline."""
        return self._run(self.page.locator("body").aria_snapshot())

    def back(self) -> None:
        """Press the back button of the browser."""
        self._run(self.page.go_back())

    def back_to(self, url: str) -> None:
        """Press it until a page is there again."""
        while self.url != url:
            self.back()

    def reload(self) -> None:
        """Press the reload button of the browser."""
        self._run(self.page.reload())

    def text(self, selector: str = "body") -> str:
        """What a part of the page says."""
        return self._run(self.page.inner_text(selector))

    def script(self, source: str, argument: Any = None) -> Any:
        """Run a function of JavaScript in the page."""
        return self._run(self.page.evaluate(source, argument))

    @property
    def url(self) -> str:
        """The address in the address bar."""
        return self.page.url
