"""Rows ``tabs-session`` and ``tabs-redis``: people with several tabs, at several workers.

A browser sends the requests of its tabs together, before any answer has come; the answers then
overwrite each other's session cookie, as they do when a browser restores its tabs.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks._apps import each_side
from tests.benchmarks._browser import CookieJar
from tests.benchmarks._browser import callback_url
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._processes import ProviderProcess
from tests.benchmarks._processes import provider_process
from tests.benchmarks._processes import redis_process
from tests.benchmarks._processes import worker_processes
from tests.benchmarks._remote import get_together

WORKERS = 4
BROWSERS = 200
TABS = 3
BROWSERS_AT_ONCE = 4


def tabs_session(settings: Settings) -> Iterator[Row]:
    """The state is in the Flask session."""
    with provider_process() as provider:
        yield _row("tabs-session", "state in the session", provider, settings)


def tabs_redis(settings: Settings) -> Iterator[Row]:
    """The state is in Redis."""
    with provider_process() as provider, redis_process() as url:
        yield _row("tabs-redis", "state in Redis", provider, settings, url)


def _row(
    name: str,
    what: str,
    provider: ProviderProcess,
    settings: Settings,
    redis_url: str | None = None,
) -> Row:
    browsers = settings.scaled(BROWSERS)
    found = each_side(lambda side: _fraction(side, provider, redis_url, browsers))
    title = f"{WORKERS} workers, {browsers} browsers x {TABS} tabs, {what}: logins that succeed"
    return Row(name, title, found.get("authlib"), found.get("ours"), 1.0, ">=")


def _fraction(side: str, provider: ProviderProcess, redis_url: str | None, browsers: int) -> float:
    with (
        worker_processes(WORKERS, side, provider.metadata_url, redis_url) as port,
        ThreadPoolExecutor(BROWSERS_AT_ONCE) as people,
    ):
        successes = people.map(_open_tabs, [port] * browsers, [provider.issuer] * browsers)
        return round(sum(successes) / (browsers * TABS), 3)


def _open_tabs(port: int, issuer: str) -> int:
    """Log in from all tabs of one new browser.

    :returns: in how many that went well.
    """
    jar = CookieJar()
    started = get_together(port, ["/start"] * TABS, jar)
    callbacks = [callback_url(answer.location, issuer) for answer in started if answer.location]
    finished = get_together(port, callbacks, jar)
    return sum(answer.body == b"signed in" for answer in finished)
