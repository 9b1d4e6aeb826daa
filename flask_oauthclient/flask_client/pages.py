"""Pages of the blueprint, and URLs inside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app
from flask import render_template
from flask import request
from flask import url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from .mounted import this_blueprint
from .safe_next import safe_next
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


def add_headers(response: Response) -> Response:
    """Keep an answer of the blueprint out of caches, frames and referrers."""
    if request.endpoint and not request.endpoint.endswith(".static"):
        has_its_own = "Content-Security-Policy" in response.headers  # and says who may frame it
        for name, value in HEADERS.items():
            if name != "X-Frame-Options" or not has_its_own:
                response.headers.setdefault(name, value)
    return response


def render(template: str, **values: Any) -> str:
    """A page, in the language of whoever reads it; the application may have its own template.

    :param template: its name, below ``oauthclient/``.
    :param values: what the template shows.
    """
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
        return _path_in(request.url)
    return _path_in(request.referrer or "")


def wanted_next() -> str:
    """The page that the visitor wants to see after this, which is none of the blueprint's own."""
    target = safe_next(request.values.get("next"), default=home())
    return home() if _is_ours(target) else target


def target_in_site(url: str | None) -> str:
    """The path in a link to this site, for a login that another site starts.

    :param url: an absolute URL of this site, or a path.
    """
    path = _path_in(url) if url and "://" in url else url
    return safe_next(path, default=home())


def _path_in(url: str) -> str:
    """What follows the origin, if that is ours."""
    for origin in (request.host_url, f"{current_app.config.get('OAUTHCLIENT_BASE_URL')}/"):
        if url.startswith(origin):
            return safe_next("/" + url.removeprefix(origin), default=home())
    return home()


def _is_ours(target: str) -> bool:
    path = target.partition("?")[0].partition("#")[0].removeprefix(request.script_root)
    adapter = current_app.create_url_adapter(request)
    try:
        endpoint, _ = adapter.match(path, method="GET") if adapter is not None else ("", {})
    except HTTPException:  # nothing there, or nothing to GET
        return False
    return str(endpoint).rpartition(".")[0] == request.blueprint
