"""Keeping tokens, finding them, and removing them."""

# ruff: noqa: S101  these are tests

from __future__ import annotations

import json

from ...storage.tokens.key import TokenKey
from ...storage.tokens.store import TokenStore
from ._shared import KEY
from ._shared import KEYS
from ._shared import make_token


class KeepingContract:
    """Tests of what happens one after the other."""

    def test_an_empty_store_has_no_token(self, store: TokenStore) -> None:
        assert store.get(KEY) is None
        assert store.list(KEY.owner) == []
        assert store.delete(KEY) is False

    def test_a_token_that_was_put_is_there(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        assert store.get(KEY) == make_token("one")

    def test_a_token_is_replaced_as_a_whole(self, store: TokenStore) -> None:
        store.put(KEY, {**make_token("one"), "scope": "profile"})
        store.put(KEY, make_token("two"))
        assert store.get(KEY) == make_token("two")

    def test_each_key_has_a_token_of_its_own(self, store: TokenStore) -> None:
        for number, key in enumerate(KEYS):
            store.put(key, make_token(str(number)))
        for number, key in enumerate(KEYS):
            assert store.get(key) == make_token(str(number)), f"wrong token for {key}"

    def test_what_a_token_consists_of_survives(self, store: TokenStore) -> None:
        token = {
            **make_token("one"),
            "expires_at": 1_700_000_000.25,
            "zero": 0,
            "none": None,
            "yes": True,
            "large": 2**60,
            "small": 1e-300,
            "text": "Zoë \N{SNOWMAN} \N{GRINNING FACE} \0 \\ \" ' % \r\n",
            "half": "\ud800",
            "list": [1, 1.0, "1", [], {}],
            "nested": {"b": {"a": ["x", {"y": None}]}, "a": {}},
        }
        store.put(KEY, token)
        assert json.dumps(store.get(KEY)) == json.dumps(token)

    def test_a_large_token_survives(self, store: TokenStore) -> None:
        token = {**make_token("one"), "id_token": "x" * 2000}
        store.put(KEY, token)
        assert store.get(KEY) == token

    def test_an_oauth_1_token_is_a_token(self, store: TokenStore) -> None:
        token = {"oauth_token": "oauth-token-one", "oauth_token_secret": "oauth-secret-one"}
        store.put(KEY, token)
        assert store.get(KEY) == token
        assert store.delete(KEY, only={**token, "oauth_token": "oauth-token-two"}) is False
        assert store.delete(KEY, only=token) is True

    def test_a_token_belongs_to_whoever_got_it(self, store: TokenStore) -> None:
        given = {**make_token("one"), "nested": {"list": [1]}}
        store.put(KEY, given)
        given["nested"]["list"].append(2)
        found = store.get(KEY)
        assert found is not None
        assert found["nested"] == {"list": [1]}
        found["nested"]["list"].append(3)
        found.clear()
        assert store.get(KEY) == {**make_token("one"), "nested": {"list": [1]}}

    def test_a_token_that_was_removed_is_gone(self, store: TokenStore) -> None:
        other = TokenKey("demo", "alice", "work")
        store.put(KEY, make_token("one"))
        store.put(other, make_token("two"))
        assert store.delete(KEY) is True
        assert store.get(KEY) is None
        assert store.delete(KEY) is False
        assert store.get(other) == make_token("two")

    def test_a_token_is_removed_only_if_it_is_that_one(self, store: TokenStore) -> None:
        assert store.delete(KEY, only=make_token("one")) is False
        store.put(KEY, make_token("two"))
        assert store.delete(KEY, only=make_token("one")) is False
        assert store.get(KEY) == make_token("two")
        assert store.delete(KEY, only=make_token("two")) is True
        assert store.get(KEY) is None

    def test_a_token_that_was_removed_can_come_back(self, store: TokenStore) -> None:
        store.put(KEY, make_token("one"))
        store.delete(KEY)
        store.put(KEY, make_token("two"))
        assert store.get(KEY) == make_token("two")
        assert store.list(KEY.owner) == [KEY]

    def test_an_owner_has_a_list_of_keys(self, store: TokenStore) -> None:
        for key in KEYS:
            store.put(key, make_token("one"))
        for owner in {key.owner for key in KEYS}:
            theirs = sorted(key for key in KEYS if key.owner == owner)
            assert sorted(store.list(owner)) == theirs, f"wrong list of {owner!r}"
        assert store.list("nobody") == []

    def test_what_was_removed_is_not_on_the_list(self, store: TokenStore) -> None:
        other = TokenKey("other", "alice")
        store.put(KEY, make_token("one"))
        store.put(other, make_token("two"))
        store.put(other, make_token("three"))
        store.delete(KEY)
        assert store.list("alice") == [other]
