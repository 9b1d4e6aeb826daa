"""Rows ``served-*``: whole logins at an app in gunicorn, two workers with four threads each.

CPU time is counted for what the app does to log a person in: the redirect to the provider, and the
callback. The page they come to then is left out, though Flask-Dance asks the API only there who
that was. A login fails where a person would say so: if a tab doesn't lead to that page, or the page
doesn't say who is signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks._browser import CookieJar
from tests.benchmarks._browser import callback_url
from tests.benchmarks._harness import Contender
from tests.benchmarks._harness import Figure
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Samples
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._processes import ApplicationServer
from tests.benchmarks._processes import application_server
from tests.benchmarks._processes import environment
from tests.benchmarks._processes import provider_process
from tests.benchmarks._remote import get_together
from tests.benchmarks._served_apps import STARTS
from tests.benchmarks._served_apps import installed_apps
from tests.benchmarks._server import PERSON

WORKERS = 2
THREADS = 4
BROWSERS_AT_ONCE = WORKERS * THREADS
HTTPS_WAVE = 2 * BROWSERS_AT_ONCE
HTTP_WAVE = 6 * BROWSERS_AT_ONCE
"""Browsers in one measurement: a single one would leave all threads but one idle. Without TLS the
differences are small, and need more of them.
"""

LOGINS = 2000
TABBED_BROWSERS = 200
TABS = 3
HTTPS_LIMIT = 1.25
HTTP_LIMIT = 1.20


@dataclass(frozen=True, slots=True)
class Site:
    """An app that is served, and how people sign in there."""

    server: ApplicationServer
    start: str
    issuer: str

    def log_in(self, tabs: int = 1) -> tuple[CookieJar, int]:
        """Log in from all tabs of a new browser.

        :returns: its cookies, and in how many tabs the callback led home.
        """
        jar = CookieJar()
        started = get_together(self.server.port, [self.start] * tabs, jar)
        # A provider goes no further with a request that does not say where to return.
        sent = [answer.location for answer in started if "redirect_uri=" in answer.location]
        callbacks = [callback_url(url, self.issuer) for url in sent]
        finished = get_together(self.server.port, callbacks, jar)
        return jar, sum(answer.location == "/" for answer in finished)

    def knows(self, jar: CookieJar) -> bool:
        """:returns: whether the app takes the browser for the person who signed in."""
        [answer] = get_together(self.server.port, ["/"], jar)
        return answer.body.decode() == PERSON["sub"]


def served_https(settings: Settings) -> Iterator[Row]:
    """The workers' CPU time for a login, when the provider is reached with TLS."""
    with provider_process() as provider, environment(REQUESTS_CA_BUNDLE=str(provider.ca_bundle)):
        yield _cpu_row("served-https", provider.api, HTTPS_WAVE, HTTPS_LIMIT, settings)


def served_http(settings: Settings) -> Iterator[Row]:
    """The same without TLS, which is most of what others spend."""
    with provider_process() as provider:
        yield _cpu_row("served-http", provider.issuer, HTTP_WAVE, HTTP_LIMIT, settings)


def served_failures(settings: Settings) -> Iterator[Row]:
    """Logins that fail, of browsers with one tab."""
    logins = settings.scaled(LOGINS)
    what = f"{WORKERS} workers x {THREADS} threads, {logins} logins: those that fail"
    with provider_process() as provider:
        failures = _each_site(provider.issuer, lambda site: _failures(site, logins))
    yield _row("served-failures", what, failures, 0)


def served_tabs(settings: Settings) -> Iterator[Row]:
    """Logins that fail, of browsers with several tabs."""
    browsers = settings.scaled(TABBED_BROWSERS)
    what = f"the same, {browsers} browsers x {TABS} tabs: logins that fail"
    with provider_process() as provider:
        failures = _each_site(provider.issuer, lambda site: _failures(site, browsers, TABS))
    yield _row("served-tabs", what, failures, 0)


def _cpu_row(name: str, issuer: str, wave: int, limit: float, settings: Settings) -> Row:
    what = f"login under gunicorn, {WORKERS} x {THREADS}, CPU of the workers / hand-written app"
    with ExitStack() as stack:
        sites = {side: stack.enter_context(_site(side, issuer)) for side in installed_apps()}
        contenders = {side: _contender(site, wave) for side, site in sites.items()}
        samples = compare(contenders, settings.rounds)
    ratios = {side: samples.ratio(side, over="by hand") for side in sites}
    return _row(name, what, ratios, limit, samples)


def _row(
    name: str,
    what: str,
    figures: Mapping[str, Figure],
    limit: float,
    samples: Samples | None = None,
) -> Row:
    return Row(
        name,
        what,
        figures.get("authlib"),
        figures.get("ours"),
        limit,
        detail=samples.microseconds() if samples else {},
        others={"Flask-Dance": figures.get("flask-dance")},
    )


def _each_site(issuer: str, measure: Callable[[Site], int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for side in installed_apps():
        if side != "by hand":
            with _site(side, issuer) as site:
                found[side] = measure(site)
    return found


@contextmanager
def _site(side: str, issuer: str) -> Generator[Site]:
    with application_server(WORKERS, THREADS, side, issuer) as server:
        yield Site(server, STARTS[side], issuer)


def _contender(site: Site, wave: int) -> Contender:
    def run(times: int) -> float:
        logins = max(times, wave)
        started = site.server.cpu()
        with ThreadPoolExecutor(BROWSERS_AT_ONCE) as people:
            list(people.map(lambda _: site.log_in(), range(logins)))
        return (site.server.cpu() - started) * times / logins

    return run


def _failures(site: Site, browsers: int, tabs: int = 1) -> int:
    with ThreadPoolExecutor(BROWSERS_AT_ONCE) as people:
        successes = people.map(lambda _: _successes(site, tabs), range(browsers))
        return browsers * tabs - sum(successes)


def _successes(site: Site, tabs: int) -> int:
    jar, finished = site.log_in(tabs)
    return finished if site.knows(jar) else 0
