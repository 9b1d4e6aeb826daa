"""Small, exact operations on URLs that several rooms need."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from typing import TypeAlias
from urllib.parse import SplitResult
from urllib.parse import parse_qsl
from urllib.parse import quote
from urllib.parse import urlencode
from urllib.parse import urlsplit

from .errors import CallbackError
from .errors import InsecureTransportError
from .errors import ProviderResponseError

#: Names and values of a query or form, in order; a name may stand there several times.
Params: TypeAlias = Iterable[tuple[object, object]] | Mapping[str, object]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MISREAD = re.compile(r"[\x00-\x20\\\x7f]")
# urlsplit() forgives text around the brackets of an IPv6 address.
_NETLOC = re.compile(r"(?:\[[^\[\]@]+\]|[^\[\]:@]+)(?::[0-9]*)?")
# Query, fragment, user information.
_CREDENTIAL_PART = re.compile(r"[?#@]")
#: The longest URL, and the longest host, that a cache takes.
_MAX_KEPT = 256
_MAX_FIELDS = 100
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")  # RFC 3986 section 2.3
# RFC 3986 section 3.4.
_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]++|%[0-9A-Fa-f]{2})*+")


def split(url: object) -> SplitResult:
    """Split an absolute http(s) URL, refusing what browsers and clients read differently.

    :raises InsecureTransportError: for another scheme, user information, control characters,
        spaces, backslashes, or a host or port that cannot be read.
    """
    parts = _split_up_to_query(url)
    before, _, fragment = str(url).partition("#")
    return parts._replace(query=before.partition("?")[2], fragment=fragment)


def _split_up_to_query(url: object) -> SplitResult:
    parts = _split_or_none(url)
    if parts is None:
        raise InsecureTransportError(
            "insecure_transport", "An endpoint is not an absolute http(s) URL with a plain host."
        )
    return parts


def _split_or_none(url: object) -> SplitResult | None:
    """The parts of a URL but for query and fragment, or ``None`` if it is none."""
    if not isinstance(url, str):
        return None
    base = without_query(url)
    rest = url[len(base) :]
    if rest and _MISREAD.search(rest):
        return None
    return _split_known(base) if may_be_kept(base) else _split_base(base)


def without_query(url: str) -> str:
    """A URL up to its query or fragment."""
    return url.partition("#")[0].partition("?")[0]


def may_be_kept(url: str) -> bool:
    """Whether a URL may stand in a cache: it is short, and nothing in it can be a credential."""
    return len(url) <= _MAX_KEPT and not _CREDENTIAL_PART.search(url)


def _split_base(base: str) -> SplitResult | None:
    if _MISREAD.search(base):
        return None
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    plain = parts.scheme in _DEFAULT_PORTS and host and _NETLOC.fullmatch(parts.netloc)
    return parts if plain else None


# The same few endpoints are looked at for every request.
_split_known = lru_cache(maxsize=512)(_split_base)


def is_loopback_host(host: str) -> bool:
    """Whether a parsed host name can only mean this machine."""
    return len(host) <= _MAX_KEPT and _is_loopback_name(host.lower())


@lru_cache(maxsize=512)
def _is_loopback_name(name: str) -> bool:
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


def is_http_url(url: object) -> bool:
    """Whether this is an absolute http(s) URL that everybody reads alike."""
    return _split_or_none(url) is not None


def is_secure(url: str) -> bool:
    """Whether credentials may travel to this URL: https, or http to a loopback host."""
    parts = _split_or_none(url)
    return parts is not None and (parts.scheme == "https" or is_loopback_host(parts.hostname or ""))


def check_secure(url: str, *, insecure_http: bool = False) -> None:
    """Refuse to send credentials to a URL that is neither https nor http to a loopback host.

    :param url: the URL.
    :param insecure_http: allow http to any host; what is no plain URL is refused still.
    :raises InsecureTransportError: if nothing may be sent there.
    """
    if insecure_http:
        _split_up_to_query(url)
    elif not is_secure(url):
        raise InsecureTransportError


#: The name that users of the established client know.
is_secure_transport = is_secure


def origin(url: str) -> tuple[str, str, int]:
    """The origin of a URL (RFC 6454 section 4): scheme, host, port.

    :raises InsecureTransportError: if it has none.
    """
    parts = _split_up_to_query(url)
    scheme = parts.scheme
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS[scheme]


def add_params(url: str, params: Iterable[tuple[str, str]]) -> str:
    """Append query parameters, keeping the URL's own query (RFC 6749 section 3.1)."""
    return add_query(url, urlencode(list(params), quote_via=_quote, errors="replace"))


