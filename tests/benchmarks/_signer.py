"""The floor of the OAuth 1.0a rows: a signer written by hand for one kind of request.

It signs a GET request with a query and writes the header, by RFC 5849 and nothing besides: no
other method of HTTP, no body, no realm, no check.
"""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import b64encode
from urllib.parse import parse_qsl
from urllib.parse import quote

from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET

TOKEN = "Zk8rT1uQe5Wn3yBs"
TOKEN_SECRET = "pX2vL9cJ4hD7mGqR6tYk"

Pairs = list[tuple[str, str]]


def hmac_sha1(url: str) -> str:
    """:returns: the Authorization header for a GET of ``url``, signed with HMAC-SHA1."""
    params = _params("HMAC-SHA1")
    text = base_string(url, params).encode()
    signature = b64encode(hmac.digest(_secrets().encode(), text, "sha1")).decode()
    return _header([*params, ("oauth_signature", signature)])


def plaintext(url: str) -> str:
    """:returns: the Authorization header for a GET of ``url``, signed with PLAINTEXT."""
    return _header([*_params("PLAINTEXT"), ("oauth_signature", _secrets())])


def base_string(url: str, params: Pairs) -> str:
    """:returns: the signature base string of a GET request."""
    base, _, query = url.partition("?")
    pairs = [*params, *parse_qsl(query, keep_blank_values=True)]
    encoded = sorted((_escape(name), _escape(value)) for name, value in pairs)
    return f"GET&{_escape(base)}&{_escape('&'.join(f'{n}={v}' for n, v in encoded))}"


def _params(method: str) -> Pairs:
    return [
        ("oauth_nonce", secrets.token_hex(12)),
        ("oauth_timestamp", str(int(time.time()))),
        ("oauth_version", "1.0"),
        ("oauth_signature_method", method),
        ("oauth_consumer_key", CLIENT_ID),
        ("oauth_token", TOKEN),
    ]


def _secrets() -> str:
    return f"{_escape(CLIENT_SECRET)}&{_escape(TOKEN_SECRET)}"


def _header(params: Pairs) -> str:
    return "OAuth " + ", ".join(f'{name}="{_escape(value)}"' for name, value in params)


def _escape(text: str) -> str:
    return quote(text, safe="~")
