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


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_every_sign_in_gets_a_key_of_its_own(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    keys = {store.add(sign_in()) for _ in range(50)}
    assert len(keys) == 50
    assert min(map(len, keys)) >= 43


def test_the_one_unused_for_longest_makes_room(clock: Clock) -> None:
    store = SignInStore(limit=2, clock=clock)
    first, second = store.add(sign_in()), store.add(sign_in())
    assert store.get(first)
    third = store.add(sign_in())
    assert len(store) == 2
    assert store.get(second) is None
    assert store.get(first)
    assert store.get(third)


def test_a_sign_in_ends_after_its_lifetime(clock: Clock) -> None:
    store = SignInStore(lifetime=60, clock=clock)
    key = store.add(sign_in(at=clock.now))
    clock.now += 60
    assert store.get(key)
    clock.now += 1
    assert store.get(key) is None
    assert len(store) == 0


def test_a_removed_sign_in_is_returned_once(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    key = store.add(sign_in())
    assert store.remove(key) == sign_in()
    assert store.remove(key) is None


def test_a_refresh_is_noted_without_the_tokens(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    key = store.add(sign_in())
    clock.now += 5
    store.refreshed(
        key, {**TOKEN, "access_token": "at-2", "refresh_token": "rt-2", "expires_at": 9}
    )
    found = store.get(key)
    assert found is not None
    assert found.token["access_token"] == "at-2"
    note = found.last_refresh
    assert note is not None
    assert note.access_token_changed
    assert note.refresh_token_rotated
    assert (note.at, note.expires_at_before, note.expires_at_after) == (1005.0, 100, 9)
    assert "at-" not in repr(note)
    assert "rt-" not in repr(note)


def test_a_kept_refresh_token_is_not_called_rotated(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    key = store.add(sign_in())
    store.refreshed(key, {**TOKEN, "access_token": "at-2"})
    found = store.get(key)
    assert found is not None
    assert found.last_refresh is not None
    assert not found.last_refresh.refresh_token_rotated


def test_a_refresh_after_sign_out_brings_nobody_back(clock: Clock) -> None:
    store = SignInStore(clock=clock)
    key = store.add(sign_in())
    store.remove(key)
    store.refreshed(key, TOKEN)
    assert store.get(key) is None


def test_the_repr_shows_no_token() -> None:
    assert "at-1" not in repr(sign_in())
    assert "rt-1" not in repr(sign_in())


def test_signed_claims_win_over_userinfo() -> None:
    both = SignIn(TOKEN, {"sub": "a", "name": "Signed"}, {"name": "Loose", "email": "x"}, at=0)
    assert both.claims == {"sub": "a", "name": "Signed", "email": "x"}
