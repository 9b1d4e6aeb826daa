"""Pages of the blueprint, and URLs inside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from urllib.parse import unquote

from flask import current_app
from flask import render_template
from flask import request
from flask import url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from .mounted import this_blueprint
from .next_url import safe_next
from .texts import words_of_request

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
_FOR_ALL = {name: HEADERS[name] for name in ("Cache-Control", "Referrer-Policy")}
_IS_OURS = "_oauthclient_page"


def add_headers(response: Response) -> Response:
    """Keep an answer of the blueprint out of caches, frames and referrers."""
    if not request.endpoint or request.endpoint.endswith(".static"):
        return response
    for name, value in (HEADERS if hasattr(request, _IS_OURS) else _FOR_ALL).items():
        response.headers.setdefault(name, value)
    return response


def render(template: str, **values: Any) -> str:
    """A page, in the language of whoever reads it; the application may have its own template.

    :param template: its name, below ``oauthclient/``.
    :param values: what the template shows.
    """
    setattr(request, _IS_OURS, True)
    stylesheet = path_of("static", filename="oauthclient.css")
    words = words_of_request()
    return render_template(
        f"oauthclient/{template}", words=words, stylesheet=stylesheet, home_url=home(), **values
    )


def path_of(endpoint: str, **values: Any) -> str:
    """The path of a route of this blueprint, as the browser has to ask for it."""
    return url_for(f"{this_blueprint()}.{endpoint}", **values)


def url_of(endpoint: str, **values: Any) -> str:
    """A URL for the provider to send the browser to; ``OAUTHCLIENT_BASE_URL`` knows best."""
    base = current_app.config.get("OAUTHCLIENT_BASE_URL")
    if base:
        path = path_of(endpoint, **values).removeprefix(request.script_root)
        return str(base).rstrip("/") + path
    return url_for(f"{this_blueprint()}.{endpoint}", _external=True, **values)


def home() -> str:
    """The front page."""
    return f"{request.script_root}/"


def this_page() -> str:
    """The path of the current request as the browser asked for it, with its query."""
    if request.method in ("GET", "HEAD"):
        return safe_next(_path_of_request(), default=home())
    return _path_in(request.referrer or "")


def _path_of_request() -> str:
    """Path and query as they came. ``request.url`` takes ``%2520`` in a path for ``%20``."""
    environ = request.environ
    path = environ.get("SCRIPT_NAME", "").rstrip("/") + environ.get("PATH_INFO", "/")
    query = quote(request.query_string, safe="%!$&'()*+,/:;=?@")
    return quote(path.encode("latin-1"), safe="!$&'()*+,/:;=@") + (f"?{query}" if query else "")


def wanted_next() -> str:
    """The page that the visitor wants to see after this, which is none of the blueprint's own."""
    wanted = request.values.get("next")
    if not wanted:
        return home()
    target = safe_next(wanted, default=home())
    return home() if _is_ours(target) else target


def target_in_site(url: str | None) -> str:
    """The path in a link to this site, for a login that another site starts.

    :param url: an absolute URL of this site, or a path.
    """
    path = _path_in(url) if url and "://" in url else url
    target = safe_next(path, default=home())
    return home() if _is_ours(target) else target


def _path_in(url: str) -> str:
    """What follows the origin, if that is ours."""
    if url.startswith(request.host_url):
        return safe_next("/" + url.removeprefix(request.host_url), default=home())
    base = str(current_app.config.get("OAUTHCLIENT_BASE_URL") or "").rstrip("/") + "/"
    if base != "/" and url.startswith(base):
        return safe_next(home() + url.removeprefix(base), default=home())
    return home()


def _is_ours(target: str) -> bool:
    path = unquote(target.partition("?")[0].partition("#")[0]).removeprefix(request.script_root)
    adapter = current_app.create_url_adapter(request)
    try:
        endpoint, _ = adapter.match(path, method="GET") if adapter is not None else ("", {})
    except HTTPException:  # nothing there, or nothing to GET
        return False
    return str(endpoint).rpartition(".")[0] == request.blueprint
