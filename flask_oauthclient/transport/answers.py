"""What comes back: bodies within a cap, responses as messages, failures as codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import ReadTimeoutError

from ..protocol.errors import TransportError
from ..protocol.messages import Response
from .doubles import message_of
from .policy import MIB


def read_bounded(response: Any, max_bytes: int) -> None:
    """Read a streamed body, decompressed, up to a cap; leave it on the response.

    :raises TransportError: if there is more.
    """
    if not _is_unread(response):
        return
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(65536):
        size += len(chunk)
        if size > max_bytes:
            response.close()
            raise TransportError("response_too_large", detail={"limit": max_bytes})
        chunks.append(chunk)
    # As requests itself does in Response.content, which has no cap.
    response._content = b"".join(chunks)
    response._content_consumed = True


def redirect_target(
    find: Callable[[requests.Response], str | None], response: requests.Response
) -> str | None:
    """The target of a redirect, if it is a URL; ``find`` looks it up."""
    try:
        target = find(response)
        readable = target is not None and urlsplit(target).port != 0  # ValueError for no number
    except ValueError:
        return None
    return target if readable else None


def read_redirect(response: requests.Response) -> None:
    """Read the body of a redirect, which nobody will look at, within a cap."""
    try:
        read_bounded(response, MIB)
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
        response.close()
        response._content = b""


def _is_unread(response: Any) -> bool:
    # Test suites put doubles in place of responses; those have nothing to be read from.
    real = issubclass(type(response), requests.Response)
    return real and response._content is False and response.raw is not None


def to_message(response: Any, max_bytes: int) -> Response:
    """Take from a response, or from a double, what the protocol looks at."""
    read_bounded(response, max_bytes)
    return message_of(response, is_real=issubclass(type(response), requests.Response))


def broke_before_answer(exception: requests.ConnectionError) -> bool:
    """Whether a connection broke while the request was on its way."""
    cause = exception.args[0] if exception.args else None
    return isinstance(cause, ProtocolError | ConnectionError) and not _is_timeout(cause)


def _is_timeout(cause: object) -> bool:
    # While a request is being written, urllib3 reports it inside of an aborted connection.
    causes = (cause, *getattr(cause, "args", ()))
    return any(isinstance(each, TimeoutError | ReadTimeoutError) for each in causes)


_UNREADABLE = (
    requests.exceptions.HTTPError,  # of a compliance hook
    requests.exceptions.ContentDecodingError,
    requests.exceptions.InvalidHeader,
    requests.exceptions.JSONDecodeError,  # of a compliance hook
    UnicodeError,  # a token that fits no header
)


def classify(exception: Exception) -> str:
    """The stable code for a failure of the HTTP library."""
    cause = exception.args[0] if exception.args else None
    if isinstance(exception, requests.Timeout | TimeoutError) or _is_timeout(cause):
        return "provider_timeout"
    if isinstance(exception, requests.exceptions.SSLError) or _is_file_error(exception):
        return "tls_failure"
    if isinstance(exception, _UNREADABLE):
        return "invalid_response"
    return "provider_unreachable"


def _is_file_error(exception: Exception) -> bool:
    # A CA bundle or client certificate that isn't there. The network's errors arrive wrapped.
    network = requests.RequestException | ConnectionError
    return isinstance(exception, OSError) and not isinstance(exception, network)
