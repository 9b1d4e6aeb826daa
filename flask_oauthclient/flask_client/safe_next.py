"""Where a person may be sent after signing in or out: to a page of this site, and nowhere else.

What looks like a path to a server can be another host to a browser, which reads ``\\`` as ``/``,
drops tabs and line ends, and takes whatever follows two slashes for a host (WHATWG URL, sections
4.4 and 4.5). So a target is judged by what a browser makes of it, not by what it looks like.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

#: Characters that a target may have; more is no address that a person was at.
MAX_LENGTH = 2048

# Control characters, the space, the backslash, separators of lines, halves of surrogate pairs,
# and what browsers or proxies on the way may take for a slash or nothing at all.
_HARMFUL = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    r"\u2044\u2215\u29f8\u29f9\ufe68\uff0f\uff3c\ufeff\ud800-\udfff]"
)
_DOT = re.compile(r"%2e", re.IGNORECASE)


def safe_next(target: object, *, default: str = "/") -> str:
    """Give back a path of this site, as it is, or the default.

    :param target: what somebody wants to be sent to.
    :param default: what to give instead of anything but a path of this site.
    :returns: path, query and fragment, beginning with exactly one slash; in every browser it
        leads to the site it is used on. It is not changed, so letters beyond ASCII stay; a
        ``Location`` header needs them encoded, which :func:`flask.redirect` does.
    """
    if not isinstance(target, str) or not 0 < len(target) <= MAX_LENGTH:
        return default
    return target if _HARMFUL.search(target) is None and _is_path(target) else default


def _is_path(target: str) -> bool:
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    if not path.startswith("/") or _HARMFUL.search(_unquoted(path)):
        return False
    return not any(_normal(reading).startswith("//") for reading in (path, _unquoted(path)))


def _unquoted(path: str) -> str:
    """The path as a server that decodes it twice may read it."""
    return unquote(unquote(path, errors="replace"), errors="replace")


def _normal(path: str) -> str:
    """The path without ``.`` and ``..``, as a browser makes it before it asks for it."""
    kept: list[str] = []
    *segments, last = _DOT.sub(".", path).split("/")[1:]
    for segment in [*segments, last]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)
