"""Rows ST of the table of faults, and what holds for whatever anybody may store."""

from __future__ import annotations

import copy
import pickle
import secrets
import string
import traceback
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.storage.tokens.account import Account
from flask_oauthclient.storage.tokens.cache import CacheTokenStore
from flask_oauthclient.storage.tokens.envelope import TokenSealer
from flask_oauthclient.storage.tokens.envelope import check_keys
from flask_oauthclient.storage.tokens.envelope import split_keys
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.memory import MemoryTokenStore
from flask_oauthclient.storage.tokens.rows import Row
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import token_table
from flask_oauthclient.storage.tokens.store import SealedTokenStore
from tests.helpers.leaks import Watch

KEY = "the only key of these tests, long enough"
PERSON = TokenKey("demo", "alice@example.com", "work")
TOKEN = {
    "access_token": "at-0123456789",
    "refresh_token": "rt-0123456789",
    "id_token": "it-0123456789",
    "userinfo": {"email": "alice@example.com"},
}
SECRETS = [KEY, "at-0123456789", "rt-0123456789", "it-0123456789"]
SHARED = ["redis", "sqlite", "postgres", "mariadb"]


@pytest.fixture(autouse=True)
def _secrets(watch: Watch) -> None:
    watch.secret(*SECRETS)


@pytest.fixture
def make_store(
    request: pytest.FixtureRequest, open_cache: Callable[[str], Any], tmp_path: Path
) -> Iterator[Callable[..., SealedTokenStore]]:
    """Makes stores by kind, over places that no other test uses."""
    engines: list[tuple[sqlalchemy.Engine, sqlalchemy.Table]] = []

    def make(kind: str, keys: Any = (KEY,)) -> SealedTokenStore:
        if kind == "memory":
            return MemoryTokenStore(keys)
        if kind in ("redis", "files"):
            return CacheTokenStore(open_cache(kind), keys, prefix=secrets.token_hex(8))
        is_file = kind == "sqlite"
        url = (
            f"sqlite:///{tmp_path / 't.db'}" if is_file else request.getfixturevalue(f"{kind}_url")
        )
        engine = sqlalchemy.create_engine(url)
        table = token_table(sqlalchemy.MetaData(), name=f"t_{secrets.token_hex(8)}")
        engines.append((engine, table))
        store = SQLAlchemyTokenStore(engine, table, keys)
        store.create_table()
        return store

    yield make
    for engine, table in engines:
        table.drop(engine)
        engine.dispose()


def rows_of(store: SealedTokenStore) -> Any:
    """The back end of a store, without its guard."""
    return store._rows._rows


@pytest.mark.parametrize("kind", ["memory", "files", *SHARED], ids=lambda kind: f"ST02-{kind}")
def test_what_is_stored_is_ciphertext_that_another_key_does_not_open(
    kind: str, make_store: Callable[..., SealedTokenStore]
) -> None:
    store = make_store(kind)
    store.put(PERSON, TOKEN)
    row = rows_of(store).read(PERSON.row_id)
    assert [secret for secret in [*SECRETS, *PERSON] if secret.encode() in row.sealed] == []
    other = SealedTokenStore(rows_of(store), ["another key, which is long enough"])
    assert other.get(PERSON) is None
    assert SealedTokenStore(rows_of(store), ["a new key, which is long enough", KEY]).get(PERSON)


OWNERS = [
    *("USER1", "user1", "user1 ", " user1", "ussr1", "us\u00dfr1"),
    *("us\u00e9r1", "use\u0301r1", "\uff55ser1"),  # composed, decomposed, of full width
]


@pytest.mark.parametrize("kind", ["memory", *SHARED], ids=lambda kind: f"ST04-{kind}")
def test_owners_that_look_alike_are_different_people(
    kind: str, make_store: Callable[..., SealedTokenStore]
) -> None:
    store = make_store(kind)
    for owner in OWNERS:
        store.put(TokenKey("demo", owner), {"access_token": f"of {owner}"})
    for owner in OWNERS:
        assert store.get(TokenKey("demo", owner)) == {"access_token": f"of {owner}"}
        assert store.list(owner) == [TokenKey("demo", owner)]
    assert store.delete(TokenKey("demo", "user1"))
    assert store.get(TokenKey("demo", "USER1")) is not None


class _Trap:
    """What unpickles to a call."""

    def __reduce__(self) -> Any:
        return _spring, ()


