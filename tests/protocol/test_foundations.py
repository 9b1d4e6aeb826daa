"""The small things below everything: strict JSON, random values, messages."""

from __future__ import annotations

import json
import math
import string
from collections import Counter
from typing import Any

import pytest

from flask_oauthclient.protocol import strict_json
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.protocol.random import generate_token
from tests.protocol._answers import answer

ALPHANUMERIC = string.ascii_letters + string.digits


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "ä\u20ac\U0001f511",
        {"a": [{"b": None}]},
        10**400,
        [[]] * 3,
    ],
    ids=lambda value: str(value)[:20],
)
def test_json_is_read(value: Any) -> None:
    assert strict_json.loads(json.dumps(value).encode()) == value
    assert strict_json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"nul",
        b"NaN",
        b"-Infinity",
        b'{"a":Infinity}',
        b"1e400",
        b"[-1e400]",
        b"01",
        b"+1",
        b".5",
        b"1.",
        b"0x10",
        b"'a'",
        b'"a',
        b'"a\nb"',
        b'"\x00"',
        b'"\\x41"',
        b"[1,]",
        b'{"a":1,}',
        b"{a:1}",
        b'{"a" 1}',
        b"[1] [2]",
        b"// comment\n1",
        b"\xef\xbb\xbf{}",
        b"\xff",
        b'"\xed\xa0\x80"',
        "{}".encode("utf-16"),
        "{}".encode("utf-32-le"),
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'[{"a":1,"\\u0061":2}]',
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 50_000 + b"]" * 50_000,
    ],
    ids=lambda data: repr(data[:16]),
)
def test_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        strict_json.loads(data)


def test_numbers_stay_finite() -> None:
    assert strict_json.loads(b"1e308") == 1e308
    assert strict_json.loads(b"1e-400") == 0
    assert math.isfinite(strict_json.loads(b"-1.7976931348623157e308"))


def test_half_a_surrogate_pair_is_text() -> None:
    assert strict_json.loads(b'"\\ud800"') == "\ud800"


@pytest.mark.parametrize("length", [0, 1, 2, 20, 30, 48, 128, 1000])
def test_random_token_has_its_length_and_alphabet(length: int) -> None:
    for _ in range(20):
        token = generate_token(length)
        assert len(token) == length
        assert set(token) <= set(ALPHANUMERIC)


def test_random_token_is_30_characters() -> None:
    assert len(generate_token()) == 30


def test_s11_random_tokens_are_unique_and_of_128_bits() -> None:
    assert len({generate_token() for _ in range(10_000)}) == 10_000
    for length in (30, 48):
        assert length * math.log2(len(ALPHANUMERIC)) > 128


def test_every_character_is_equally_likely() -> None:
    """A remainder of 256 by 62 would make eight characters a quarter likelier."""
    size = 620_000
    counts = Counter(generate_token(size))
    expected = size / 62

    assert len(counts) == 62
    # Five standard deviations in each of 62 places: fails once in some 30 000 runs.
    assert all(abs(count - expected) < 5 * math.sqrt(expected) for count in counts.values())


def test_random_comes_from_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def fixed(size: int) -> bytes:
        asked.append(size)
        return bytes(range(248, 256)) + bytes(size - 8) if len(asked) == 1 else bytes(size)

    monkeypatch.setattr("secrets.token_bytes", fixed)

    assert set(generate_token(30)) == {"a"}
    assert asked


@pytest.mark.parametrize("value", [None, 5, "a", [1], True])
def test_body_has_to_be_an_object(value: Any) -> None:
    with pytest.raises(ProviderResponseError) as caught:
        answer(value if not isinstance(value, str) else json.dumps(value), 202).json_object("thing")

    assert caught.value.error == "invalid_response"
    assert "thing" in caught.value.description
    assert "202" in caught.value.description
    assert caught.value.detail == {"status": 202, "content_type": "application/json"}


def test_body_is_not_in_the_error() -> None:
    with pytest.raises(ProviderResponseError) as caught:
        answer('{"access_token":"the-secret"').json_object("thing")

    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert "the-secret" not in repr([(e, getattr(e, "__dict__", None)) for e in chain])


def test_content_type_in_the_error_is_cleaned() -> None:
    with pytest.raises(ProviderResponseError) as caught:
        answer("x", 200, "text/\x1b[31m" + "a" * 999).json_object("thing")

    assert caught.value.detail["content_type"].isprintable()
    assert len(caught.value.detail["content_type"]) <= 200


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        ("application/json", "application/json"),
        (" Application/JSON ; charset=utf-8", "application/json"),
        (";", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_content_type(header: str | None, media_type: str) -> None:
    assert answer(b"", 200, header).content_type == media_type


def test_messages_show_no_secret() -> None:
    request = Request(
        Purpose.TOKEN,
        "POST",
        "https://op.test/t?code=secret",
        {"Authorization": "secret"},
        "secret",
    )
    response = Response(200, {"content-type": "text/plain", "set-cookie": "secret"}, b"secret")

    assert repr(request) == "<Request token POST https://op.test/t>"
    assert repr(response) == "<Response 200 text/plain 6 bytes>"


def test_messages_are_values() -> None:
    one, other = (Request(Purpose.API, "GET", "https://a") for _ in range(2))

    assert one == other
    with pytest.raises(AttributeError):
        one.url = "https://evil.test"  # type: ignore[misc]
    assert str(Purpose.TOKEN) == "token"
