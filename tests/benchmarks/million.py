"""Rows ``million-...``: whether a lookup stays as fast as it is when there is much to look through.

A place with few entries and one with many take turns, so that both see the same machine. Time is
wall time: it is the server that has to find something.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from functools import partial
from statistics import median
from typing import Any

import cachelib
import redis
from sqlalchemy import Engine
from sqlalchemy import MetaData
from sqlalchemy import Table
from sqlalchemy import create_engine
from sqlalchemy import func
from sqlalchemy import select

from flask_oauthclient import SQLAlchemyTokenStore
from flask_oauthclient import token_table
from flask_oauthclient.storage.sealing import Sealer
from flask_oauthclient.storage.state import Browser
from flask_oauthclient.storage.state import PendingLogins
from flask_oauthclient.storage.tokens.envelope import TokenSealer
from flask_oauthclient.storage.tokens.envelope import new_key
from flask_oauthclient.storage.tokens.kept import Kept
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.rows import new_version
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._processes import postgresql_process
from tests.benchmarks._processes import redis_process
from tests.benchmarks._server import REDIRECT_URI

FEW = 1_000
MANY = 1_000_000
MANY_QUICKLY = 100_000
LOOKUPS = 2_000
LIMIT = 1.5

CLIENT = "demo"
HOST = "localhost"

Lookup = Callable[[], object]


def million_logins(settings: Settings) -> Iterator[Row]:
    """Pending logins in Redis."""
    many = _many(settings)
    with redis_process() as url, redis.Redis.from_url(url) as client:
        bytes_each = _fill_redis(client, many)
        with redis.Redis.from_url(url, db=1) as other:
            _fill_redis(other, FEW)
            lookups = {"few": _login_lookups(other), "many": _login_lookups(client)}
            yield from _rows("million-logins", "pending logins in Redis", many, lookups, bytes_each)


def million_tokens(settings: Settings) -> Iterator[Row]:
    """Tokens in PostgreSQL."""
    many = _many(settings)
    with postgresql_process() as url:
        engine = create_engine(url)
        metadata = MetaData()
        tables = {"few": token_table(metadata, "few"), "many": token_table(metadata, "many")}
        metadata.create_all(engine)
        keys = [new_key()]
        _fill_table(engine, tables["few"], TokenSealer(keys), FEW)
        bytes_each = _fill_table(engine, tables["many"], TokenSealer(keys), many)
        stores = {name: SQLAlchemyTokenStore(engine, tables[name], keys) for name in tables}
        lookups = {
            "few": _token_lookups(stores["few"], FEW),
            "many": _token_lookups(stores["many"], many),
        }
        yield from _rows("million-tokens", "tokens in PostgreSQL", many, lookups, bytes_each)
        engine.dispose()


def _many(settings: Settings) -> int:
    return MANY_QUICKLY if settings.quick else MANY


def _rows(
    name: str, what: str, many: int, lookups: Mapping[str, Iterator[Lookup]], bytes_each: int
) -> Iterator[Row]:
    p50 = _take_turns(lookups)
    ratio = round(p50["many"] / p50["few"], 3)
    yield Row(
        name,
        f"{many:,} {what} / {FEW:,} of them: p50 of finding one",
        None,
        ratio,
        LIMIT,
        detail={side: round(seconds * 1e6, 1) for side, seconds in p50.items()},
    )
    yield Row(f"{name}-bytes", f"{many:,} {what}: bytes for each", None, bytes_each)


def _take_turns(lookups: Mapping[str, Iterator[Lookup]]) -> dict[str, float]:
    """:returns: the median of the seconds that each side's lookups take."""
    took: dict[str, list[float]] = {name: [] for name in lookups}
    for _ in range(LOOKUPS):
        for name, endless in lookups.items():
            look_up = next(endless)
            started = time.perf_counter()
            found = look_up()
            took[name].append(time.perf_counter() - started)
            if not found:
                raise RuntimeError(f"{name}: something is not there")
    return {name: median(times) for name, times in took.items()}


# -- pending logins -------------------------------------------------------------------------

_FILL = """
for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  redis.call('SET', string.format('%s%030d', ARGV[1], number), ARGV[4], 'EX', 600)
end
"""
_FILLED_AT_ONCE = 10_000


def _pending_logins(client: Any) -> PendingLogins:
    return PendingLogins(Sealer(["benchmark with a secret"]), cachelib.RedisCache(client))


def _fill_redis(client: Any, count: int) -> int:
    """Keep a login, and so many more that differ in their states.

    :returns: the memory that each takes, bytes.
    """
    logins = _pending_logins(client)
    before = client.info("memory")["used_memory"]
    state = logins.new_state(CLIENT, HOST)
    logins.keep(_browser(), CLIENT, state, _login())
    key = next(client.scan_iter(f"*{state}")).decode()
    value = client.get(key)
    for first in range(1, count, _FILLED_AT_ONCE):
        last = min(first + _FILLED_AT_ONCE, count) - 1
        client.eval(_FILL, 0, key.removesuffix(state), first, last, value)
    return round((client.info("memory")["used_memory"] - before) / client.dbsize())


def _login_lookups(client: Any) -> Iterator[Lookup]:
    """Take logins that began just before."""
    logins = _pending_logins(client)
    while True:
        state, browser = logins.new_state(CLIENT, HOST), _browser()
        logins.keep(browser, CLIENT, state, _login())
        yield partial(logins.take, browser, CLIENT, state)


def _login() -> dict[str, Any]:
    return {
        "redirect_uri": REDIRECT_URI,
        "nonce": secrets.token_urlsafe(32),
        "code_verifier": secrets.token_urlsafe(36),
    }


def _browser() -> Browser:
    return Browser({}, {}, HOST, secure=True, set_cookie=lambda name, value, seconds: None)


# -- tokens ---------------------------------------------------------------------------------


def _fill_table(engine: Engine, table: Table, sealer: TokenSealer, count: int) -> int:
    """Keep so many tokens.

    :returns: the space that each takes with its share of the indexes, bytes.
    """
    columns = [column.name for column in table.columns]
    command = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    connection = engine.raw_connection()
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.set_types(["varchar", "varchar", "int8", "bytea", "int8"])
        for row in _sealed_rows(sealer, range(count)):
            copy.write_row([row[name] for name in columns])
    connection.commit()
    connection.close()
    with engine.connect() as asking:
        size = asking.scalar(select(func.pg_total_relation_size(table.name)))
    return round(size / count)


def _sealed_rows(sealer: TokenSealer, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    token, now = _token(), int(time.time())
    for number in numbers:
        key = _key(number)
        yield {
            "id": key.row_id,
            "owner": key.owner_id,
            "version": new_version(),
            "sealed": sealer.seal(Kept(key, token).write(), key.row_id),
            "updated_at": now,
        }


def _token_lookups(store: SQLAlchemyTokenStore, count: int) -> Iterator[Lookup]:
    while True:
        yield partial(store.get, _key(random.randrange(count)))


def _key(number: int) -> TokenKey:
    return TokenKey(CLIENT, f"person-{number}")


def _token() -> dict[str, Any]:
    return {
        "access_token": secrets.token_urlsafe(48),
        "token_type": "Bearer",
        "expires_in": 3600,
        "expires_at": int(time.time()) + 3600,
        "refresh_token": secrets.token_urlsafe(48),
        "scope": "openid profile email",
    }
