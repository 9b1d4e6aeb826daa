"""``manage.py oauthclient_keys``."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError
from django.core.management import call_command
from django.test import override_settings

from flask_oauthclient.django_client import DjangoTokenStore
from flask_oauthclient.django_client import OAuth
from flask_oauthclient.django_client.management.commands import oauthclient_keys
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.testing.token_stores import make_token
from tests.django_client.tokens._shared import MakeDatabase

FIRST, SECOND, THIRD = (
    "the-first-key-of-these-tests",
    "the-second-key-of-them",
    "a-third-key-of-them",
)
KEY = TokenKey("demo", "alice")
TOKEN = make_token("one")


def command(*arguments: str) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("oauthclient_keys", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests' registries are none of ours."""
    monkeypatch.setattr("flask_oauthclient.django_client.registry.registries", set())


def test_a_key_is_made() -> None:
    keys = {command("generate").strip() for _ in range(3)}
    assert len(keys) == 3
    with override_settings(OAUTHCLIENT_TOKEN_KEYS=" ".join(keys)):
        assert len(DjangoTokenStore().sealer.seal(b"token", "row")) > 16


def test_tokens_are_sealed_with_the_first_key(make_database: MakeDatabase) -> None:
    alias = make_database("sqlite")
    with override_settings(OAUTHCLIENT_TOKEN_KEYS=FIRST):
        store = DjangoTokenStore(alias)
        store.put(KEY, TOKEN)
        store.put(KEY._replace(owner="bob"), TOKEN)
    with override_settings(OAUTHCLIENT_TOKEN_KEYS=[SECOND, FIRST]):
        oauth = OAuth(token_store=DjangoTokenStore(alias))
        _add(oauth, OAuth(token_store=oauth.token_store))
        told = command("rotate")
        assert told == "2 tokens sealed anew, 0 had the current key already.\n"
        assert command("rotate") == "0 tokens sealed anew, 2 had the current key already.\n"
    assert DjangoTokenStore(alias, keys=[SECOND]).get(KEY) == TOKEN


def _add(*registries: OAuth) -> None:
    from flask_oauthclient.django_client import registry

    registry.registries.update(registries)  # type: ignore[arg-type]


def test_a_store_of_no_registry_is_named(make_database: MakeDatabase) -> None:
    alias = make_database("sqlite")
    with override_settings(OAUTHCLIENT_TOKEN_KEYS=FIRST):
        DjangoTokenStore(alias).put(KEY, TOKEN)
        for arguments in (
            ["--database", alias],
            ["--database", alias, "--model", "oauthclient.StoredToken"],
        ):
            assert command("rotate", *arguments).startswith("0 tokens sealed anew, 1 had")
        assert command("rotate").startswith("0 tokens sealed anew, 0 had")  # of the default store


def test_tokens_without_a_key_are_reported(make_database: MakeDatabase) -> None:
    alias = make_database("sqlite")
    DjangoTokenStore(alias, keys=[FIRST]).put(KEY, TOKEN)
    with override_settings(OAUTHCLIENT_TOKEN_KEYS=THIRD), pytest.raises(CommandError) as caught:
        command("rotate", "--database", alias)
    assert "1 tokens were sealed with a key that is not in the list" in str(caught.value)
    assert DjangoTokenStore(alias, keys=[FIRST]).get(KEY) == TOKEN


class _Refuses:
    def refresh(self, *arguments: Any) -> None:
        """Be a store."""

    def reseal(self) -> None:
        """Fail."""
        raise TokenStoreError


class _Unlisted(_Refuses):
    def reseal(self) -> None:
        """List nothing."""


class _Own:
    def refresh(self, *arguments: Any) -> None:
        """Be a store."""


@pytest.mark.parametrize(
    ("store", "text"),
    [
        (_Own(), "_Own sees to its keys itself."),
        (_Unlisted(), "_Unlisted cannot list its tokens."),
        (_Refuses(), "token_store_unavailable"),
    ],
)
def test_stores_of_other_kinds(store: Any, text: str) -> None:
    _add(OAuth(token_store=store))
    try:
        told = command("rotate")
    except CommandError as error:
        told = str(error)
    assert text in told


def test_it_says_how_it_is_used() -> None:
    assert "OAUTHCLIENT_TOKEN_KEYS" in oauthclient_keys.Command().help
    with pytest.raises(CommandError, match="what"):
        command()
