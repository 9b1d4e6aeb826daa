"""The two values that cross the border between the protocol and the network.

A :class:`Request` says what has to be sent and why (its *purpose*); how long it may take, how
much may come back and whether a redirect is followed is the transport's business and is looked
up there by that purpose. A :class:`Response` is a complete, bounded answer.

An :data:`Exchange` is a generator that yields requests and is sent responses::

    def token_exchange(...) -> Exchange[OAuth2Token]:
        response = yield token_request(...)
        return parse_token_response(response)

so that one body of logic serves blocking and asynchronous transports alike.
"""

from __future__ import annotations

from collections.abc import Generator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from enum import StrEnum
from typing import Any
from typing import TypeVar

from . import strict_json
from .error_codes import clean_text
from .errors import ProviderResponseError

T = TypeVar("T")


class Purpose(StrEnum):
    """Why a request is sent. The transport's policy table has one row for each."""

    METADATA = "metadata"
    JWKS = "jwks"
    TOKEN = "token"  # noqa: S105
    REVOCATION = "revocation"
    INTROSPECTION = "introspection"
    USERINFO = "userinfo"
    API = "api"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, complete but for the connection.

    The ``repr`` names purpose, method and URL without its query, never headers or body: they
    carry credentials.
    """

    purpose: Purpose
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None

    def __repr__(self) -> str:
        return f"<Request {self.purpose} {self.method} {self.url.partition('?')[0]}>"


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: status, headers with lower-case names, body (decompressed)."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json_object(self, what: str) -> dict[str, Any]:
        """Read the body as one JSON object (RFC 8259), strictly.

        :param what: how an error message names this document.
        :raises ProviderResponseError: if it is anything else.
        """
        try:
            value = strict_json.loads(self.body)
        except ValueError:
            value = None  # the parser's own exception would carry the whole document
        if not isinstance(value, dict):
            raise ProviderResponseError(
                "invalid_response",
                f"The {what} is not a JSON object (HTTP {self.status}).",
                detail={"status": self.status, "content_type": clean_text(self.content_type)},
            )
        return value

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.content_type} {len(self.body)} bytes>"


Exchange = Generator[Request, Response, T]
