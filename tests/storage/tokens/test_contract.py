"""Every store does what a store of tokens does."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import TypeVar

import pytest
import sqlalchemy
from sqlalchemy.pool import StaticPool

from flask_oauthclient.storage.django_caches import unified
from flask_oauthclient.storage.tokens.cache import CacheTokenStore
from flask_oauthclient.storage.tokens.memory import MemoryTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import token_table
from flask_oauthclient.storage.tokens.store import TokenStore
from flask_oauthclient.testing.token_stores import TokenStoreContract
from flask_oauthclient.testing.token_stores import make_token
from tests.helpers.leaks import Watch
from tests.storage._caches import CACHES

KEYS = ["the only key of the contract's tests"]
_SERVER = {"pool_size": 20}
_ENGINE: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "sqlite-memory": {
        "poolclass": StaticPool,
        "connect_args": {"check_same_thread": False},
    },
    "postgres": _SERVER,
    "mariadb": _SERVER,
}
#: A client that no two threads may use, two that are tested apart, one that differs elsewhere; and
#: Django's caches in a database, in which no tokens may be.
_OTHERS = (
    "memcached-pymemcache-single",
    "memcached-python-memcached",
    "redis-old",
    "django-memcached",
    "django-sqlite",
    "django-postgres",
)
KINDS = [kind for kind in CACHES if kind not in _OTHERS]
T = TypeVar("T")


@pytest.fixture(autouse=True)
def _secrets(watch: Watch) -> None:
    tokens = [make_token(name) for name in ("one", "two", "three", "new")]
    watch.secret(*(token[name] for token in tokens for name in ("access_token", "refresh_token")))


class TestMemory(TokenStoreContract):
    @pytest.fixture
    def store(self) -> MemoryTokenStore:
        return MemoryTokenStore()


class TestCache(TokenStoreContract):
    @pytest.fixture(params=KINDS)
    def store(
        self, request: pytest.FixtureRequest, open_cache: Callable[[str], Any]
    ) -> CacheTokenStore:
        return CacheTokenStore(open_cache(request.param), KEYS, prefix=secrets.token_hex(8))


@pytest.mark.parametrize("kind", ["memcached-python-memcached", "django-memcached"])
class TestMemcachedOfThreads(TokenStoreContract):
    @pytest.fixture(autouse=True)
    def _cache(self, kind: str, open_cache: Callable[[str], Any]) -> None:
        self.cache = unified(open_cache(kind))

    @pytest.fixture
    def store(self) -> CacheTokenStore:
        return CacheTokenStore(self.cache, KEYS, prefix=secrets.token_hex(8))

    def in_thread(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            self.cache._client.disconnect_all()  # each thread has connections of its own


class TestSQLAlchemy(TokenStoreContract):
    @pytest.fixture(params=["sqlite", "sqlite-memory", "postgres", "mariadb"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TokenStore]:
        engine = sqlalchemy.create_engine(self._url(request, tmp_path), **_ENGINE[request.param])
        table = token_table(sqlalchemy.MetaData(), name=f"t_{secrets.token_hex(8)}")
        store = SQLAlchemyTokenStore(engine, table, KEYS)
        store.create_table()
        yield store
        table.drop(engine)
        engine.dispose()

    @staticmethod
    def _url(request: pytest.FixtureRequest, folder: Path) -> str:
        kind = request.param
        if kind == "sqlite":
            return f"sqlite:///{folder / 'tokens.db'}"
        return "sqlite://" if kind == "sqlite-memory" else request.getfixturevalue(f"{kind}_url")
