"""``python -m tests.benchmarks``: measure, and print a table.

It judges nothing: whatever the figures are, it exits with 0. A machine that is busy with other
things must fail nobody's build.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks._harness import Figure
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._processes import application_server_available
from tests.benchmarks._processes import clear_environment
from tests.benchmarks._processes import memcached_available
from tests.benchmarks._processes import postgresql_available
from tests.benchmarks._processes import redis_available
from tests.benchmarks.abandoned import abandoned
from tests.benchmarks.api_calls import api_call
from tests.benchmarks.api_calls import handshakes
from tests.benchmarks.async_calls import aget
from tests.benchmarks.async_calls import async_calls
from tests.benchmarks.cached_keys import cold_logins
from tests.benchmarks.cached_keys import rotation
from tests.benchmarks.cached_keys import unknown_kids
from tests.benchmarks.httpx_calls import httpx_call
from tests.benchmarks.httpx_calls import httpx_signed
from tests.benchmarks.id_tokens import id_tokens
from tests.benchmarks.imports import imports
from tests.benchmarks.login import login_redis
from tests.benchmarks.login import login_session
from tests.benchmarks.million import million_logins
from tests.benchmarks.million import million_tokens
from tests.benchmarks.refreshing import refresh_once
from tests.benchmarks.registry import registry
from tests.benchmarks.sealing import seal_open
from tests.benchmarks.served import served_failures
from tests.benchmarks.served import served_http
from tests.benchmarks.served import served_https
from tests.benchmarks.served import served_tabs
from tests.benchmarks.sessions import session_call
from tests.benchmarks.signatures import signatures
from tests.benchmarks.signed_in import login_required
from tests.benchmarks.stores import PLACES
from tests.benchmarks.stores import stored_call
from tests.benchmarks.stores import stored_in_session
from tests.benchmarks.tabs import tabs_redis
from tests.benchmarks.tabs import tabs_session

BENCHMARKS: Mapping[str, Callable[[Settings], Iterator[Row]]] = {
    "login-session": login_session,
    "login-redis": login_redis,
    "api-call": api_call,
    "handshakes": handshakes,
    "session-get": session_call,
    "oauth1": signatures,
    "httpx-call": httpx_call,
    "httpx-sign": httpx_signed,
    "async-calls": async_calls,
    "aget": aget,
    "id-token": id_tokens,
    "import": imports,
    "cold-logins": cold_logins,
    "unknown-kids": unknown_kids,
    "rotation": rotation,
    "abandoned": abandoned,
    "registry": registry,
    "tabs-session": tabs_session,
    "tabs-redis": tabs_redis,
    "login-required": login_required,
    "seal-open": seal_open,
    "refresh-once": refresh_once,
    "million-logins": million_logins,
    "million-tokens": million_tokens,
    "stored-session": stored_in_session,
    **{f"stored-{name}": partial(stored_call, name) for name in PLACES},
    "served-https": served_https,
    "served-http": served_http,
    "served-failures": served_failures,
    "served-tabs": served_tabs,
}

NEEDS: Mapping[str, tuple[Callable[[], bool], frozenset[str]]] = {
    "redis-server": (
        redis_available,
        frozenset({"login-redis", "tabs-redis", "stored-redis", "refresh-once", "million-logins"}),
    ),
    "memcached": (memcached_available, frozenset({"stored-memcached"})),
    "PostgreSQL": (postgresql_available, frozenset({"stored-postgresql", "million-tokens"})),
    "gunicorn on Linux": (
        application_server_available,
        frozenset({"served-https", "served-http", "served-failures", "served-tabs"}),
    ),
}
"""What not every machine has: how to see whether it does, and who needs it."""

PACKAGES = (
    "authlib",
    "cachelib",
    "cryptography",
    "flask",
    "flask-dance",
    "gunicorn",
    "httpx2",
    "joserfc",
    "oauthlib",
    "psycopg",
    "pymemcache",
    "redis",
    "requests",
    "requests-oauthlib",
    "sqlalchemy",
)
LAYOUT = "{:<22} {:<80} {:>9} {:>9} {:>9}  {}"


def main() -> None:
    """Run what was asked for."""
    options = _parser().parse_args()
    settings = Settings(options.rounds or (6 if options.quick else 30), options.quick)
    clear_environment()
    _print(LAYOUT.format("row", "what", "Authlib", "ours", "target", ""))
    rows = list(_measure(options.only or BENCHMARKS, settings))
    if options.json:
        _write(options.json, rows)


def _measure(names: Iterable[str], settings: Settings) -> Iterator[Row]:
    for name in names:
        lacking = _lacking(name)
        if lacking:
            _print(LAYOUT.format(name, f"no {lacking} here", "-", "-", "-", "-"))
            continue
        for row in BENCHMARKS[name](settings):
            _print(_line(row))
            yield row


def _lacking(name: str) -> str | None:
    """:returns: what a benchmark needs and this machine doesn't have."""
    lacking = (what for what, (is_here, names) in NEEDS.items() if name in names and not is_here())
    return next(lacking, None)


def _line(row: Row) -> str:
    target = "-" if row.limit is None else f"{row.bound} {row.limit:g}"
    others = [f"{name} {_text(figure)}" for name, figure in row.others.items()]
    remark = "  ".join([row.verdict, *others])
    return LAYOUT.format(row.name, row.what, _text(row.authlib), _text(row.ours), target, remark)


def _text(figure: Figure) -> str:
    if figure is None:
        return "-"
    if isinstance(figure, bool):
        return "yes" if figure else "no"
    return str(figure) if isinstance(figure, int) else f"{figure:.2f}"


def _write(path: Path, rows: list[Row]) -> None:
    document = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: _version(name) for name in PACKAGES},
        "rows": [{**asdict(row), "verdict": row.verdict} for row in rows],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _print(line: str) -> None:
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=list(BENCHMARKS), help="this one; may be repeated"
    )
    parser.add_argument("--rounds", type=int, help="rounds of each comparison (30; quick: 6)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller counts")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures here too")
    return parser


if __name__ == "__main__":
    main()
