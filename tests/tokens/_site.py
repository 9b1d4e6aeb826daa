"""The application that all processes run, over whichever store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import cachelib
from flask import Flask
from flask import g

from flask_oauthclient import OAuth
from flask_oauthclient.storage.tokens.cache import CacheTokenStore
from flask_oauthclient.storage.tokens.memory import MemoryTokenStore
from flask_oauthclient.storage.tokens.store import SealedTokenStore

KEYS = ["the only key of these tests"]


def make_store(place: dict[str, Any], stack: ExitStack) -> SealedTokenStore | None:
    """The store at a place.

    :param place: described in what JSON can say.
    :param stack: of what is to be closed at the end.
    """
    store: SealedTokenStore | None = _MAKERS[place["kind"]](place, stack)
    return store


def _none(place: dict[str, Any], stack: ExitStack) -> None:
    return None


def _memory(place: dict[str, Any], stack: ExitStack) -> SealedTokenStore:
    return MemoryTokenStore(KEYS)


def _redis(place: dict[str, Any], stack: ExitStack) -> SealedTokenStore:
    import redis

    client = redis.Redis.from_url(place["url"])
    stack.callback(client.close)
    return _cached(cachelib.RedisCache(client), place)


def _memcached(place: dict[str, Any], stack: ExitStack) -> SealedTokenStore:
    from pymemcache.client.base import PooledClient

    client = PooledClient(tuple(place["address"]))
    stack.callback(client.close)
    return _cached(cachelib.MemcachedCache(client), place)


def _files(place: dict[str, Any], stack: ExitStack) -> SealedTokenStore:
    return _cached(cachelib.FileSystemCache(place["folder"], threshold=0), place)


def _cached(cache: Any, place: dict[str, Any]) -> SealedTokenStore:
    seconds = place.get("lock_seconds", 15)
    return CacheTokenStore(cache, KEYS, lock_seconds=seconds, prefix=place["prefix"])


def _sql(place: dict[str, Any], stack: ExitStack) -> SealedTokenStore:
    import sqlalchemy

    from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
    from flask_oauthclient.storage.tokens.sqlalchemy import token_table

    engine = sqlalchemy.create_engine(place["url"])
    stack.callback(engine.dispose)
    table = token_table(sqlalchemy.MetaData(), name=place["prefix"])
    return SQLAlchemyTokenStore(engine, table, KEYS)


_MAKERS: dict[str, Callable[[dict[str, Any], ExitStack], Any]] = {
    "none": _none,
    "memory": _memory,
    "redis": _redis,
    "memcached": _memcached,
    "files": _files,
    "sql": _sql,
}


class Site:
    """An application whose requests are about whom it is told.

    :param place: of the store, see :func:`make_store`.
    :param client: keywords of the registration.
    :param compliance_fix: of the registration.
    """

    def __init__(
        self,
        place: dict[str, Any],
        client: dict[str, Any],
        compliance_fix: Callable[[Any], None] | None = None,
    ) -> None:
        self.app = Flask("tokens")
        self.app.config["SECRET_KEY"] = "the secret key that all workers share"
        self.stack = ExitStack()
        store = make_store(place, self.stack)
        self.oauth = OAuth(self.app, token_store=store, token_owner=lambda: g.get("owner"))
        more: dict[str, Any] = {} if compliance_fix is None else {"compliance_fix": compliance_fix}
        self.oauth.register("demo", **client, **more)

    def call(self, owner: str, path: str = "me", **headers: str) -> Any:
        """Call the API in somebody's request."""
        with self.app.test_request_context("/"):
            g.owner = owner
            return self.oauth.demo.get(path, headers=headers, timeout=30)

    def keep(self, owner: str, token: dict[str, Any]) -> None:
        """Put a token into the store."""
        with self.app.app_context():
            client = self.oauth.demo.for_account(owner=owner) if owner else self.oauth.demo
            client.save_token(token)

    def refresh(self, owner: str) -> Any:
        """Replace a token, whether its time is up or not."""
        with self.app.app_context():
            return self.oauth.demo.for_account(owner=owner).refresh_token()

    def token(self, owner: str) -> Any:
        """The token in the store."""
        with self.app.app_context():
            return self.oauth.demo.for_account(owner=owner).token
