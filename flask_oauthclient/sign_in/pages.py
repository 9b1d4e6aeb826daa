"""What every page is sent with, and where people may be sent from here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from urllib.parse import unquote

from .next_url import safe_next

if TYPE_CHECKING:
    from .site import Site

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # No form-action: browsers apply it to redirects too, and sign-in ends at the provider.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}

#: For what the application answers, too. Its pages have styles and scripts of their own.
HEADERS_FOR_ALL: Mapping[str, str] = {
    name: HEADERS[name] for name in ("Cache-Control", "Referrer-Policy")
}

#: Where the stylesheet of the pages lies.
STATIC = Path(__file__).parent / "static"
STYLESHEET = "oauthclient.css"


def url_of(site: Site, endpoint: str, **values: str) -> str:
    """A URL for the provider to send the browser to; ``OAUTHCLIENT_BASE_URL`` knows best."""
    if site.base_url:
        path = site.path_of(endpoint, **values).removeprefix(site.root)
        return site.base_url.rstrip("/") + path
    return site.absolute_url_of(endpoint, **values)


def home(site: Site) -> str:
    """The front page."""
    return f"{site.root}/"


def path_and_query(path: bytes, query: bytes) -> str:
    """A path and query as the browser has asked for them, of what a WSGI server has decoded.

    The URLs that frameworks put together take ``%2520`` in a path for ``%20``.
    """
    asked = quote(query, safe="%!$&'()*+,/:;=?@")
    return quote(path, safe="!$&'()*+,/:;=@") + (f"?{asked}" if asked else "")


def this_page(site: Site) -> str:
    """The path of the current request as the browser asked for it, with its query."""
    if site.method in ("GET", "HEAD"):
        return safe_next(site.here, default=home(site))
    return _path_in(site, site.headers.get("Referer") or "")


def value(site: Site, name: str) -> str | None:
    """What the visitor says, in the query or, after that, in the posted form."""
    found = site.query(name) or (site.form(name) if site.method == "POST" else [])
    return found[0] if found else None


def wanted_next(site: Site) -> str:
    """The page that the visitor wants to see after this, which is none of our own."""
    wanted = value(site, "next")
    if not wanted:
        return home(site)
    return _never_ours(site, safe_next(wanted, default=home(site)))


def target_in_site(site: Site, url: str | None) -> str:
    """The path in a link to this site, for a login that another site starts.

    :param site: the visit.
    :param url: an absolute URL of this site, or a path.
    """
    path = _path_in(site, url) if url and "://" in url else url
    return _never_ours(site, safe_next(path, default=home(site)))


def _path_in(site: Site, url: str) -> str:
    """What follows the origin, if that is ours."""
    if url.startswith(site.host_url):
        return safe_next("/" + url.removeprefix(site.host_url), default=home(site))
    base = site.base_url.rstrip("/") + "/"
    if base != "/" and url.startswith(base):
        return safe_next(home(site) + url.removeprefix(base), default=home(site))
    return home(site)


def _never_ours(site: Site, target: str) -> str:
    path = unquote(target.partition("?")[0].partition("#")[0]).removeprefix(site.root)
    return home(site) if site.is_own_path(path) else target