def _quote(text: Any, safe: Any = "", encoding: Any = None, errors: Any = None) -> str:
    """Escape a name or value; most of them need none, and to see that takes no time."""
    if isinstance(text, str) and _UNRESERVED.fullmatch(text):
        return text
    return quote(text, safe, encoding, errors)


def add_query(url: str, query: str) -> str:
    """Append an encoded query to the URL's own, in front of its fragment."""
    if not query:
        return url
    base, hash_mark, fragment = url.partition("#")
    _, mark, present = base.partition("?")
    joint = "?" if not mark else "&" if present and not present.endswith("&") else ""
    return f"{base}{joint}{query}{hash_mark}{fragment}"


def add_params_to_uri(uri: str, params: Params, fragment: bool = False) -> str:
    """Append parameters to a URL, keeping those that it has.

    :param uri: the URL.
    :param params: pairs, or a mapping; those without a value (``None``) are left out.
    :param fragment: whether they go into the fragment (RFC 6749 section 4.2.2).
    """
    pairs = _text_pairs(params)
    if not fragment:
        return add_params(uri, pairs)
    base, _, present = uri.partition("#")
    together = add_params("?" + present, pairs)[1:]
    return f"{base}#{together}" if together else uri


def url_encode(params: Params) -> str:
    """Write pairs as a form (``application/x-www-form-urlencoded``).

    :param params: pairs, or a mapping; those without a value (``None``) are left out.
    """
    return urlencode(_text_pairs(params), errors="replace")


def url_decode(query: str) -> list[tuple[str, str]]:
    """Read a form or query strictly; an absent value is an empty one.

    :param query: the text, without a leading question mark.
    :returns: the pairs, in order.
    :raises ProviderResponseError: (a ``ValueError``) for characters that have to be escaped, for a
        broken escape, and for octets that are not UTF-8.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError:
        pairs = None  # the codec's own exception would carry the text
    if pairs is None or not _QUERY.fullmatch(query):
        raise ProviderResponseError(
            "invalid_response", "A text that has to be form-encoded (UTF-8, RFC 3986) is not."
        )
    return pairs


def callback_pairs(url: str, part: str = "query") -> list[tuple[str, str]]:
    """The parameters of a URL that a browser came back to, in order.

    :param url: the whole URL.
    :param part: ``query`` or ``fragment``.
    :raises CallbackError: if its host cannot be read.
    """
    before, _, fragment = url.partition("#")
    params = fragment if part == "fragment" else before.partition("?")[2]
    try:
        urlsplit(without_query(url))  # it keeps what it has split, so it does not get all
        pairs = parse_qsl(params, keep_blank_values=True)
    except ValueError:
        pairs = None  # the parser's own exception may carry the URL
    if pairs is None:
        raise CallbackError
    return pairs


def form_params(form: str, *, errors: str = "replace") -> dict[str, Any] | None:
    """Read a form in which every name stands once.

    :param form: the text; an absent value is an empty one.
    :param errors: what becomes of octets that are not UTF-8, as for :meth:`bytes.decode`.
    :returns: the parameters, or ``None`` for a form that repeats a name, has more than a hundred
        or cannot be decoded.
    """
    try:
        pairs = parse_qsl(form, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors=errors)
    except ValueError:
        return None
    params = dict(pairs)
    return params if len(params) == len(pairs) else None


def _text_pairs(params: Params) -> list[tuple[str, str]]:
    pairs = params.items() if isinstance(params, Mapping) else params
    return [(_text(name), _text(value)) for name, value in pairs if value is not None]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
