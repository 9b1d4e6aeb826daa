"""What the tests of the store in a database of Django have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.testing.token_stores import make_token

KINDS = ["sqlite", "wal", "memory", "postgres", "mariadb"]
SERVERS = ["postgres", "mariadb"]
KEYS = ["the only key of these tests"]
KEY = TokenKey("demo", "alice@example.com", "work")
OTHER = TokenKey("demo", "bob")
OLD, NEW = make_token("one"), make_token("two")

MakeDatabase = Callable[..., str]
MakeStore = Callable[..., DjangoTokenStore]


def error_of(work: Callable[[], object]) -> OAuthError:
    """What something raises."""
    with pytest.raises(OAuthError) as caught:
        work()
    return caught.value


def noted(calls: list[Any]) -> Callable[[Any], Any]:
    """What refreshes, and notes what it was given."""

    def do(current: Any) -> Any:
        calls.append(current)
        return NEW

    return do


def refreshed(store: DjangoTokenStore) -> Any:
    """Refresh the token."""
    return store.refresh(KEY, OLD, lambda current: NEW)


def works(store: DjangoTokenStore) -> bool:
    """Put, read, refresh."""
    store.put(KEY, OLD)
    return refreshed(store) == store.get(KEY) == NEW and store.list(KEY.owner) == [KEY]


def in_threads(works: list[Callable[[], object]]) -> None:
    """Do several things at once, and see that all of them succeed."""
    failures: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  whatever it is, the test shall see it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
