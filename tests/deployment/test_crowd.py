"""Many browsers with several tabs each, all at once, through nginx at several workers."""

from __future__ import annotations

import http.client
import ssl
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.deployment._app import HOST
from tests.deployment._deployment import Deployment
from tests.workers._tabs import Tabs

WORKERS = 4
BROWSERS = 20
TABS = 3
_LIMIT = 30


class TabsOverTls(Tabs):
    """The tabs of one browser; each request has a connection of its own.

    :param site: what they visit.
    """

    def __init__(self, site: Deployment) -> None:
        super().__init__([site.front.https])
        self._port = site.front.https
        self._context = ssl.create_default_context(cafile=str(site.ca_bundle))

    def send(self, path: str) -> http.client.HTTPConnection:
        """Send a request and wait for nothing."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, timeout=_LIMIT, context=self._context
        )
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request("GET", path, headers={"Host": HOST, "Cookie": cookies})
        return connection


def callback_of(url: str) -> str:
    """Follow an authorization request; path and query of where the provider sends the browser."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_LIMIT)
    connection.request("GET", f"{parts.path}?{parts.query}")
    location = connection.getresponse().headers["Location"]
    connection.close()
    assert location.startswith(f"https://{HOST}/auth/callback/demo?")
    return str(location.removeprefix(f"https://{HOST}"))


def sign_in_with_all_tabs(tabs: TabsOverTls, number: int) -> tuple[list[Any], list[str]]:
    """Begin a login in each tab before any answer has come, and come back in the same way.

    :returns: status and address of where each tab ends, and the callbacks.
    """
    pages = [f"/page/{TABS * number + tab}" for tab in range(TABS)]
    begun = tabs.open([f"/auth/login/demo?next={page}" for page in pages])
    assert [status for status, _, _ in begun] == [302] * TABS
    callbacks = [callback_of(location) for _, location, _ in begun]
    if number % 2:
        callbacks.reverse()
        pages.reverse()
    ended = [(status, location) for status, location, _ in tabs.open(callbacks)]
    return [(*end, page) for end, page in zip(ended, pages, strict=True)], callbacks


@pytest.mark.parametrize("cache", ["none", "redis"])
def test_every_tab_of_every_browser_signs_in_once(
    deploy: Callable[..., Deployment],
    op: DevelopmentProvider,
    request: pytest.FixtureRequest,
    cache: str,
) -> None:
    redis_url = request.getfixturevalue("redis_url") if cache == "redis" else None
    site = deploy(workers=WORKERS, redis_url=redis_url)
    browsers = [TabsOverTls(site) for _ in range(BROWSERS)]
    with ThreadPoolExecutor(BROWSERS) as people:
        finished = list(people.map(sign_in_with_all_tabs, browsers, range(BROWSERS)))
    ends = [end for browser, _ in finished for end in browser]
    assert [end for end in ends if end[:2] != (302, end[2])] == []
    assert len({page for _, _, page in ends}) == op.log.count("token") == BROWSERS * TABS
    codes = Counter(record.form["code"] for record in op.log.find("token"))
    assert set(codes.values()) == {1}

    # Signed in, whichever worker is asked; and every callback is used up at all of them.
    for tabs, (_, callbacks) in zip(browsers, finished, strict=True):
        for status, _, body in tabs.open(["/private"] * 2):
            assert (status, body.strip()) == (200, '{"sub":"alice"}')
        # One that comes again just now leads on to where the login went; no code is sent twice.
        assert {status for status, _, _ in tabs.open(callbacks)} <= {302, 400}
    assert op.log.count("token") == BROWSERS * TABS


def test_a_callback_that_reaches_all_workers_at_once_signs_in_once(
    deploy: Callable[..., Deployment], op: DevelopmentProvider, redis_url: str
) -> None:
    site = deploy(workers=WORKERS, redis_url=redis_url)
    for _ in range(5):
        tabs = TabsOverTls(site)
        [(_, location, _)] = tabs.open(["/auth/login/demo?next=/page/7"])
        before = op.log.count("token")
        outcomes = tabs.open([callback_of(location)] * (2 * WORKERS))
        assert op.log.count("token") == before + 1
        assert [place for _, place, _ in outcomes].count("/page/7") >= 1
        # Whoever was too late, and has no sign-in to show for it, begins anew by itself.
        _, place, _ = outcomes[-1]
        if place != "/page/7":
            [(_, location, _)] = tabs.open([place])
            [(_, place, _)] = tabs.open([callback_of(location)])
        assert place == "/page/7"
        [(status, _, _)] = tabs.open(["/private"])
        assert status == 200
