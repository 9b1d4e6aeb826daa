"""Credentials in requests of httpx2, and where they may go."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from collections.abc import Generator
from collections.abc import Mapping
from typing import Any

import httpx2

from ..protocol.urls import is_loopback_host
from ._run import Steps
from ._run import arun_steps
from ._run import run_steps
from .headers import check_headers


class SigningAuth(httpx2.Auth):
    """Credentials for a request, that know where they may go. This one has none."""

    #: Whether a read may be sent once more when its connection breaks.
    retries = True

    def signing_steps(self, request: httpx2.Request) -> Steps[httpx2.Request]:
        """Put the credentials into a request.

        :param request: the request, whose headers may be changed; for a change of anything else
            another one takes its place.
        """
        yield from ()
        return request

    def redirected_steps(
        self, request: httpx2.Request, before: httpx2.Request
    ) -> Steps[httpx2.Request]:
        """Decide what goes along with a redirect.

        :param request: the request that follows, as httpx2 makes it.
        :param before: the request that was redirected.
        """
        yield from ()
        if leaves_origin(before.url, request.url):
            for name in ("Authorization", "DPoP"):
                request.headers.pop(name, None)
        return request

    def sync_auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Put the credentials into a request of any client of httpx2."""
        yield run_steps(self.signing_steps(request))

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """The same inside an event loop."""
        yield await arun_steps(self.signing_steps(request))


class Unchanged(httpx2.Auth):
    """Sends a request as it is, as that of httpx2 does in more steps."""

    def sync_auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """The request."""
        yield request

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """The same inside an event loop."""
        yield request


def is_secure(url: httpx2.URL) -> bool:
    """Whether credentials may travel to a URL: https, or http to a loopback host.

    What httpx2 has read is what it connects to; nobody needs to look at the text once more.

    :param url: an absolute URL; one with user information is for others to judge.
    """
    if not url.host or url.userinfo:
        return False
    return url.scheme == "https" or (url.scheme == "http" and is_loopback_host(url.host))


def leaves_origin(before: httpx2.URL, after: httpx2.URL) -> bool:
    """Whether a redirect leads to where credentials must not follow: not to TLS at the same host.

    :param before: URL of the request that was redirected.
    :param after: URL that it leads to.
    """
    if before.origin == after.origin:
        return False
    to_tls = (before.scheme, after.scheme) == ("http", "https")
    at_usual_ports = before.port is None and after.port is None
    return not (to_tls and at_usual_ports and before.host == after.host)


def body_of(request: httpx2.Request) -> Any:
    """The octets of a request's body, ``None`` for none; its stream, if it is one."""
    try:
        return request.content or None
    except httpx2.RequestNotRead:
        # Nobody has read the body of a request that follows a redirect, not even one of octets.
        is_bytes = isinstance(request.stream, httpx2.ByteStream)
        return (request.read() or None) if is_bytes else request.stream


def with_parts(
    request: httpx2.Request, url: str, headers: Mapping[str, str], body: Any
) -> httpx2.Request:
    """A request with other parts: itself, as long as only headers change.

    :param request: the request.
    :param url: its URL from now on.
    :param headers: headers to set.
    :param body: its body from now on.
    :raises InvalidSettingError: for a header that cannot be sent.
    """
    check_headers(headers)
    if body is not None and body is not request.stream and body != body_of(request):
        kept = request.headers.copy()
        kept.pop("Content-Length", None)
        request = httpx2.Request(
            request.method,
            url,
            headers=kept,
            content=body,
            extensions=request.extensions,
        )
    elif url != str(request.url):
        request = httpx2.Request(
            request.method,
            url,
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
    for name, value in headers.items():
        if not value.isascii():  # else httpx2 would refuse it, with an error that shows it
            request.headers.encoding = "latin-1"
        request.headers[name] = value
    return request


def is_repeatable(request: httpx2.Request) -> bool:
    """Whether a request can be sent a second time: a stream is gone after the first."""
    return body_of(request) is None or isinstance(body_of(request), bytes)
