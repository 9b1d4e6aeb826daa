"""What comes back over httpx2: bodies within a cap, responses as messages, failures as codes."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import Any

import httpx2

from ..protocol.errors import TransportError
from ..protocol.messages import Response
from .doubles import message_of


def read_bounded(response: Any, max_bytes: int) -> None:
    """Read a streamed body, decompressed, up to a cap; leave it on the response.

    :raises TransportError: if there is more.
    """
    if not _is_unread(response):
        return
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
    except BaseException:
        response.close()
        raise
    # As httpx2 itself does in Response.read(), which has no cap.
    response._content = bytes(body)


async def aread_bounded(response: Any, max_bytes: int) -> None:
    """The same inside an event loop.

    :raises TransportError: if there is more.
    """
    if not _is_unread(response):
        return
    body, chunks = bytearray(), response.aiter_bytes()
    try:
        async for chunk in chunks:
            body += chunk
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
    except BaseException:
        try:
            await chunks.aclose()
        finally:
            await response.aclose()
        raise
    response._content = bytes(body)


def _too_large(max_bytes: int) -> TransportError:
    return TransportError("response_too_large", detail={"limit": max_bytes})


def _is_real(response: Any) -> bool:
    # Test suites put doubles in place of responses; those have nothing to be read from.
    return issubclass(type(response), httpx2.Response)


def _is_unread(response: Any) -> bool:
    return _is_real(response) and not hasattr(response, "_content")


def to_message(response: Any) -> Response:
    """Take from a response that was read, or from a double, what the protocol looks at."""
    return message_of(response, is_real=_is_real(response))


# -- failures ----------------------------------------------------------------------------------

#: How httpx2 begins to say that a server closed a connection: HTTP/1.1 and 2, and GOAWAY of 2.
_DISCONNECTED = ("Server disconnected", "<ConnectionTerminated")
#: What its parsers say about headers that cannot be understood, or that cannot be sent.
_names_header = re.compile(r"(?<!chunk )header|content-length|transfer-encoding", re.I).search


def broke_before_answer(exception: Exception) -> bool:
    """Whether a connection broke while the request was on its way."""
    if isinstance(exception, httpx2.RemoteProtocolError):
        return str(exception).startswith(_DISCONNECTED)
    return isinstance(exception, httpx2.ReadError | httpx2.WriteError)


_UNREADABLE = (
    httpx2.HTTPStatusError,  # of a compliance hook
    httpx2.DecodingError,
    ValueError,  # of a compliance hook that finds no JSON; a token that fits no header
)


def classify(exception: Exception) -> str:
    """The stable code for a failure of the HTTP library."""
    if isinstance(exception, httpx2.TimeoutException | TimeoutError):
        return "provider_timeout"
    if _is_file_error(exception) or any(isinstance(e, ssl.SSLError) for e in _causes(exception)):
        return "tls_failure"
    if isinstance(exception, _UNREADABLE) or _is_header_fault(exception):
        return "invalid_response"
    return "provider_unreachable"


def _is_file_error(exception: Exception) -> bool:
    # A CA bundle or client certificate that isn't there. The network's errors arrive wrapped.
    return isinstance(exception, OSError) and not isinstance(exception, ConnectionError)


def _is_header_fault(exception: Exception) -> bool:
    return isinstance(exception, httpx2.ProtocolError) and bool(_names_header(str(exception)))


def _causes(exception: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it came from; httpcore keeps that only as an argument."""
    while exception is not None:
        yield exception
        first = exception.args[0] if exception.args else None
        inner = first if isinstance(first, BaseException) else None
        exception = exception.__cause__ or inner
