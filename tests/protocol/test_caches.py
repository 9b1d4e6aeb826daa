"""What caches keep: few and short URLs without anything that can be a credential."""

from __future__ import annotations

import gc
from typing import Any
from urllib.parse import urlsplit

import pytest

from flask_oauthclient.protocol import signing
from flask_oauthclient.protocol import urls
from flask_oauthclient.protocol.oauth2.client import OAuth2Client
from flask_oauthclient.transport import requests as driver

HIDDEN = "hidden-in-a-url"
#: URLs with something that nobody should keep.
CARRIERS = [
    f"https://op.test/x?code={HIDDEN}",
    f"https://op.test/x#access_token={HIDDEN}",
    f"https://op.test?{HIDDEN}",
    f"https://user:{HIDDEN}@op.test/",
    f"https://op.test/{HIDDEN}{'x' * 300}",
    f"http://{HIDDEN}{'x' * 300}.test/",
]


def kept(function: Any) -> str:
    """Everything that the cache of a function holds."""
    return repr(gc.get_referents(function))


CACHES = [urls._split_known, urls._is_loopback_name, driver._known_normal_url]


def test_what_is_kept_can_be_seen() -> None:
    urls.is_secure("https://kept.test/path")

    assert "kept.test" in kept(urls._split_known)


@pytest.mark.parametrize("url", CARRIERS, ids=range(len(CARRIERS)))
def test_a_url_with_a_credential_is_not_kept(url: str) -> None:
    urls.is_secure(url)
    urls.is_loopback(url)
    driver._normal_url(url)

    assert not [each for each in CACHES if HIDDEN in kept(each)]


def test_long_urls_are_read_all_the_same() -> None:
    path = "x" * 2000

    assert urls.origin(f"https://op.test/{path}") == ("https", "op.test", 443)
    assert urls.is_secure(f"http://127.0.0.1/{path}")
    assert not urls.is_secure(f"http://{path}.localhost/")
    assert driver._normal_url(f"https://op.test/{path}?a=b") == f"https://op.test/{path}?a=b"


@pytest.mark.parametrize(
    "url", ["https://op.test/a?b=c#d?e#f", "https://op.test?#", "http://h/a#?"]
)
def test_query_and_fragment_are_split_off(url: str) -> None:
    parts = urls.split(url)

    assert parts == urlsplit(url)


@pytest.mark.parametrize("method", ["read_authorization_response", "check_redirect"])
def test_a_callback_is_not_kept(method: str) -> None:
    url = f"https://rp.test/cb?code={HIDDEN}-{method}&state=s"

    getattr(OAuth2Client("me"), method)(url, "s")

    assert f"{HIDDEN}-{method}" not in kept(urlsplit)


def test_a_short_secret_is_known_again_without_being_kept() -> None:
    secret = b"a-short-secret"

    for _ in range(2):
        signing._report_short_secret(secret, "HS256")

    assert "a-short-secret" not in kept(signing._report_short)
    assert signing._report_short.cache_info().currsize
