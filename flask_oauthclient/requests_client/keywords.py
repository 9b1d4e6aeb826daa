"""The keywords of requests in calls that get a token."""

from __future__ import annotations

from ..sessions.calls import CallKeywords

CALL_KEYWORDS = CallKeywords(
    transport=("timeout", "proxies", "verify", "cert", "cookies", "hooks"),
    without_effect=("allow_redirects", "stream"),
    other_bodies=("files", "json"),
)
