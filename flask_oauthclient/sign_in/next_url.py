"""Where a person may be sent after signing in or out: to a page of this site, and nowhere else.

What looks like a path to a server can be another host to a browser, which reads ``\\`` as ``/``,
drops tabs and line ends, and takes whatever follows two slashes for a host (WHATWG URL, sections
4.4 and 4.5). A path that begins with one slash can only become that by its beginning: by a second
slash there, or by ``..`` that takes away what stands before one. So both are refused, in whatever
way they are written, and the rest of a path is left to the application.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

#: Bytes that a target may have in a ``Location`` header, where a letter beyond ASCII has six or
#: more; a longer one is no address that a person was at, and proxies would not let it through.
MAX_LENGTH = 2048

# Line ends and tabs, which browsers drop and headers end with, other control characters, and the
# halves of surrogate pairs, which no header can be made of.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# The slashes and backslashes of Unicode, and letters that are drawn like one: none is a slash to
# today's browsers, but to what folds characters on the way. U+FFFD is what bytes that aren't UTF-8
# become, among them the overlong forms of a slash (RFC 3629, section 10).
_SLASHES = re.compile(
    r"[\\\u2044\u2215\u2216\u29f5\u29f8\u29f9\u2571\u2572\ufe68\uff0f\uff3c"
    r"\u3031-\u3035\u309d\u30fc\uff70\ufffd]"
)

# What such a thing folds into dots.
_DOTS = str.maketrans({"\u2024": ".", "\u2025": "..", "\ufe52": ".", "\uff0e": "."})

# Spaces, formats (the soft hyphen, joiners, marks of direction) and marks that join a letter.
_SEEN_AS_NOTHING = frozenset({"Zs", "Cf", "Mn", "Me"})

# A second slash, or a segment that removes others; no address that a browser is at has the latter.
_LEADS_AWAY = re.compile(r"\A//|/\.\.?(?:/|\Z)")


def safe_next(target: object, *, default: str = "/") -> str:
    """Give back a path of this site, as it is, or the default.

    :param target: what somebody wants to be sent to; only a plain ``str`` can be a path.
    :param default: what to give instead of anything but a path of this site.
    :returns: path, query and fragment, beginning with exactly one slash; in every browser it
        leads to the site it is used on. It is not changed, so letters beyond ASCII stay; a
        ``Location`` header needs them encoded, as the ``redirect`` of either framework does.
    """
    # A subclass, or a proxy that claims to be one, may read differently the next time.
    if type(target) is not str or len(target) > MAX_LENGTH or _CONTROLS.search(target):
        return default
    if not target.isascii() and _length_in_header(target) > MAX_LENGTH:
        return default
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    return target if path.startswith("/") and "\\" not in path and _stays(path) else default


def _length_in_header(target: str) -> int:
    return sum(1 if c.isascii() else 3 * len(c.encode()) for c in target)


def _stays(path: str) -> bool:
    """Whether a path leads to this site for whoever reads it, also when it has been decoded.

    A proxy may decode it once and the server behind it once more. What is decoded, dropped or taken
    for a slash here only ever adds slashes and dots, so a reader who does less of it sees none that
    isn't seen here.
    """
    decoded = unquote(unquote(path, errors="replace"), errors="replace")
    if _CONTROLS.search(decoded):
        return False
    seen = (c for c in decoded if unicodedata.category(c) not in _SEEN_AS_NOTHING)
    text = _SLASHES.sub("/", "".join(seen)).translate(_DOTS)
    return _LEADS_AWAY.search(text) is None
