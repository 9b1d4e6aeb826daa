"""What a session of requests says of its requests, and a call of the one request, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from .untyped import merge_cookies
from .untyped import merge_setting


def merged_headers(session: Mapping[str, Any], call: Mapping[str, Any] | None) -> Any:
    """The headers of both; a call can do without one of the session, by ``None``."""
    merged = CaseInsensitiveDict(session)
    merged.update(call or {})
    for name in [name for name, value in merged.items() if value is None]:
        del merged[name]
    return merged


def merged_params(session: Any, call: Any) -> Any:
    """The parameters of both."""
    if not session:
        return call
    return merge_setting(call, session)


def merged_cookies(session: Any, call: Any) -> RequestsCookieJar:
    """The cookies of both, in a jar of the request's own."""
    jar = RequestsCookieJar()
    for cookies in (session, call):
        if cookies:
            jar = merge_cookies(jar, cookies)
    return jar
