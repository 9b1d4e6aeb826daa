"""Sessions at prepared answers, and a judge of signatures that is written from RFC 5849 alone."""

from __future__ import annotations

import base64
import hmac
import re
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import quote
from urllib.parse import unquote
from urllib.parse import urlsplit

from requests.adapters import BaseAdapter

from .._answers import Answer
from .._answers import text_of
from .._edges import current

INITIATE_URL = "https://op.test/initiate"
TOKEN_URL = "https://op.test/token"
API_URL = "https://api.test/resource"
CLIENT_ID = "the-client"
CLIENT_SECRET = "the-secret-of-the-client &=%+/ü"
TOKEN = "the-token"
TOKEN_SECRET = "the-secret-of-the-token &=%+/ü"
VERIFIER = "the-verifier"
FORM = "application/x-www-form-urlencoded"

_FIELD = re.compile(r'(?P<name>[^=", ]+)="(?P<value>[^"]*)"')


def session_at(answers: BaseAdapter | None, **kwargs: Any) -> Any:
    """A session with token credentials, whose every request is answered there."""
    settings: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "token": TOKEN,
        "token_secret": TOKEN_SECRET,
        **kwargs,
    }
    edge = current()
    return edge.session(answers, edge.OAuth1, **settings)


def credentials(
    token: str = "new-token", secret: str = "new-secret-of-a-token", more: str = "", **kwargs: Any
) -> Answer:
    """An answer with temporary or token credentials."""
    text = f"oauth_token={quote(token)}&oauth_token_secret={quote(secret)}{more}"
    return Answer(text=text, **{"headers": {"Content-Type": FORM}, **kwargs})


# -- what was sent -----------------------------------------------------------------------


def in_header(request: Any) -> list[tuple[str, str]]:
    """The fields of an ``Authorization: OAuth`` header, in order."""
    header = text_of(request.headers.get("Authorization"))
    fields = header.removeprefix("OAuth ") if header.startswith("OAuth ") else ""
    return [(unquote(name), unquote(value)) for name, value in _FIELD.findall(fields)]


def in_query(request: Any) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True)


def in_form(request: Any) -> list[tuple[str, str]]:
    kind = text_of(request.headers.get("Content-Type")).partition(";")[0]
    return parse_qsl(text_of(request.body), keep_blank_values=True) if kind == FORM else []


def protocol_params(request: Any) -> dict[str, str]:
    """The protocol parameters, wherever they stand."""
    places = [*in_header(request), *in_query(request), *in_form(request)]
    return {name: value for name, value in places if name.startswith("oauth_")}


def is_signed(request: Any) -> bool:
    return "oauth_signature" in protocol_params(request)


def nonce(request: Any) -> str:
    return protocol_params(request)["oauth_nonce"]


# -- what it should have been ------------------------------------------------------------


def escaped(text: str) -> str:
    return quote(text, safe="-._~")


def base_string(request: Any) -> str:
    """The text that is signed (section 3.4.1), built from what was sent."""
    parts = urlsplit(str(request.url))
    signed = [
        (escaped(name), escaped(value))
        for name, value in [*in_header(request), *in_query(request), *in_form(request)]
        if name not in ("realm", "oauth_signature")
    ]
    joined = "&".join(f"{name}={value}" for name, value in sorted(signed))
    authority = parts.netloc.lower().removesuffix(":443")  # only https is asked for here
    url = f"{parts.scheme}://{authority}{parts.path}"
    return "&".join(map(escaped, (str(request.method), url, joined)))


def hmac_sha1(request: Any, client_secret: str = CLIENT_SECRET, token_secret: str = "") -> str:
    """The signature that a server expects (section 3.4.2)."""
    key = f"{escaped(client_secret)}&{escaped(token_secret)}"
    digest = hmac.digest(key.encode(), base_string(request).encode(), "sha1")
    return base64.b64encode(digest).decode()


def check_signature(request: Any, token_secret: str = TOKEN_SECRET) -> None:
    """A server accepts this, once."""
    found = protocol_params(request)
    assert found["oauth_signature_method"] == "HMAC-SHA1"
    assert found["oauth_signature"] == hmac_sha1(request, token_secret=token_secret)
