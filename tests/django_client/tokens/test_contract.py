"""The store does what every store of tokens does."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import TypeVar

import pytest
from django.db import connections

from flask_oauthclient.django_client.token_store import DjangoTokenStore
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.testing.token_stores import TokenStoreContract
from flask_oauthclient.testing.token_stores import make_token
from flask_oauthclient.testing.token_stores._shared import THREADS
from tests.django_client.tokens._shared import MakeDatabase

KEYS = ["the only key of the contract's tests"]
T = TypeVar("T")


class TestDjango(TokenStoreContract):
    @pytest.fixture(params=["sqlite", "wal kept", "postgres kept", "mariadb"])
    def store(
        self, request: pytest.FixtureRequest, make_database: MakeDatabase
    ) -> Iterator[DjangoTokenStore]:
        kind, *kept = request.param.split()
        alias = make_database(kind, CONN_MAX_AGE=None if kept else 0)
        store = DjangoTokenStore(alias, keys=KEYS)
        yield store
        store.close()


class TestSQLiteInMemory(TokenStoreContract):
    """All threads have one connection, as the threads of a live server have in tests."""

    connection: Any

    @pytest.fixture
    def store(self, make_database: MakeDatabase) -> Iterator[DjangoTokenStore]:
        alias = make_database("memory")
        self.connection = connections[alias]
        self.connection.inc_thread_sharing()
        yield DjangoTokenStore(alias, keys=KEYS)
        self.connection.dec_thread_sharing()

    def in_thread(self, work: Callable[[], T]) -> T:
        connections[self.connection.alias] = self.connection
        return work()

    def test_what_was_put_is_there_whatever_the_others_write(self, store: DjangoTokenStore) -> None:
        threads = iter(range(THREADS))

        def work() -> list[TokenKey]:
            number = next(threads)
            keys = [TokenKey("demo", f"{number} {each}") for each in range(60)]
            for key in keys:
                store.put(key, make_token("one"))
            return [key for key in keys if store.get(key) is None]

        assert self._together(work) == [[]] * THREADS