def _spring() -> None:
    raise AssertionError("something was unpickled")


@pytest.mark.parametrize("kind", ["memory", *SHARED], ids=lambda kind: f"ST05-{kind}")
def test_crafted_pickles_are_no_tokens(
    kind: str, make_store: Callable[..., SealedTokenStore]
) -> None:
    store = make_store(kind)
    store.put(PERSON, TOKEN)
    for crafted in (pickle.dumps(_Trap()), pickle.dumps(TOKEN), b"!" + pickle.dumps(_Trap())):
        rows_of(store).write(PERSON.row_id, PERSON.owner_id, Row(7, crafted))
        assert store.get(PERSON) is None
        assert store.list(PERSON.owner) == []


@pytest.mark.parametrize("kind", ["memory", "files", *SHARED], ids=lambda kind: f"ST08-{kind}")
def test_nothing_shows_a_token(kind: str, make_store: Callable[..., SealedTokenStore]) -> None:
    store = make_store(kind)
    account = Account(store, PERSON)
    account.put(TOKEN)
    try:
        account.refresh(TOKEN, lambda token: {}["no such member"])
    except KeyError as error:
        frames = "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
    things = [store, store.sealer, account, vars(store), vars(store.sealer), rows_of(store)]
    # The caller's own plain dict shows what it holds.
    shown = frames.replace(repr(TOKEN), "") + repr(things) + str(things)
    assert [secret for secret in SECRETS if secret in shown] == []


@pytest.mark.parametrize("kind", ["memory", "files", *SHARED], ids=lambda kind: f"ST10-{kind}")
def test_names_are_hashes(kind: str, make_store: Callable[..., SealedTokenStore]) -> None:
    named: list[str] = []
    store = make_store(kind)
    rows = rows_of(store)
    write = rows.write
    rows.write = lambda row_id, owner_id, *rest: (
        named.extend((row_id, owner_id)) or write(row_id, owner_id, *rest)
    )
    store.put(PERSON, TOKEN)
    assert named == [PERSON.row_id, PERSON.owner_id]
    assert all(len(name) == 64 and set(name) <= set(string.hexdigits) for name in named)


# -- whatever anybody may store --------------------------------------------------------------------

_text = st.text(max_size=40)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)
_keys = st.builds(TokenKey, _text, _text, _text)
_often = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("kind", ["memory", "files", *SHARED])
@_often
@given(token=st.dictionaries(_text, _json, max_size=6), key=_keys)
def test_every_token_comes_back_as_it_was(
    kind: str,
    make_store: Callable[..., SealedTokenStore],
    request: pytest.FixtureRequest,
    token: dict[str, Any],
    key: TokenKey,
) -> None:
    known: dict[str, SealedTokenStore] = request.node.__dict__.setdefault("_stores", {})
    store = known.get(kind) or known.setdefault(kind, make_store(kind))
    token.pop("extra", None)
    store.put(key, copy.deepcopy(token))
    found = store.get(key)
    assert found == token
    assert repr(dict(found or {})) == repr(token)
    assert key in store.list(key.owner)
    assert store.delete(key)
    assert store.get(key) is None


@given(one=_keys, other=_keys)
def test_two_keys_have_two_names(one: TokenKey, other: TokenKey) -> None:
    assert (one.row_id == other.row_id) == (one == other)


@given(sealed=st.binary(max_size=400))
def test_whatever_stands_in_a_row_is_opened_or_is_none(sealed: bytes) -> None:
    store = MemoryTokenStore([KEY])
    rows_of(store).write(PERSON.row_id, PERSON.owner_id, Row(1, sealed))
    assert store.get(PERSON) is None
    resealed = store.reseal()
    assert resealed is not None
    assert resealed.resealed == 0


@given(change=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_bit_of_an_envelope_can_be_changed(change: int, bit: int) -> None:
    sealer = TokenSealer([KEY])
    sealed = bytearray(sealer.seal(b"a token", PERSON.row_id))
    sealed[change % len(sealed)] ^= 1 << bit
    assert sealer.open(bytes(sealed), PERSON.row_id) is None


@given(configured=st.none() | st.binary() | st.text() | st.lists(st.text() | st.binary()) | _json)
def test_whatever_is_configured_as_keys_is_taken_or_refused_as_ours(configured: Any) -> None:
    try:
        keys = split_keys(configured)
        check_keys(keys)
    except OAuthError:
        return
    assert all(len(key) >= 16 for key in keys)
