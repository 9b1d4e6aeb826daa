"""A cookie jar that minds ``SameSite`` as browsers do.

That matters to a client: the POST of ``response_mode=form_post`` comes from another site, so no
``Lax`` cookie arrives with it.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from http.cookiejar import Cookie
from http.cookiejar import CookieJar
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import requests.cookies
from requests.cookies import RequestsCookieJar

# Two functions of requests that do not say their types.
_extract = t.cast(
    "Callable[[CookieJar, requests.PreparedRequest, t.Any], None]",
    t.cast("t.Any", requests.cookies).extract_cookies_to_jar,
)
_header = t.cast(
    "Callable[[CookieJar, requests.PreparedRequest], str | None]",
    t.cast("t.Any", requests.cookies).get_cookie_header,
)
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class SameSitePolicy(DefaultCookiePolicy):
    """Decides which cookies go with a request."""

    def __init__(self) -> None:
        super().__init__()
        self._same_site = True
        self._safe = True

    def begin(self, method: str, url: str, initiator: str | None) -> None:
        """Say which request is next.

        :param method: Its method.
        :param url: Where it goes.
        :param initiator: The page that it comes from; ``None`` if it was typed in.
        """
        self._same_site = initiator is None or site_of(initiator) == site_of(url)
        self._safe = method in _SAFE_METHODS

    # The base class has no annotations; its request is urllib's or requests' imitation of it.
    def return_ok(self, cookie: Cookie, request: t.Any) -> bool:
        """Tell whether a cookie is sent.

        :param cookie: The cookie.
        :param request: The request.
        :returns: Whether it is.
        """
        return super().return_ok(cookie, request) and self._is_sent(cookie)

    def _is_sent(self, cookie: Cookie) -> bool:
        same_site = (_same_site_of(cookie) or "lax").lower()
        if same_site == "none" or self._same_site:
            return True
        # Lax, which is also the default: a navigation by a safe method.
        return same_site != "strict" and self._safe


class CookieStore:
    """The cookies of one browser."""

    def __init__(self) -> None:
        self._policy = SameSitePolicy()
        self.jar = RequestsCookieJar(policy=self._policy)

    def attach(self, request: requests.PreparedRequest, initiator: str | None) -> None:
        """Put the right cookies on a request.

        :param request: The request.
        :param initiator: The page that it comes from; ``None`` if it was typed in.
        """
        self._policy.begin(request.method or "GET", request.url or "", initiator)
        header = _header(self.jar, request)
        if header is not None:
            request.headers["Cookie"] = header

    def keep(self, response: requests.Response) -> None:
        """Take the cookies of a response.

        :param response: The response.
        """
        _extract(self.jar, response.request, response.raw)


def _same_site_of(cookie: Cookie) -> str | None:
    # The name is kept as the server spelled it.
    for name in ("SameSite", "samesite", "Samesite"):
        if cookie.has_nonstandard_attr(name):
            return cookie.get_nonstandard_attr(name)
    return None


def site_of(url: str) -> tuple[str, str]:
    """Tell which site a URL belongs to. Ports make no difference, addresses are sites themselves.

    :param url: The URL.
    :returns: Its scheme and its registrable domain, taken to be the last two labels.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_address = ":" in host or host.replace(".", "").isdecimal()
    return parts.scheme, host if is_address else ".".join(host.split(".")[-2:])
