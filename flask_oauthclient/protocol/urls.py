"""Small, exact operations on URLs that several rooms need."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import SplitResult
from urllib.parse import quote
from urllib.parse import urlencode
from urllib.parse import urlsplit

from .errors import InsecureTransportError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MISREAD = re.compile(r"[\x00-\x20\\\x7f]")
# urlsplit() forgives text around the brackets of an IPv6 address.
_NETLOC = re.compile(r"(?:\[[^\[\]@]+\]|[^\[\]:@]+)(?::[0-9]*)?")


def split(url: object) -> SplitResult:
    """Split an absolute http(s) URL, refusing what browsers and clients read differently.

    :raises InsecureTransportError: for another scheme, user information, control characters,
        spaces, backslashes, or a host or port that cannot be read.
    """
    parts = _split_or_none(url)
    if parts is None:
        raise InsecureTransportError(
            "insecure_transport", "An endpoint is not an absolute http(s) URL with a plain host."
        )
    return parts


def _split_or_none(url: object) -> SplitResult | None:
    return _split_text(url) if isinstance(url, str) else None


# The same few endpoints are looked at for every request.
@lru_cache(maxsize=512)
def _split_text(url: str) -> SplitResult | None:
    if _MISREAD.search(url):
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    plain = parts.scheme in _DEFAULT_PORTS and host and _NETLOC.fullmatch(parts.netloc)
    return parts if plain else None


@lru_cache(maxsize=512)
def is_loopback_host(host: str) -> bool:
    """Whether a parsed host name can only mean this machine."""
    name = host.lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether an absolute http(s) URL points to this machine."""
    parts = _split_or_none(url)
    return parts is not None and is_loopback_host(parts.hostname or "")


def is_secure(url: str) -> bool:
    """Whether credentials may travel to this URL: https, or http to a loopback host."""
    parts = _split_or_none(url)
    return parts is not None and (parts.scheme == "https" or is_loopback_host(parts.hostname or ""))


def origin(url: str) -> tuple[str, str, int]:
    """The origin of a URL (RFC 6454 section 4): scheme, host, port.

    :raises InsecureTransportError: if it has none.
    """
    parts = split(url)
    scheme = parts.scheme
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS[scheme]


def add_params(url: str, params: Iterable[tuple[str, str]]) -> str:
    """Append query parameters, keeping the URL's own query (RFC 6749 section 3.1)."""
    added = urlencode(list(params), quote_via=quote, errors="replace")
    if not added:
        return url
    base, hash_mark, fragment = url.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{added}{hash_mark}{fragment}"
