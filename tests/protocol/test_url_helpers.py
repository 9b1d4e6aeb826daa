"""Helpers under their old names: what they give, and what they refuse."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient.protocol import add_params_to_uri
from flask_oauthclient.protocol import is_secure_transport
from flask_oauthclient.protocol import url_decode
from flask_oauthclient.protocol import url_encode
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.urls import is_http_url
from tests.helpers.leaks import Watch

#: Text without halves of surrogate pairs, which are no characters.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=6)

fuzzed = settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize(
    ("uri", "secure"),
    [
        ("https://op.test/token", True),
        ("HTTPS://op.test", True),
        ("http://localhost:5000/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://op.test/token", False),
        ("http://localhost.op.test", False),
        ("//op.test", False),
        ("", False),
    ],
)
def test_secure_transport(uri: str, secure: bool) -> None:
    assert is_secure_transport(uri) is secure


def test_environment_does_not_make_http_secure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTHLIB_INSECURE_TRANSPORT", "OAUTHLIB_INSECURE_TRANSPORT"):
        monkeypatch.setenv(name, "1")

    assert not is_secure_transport("http://op.test")


@pytest.mark.parametrize(
    ("url", "is_one"),
    [("http://op.test", True), ("https://op.test/a?b#c", True), ("op.test", False), (None, False)],
)
def test_http_url(url: Any, is_one: bool) -> None:
    assert is_http_url(url) is is_one


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ([], ""),
        ({}, ""),
        ([("a", "1"), ("a", "2")], "a=1&a=2"),
        ({"a": "1", "b": ""}, "a=1&b="),
        ({"a": 1, "b": True, "c": None}, "a=1&b=True"),
        ([(b"a", "ä".encode())], "a=%C3%A4"),
        ([("a b", "c+d&e=f")], "a+b=c%2Bd%26e%3Df"),
        ([("", "")], "="),
        ([("~-._", "*")], "~-._=%2A"),
        ([("a", "\ud800")], "a=%3F"),
    ],
)
def test_url_encode(params: Any, text: str) -> None:
    assert url_encode(params) == text


def test_url_encode_takes_the_items_of_a_dict() -> None:
    assert url_encode({"a": "1", "b": "2"}.items()) == "a=1&b=2"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("a=1&a=2", [("a", "1"), ("a", "2")]),
        ("a=&b", [("a", ""), ("b", "")]),
        ("=", [("", "")]),
        ("a=b=c", [("a", "b=c")]),
        ("a+b=c%2Bd", [("a b", "c+d")]),
        ("a;b=c;d", [("a;b", "c;d")]),
        ("a=%C3%A4", [("a", "ä")]),
        ("a=https://x.test/?y:z@(!*',$)~", [("a", "https://x.test/?y:z@(!*',$)~")]),
        ("&&a=1&&", [("a", "1")]),
    ],
)
def test_url_decode(text: str, pairs: list[tuple[str, str]]) -> None:
    assert url_decode(text) == pairs


@pytest.mark.parametrize(
    "text",
    [
        "a b=c",
        "a=b#c",
        'a="b"',
        "a={}",
        "<html>",
        "a=ä",
        "a=%",
        "a=%4",
        "a=%4g",
        "a=%g4",
        "a=%FF",
        "a=%ED%A0%80",
        "a\n=b",
        "a\0=b",
        '{"a": 1}',
        "[1]",
        "a=b|c",
        "a=\ud800",
        "a" * 100_000 + " ",
    ],
    ids=lambda text: repr(text[:16]),
)
def test_url_decode_is_strict(text: str) -> None:
    with pytest.raises(ValueError, match="form-encoded") as caught:
        url_decode(text)

    assert isinstance(caught.value, ProviderResponseError)
    assert caught.value.error == "invalid_response"


@pytest.mark.parametrize("text", ["key=the-secret%FF", "key=the-secret ", "the-secret\n"])
def test_what_cannot_be_decoded_is_not_in_the_error(text: str, watch: Watch) -> None:
    watch.secret("the-secret")

    with pytest.raises(ProviderResponseError):
        url_decode(text)


@fuzzed
@given(PAIRS)
def test_what_was_encoded_can_be_decoded(pairs: list[tuple[str, str]]) -> None:
    assert url_decode(url_encode(pairs)) == pairs
    assert parse_qsl(url_encode(pairs), keep_blank_values=True) == pairs


@fuzzed
@given(st.text(max_size=40))
def test_url_decode_raises_nothing_but_our_error(text: str) -> None:
    try:
        pairs = url_decode(text)
    except ProviderResponseError:
        return
    assert url_decode(url_encode(pairs)) == pairs


@pytest.mark.parametrize(
    ("uri", "params", "result"),
    [
        ("https://a.test", {}, "https://a.test"),
        ("https://a.test", {"x": "1"}, "https://a.test?x=1"),
        ("https://a.test/b?c=d", [("x", "1"), ("x", "2")], "https://a.test/b?c=d&x=1&x=2"),
        ("https://a.test/?c=%7e", {"x": 1}.items(), "https://a.test/?c=%7e&x=1"),
        ("https://a.test#b", {"x": "1"}, "https://a.test?x=1#b"),
        ("https://a.test", {"x": None, "y": 0, "z": b"\xc3\xa4"}, "https://a.test?y=0&z=%C3%A4"),
    ],
)
def test_parameters_join_the_query(uri: str, params: Any, result: str) -> None:
    assert add_params_to_uri(uri, params) == result


@pytest.mark.parametrize(
    ("uri", "params", "result"),
    [
        ("https://a.test?q=1", {"x": "1"}, "https://a.test?q=1#x=1"),
        ("https://a.test#b=c", [("x", "a b")], "https://a.test#b=c&x=a%20b"),
        ("https://a.test#", {"x": "1"}, "https://a.test#x=1"),
        ("https://a.test#b", {}, "https://a.test#b"),
        ("https://a.test", {}, "https://a.test"),
    ],
)
def test_parameters_join_the_fragment(uri: str, params: Any, result: str) -> None:
    assert add_params_to_uri(uri, params, fragment=True) == result


@fuzzed
@given(PAIRS, st.booleans())
def test_parameters_arrive_as_they_were(pairs: list[tuple[str, str]], fragment: bool) -> None:
    parts = urlsplit(add_params_to_uri("https://a.test/b?c=d#e=f", pairs, fragment))

    query, after = ([], pairs) if fragment else (pairs, [])
    assert parse_qsl(parts.query, keep_blank_values=True) == [("c", "d"), *query]
    assert parse_qsl(parts.fragment, keep_blank_values=True) == [("e", "f"), *after]
