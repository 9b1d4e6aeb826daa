"""Claims, moments and spans as a person reads them."""

from __future__ import annotations

from typing import Any

import pytest

from example_app import claims
from example_app import times


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3580, "59 min 40 s"),
        (3600, "1 h"),
        (7265, "2 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_span(seconds: float, words: str) -> None:
    assert times.span(seconds) == words


@pytest.mark.parametrize(
    ("timestamp", "words"),
    [
        (0, "1 Jan 1970, 00:00:00 UTC"),
        (1735689600.5, "1 Jan 2025, 00:00:00 UTC"),
        (None, "not stated"),
        (1e20, "1e+20"),
    ],
)
def test_moment(timestamp: float | None, words: str) -> None:
    assert times.moment(timestamp) == words


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("email_verified", True, "yes"),
        ("email_verified", False, "no"),
        ("auth_time", 0, "1 Jan 1970, 00:00:00 UTC"),
        ("exp", 1e20, "1e+20"),
        ("aud", ["a", "b"], "a, b"),
        ("aud", "a", "a"),
        ("level", 3, "3"),
        ("address", {"formatted": "1 Street\nTown"}, "1 Street\nTown"),
        ("address", {"country": "GB"}, '{"country": "GB"}'),
        ("name", "Nguyễn Thị Ánh", "Nguyễn Thị Ánh"),
        ("nothing", None, "null"),
    ],
)
def test_readable(name: str, value: Any, words: str) -> None:
    assert claims.readable(name, value) == words


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Alice Example", "AE"),
        ("Nguyễn Thị Ánh", "NÁ"),
        ("alice", "A"),
        ("(Bob) Sample", "S"),
        ("", "?"),
        ("—", "?"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert claims.initials(name) == letters


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ({"sub": "s", "name": "Alice"}, "Alice"),
        ({"sub": "s", "name": "  ", "email": "a@example.com"}, "a@example.com"),
        ({"sub": "s", "name": 7}, "s"),
    ],
)
def test_display_name(found: dict[str, Any], name: str) -> None:
    assert claims.display_name(found) == name


def test_rows_come_in_the_order_of_the_specification_with_their_source() -> None:
    signed = {"sub": "s", "iss": "i", "zzz": 1}
    rows = claims.about_you(signed, userinfo={"sub": "s", "email": "e", "name": "n"})
    assert [(row.name, row.source) for row in rows] == [
        ("sub", "ID token"),
        ("name", "userinfo"),
        ("email", "userinfo"),
        ("zzz", "ID token"),
    ]
    assert [row.name for row in claims.about_sign_in(signed)] == ["iss"]
    assert all(row.meaning for row in rows)


def test_signed_claims_win_over_userinfo() -> None:
    rows = claims.about_you({"name": "Signed"}, userinfo={"name": "Loose"})
    assert [(row.value, row.source) for row in rows] == [("Signed", "ID token")]
