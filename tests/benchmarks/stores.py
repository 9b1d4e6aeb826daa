"""Rows ``stored-...``: calling the provider's API with a token that a store keeps.

The floor is what an application cannot do without: a call over a kept session, and one bare read
of the place where the token is. Each call of ours finds its token anew, as each request does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from typing import NamedTuple

import cachelib
import redis
import requests
from flask import Flask
from flask import session
from pymemcache.client.base import PooledClient
from sqlalchemy import create_engine
from sqlalchemy import text
from werkzeug.test import create_environ

from flask_oauthclient import CacheTokenStore
from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuth
from flask_oauthclient import SessionTokenStore
from flask_oauthclient import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.cache import PREFIX
from flask_oauthclient.storage.tokens.key import TokenKey
from tests.benchmarks._apps import registration
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._harness import repeat
from tests.benchmarks._processes import ProviderProcess
from tests.benchmarks._processes import environment
from tests.benchmarks._processes import memcached_process
from tests.benchmarks._processes import postgresql_process
from tests.benchmarks._processes import provider_process
from tests.benchmarks._processes import redis_process
from tests.benchmarks.sealing import token_set

LIMIT = 1.25

KEY = TokenKey("demo", "248289761001")

SELECT = text("SELECT version, sealed FROM oauthclient_token WHERE id = :id")


class Place(NamedTuple):
    """Where a token is.

    :param store: the store.
    :param prepare: called when the token is in the store; gives the bare read of it.
    """

    store: Any
    prepare: Callable[[], Callable[[], object]]


@contextmanager
def _memory() -> Generator[Place]:
    rows = {KEY.row_id: b"sealed"}
    yield Place(MemoryTokenStore(), lambda: partial(rows.get, KEY.row_id))


@contextmanager
def _redis() -> Generator[Place]:
    with redis_process() as url, redis.Redis.from_url(url) as client:
        store = CacheTokenStore(cachelib.RedisCache(client))
        yield Place(store, lambda: partial(client.get, PREFIX + KEY.row_id))


@contextmanager
def _memcached() -> Generator[Place]:
    with memcached_process() as address:
        client = PooledClient(address)
        store = CacheTokenStore(cachelib.MemcachedCache(client))
        yield Place(store, lambda: partial(client.get, PREFIX + KEY.row_id))
        client.close()


@contextmanager
def _files() -> Generator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        store = CacheTokenStore(cachelib.FileSystemCache(folder, threshold=0))
        yield Place(store, lambda: _largest(folder).read_bytes)


def _largest(folder: str) -> Path:
    return max(Path(folder).iterdir(), key=lambda file: file.stat().st_size)


@contextmanager
def _sqlite() -> Generator[Place]:
    with tempfile.TemporaryDirectory() as folder, _database(f"sqlite:///{folder}/db") as place:
        yield place


@contextmanager
def _postgresql() -> Generator[Place]:
    with postgresql_process() as url, _database(url) as place:
        yield place


@contextmanager
def _database(url: str) -> Generator[Place]:
    engine = create_engine(url)
    store = SQLAlchemyTokenStore(engine)
    store.create_table()

    def read() -> object:
        with engine.connect() as connection:
            return connection.execute(SELECT, {"id": KEY.row_id}).one()

    yield Place(store, lambda: read)
    engine.dispose()


PLACES: Mapping[str, Callable[[], AbstractContextManager[Place]]] = {
    "memory": _memory,
    "redis": _redis,
    "memcached": _memcached,
    "files": _files,
    "sqlite": _sqlite,
    "postgresql": _postgresql,
}


def stored_call(name: str, settings: Settings) -> Iterator[Row]:
    """One ``oauth.demo.get("userinfo")`` with the token in a store."""
    with _provider() as provider, PLACES[name]() as place:
        token, app = token_set(), _app(place.store, provider)
        place.store.put(KEY, token)
        read, call = place.prepare(), _call(provider, token)
        if not read():
            raise RuntimeError(f"the token is not where {name} should have it")

        def floor() -> None:
            read()
            call()

        yield _row(name, floor, _in_context(app, app.app_context), settings)


def stored_in_session(settings: Settings) -> Iterator[Row]:
    """The same with the token in the Flask session, a cookie."""
    with _provider() as provider:
        token = token_set()
        app, bare, call = _app(SessionTokenStore(), provider), Flask("bare"), _call(provider, token)
        bare.secret_key = app.secret_key
        environ = {**create_environ(), "HTTP_COOKIE": f"session={_session_cookie(app, token)}"}

        def floor() -> None:
            with bare.request_context(dict(environ)):
                if not session:
                    raise RuntimeError("no session")
                call()

        ours = _in_context(app, lambda: app.request_context(dict(environ)))
        yield _row("session", floor, ours, settings)


def _row(
    name: str, floor: Callable[[], object], ours: Callable[[], object], settings: Settings
) -> Row:
    samples = compare({"floor": repeat(floor), "ours": repeat(ours)}, settings.rounds)
    return Row(
        f"stored-{name}",
        f"oauth.x.get, token in {name} / a kept requests.Session.get and a bare read",
        None,
        samples.ratio("ours", over="floor"),
        LIMIT,
        detail=samples.microseconds(),
    )


@contextmanager
def _provider() -> Generator[ProviderProcess]:
    with provider_process() as provider, environment(REQUESTS_CA_BUNDLE=str(provider.ca_bundle)):
        yield provider


def _app(store: Any, provider: ProviderProcess) -> Flask:
    app = Flask("stored")
    app.secret_key = "benchmark with a secret"
    oauth = OAuth()
    oauth.init_app(app, token_store=store, token_owner=lambda: KEY.owner)
    options = registration(provider.metadata_url)
    oauth.register(KEY.client, **options, api_base_url=f"{provider.api}/")
    app.extensions["benchmark"] = oauth
    return app


def _session_cookie(app: Flask, token: Mapping[str, Any]) -> str:
    with app.test_request_context():
        app.extensions["benchmark"].demo.save_token(token)
        interface: Any = app.session_interface  # Flask's own, which signs a cookie
        serializer = interface.get_signing_serializer(app)
        return str(serializer.dumps(dict(session)))


def _call(provider: ProviderProcess, token: Mapping[str, Any]) -> Callable[[], object]:
    kept = requests.Session()
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def call() -> object:
        response = kept.get(f"{provider.api}/userinfo", headers=headers, timeout=(3, 10))
        return response.json()

    return call


def _in_context(
    app: Flask, context: Callable[[], AbstractContextManager[object]]
) -> Callable[[], object]:
    client = app.extensions["benchmark"].demo

    def call() -> object:
        with context():
            response = client.get("userinfo")
            response.raise_for_status()
            return response.json()

    return call
