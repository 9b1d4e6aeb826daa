"""The place where tokens live: bounded, forgetful, silent."""

from __future__ import annotations

from typing import Any

import pytest

from example_app.store import SignIn
from example_app.store import SignInStore

TOKEN = {"access_token": "at-1", "refresh_token": "rt-1", "expires_at": 100}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def sign_in(at: float = 1000.0, **changes: Any) -> SignIn:
    return SignIn({**TOKEN, **changes}, {"sub": "alice"}, {}, at=at)


def found(store: SignInStore) -> SignIn:
    sign_in = store.get("alice")
    assert sign_in is not None
    return sign_in


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_person_has_one_sign_in(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    store.put("alice", sign_in())
    store.put("alice", sign_in(access_token="at-2"))
    assert len(store) == 1
    assert found(store).token["access_token"] == "at-2"


def test_the_one_unused_for_longest_makes_room(clock: Clock) -> None:
    store = SignInStore(limit=2, clock=clock)
    for person in ("alice", "bob"):
        store.put(person, sign_in())
    assert store.get("alice")
    store.put("carol", sign_in())
    assert len(store) == 2
    assert store.get("bob") is None
    assert store.get("alice")
    assert store.get("carol")


def test_a_sign_in_ends_after_its_lifetime(clock: Clock) -> None:
    store = SignInStore(lifetime=60, clock=clock)
    store.put("alice", sign_in(at=clock.now))
    clock.now += 60
    assert store.get("alice")
    clock.now += 1
    assert store.get("alice") is None
    assert len(store) == 0


def test_a_removed_sign_in_is_gone(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    store.put("alice", sign_in())
    store.remove("alice")
    store.remove("alice")
    assert store.get("alice") is None


def test_a_refresh_is_noted_without_the_tokens(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    store.put("alice", sign_in())
    clock.now += 5
    new = {**TOKEN, "access_token": "at-2", "refresh_token": "rt-2", "expires_at": 9}
    store.refreshed("alice", new, "rt-1")
    assert found(store).token["access_token"] == "at-2"
    note = found(store).last_refresh
    assert note is not None
    assert note.access_token_changed
    assert note.refresh_token_rotated
    assert (note.at, note.expires_at_before, note.expires_at_after) == (1005.0, 100, 9)
    assert "at-" not in repr(note)
    assert "rt-" not in repr(note)


def test_a_kept_refresh_token_is_not_called_rotated(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    store.put("alice", sign_in())
    store.refreshed("alice", {**TOKEN, "access_token": "at-2"}, "rt-1")
    note = found(store).last_refresh
    assert note is not None
    assert not note.refresh_token_rotated


def test_a_refresh_after_sign_out_brings_nobody_back(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    store.put("alice", sign_in())
    store.remove("alice")
    store.refreshed("alice", TOKEN, "rt-1")
    assert store.get("alice") is None


def test_the_refresh_of_another_login_changes_nothing(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    store.put("alice", sign_in())
    store.refreshed("alice", {**TOKEN, "access_token": "of-bob"}, "rt-of-bob")
    assert found(store).token == TOKEN


def test_the_repr_shows_no_token() -> None:
    assert "at-1" not in repr(sign_in())
    assert "rt-1" not in repr(sign_in())


def test_signed_claims_win_over_userinfo() -> None:
    both = SignIn(TOKEN, {"sub": "a", "name": "Signed"}, {"name": "Loose", "email": "x"}, at=0)
    assert both.claims == {"sub": "a", "name": "Signed", "email": "x"}
