"""The keywords of httpx2 in calls that get a token."""

from __future__ import annotations

from ..sessions.calls import CallKeywords

CALL_KEYWORDS = CallKeywords(
    transport=("timeout", "extensions"),
    without_effect=("follow_redirects", "allow_redirects", "stream"),
    other_bodies=("files", "json", "content"),
    of_the_session=("verify", "cert", "proxy", "proxies", "cookies", "event_hooks", "hooks"),
)
