"""State values that explain themselves.

A state is 22 random characters (131 bits) and eight that say, to us only, when and under which
host name it was made. They prove nothing and are trusted with nothing: a login is completed by
the browser that holds the pending login, never by the look of a state. But when a callback comes
without that, they tell a forged state from a cookie that got lost, a login that took too long and
one that began under another host name, which is what the person in front of it has to know.
"""

from __future__ import annotations

import hmac
import string
from dataclasses import dataclass

from ..protocol.random import generate_token

_ALPHABET = string.ascii_letters + string.digits
_RANDOM = 22
_TIME, _HOST, _TAG = 2, 2, 4
_LENGTH = _RANDOM + _TIME + _HOST + _TAG
_PERIOD: int = len(_ALPHABET) ** _TIME  # minutes until the time repeats: two and a half days


@dataclass(frozen=True, slots=True)
class StateHint:
    """What a state of ours says about its making."""

    age_minutes: int
    same_host: bool


def make_state(key: bytes, client: str, host: str, now: float) -> str:
    """Make a state.

    :param key: secret key for the tags.
    :param client: name of the client that starts the login.
    :param host: host name under which the browser sees the application.
    :param now: seconds since the epoch.
    """
    random = generate_token(_RANDOM)
    time = _digits(int(now // 60) % _PERIOD, _TIME)
    return (
        random
        + time
        + _tag(key, _HOST, "host", host, random)
        + _tag(key, _TAG, "state", client, random + time)
    )


def read_state(
    keys: list[bytes], client: str, host: str, state: str, now: float
) -> StateHint | None:
    """Read what a state says; ``None`` if it was not made here for this client."""
    if len(state) != _LENGTH or not state.isascii() or not state.isalnum():
        return None
    random, time = state[:_RANDOM], state[_RANDOM : _RANDOM + _TIME]
    made_for, tag = state[_RANDOM + _TIME : -_TAG], state[-_TAG:]
    for key in keys:
        if hmac.compare_digest(tag, _tag(key, _TAG, "state", client, random + time)):
            return StateHint(
                state_age(state, now), made_for == _tag(key, _HOST, "host", host, random)
            )
    return None


def state_age(state: str, now: float) -> int:
    """Minutes since a state says it was made; a very large number for what is no state of ours."""
    if len(state) != _LENGTH or not state.isascii() or not state.isalnum():
        return _PERIOD
    return (int(now // 60) - _number(state[_RANDOM : _RANDOM + _TIME])) % _PERIOD


def _tag(key: bytes, length: int, *parts: str) -> str:
    message = "\0".join(parts).encode("utf-8")
    return _digits(int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big"), length)


def _digits(number: int, length: int) -> str:
    text = ""
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        text += _ALPHABET[digit]
    return text


def _number(text: str) -> int:
    return sum(_ALPHABET.index(c) * len(_ALPHABET) ** i for i, c in enumerate(text))
