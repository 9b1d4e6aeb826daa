"""Rows ``abandoned`` and ``eight-tabs``: what logins that nobody finishes do to a browser."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.benchmarks._apps import client_app
from tests.benchmarks._apps import each_side
from tests.benchmarks._browser import Browser
from tests.benchmarks._browser import callback_url
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._processes import ProviderProcess
from tests.benchmarks._processes import provider_process

ENOUGH = 64
"""A browser in which so many abandoned logins broke nothing is taken to be safe from them."""

TABS = 8


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of one browser.

    :param abandoned: the logins left behind before one first could not be finished, or all.
    :param session_cookie: the largest session cookie, bytes.
    :param login_cookie: the largest cookie of one login, bytes.
    :param login_cookies: the most of those at once.
    """

    abandoned: int
    session_cookie: int
    login_cookie: int
    login_cookies: int


def abandoned(_: Settings) -> Iterator[Row]:
    """Begin logins in one browser until one of them can't be finished."""
    with provider_process() as provider, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The 'session' cookie is too large")
        found: dict[str, Findings] = each_side(lambda side: _abandon(side, provider))
        tabs = each_side(lambda side: _tabs_that_finish(side, provider))
    yield _row("abandoned", "abandoned logins until login breaks", found, "abandoned", ENOUGH, ">=")
    yield _row("abandoned-session", "session cookie, bytes", found, "session_cookie", 2048)
    yield _row("abandoned-cookie", "each login's own cookie, bytes", found, "login_cookie", 400)
    yield _row("abandoned-cookies", "cookies of logins at once", found, "login_cookies", TABS)
    yield Row(
        "eight-tabs",
        f"{TABS} tabs of one browser: logins that finish",
        tabs.get("authlib"),
        tabs.get("ours"),
        TABS,
        ">=",
    )


def _row(
    name: str,
    what: str,
    found: dict[str, Findings],
    figure: str,
    limit: int,
    bound: Literal["<=", ">="] = "<=",
) -> Row:
    authlib, ours = (
        getattr(found[side], figure) if side in found else None for side in ("authlib", "ours")
    )
    return Row(name, what, authlib, ours, limit, bound)


def _abandon(side: str, provider: ProviderProcess) -> Findings:
    browser = Browser(client_app(side, provider.metadata_url))
    left_behind, session, own, most = 0, 0, 0, 0
    while left_behind < ENOUGH:
        started = browser.get("/start")
        session = max([session, *browser.jar.sizes("session")])
        own = max([own, *browser.jar.sizes("oac_")])
        most = max(most, len(browser.jar.sizes("oac_")))
        if not _finishes(browser.fork(), started.location, provider.issuer):
            break
        left_behind += 1
    return Findings(left_behind, session, own, most)


def _tabs_that_finish(side: str, provider: ProviderProcess) -> int:
    browser = Browser(client_app(side, provider.metadata_url))
    started = [browser.get("/start").location for _ in range(TABS)]
    return sum(_finishes(browser, location, provider.issuer) for location in started)


def _finishes(browser: Browser, location: str, issuer: str) -> bool:
    return bool(location) and browser.get(callback_url(location, issuer)).body == b"signed in"
