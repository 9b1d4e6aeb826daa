"""Row ``registry``: what ten thousand registered providers cost, and finding one of them."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from itertools import cycle
from itertools import islice
from typing import Any

from flask import Flask

from tests.benchmarks._apps import each_side
from tests.benchmarks._apps import oauth_class
from tests.benchmarks._harness import Contender
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Samples
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare

PROVIDERS = 10_000
WELL_KNOWN = "/.well-known/openid-configuration"

Registrations = list[tuple[str, dict[str, Any]]]


def registry(settings: Settings) -> Iterator[Row]:
    """Register ten thousand providers in one app, with and without using each of them."""
    registrations = _registrations(settings.scaled(PROVIDERS))
    rounds = max(3, settings.rounds // 6)
    for suffix, what, use, limits in (
        ("", "register", False, (10, 1.2)),
        ("-used", "register and use once", True, (None, None)),
    ):
        seconds = _register_in_turns(registrations, rounds, use)
        yield _row(f"registry-time{suffix}", f"{what}, microseconds each", seconds, limits[0])
        yield _memory_row(f"registry-memory{suffix}", f"{what}, KB each", use, limits[1], settings)
    looking_up = compare(each_side(lambda side: _lookups(side, registrations)), settings.rounds)
    yield _row("registry-lookup", "oauth.x, microseconds", looking_up, 0.5)


def _registrations(count: int) -> Registrations:
    return [
        (
            f"provider{number}",
            {
                "client_id": f"client-{number}",
                "client_secret": f"secret-{number}",
                "server_metadata_url": f"https://op{number}.example.com{WELL_KNOWN}",
                "client_kwargs": {"scope": "openid profile email"},
            },
        )
        for number in range(count)
    ]


def _register_in_turns(registrations: Registrations, rounds: int, use: bool) -> Samples:
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        took = each_side(lambda side: _register_seconds(side, registrations, use))
        for side, seconds in took.items():
            samples.setdefault(side, []).append(seconds / len(registrations))
    return Samples(samples)


def _register_seconds(side: str, registrations: Registrations, use: bool) -> float:
    app = Flask(side)  # a registry may hold its app no more than weakly
    oauth = _registry(side, app)
    gc.collect()
    started = time.process_time()
    _register(oauth, registrations, use)
    return time.process_time() - started


def _kilobytes(side: str, count: int, use: bool) -> float:
    """Measure what stays alive, the caller's own strings included."""
    app = Flask(side)
    oauth = _registry(side, app)
    gc.collect()
    tracemalloc.start()
    _register(oauth, _registrations(count), use)
    gc.collect()
    current, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(current / count / 1024, 3)


def _lookups(side: str, registrations: Registrations) -> Contender:
    app = Flask(side)
    oauth = _registry(side, app)
    _register(oauth, registrations, use=True)
    names = [name for name, _ in registrations]

    def run(times: int) -> float:
        some = list(islice(cycle(names), times))
        started = time.process_time()
        for name in some:
            getattr(oauth, name)
        return time.process_time() - started

    return run


def _registry(side: str, app: Flask) -> Any:
    oauth = oauth_class(side)()
    oauth.init_app(app)
    return oauth


def _register(oauth: Any, registrations: Registrations, use: bool) -> None:
    for name, options in registrations:
        oauth.register(name, **options)
        if use:
            _ = getattr(oauth, name).client_id


def _memory_row(name: str, what: str, use: bool, limit: float | None, settings: Settings) -> Row:
    count = settings.scaled(PROVIDERS)
    found = each_side(lambda side: _kilobytes(side, count, use))
    return Row(name, what, found.get("authlib"), found.get("ours"), limit)


def _row(name: str, what: str, samples: Samples, limit: float | None) -> Row:
    figures = samples.microseconds()
    return Row(name, what, figures.get("authlib"), figures.get("ours"), limit)
