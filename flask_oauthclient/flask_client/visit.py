"""Where a request comes from, and whether anybody has asked for it (Fetch Metadata)."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

#: How browsers say that nobody has clicked yet; the last three are older than the first.
_PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def is_prefetch() -> bool:
    """Whether a browser only prepares for a visit that may never come."""
    said = " ".join(request.headers.get(name, "") for name in _PURPOSES).lower()
    return "prefetch" in said or "preview" in said


def is_ours() -> bool:
    """Whether a visit was started by a page of this origin, or by the person alone.

    A link, form or image of another site may not do what a person does here: it could sign
    people in as somebody else. Browsers that do not say where a visit comes from are judged by
    ``Origin`` and ``Referer``.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    sender = request.headers.get("Origin") or request.headers.get("Referer")
    return sender is None or urlsplit(sender).netloc == request.host


def is_for_a_script() -> bool:
    """Whether the answer goes to a script, which can do nothing with a page to sign in at."""
    mode, accept = request.headers.get("Sec-Fetch-Mode"), request.accept_mimetypes
    if mode is not None and mode != "navigate":
        return True
    if request.headers.get("X-Requested-With") == "XMLHttpRequest" or request.is_json:
        return True
    return accept.best_match(["text/html", "application/json"]) == "application/json"
