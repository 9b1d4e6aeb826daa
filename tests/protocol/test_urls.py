"""Which URLs are secure, loopback, or read differently by others (row T03)."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.urls import add_params
from flask_oauthclient.protocol.urls import add_query
from flask_oauthclient.protocol.urls import is_loopback
from flask_oauthclient.protocol.urls import is_loopback_host
from flask_oauthclient.protocol.urls import is_secure
from flask_oauthclient.protocol.urls import origin
from flask_oauthclient.protocol.urls import split

LOOPBACK = [
    "http://localhost",
    "http://localhost/",
    "http://localhost:5001/path?query#fragment",
    "http://LOCALHOST",
    "http://app.localhost:80",
    "http://127.0.0.1",
    "http://127.0.0.1:5001",
    "http://127.255.0.9",
    "http://[::1]",
    "http://[::1]:5001/x",
    "http://[0:0:0:0:0:0:0:1]",
    "HTTP://127.0.0.1",
    "http://localhost:",
]
PUBLIC = [
    "http://op.test",
    "http://localhost.attacker.test",
    "http://localhostx",
    "http://xlocalhost",
    "http://.localhost.x",
    "http://127.0.0.1.attacker.test",
    "http://127.0.0.1.",
    "http://localhost.",
    "http://127.1",
    "http://2130706433",
    "http://0x7f.0.0.1",
    "http://0.0.0.0",
    "http://[::]",
    "http://[::ffff:127.0.0.1]",
    "http://10.0.0.1",
    "http://[fe80::1]",
    "http://\uff4cocalhost",
    "http://local\u0131host",
]
MISREAD: list[Any] = [
    "http://localhost:80@attacker.test",
    "http://localhost@attacker.test",
    "http://attacker.test@localhost",
    "http://user:pw@localhost",
    "http://@localhost",
    "https://user@op.test",
    "http://localhost\\@attacker.test",
    "http://attacker.test\\@localhost",
    "https:\\\\op.test",
    "http://localhost /",
    " https://op.test",
    "https://op.test ",
    "https://op.test/a b",
    "https://op.test/\t",
    "https://op.test\n",
    "https://op.test/\r\nHost: x",
    "https://op.test/\0",
    "https://op.test/\x7f",
    "https://op.test/\x1b",
    "ht\ntps://op.test",
    "https://op.test:port",
    "https://op.test:-1",
    "https://op.test:99999",
    "https://op.test:1:2",
    "https://op.test:\u0661",
    "http://[::1",
    "http://::1",
    "http://::1]",
    "http://[::1]attacker.test",
    "http://x[::1]",
    "http://[::1]:80x",
    "http://[]",
    "http://[[::1]]",
    "http://op.te[st",
    "http://op\uff0ftest",
    "http://op\uff20test",
    "http://",
    "http:///path",
    "http:localhost",
    "http:/localhost",
    "https:",
    "https",
    "//op.test",
    "/path",
    "op.test",
    "localhost",
    "",
    "ftp://localhost",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/html,x",
    "ws://localhost",
    "httpss://op.test",
    "urn:x",
    "?",
    "#",
    None,
    5,
    b"https://op.test",
    ["https://op.test"],
    {"https": "op.test"},
    {"https://op.test"},
]


@pytest.mark.parametrize("url", LOOPBACK)
def test_loopback(url: str) -> None:
    assert is_loopback(url)
    assert is_secure(url)


@pytest.mark.parametrize("url", PUBLIC)
def test_not_loopback(url: str) -> None:
    assert not is_loopback(url)
    assert not is_secure(url)
    assert is_secure(url.replace("http:", "https:"))


@pytest.mark.parametrize("url", MISREAD, ids=repr)
def test_what_others_may_read_differently_is_nothing(url: Any) -> None:
    assert not is_loopback(url)
    assert not is_secure(url)
    for function in (split, origin):
        with pytest.raises(InsecureTransportError) as caught:
            function(url)
        assert caught.value.error == "insecure_transport"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("::1", True), ("127.0.0.1", True), ("op.test", False), ("", False)],
)
def test_loopback_host(host: str, loopback: bool) -> None:
    assert is_loopback_host(host) is loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://op.test", ("https", "op.test", 443)),
        ("https://OP.test:443/x?y#z", ("https", "op.test", 443)),
        ("HTTPS://op.test:", ("https", "op.test", 443)),
        ("http://op.test", ("http", "op.test", 80)),
        ("https://op.test:8443", ("https", "op.test", 8443)),
        ("https://[::1]:1/x", ("https", "::1", 1)),
    ],
)
def test_origin(url: str, expected: tuple[str, str, int]) -> None:
    assert origin(url) == expected


def test_split_keeps_the_parts() -> None:
    parts = split("https://op.test:1/path?query=a#fragment")

    assert (parts.hostname, parts.port, parts.path) == ("op.test", 1, "/path")


@pytest.mark.parametrize(
    ("url", "params", "result"),
    [
        ("https://a", [], "https://a"),
        ("https://a", [("x", "1"), ("x", "2")], "https://a?x=1&x=2"),
        ("https://a?b=c", [("x", "ä /?")], "https://a?b=c&x=%C3%A4%20%2F%3F"),
        ("https://a?", [("x", "")], "https://a?x="),
        ("?", [("x", "1")], "?x=1"),
        ("https://a#b", [("x", "1")], "https://a?x=1#b"),
    ],
)
def test_add_params(url: str, params: list[tuple[str, str]], result: str) -> None:
    assert add_params(url, params) == result


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.test", "https://a.test?b=c"),
        ("https://a.test/&", "https://a.test/&?b=c"),
        ("https://a.test/?", "https://a.test/?b=c"),
        ("https://a.test/?x", "https://a.test/?x&b=c"),
        ("https://a.test/?x&", "https://a.test/?x&b=c"),
        ("https://a.test/?x?", "https://a.test/?x?&b=c"),
        ("https://a.test/&#f?&", "https://a.test/&?b=c#f?&"),
    ],
)
def test_query_is_joined_to_what_there_is(url: str, expected: str) -> None:
    assert add_query(url, "b=c") == expected
