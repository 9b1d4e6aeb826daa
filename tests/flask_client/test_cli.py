"""``flask oauth``: the keys of stored tokens."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Any

import pytest
from flask import Flask

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuth
from flask_oauthclient import SessionTokenStore
from flask_oauthclient import TokenKey
from flask_oauthclient.flask_client import cli
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.storage.tokens.memory import MemoryRows
from flask_oauthclient.storage.tokens.store import SealedTokenStore

OLD = "the-old-key-of-a-usual-length-0123456789"
NEW = "the-new-key-of-a-usual-length-0123456789"
KEY = TokenKey("demo", "42")
TOKEN = {"access_token": "an access token"}


def _run(app: Flask, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(args=["oauth", "keys", *arguments])


def _app(store: Any, keys: Any = None, **config: Any) -> Flask:
    app = Flask("site")
    app.config.update(OAUTHCLIENT_TOKEN_KEYS=keys, **config)
    app.cli.add_command(cli.oauth)
    OAuth(app, token_store=store)
    return app


def test_commands_are_found_by_flask() -> None:
    [found] = entry_points(group="flask.commands", name="oauth")
    assert found.load() is cli.oauth


def test_generate_makes_a_key_that_is_good_enough() -> None:
    app = Flask("site")
    app.cli.add_command(cli.oauth)
    keys = {_run(app, "generate").output.strip() for _ in range(3)}
    assert len(keys) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", key) for key in keys)


def test_rotation_seals_anew_and_the_old_key_can_go() -> None:
    store = SealedTokenStore(MemoryRows())
    _app(store, OLD)
    store.put(KEY, TOKEN)
    answer = _run(_app(store, NEW), "rotate")
    assert answer.exit_code == 1  # the old key is not in the list
    assert "1 tokens were sealed with a key that is not in the list" in answer.output

    answer = _run(_app(store, [NEW, OLD]), "rotate")
    assert (answer.exit_code, answer.output) == (
        0,
        "1 tokens sealed anew, 0 had the current key already.\n",
    )
    answer = _run(_app(store, [NEW]), "rotate")
    assert "0 tokens sealed anew, 1 had" in answer.output
    assert store.get(KEY) == TOKEN


def test_store_that_cannot_list_says_what_happens_instead() -> None:
    answer = _run(_app(SessionTokenStore(), OLD), "rotate")
    assert answer.exit_code == 0
    assert "cannot list its tokens" in answer.output


def test_application_without_a_store_is_told_so() -> None:
    answer = _run(_app(None), "rotate")
    assert answer.exit_code == 1
    assert "no store of tokens" in answer.output


@pytest.mark.parametrize("keys", [["short"], [42], 42, {"a": "b"}], ids=repr)
def test_keys_that_cannot_be_right_are_refused_at_the_start(keys: Any) -> None:
    with pytest.raises(InvalidSettingError):
        _app(SealedTokenStore(MemoryRows()), keys)


def test_secret_key_seals_where_there_is_no_other() -> None:
    store = SealedTokenStore(MemoryRows())
    _app(store, SECRET_KEY=OLD)
    store.put(KEY, TOKEN)
    other = SealedTokenStore(store._rows._rows)
    _app(other, SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD])
    assert other.get(KEY) == TOKEN


def test_store_without_any_key_says_what_to_do() -> None:
    store = SealedTokenStore(MemoryRows())
    _app(store)
    with pytest.raises(MissingConfigurationError, match="flask oauth keys generate"):
        store.put(KEY, TOKEN)


def test_store_with_keys_of_its_own_keeps_them() -> None:
    store = MemoryTokenStore([OLD])
    _app(store, [NEW])
    assert store.sealer.current_key_id == MemoryTokenStore([OLD]).sealer.current_key_id


def test_store_of_two_registries_is_rotated_once() -> None:
    store = MemoryTokenStore()
    app = _app(store, NEW)
    OAuth(app, token_store=store)
    assert _run(app, "rotate").output.count("sealed anew") == 1
