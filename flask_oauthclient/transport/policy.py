"""One table: what a request is for decides how long it may take and how much may come back.

Time limits always apply, and so do caps on what arrives, counted after decompression. A request
that carries a credential follows no redirect, and only reads of public documents and of APIs are
ever sent a second time: a code and a rotating refresh token can be spent once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..protocol.errors import TransportError
from ..protocol.messages import Purpose
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.urls import check_secure

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Policy:
    """How requests of one purpose are sent."""

    #: Seconds to reach the server.
    connect_timeout: float
    #: Seconds from the first byte out to the last byte in.
    total_timeout: float
    #: Bytes of a decompressed body; ``None`` while the caller streams it himself.
    max_bytes: int
    #: Whether redirects are followed.
    follow_redirects: bool = False
    #: Whether a connection that breaks before the answer may be tried once more.
    retry: bool = False


POLICIES: Mapping[Purpose, Policy] = {
    Purpose.METADATA: Policy(3, 10, MIB, retry=True),
    Purpose.JWKS: Policy(3, 10, MIB, retry=True),
    Purpose.TOKEN: Policy(3, 10, 256 * KIB),
    Purpose.REVOCATION: Policy(3, 10, 256 * KIB),
    Purpose.INTROSPECTION: Policy(3, 10, 256 * KIB),
    Purpose.USERINFO: Policy(3, 10, MIB, retry=True),
    Purpose.API: Policy(3, 10, 32 * MIB, follow_redirects=True, retry=True),
}


def check_url(url: str, *, insecure_http: bool = False) -> None:
    """Refuse to send to a URL that is neither https nor http on a loopback address.

    The host is the parsed one: ``http://localhost:80@attacker.example`` is not this machine.

    :param url: the URL.
    :param insecure_http: allow http to any host; what is no plain URL is refused still.
    :raises InsecureTransportError: if nothing may be sent there.
    """
    check_secure(url, insecure_http=insecure_http)


def check_not_redirected(message: Response, request: Request) -> None:
    """A redirect is no answer to a request of the protocol.

    :raises TransportError: if it is one.
    """
    if 300 <= message.status < 400 and message.status != 304:
        raise TransportError(
            "redirect_refused",
            detail={"status": message.status, "purpose": str(request.purpose)},
        )
