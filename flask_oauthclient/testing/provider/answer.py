"""Answers as values: what the provider's endpoints return.

A fault can replace any part of one, down to the bytes of a body that never ends.
"""

from __future__ import annotations

import dataclasses
import hashlib
import http
import json
import typing as t
from collections.abc import Iterable
from urllib.parse import urlencode

from .call import Call

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

HeaderList = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One response. A ``stream`` replaces ``body`` and is sent without ``Content-Length``."""

    status: int = 200
    headers: HeaderList = ()
    body: bytes = dataclasses.field(default=b"", repr=False)
    stream: Iterable[bytes] | None = dataclasses.field(default=None, repr=False)

    def header(self, name: str) -> str | None:
        """Find a header by case-insensitive name.

        :param name: The name.
        :returns: The first value, or ``None``.
        """
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def with_header(self, name: str, value: str | None) -> Answer:
        """Copy this answer with one header replaced, or taken off when ``value`` is ``None``.

        :param name: The header's name.
        :param value: Its new value.
        :returns: The copy.
        """
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        added = () if value is None else ((name, value),)
        return dataclasses.replace(self, headers=kept + added)

    @property
    def etag(self) -> str:
        """An entity tag for the body (RFC 9110 8.8.3)."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'

    def with_body(self, body: bytes) -> Answer:
        """Copy this answer with another body.

        :param body: The new body.
        :returns: The copy.
        """
        return dataclasses.replace(self, body=body, stream=None)


def json_answer(
    document: object, status: int = 200, headers: HeaderList = (), content_type: str = ""
) -> Answer:
    """Make a JSON answer.

    :param document: What to encode.
    :param status: The HTTP status.
    :param headers: Headers besides the content type.
    :param content_type: Another content type than ``application/json``.
    :returns: The answer.
    """
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, (("Content-Type", content_type or "application/json"), *headers), body)


def redirect(location: str, status: int = 302, headers: HeaderList = ()) -> Answer:
    """Make a redirect.

    :param location: Where to.
    :param status: The HTTP status; 303 after a POST.
    :param headers: Headers besides ``Location``.
    :returns: The answer.
    """
    return Answer(status, (("Location", location), ("Cache-Control", "no-store"), *headers), b"")


def add_query(url: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Append parameters to a URL, keeping its own query (RFC 6749 3.1.2).

    :param url: The URL.
    :param pairs: Names and values.
    :returns: The longer URL.
    """
    encoded = urlencode(list(pairs))
    if not encoded:
        return url
    return f"{url}{'&' if '?' in url else '?'}{encoded}"


def revalidated(answer: Answer, call: Call) -> Answer:
    """Answer 304 if the client has this very representation (RFC 9110 13.1.2).

    :param answer: The complete answer.
    :param call: The request.
    :returns: The answer, or one without content.
    """
    sent, etag = call.headers.get("If-None-Match"), answer.header("ETag")
    if sent is None or etag is None or answer.status != 200:
        return answer
    # A list, compared weakly.
    tags = [tag.strip().removeprefix("W/") for tag in sent.split(",")]
    if etag not in tags and "*" not in tags:
        return answer
    kept = ("etag", "cache-control")
    return Answer(304, tuple(pair for pair in answer.headers if pair[0].lower() in kept))


def send(answer: Answer, call: Call | None, start_response: StartResponse) -> Iterable[bytes]:
    """Send an answer through WSGI.

    :param answer: The answer.
    :param call: The request it belongs to, if that could be read.
    :param start_response: The server's callable.
    :returns: The body to iterate.
    """
    headers = list(answer.headers)
    has_content = answer.stream is None and answer.status not in (204, 304)
    if has_content and answer.header("Content-Length") is None:
        headers.append(("Content-Length", str(len(answer.body))))
    start_response(f"{answer.status} {reason(answer.status)}", headers)
    if call is not None and call.method == "HEAD":
        return [b""]
    return [answer.body] if answer.stream is None else answer.stream


def reason(status: int) -> str:
    """Name a status code.

    :param status: The code, which need not be a registered one.
    :returns: Its reason phrase.
    """
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
