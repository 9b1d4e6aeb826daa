"""The provider's own cookies."""

from __future__ import annotations

import hashlib
import typing as t
from urllib.parse import urlsplit

from .answer import HeaderList
from .call import Call
from .sessions import PAGE_LIFETIME


class CookieNames(t.NamedTuple):
    """The names of an issuer's cookies, and where they go."""

    session: str
    page: str
    path: str
    attributes: str

    @classmethod
    def of(cls, issuer: str) -> CookieNames:
        """Name the cookies of an issuer.

        :param issuer: The issuer.
        :returns: Names that no other issuer on the same host has: cookies don't know about ports.
        """
        prefix = f"devprovider_{hashlib.sha256(issuer.encode()).hexdigest()[:8]}"
        secure = "; Secure" if issuer.startswith("https:") else ""
        path = urlsplit(issuer).path.rstrip("/")
        return cls(prefix, f"{prefix}_page", path, f"HttpOnly; SameSite=Lax{secure}")

    def for_session(self, key: str) -> HeaderList:
        """Carry a session to the browser.

        :param key: The session's key.
        :returns: One ``Set-Cookie`` header.
        """
        return _header(f"{self.session}={key}; Path={self.path or '/'}; {self.attributes}")

    def without_session(self) -> HeaderList:
        """Take the session from the browser.

        :returns: One ``Set-Cookie`` header.
        """
        return _header(f"{self.session}=; Path={self.path or '/'}; {self.attributes}; Max-Age=0")

    def for_page(self, key: str, path: str) -> HeaderList:
        """Carry an open page's key to the browser.

        :param key: The page's key.
        :param path: The page's path below the issuer.
        :returns: One ``Set-Cookie`` header.
        """
        where = f"Path={self.path}{path}; Max-Age={PAGE_LIFETIME}"
        return _header(f"{self.page}={key}; {where}; {self.attributes}")


def _header(value: str) -> HeaderList:
    return (("Set-Cookie", value),)


def read_cookie(call: Call, name: str) -> str | None:
    """Read a cookie of a request.

    :param call: The request.
    :param name: The cookie's name.
    :returns: The first value of that name: that of the longest path (RFC 6265 5.4).
    """
    for pair in call.headers.get("Cookie", "").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            return value
    return None
