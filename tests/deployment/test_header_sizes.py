"""The head of every answer fits nginx's buffers as they are by default: one page of memory, 4 KiB.

A longer one is a 502 to the visitor ("upstream sent too big header"), so none of what we put there
may add up to that: cookies of pending logins, the session, what a sign-out will need, ``next``.
"""

from __future__ import annotations

import dataclasses
import random
import string
from collections.abc import Callable

import pytest
import requests

from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.deployment._deployment import Deployment

#: As many as are pending in one browser at most, and some that give way.
TABS = 10


def noise(size: int) -> str:
    """Text that does not compress."""
    return "".join(random.choices(string.ascii_letters + string.digits, k=size))


def get(browser: ScriptedBrowser, url: str) -> requests.Response:
    """Open a page, and follow nothing."""
    return browser.send(Visit("GET", url))


@pytest.fixture(params=["none", "redis"])
def site(deploy: Callable[..., Deployment], request: pytest.FixtureRequest) -> Deployment:
    """The application, with secure cookies, whose names and attributes are the longest."""
    redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    config = {"SESSION_COOKIE_SECURE": True}
    return deploy(workers=1, redis_url=redis_url, config=config)


@pytest.mark.parametrize("size", [0, 100, 500, 1200, 2000])
def test_eight_pending_logins_and_a_callback_fit(site: Deployment, size: int) -> None:
    browser = site.browser()
    for _ in range(TABS):
        begun = get(browser, f"{site.url}/auth/login/demo?next=/page/1?{noise(size)}")
        assert begun.status_code == 302, "the start of a login"
    returned = get(browser, begun.headers["Location"])
    ended = get(browser, returned.headers["Location"])
    assert ended.status_code == 302, "the end of a login"
    assert ended.headers["Location"].startswith("/page/1")
    assert get(browser, returned.headers["Location"]).status_code == 302, "its repetition"


@pytest.mark.parametrize("size", [400, 700, 1000, 1200, 3000])
def test_long_tokens_do_not_make_the_head_long(
    site: Deployment, op: DevelopmentProvider, size: int
) -> None:
    alice = op.personas["alice"]
    claims = {**alice.claims, "website": f"https://{noise(size)}.test/"}
    op.personas = {**op.personas, "alice": dataclasses.replace(alice, claims=claims)}
    page = site.browser().sign_in(f"{site.url}/private")
    assert (page.url.partition("?")[0], page.status) == (f"{site.url}/private", 200)
