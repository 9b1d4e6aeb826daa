"""A state is random, and tells us, and nobody else, when and where it was made."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_oauthclient.storage.state_value import StateHint
from flask_oauthclient.storage.state_value import make_state
from flask_oauthclient.storage.state_value import read_state
from flask_oauthclient.storage.state_value import state_age

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = 1_700_000_000.0


def _state(client: str = "demo", host: str = "rp.test", now: float = NOW, key: bytes = KEY) -> str:
    return make_state(key, client, host, now)


def test_states_are_unique_and_of_30_plain_characters() -> None:
    states = [_state() for _ in range(10_000)]
    assert len({state[:22] for state in states}) == 10_000
    assert all(len(state) == 30 and state.isascii() and state.isalnum() for state in states)


def test_the_random_part_has_130_bits_and_no_pattern() -> None:
    assert 22 * math.log2(62) > 128
    counts = Counter("".join(_state()[:22] for _ in range(5000)))
    assert len(counts) == 62
    assert max(counts.values()) < 1.25 * min(counts.values())


@pytest.mark.parametrize("minutes", [0, 1, 9, 10, 11, 600, 3000])
def test_a_state_tells_its_age(minutes: int) -> None:
    state = _state()
    later = NOW + minutes * 60
    assert read_state([KEY], "demo", "rp.test", state, later) == StateHint(minutes, True)
    assert state_age(state, later) == minutes


def test_a_state_tells_whether_it_was_made_under_this_host() -> None:
    hint = read_state([KEY], "demo", "localhost:5000", _state(host="127.0.0.1:5000"), NOW)
    assert hint == StateHint(0, False)


@pytest.mark.parametrize(
    ("keys", "client"), [([OTHER], "demo"), ([KEY], "other"), ([], "demo"), ([KEY], "dem")]
)
def test_a_state_says_nothing_to_others(keys: list[bytes], client: str) -> None:
    assert read_state(keys, client, "rp.test", _state(), NOW) is None


def test_a_state_made_with_an_older_key_is_read() -> None:
    assert read_state([OTHER, KEY], "demo", "rp.test", _state(), NOW) == StateHint(0, True)


@pytest.mark.parametrize(
    "state", ["", "x", "x" * 29, "x" * 31, "x" * 29 + "-", "\u00e4" * 30, "x" * 29 + "\u0661"]
)
def test_what_is_no_state_of_ours_says_nothing(state: str) -> None:
    assert read_state([KEY], "demo", "rp.test", state, NOW) is None
    assert state_age(state, NOW) > 3000


def test_a_changed_state_says_nothing_of_its_making() -> None:
    state = _state()
    for position in (*range(24), *range(26, 30)):
        other = "b" if state[position] == "a" else "a"
        changed = state[:position] + other + state[position + 1 :]
        assert read_state([KEY], "demo", "rp.test", changed, NOW) is None


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_reading_never_fails(state: str, client: str, host: str) -> None:
    read_state([KEY], client, host, state, NOW)
    made = make_state(KEY, client, host, NOW)
    assert read_state([KEY], client, host, made, NOW) == StateHint(0, True)
