"""A scripted browser: follows redirects, keeps cookies, clicks links and buttons by their text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


@dataclasses.dataclass
class Clickable:
    """A link, or a button of a form."""

    url: str
    text: str = ""
    #: The fields that a button sends; ``None`` for a link.
    fields: dict[str, str] | None = None
    method: str = "get"


#: Elements that stand in the middle of a word without parting it.
_INLINE = ("a", "b", "code", "em", "span", "strong")


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base
        self._form: dict[str, str] = {}
        self._target = ("get", base)
        self._open: list[tuple[str, Clickable]] = []
        self.clickables: list[Clickable] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.text.append(" ")
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = {}
            self._target = (given.get("method", "get"), urljoin(self._base, given.get("action")))
        elif tag in ("input", "textarea"):
            self._form[given.get("name", "")] = given.get("value", "")
        elif tag == "a" and "href" in given:
            self._begin(tag, Clickable(urljoin(self._base, given["href"])))
        elif tag == "button":
            method, url = self._target
            own = {given["name"]: given.get("value", "")} if "name" in given else {}
            # The form's dict is shared, so that fields after the button count too.
            self._begin(tag, Clickable(url, fields=_Fields(self._form, own), method=method))

    def _begin(self, tag: str, clickable: Clickable) -> None:
        self._open.append((tag, clickable))
        self.clickables.append(clickable)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE:
            self.text.append(" ")
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        for _, clickable in self._open:
            clickable.text += data


class _Fields(dict[str, str]):
    def __init__(self, form: Mapping[str, str], own: Mapping[str, str]) -> None:
        super().__init__(own)
        self._form = form

    def filled(self, typed: Mapping[str, str]) -> dict[str, str]:
        return {**self._form, **self, **typed}


@dataclasses.dataclass
class Page:
    """What the browser shows."""

    browser: Browser = dataclasses.field(repr=False)
    url: str
    status: int
    html: str = dataclasses.field(repr=False)
    headers: Mapping[str, str] = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        reader = _Reader(self.url)
        reader.feed(self.html)
        self._clickables = reader.clickables
        #: The visible text, with single spaces.
        self.text = " ".join("".join(reader.text).split())

    def has(self, text: str) -> bool:
        """Whether something with this text can be clicked."""
        return any(text in clickable.text for clickable in self._clickables)

    def form_with(self, label: str) -> dict[str, str]:
        """What the form with this button would send as it is."""
        found = next(c.fields for c in self._clickables if label in c.text)
        assert isinstance(found, _Fields)
        return found.filled({})

    def click(self, label: str, /, **typed: str) -> Page:
        """Click the first link or button that has this text, after filling in its form."""
        for clickable in self._clickables:
            if label in clickable.text:
                return self.browser.follow(clickable, typed, self.url)
        raise AssertionError(f"Nothing to click says {label!r} on {self.url}: {self.text}")


class Browser:
    """One browser with its own cookies, which as in real ones know no port."""

    def __init__(self) -> None:
        self.http = requests.Session()
        self.http.trust_env = False

    def open(self, url: str) -> Page:
        """Type an address."""
        return self._page(self.http.get(url, timeout=20))

    def follow(self, clickable: Clickable, typed: Mapping[str, str], page: str) -> Page:
        """Follow a link or send a form that stands on a page."""
        if not isinstance(clickable.fields, _Fields):
            return self.open(clickable.url)
        fields = clickable.fields.filled(typed)
        if clickable.method == "post":
            # No page here has a form for elsewhere.
            headers = {"Sec-Fetch-Site": "same-origin", "Referer": page}
            return self._page(
                self.http.post(clickable.url, data=fields, headers=headers, timeout=20)
            )
        return self._page(self.http.get(clickable.url, params=fields, timeout=20))

    def _page(self, response: requests.Response) -> Page:
        return Page(self, response.url, response.status_code, response.text, response.headers)
