"""The token object (CONTRACT: token object and token placement)."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from flask_oauthclient.protocol.oauth2.token import OAuth2Token
from flask_oauthclient.protocol.oauth2.token import seconds
from tests.helpers.clock import Clock

NOW = 1_760_000_000


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    """The time stands still."""
    monkeypatch.setattr("time.time", lambda: NOW + 0.5)
    return NOW


EXPIRES_AT: dict[str, tuple[dict[str, Any], Any]] = {
    "absent": ({}, "absent"),
    "from-expires-in": ({"expires_in": 60}, NOW + 60),
    "from-expires-in-text": ({"expires_in": "60"}, NOW + 60),
    "given": ({"expires_at": 5, "expires_in": 60}, 5),
    "given-text": ({"expires_at": "5"}, 5),
    "given-fraction": ({"expires_at": 5.9}, 5),
    "given-zero": ({"expires_at": 0, "expires_in": 60}, 0),
    "given-negative": ({"expires_at": -5, "expires_in": 60}, -5),
    "given-2038": ({"expires_at": 2**33}, 2**33),
    "given-huge": ({"expires_at": 1e300}, 10**11),
    "given-hugely-negative": ({"expires_at": -1e300}, -(10**11)),
    "unreadable": ({"expires_at": "tomorrow"}, "tomorrow"),
    "unreadable-beside-expires-in": ({"expires_at": "tomorrow", "expires_in": 60}, NOW + 60),
    "iso": ({"expires_at": "2030-01-01T00:00:00Z", "expires_in": 60}, NOW + 60),
    "null": ({"expires_at": None, "expires_in": 60}, NOW + 60),
    "null-alone": ({"expires_at": None}, None),
    "true": ({"expires_at": True, "expires_in": 60}, NOW + 60),
    "nan": ({"expires_at": float("nan"), "expires_in": 60}, NOW + 60),
    "infinite": ({"expires_at": float("inf"), "expires_in": 60}, NOW + 60),
    "list": ({"expires_at": [1], "expires_in": 60}, NOW + 60),
    "digits-without-end": ({"expires_at": 10**400, "expires_in": 60}, NOW + 60),
}


@pytest.mark.parametrize(("params", "expected"), EXPIRES_AT.values(), ids=EXPIRES_AT)
def test_expires_at(now: int, params: dict[str, Any], expected: Any) -> None:
    assert OAuth2Token(params).get("expires_at", "absent") == expected


IS_EXPIRED: dict[str, tuple[Any, bool | None]] = {
    "absent": ("absent", None),
    "null": (None, None),
    "text": ("tomorrow", None),
    "nan": (float("nan"), None),
    "zero": (0, True),
    "negative": (-1, True),
    "text-zero": ("0", True),
    "past": (NOW - 1, True),
    "inside-leeway": (NOW + 60, True),
    "outside-leeway": (NOW + 61, False),
    "far": (1e300, False),
    "text-far": ("4102444800", False),
}


@pytest.mark.parametrize(("expires_at", "expired"), IS_EXPIRED.values(), ids=IS_EXPIRED)
def test_is_expired(now: int, expires_at: Any, expired: bool | None) -> None:
    token = OAuth2Token({} if expires_at == "absent" else {"expires_at": expires_at})

    assert token.is_expired() is expired


def test_leeway_of_a_call(now: int) -> None:
    token = OAuth2Token({"expires_at": NOW + 30})

    assert token.is_expired() is True
    assert token.is_expired(leeway=0) is False


def test_expiry_set_later_counts(now: int) -> None:
    token = OAuth2Token({"expires_in": 3600})
    token["expires_at"] = "not a time"

    assert token.is_expired() is None


def test_time_passes(clock: Clock) -> None:
    token = OAuth2Token({"expires_in": 3600})

    assert token.is_expired() is False
    clock.advance(3541)
    assert token.is_expired() is True


def test_the_callers_dict_stays_as_it_is() -> None:
    params = {"access_token": "a", "expires_in": 60}
    OAuth2Token(params)

    assert params == {"access_token": "a", "expires_in": 60}


def test_from_dict_wraps_dicts_only() -> None:
    token = OAuth2Token({"access_token": "a"})

    assert OAuth2Token.from_dict(token) is token
    assert type(OAuth2Token.from_dict({"a": 1})) is OAuth2Token
    for other in (None, "a", 5, [1]):
        assert OAuth2Token.from_dict(other) is other


MERGED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "keeps-what-is-left-out": (
        {"access_token": "new"},
        {"access_token": "old", "refresh_token": "r", "scope": "a", "id_token": "i", "x": 1},
        {"access_token": "new", "refresh_token": "r", "scope": "a", "id_token": "i", "x": 1},
    ),
    "new-refresh-token": (
        {"access_token": "new", "refresh_token": "r2"},
        {"refresh_token": "r"},
        {"access_token": "new", "refresh_token": "r2"},
    ),
    "null-is-nothing": (
        {"access_token": "new", "refresh_token": None, "scope": None},
        {"refresh_token": "r", "scope": "a"},
        {"access_token": "new", "refresh_token": "r", "scope": "a"},
    ),
    "empty-is-nothing": (
        {"access_token": "new", "refresh_token": ""},
        {"refresh_token": "r"},
        {"access_token": "new", "refresh_token": "r"},
    ),
    "old-lifetime-is-over": (
        {"access_token": "new"},
        {"expires_in": 60, "expires_at": 5},
        {"access_token": "new"},
    ),
    "new-lifetime": (
        {"access_token": "new", "expires_in": 60, "expires_at": 7},
        {"expires_in": 30, "expires_at": 5},
        {"access_token": "new", "expires_in": 60, "expires_at": 7},
    ),
    "zero-is-something": ({"x": 0, "y": False}, {"x": 1, "y": True}, {"x": 0, "y": False}),
}


@pytest.mark.parametrize(("new", "old", "expected"), MERGED.values(), ids=MERGED)
def test_merged_over(new: dict[str, Any], old: dict[str, Any], expected: dict[str, Any]) -> None:
    merged = OAuth2Token(new).merged_over(old)

    assert merged == expected
    assert type(merged) is OAuth2Token


def test_merged_over_nothing() -> None:
    assert OAuth2Token({"access_token": "a"}).merged_over(None) == {"access_token": "a"}


def test_repr_shows_no_secret() -> None:
    token = OAuth2Token(
        {
            "access_token": "SECRET1",
            "refresh_token": "SECRET2",
            "id_token": "SECRET3",
            "userinfo": {"sub": "SECRET4"},
            "nobody_knows": "SECRET5",
            "token_type": "Bearer",
            "scope": "openid",
            "expires_in": 60,
            "expires_at": 5,
        }
    )

    for text in (repr(token), str(token), f"{token}", "%s" % token, repr([token])):  # noqa: UP031
        assert "SECRET" not in text
        assert "'access_token': '***'" in text
        assert "'scope': 'openid'" in text


def test_token_can_be_stored() -> None:
    token = OAuth2Token({"access_token": "a", "expires_at": 5})

    assert json.loads(json.dumps(token)) == token
    for twin in (pickle.loads(pickle.dumps(token)), copy.copy(token), copy.deepcopy(token)):
        assert (type(twin), twin) == (OAuth2Token, token)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        ("5", 5),
        (5.9, 5),
        (0, 0),
        ("0", 0),
        (-1, None),
        (True, None),
        (None, None),
        ("", None),
        ("x", None),
        (float("nan"), None),
        (1e300, 10**11),
        (b"5", None),
    ],
)
def test_seconds(value: Any, number: int | None) -> None:
    assert seconds(value) == number
