"""How a proxy says that the browser speaks TLS with it.

Nothing of it is believed; it decides on the advice that the log gives (RFC 9700 section 2.6).
"""

from __future__ import annotations

import re
from collections.abc import Callable

#: Headers, and what they say then. Each proxy on the way may have added a word.
_SAYING_HTTPS: dict[str, re.Pattern[str]] = {
    "X-Forwarded-Proto": re.compile(r"(?:^|,)\s*https\s*(?:,|$)", re.IGNORECASE),
    # RFC 7239 sections 4 and 5.4: elements of pairs, whose values may be in quotes.
    "Forwarded": re.compile(r'(?:^|[,;])\s*proto="?https"?\s*(?:[,;]|$)', re.IGNORECASE),
    "X-Forwarded-Ssl": re.compile(r"^\s*on\s*$", re.IGNORECASE),
    "Front-End-Https": re.compile(r"^\s*on\s*$", re.IGNORECASE),
    "X-Url-Scheme": re.compile(r"^\s*https\s*$", re.IGNORECASE),
}


def header_saying_https(header: Callable[[str, str], str]) -> str | None:
    """The name of the header by which a proxy says what the application does not know.

    :param header: gives a header of a request over plain http, or the default.
    """
    for name, https in _SAYING_HTTPS.items():
        if https.search(header(name, "")):
            return name
    return None
