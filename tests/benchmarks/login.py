"""Rows ``login-session`` and ``login-redis``: a whole login, above what Flask itself costs."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask

from tests.benchmarks._apps import client_app
from tests.benchmarks._apps import each_side
from tests.benchmarks._browser import Browser
from tests.benchmarks._browser import callback_url
from tests.benchmarks._floor import PendingLogins
from tests.benchmarks._floor import RedisLogins
from tests.benchmarks._floor import SessionLogins
from tests.benchmarks._floor import bare_app
from tests.benchmarks._floor import floor_app
from tests.benchmarks._harness import Contender
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Samples
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._processes import ProviderProcess
from tests.benchmarks._processes import provider_process
from tests.benchmarks._processes import redis_process

LIMIT = 1.20
"""Over a session as ``requests`` makes it. The rows ``-lean`` show, without a target, the ratio to
one that looks at no environment at all.
"""


def login_session(settings: Settings) -> Iterator[Row]:
    """A login whose state is in the Flask session."""
    with provider_process() as provider:
        yield from _rows("login-session", "whole login", provider, settings)


def login_redis(settings: Settings) -> Iterator[Row]:
    """A login whose state is in Redis."""
    with provider_process() as provider, redis_process() as url:
        yield from _rows("login-redis", "whole login, Redis", provider, settings, url)


def log_in(app: Flask, issuer: str) -> float:
    """Log a new browser in.

    :returns: the CPU seconds the app took.
    """
    browser = Browser(app)
    started = browser.get("/start")
    finished = browser.get(callback_url(started.location, issuer))
    if finished.body != b"signed in":
        raise RuntimeError(f"{app.name}: the login failed with {finished.status}")
    return browser.cpu


def _rows(
    name: str,
    what: str,
    provider: ProviderProcess,
    settings: Settings,
    redis_url: str | None = None,
) -> Iterator[Row]:
    metadata, jwk_set = provider.metadata(), provider.jwk_set()
    logins: PendingLogins = RedisLogins(redis_url) if redis_url else SessionLogins()
    apps = {
        "bare": bare_app(metadata),
        "floor": floor_app(metadata, jwk_set, logins),
        "lean floor": floor_app(metadata, jwk_set, logins, trust_env=False),
        **each_side(lambda side: client_app(side, provider.metadata_url, redis_url)),
    }
    contenders = {side: _contender(app, provider.issuer) for side, app in apps.items()}
    samples = compare(contenders, settings.rounds)
    title = f"{what}, net of bare Flask / hand-written"
    yield _row(name, title, samples, "floor", LIMIT)
    yield _row(f"{name}-lean", f"{title}, trust_env=False", samples, "lean floor", None)


def _row(name: str, what: str, samples: Samples, over: str, limit: float | None) -> Row:
    authlib, ours = (samples.ratio(side, over=over, net_of="bare") for side in ("authlib", "ours"))
    return Row(name, what, authlib, ours, limit, detail=samples.microseconds())


def _contender(app: Flask, issuer: str) -> Contender:
    def run(times: int) -> float:
        return sum(log_in(app, issuer) for _ in range(times))

    return run
