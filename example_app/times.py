"""Moments and spans in words. All of them are UTC: the server does not know your clock."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime


def moment(timestamp: float | None) -> str:
    """A point in time, like ``24 Nov 2025, 14:05:09 UTC``."""
    if timestamp is None:
        return "not stated"
    try:
        when = datetime.fromtimestamp(timestamp, UTC)
    except (ValueError, OverflowError, OSError):
        return str(timestamp)
    return f"{when.day} {when:%b %Y, %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """A length of time with its two largest units, like ``59 min 40 s``."""
    whole = max(0, round(seconds))
    units = (("d", whole // 86400), ("h", whole // 3600 % 24), ("min", whole // 60 % 60))
    parts = [f"{n} {unit}" for unit, n in (*units, ("s", whole % 60)) if n]
    return " ".join(parts[:2]) or "0 s"


def ago(seconds: float) -> str:
    """How long ago something was, like ``2 min 5 s ago``."""
    return "just now" if seconds < 5 else f"{span(seconds)} ago"
