"""The store among an application's own models and settings."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.django_client import token_database
from flask_oauthclient.django_client.models import StoredToken
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.rows import ABSENT
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.store import Resealed
from tests.django_client.tokens._shared import KEY
from tests.django_client.tokens._shared import NEW
from tests.django_client.tokens._shared import OLD
from tests.django_client.tokens._shared import SERVERS
from tests.django_client.tokens._shared import MakeDatabase
from tests.django_client.tokens._shared import MakeStore
from tests.django_client.tokens._shared import error_of
from tests.django_client.tokens._shared import in_threads
from tests.django_client.tokens._shared import noted
from tests.django_client.tokens._shared import works

# -- rows ---------------------------------------------------------------------------------


def test_versions_decide_who_writes(alias: str, make_store: MakeStore) -> None:
    rows = make_store(alias)._django_rows
    assert not rows.write("id", "owner", Row(1, b"one"), over=7)
    assert rows.write("id", "owner", Row(1, b"one"), over=ABSENT)
    assert not rows.write("id", "owner", Row(2, b"two"), over=ABSENT)
    assert not rows.write("id", "owner", Row(2, b"two"), over=7)
    assert rows.read("id") == Row(1, b"one")
    assert rows.write("id", "owner", Row(2, b"two"), over=1)
    assert rows.write("id", "owner", Row(2**62, bytes(range(256))))
    assert rows.read("id") == Row(2**62, bytes(range(256)))
    assert not rows.remove("id", "owner", over=1)
    assert rows.remove("id", "owner", over=2**62)
    assert not rows.remove("id", "owner")


@pytest.mark.parametrize("writes", [True, False])
def test_what_is_done_under_a_lock(alias: str, make_store: MakeStore, writes: bool) -> None:
    rows = make_store(alias)._django_rows
    for _ in range(2):
        with rows.locked("id", "owner") as held:
            assert held.read("id") is None
            if writes:
                assert held.write("id", "owner", Row(1, b"one"), over=ABSENT)
                assert held.read("id") == Row(1, b"one")
                assert not held.write("id", "owner", Row(2, b"two"), over=7)
                assert held.remove("id", "owner", over=1)
        # A place that was held leaves nothing behind.
        assert StoredToken.objects.using(alias).count() == 0


def test_all_rows_are_listed_page_by_page(
    alias: str, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_oauthclient.django_client.token_statements._PAGE", 2)
    store = make_store(alias)
    keys = [TokenKey("demo", str(number)) for number in range(5)]
    for key in keys:
        store.put(key, OLD)
    every = store._django_rows.every()
    assert sorted(every) == sorted((key.row_id, key.owner_id) for key in keys)


def test_keys_are_changed_while_the_store_is_in_use(alias: str, make_store: MakeStore) -> None:
    old, new = "the key before, which is long", "the key that comes after it"
    make_store(alias, keys=[old]).put(KEY, OLD)
    store = make_store(alias, keys=[new, old])
    assert store.reseal() == Resealed(1, 0, 0)
    assert store.reseal() == Resealed(0, 1, 0)
    assert make_store(alias, keys=[new]).get(KEY) == OLD
    assert make_store(alias, keys=["another key altogether"]).reseal() == Resealed(0, 0, 1)


def test_all_of_an_owner_is_removed(alias: str, make_store: MakeStore) -> None:
    store = make_store(alias)
    store.put(KEY, OLD)
    store.put(KEY._replace(label=""), OLD)
    store.put(KEY._replace(owner="bob"), OLD)
    assert store.purge(KEY.owner) == 2
    assert store.list(KEY.owner) == []
    assert store.list("bob") == [KEY._replace(owner="bob")]


def test_a_dump_shows_neither_tokens_nor_people(alias: str, make_store: MakeStore) -> None:
    make_store(alias).put(KEY, OLD)
    [row] = StoredToken.objects.using(alias).values()
    dump = b"\n".join(
        bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row.values()
    )
    told = [KEY.client, KEY.owner, KEY.label, *(str(value) for value in OLD.values())]
    assert [text for text in told if text.encode() in dump] == []
    stored = StoredToken.objects.using(alias).get()
    assert (str(stored), stored.updated_at > 1_700_000_000) == (f"token {KEY.row_id[:8]}", True)


# -- settings -----------------------------------------------------------------------------


class ToTokens:
    """A router that has another database for tokens."""

    alias = ""

    def db_for_write(self, model: type, **hints: Any) -> str | None:
        return self.alias if model is StoredToken else None

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        return "a replica that lags behind" if model is StoredToken else None


def test_the_router_says_where_tokens_are(
    lite: str, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToTokens, "alias", lite)
    with override_settings(DATABASE_ROUTERS=[f"{__name__}.ToTokens"]):
        store = make_store(None)
        assert works(store)
    assert StoredToken.objects.using(lite).count() == 1
    assert not StoredToken.objects.using("default").filter(pk=KEY.row_id).exists()
    assert make_store(None).get(KEY) is None


def test_the_keys_are_those_of_the_settings(lite: str, make_store: MakeStore) -> None:
    key = "a-key-of-the-settings-for-tokens"
    with override_settings(OAUTHCLIENT_TOKEN_KEYS=f"{key}, another-key-of-the-settings"):
        make_store(lite, keys=None).put(KEY, OLD)
    assert make_store(lite, keys=[key]).get(KEY) == OLD
    with override_settings(SECRET_KEY="a new secret key, and", SECRET_KEY_FALLBACKS=[key]):
        assert make_store(lite, keys=None).get(KEY) == OLD
    with override_settings(SECRET_KEY=""):
        store = make_store(lite, keys=None)
        assert isinstance(error_of(lambda: store.get(KEY)), MissingConfigurationError)


def test_what_is_missing_is_said(make_database: MakeDatabase, make_store: MakeStore) -> None:
    alias = make_database("sqlite", migrated=False)
    error = error_of(lambda: make_store(alias).get(KEY))
    assert isinstance(error, MissingConfigurationError)
    assert error.description.endswith(
        f"is not in the database. Run: manage.py migrate --database {alias}"
    )
    with connections[alias].cursor() as cursor:
        cursor.execute("CREATE TABLE oauthclient_token (id varchar(64), owner varchar(64))")
    error = error_of(lambda: make_store(alias).put(KEY, OLD))
    assert "lacks sealed, updated_at, version." in error.description


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_without_the_table(
    kind: str, make_database: MakeDatabase, make_store: MakeStore
) -> None:
    store = make_store(make_database(kind, migrated=False))
    for work in (lambda: store.get(KEY), lambda: store.put(KEY, OLD)):
        assert isinstance(error_of(work), MissingConfigurationError)
    error = error_of(lambda: store.refresh(KEY, None, lambda current: NEW))
    assert isinstance(error, MissingConfigurationError)


@pytest.mark.parametrize(
    ("using", "model", "kind", "text"),
    [
        ("nowhere", None, InvalidSettingError, "no database 'nowhere'"),
        ("default", "nobody.Token", MissingConfigurationError, "INSTALLED_APPS"),
        ("default", "Token", MissingConfigurationError, "INSTALLED_APPS"),
        ("default", "auth.User", InvalidSettingError, "inherits TokenBase"),
        ("default", object, InvalidSettingError, "inherits TokenBase"),
    ],
)
def test_what_cannot_work_is_refused(
    using: str, model: Any, kind: type[OAuthError], text: str, make_store: MakeStore
) -> None:
    error = error_of(lambda: make_store(using, model).get(KEY))
    assert isinstance(error, kind)
    assert text in error.description


def test_other_kinds_of_databases_are_refused(
    lite: str, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_database, "_KNOWN", frozenset())
    error = error_of(lambda: make_store(lite).get(KEY))
    assert isinstance(error, InvalidSettingError)
    assert "PostgreSQL, MariaDB, MySQL or SQLite" in error.description


def test_a_database_that_django_cannot_use_is_a_mistake_of_the_settings(
    make_database: MakeDatabase, make_store: MakeStore
) -> None:
    alias = make_database("sqlite", migrated=False, OPTIONS={"transaction_mode": "NONE"})
    error = error_of(lambda: make_store(alias).get(KEY))
    assert isinstance(error, InvalidSettingError)
    assert f"manage.py check --database {alias}" in error.description


def test_a_database_without_autocommit(make_store: MakeStore, make_database: MakeDatabase) -> None:
    for kind in ("sqlite", *SERVERS):
        alias = make_database(kind)
        connections.settings[alias]["AUTOCOMMIT"] = False
        assert works(make_store(alias)), kind
        assert make_store(alias).get(KEY) == NEW


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
@pytest.mark.parametrize("kind", SERVERS)
def test_isolation_levels_of_the_application(
    kind: str, level: str, make_store: MakeStore, make_database: MakeDatabase
) -> None:
    from psycopg import IsolationLevel

    value: Any = level if kind == "mariadb" else IsolationLevel[level.upper().replace(" ", "_")]
    alias = make_database(kind, OPTIONS={"isolation_level": value})
    calls: list[Any] = []
    barrier = threading.Barrier(4)

    def refresh(store: DjangoTokenStore) -> None:
        barrier.wait(10)
        assert store.refresh(KEY, OLD, noted(calls)) == NEW

    stores = [make_store(alias) for _ in range(4)]
    stores[0].put(KEY, OLD)
    in_threads([lambda store=store: refresh(store) for store in stores])
    assert calls == [OLD]


# -- models -------------------------------------------------------------------------------


def test_a_model_of_the_application(alias: str, make_store: MakeStore) -> None:
    from tests.django_client.tokens._models import NotedToken

    with connections[alias].schema_editor() as editor:
        editor.create_model(NotedToken)
    assert works(make_store(alias, NotedToken))
    row = NotedToken.objects.using(alias).get()
    assert (row.note, row.state, row.small_note, row.kind) == ("new", "kept", "new", None)
    NotedToken.objects.using(alias).update(note="Mine")
    assert works(make_store(alias, NotedToken))
    assert NotedToken.objects.using(alias).get().small_note == "mine"
    assert StoredToken.objects.using(alias).count() == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_field_that_nobody_fills_is_a_mistake_of_the_application(
    kind: str, make_database: MakeDatabase, make_store: MakeStore
) -> None:
    from tests.django_client.tokens._models import DemandingToken

    alias = make_database(kind)
    with connections[alias].schema_editor() as editor:
        editor.create_model(DemandingToken)
    store = make_store(alias, DemandingToken)
    for work in (
        lambda: store.put(KEY, OLD),
        lambda: store.refresh(KEY, None, lambda current: NEW),
    ):
        error = error_of(work)
        assert isinstance(error, InvalidSettingError)
        assert "has to have a default" in error.description


def test_migrations_are_complete() -> None:
    call_command("makemigrations", "oauthclient", check_changes=True, dry_run=True, verbosity=0)
