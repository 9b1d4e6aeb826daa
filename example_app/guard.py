"""What protects the pages of this app; the routes of signing in and out protect themselves."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask
from flask import abort
from flask import current_app
from flask import redirect
from flask import request
from werkzeug.wrappers import Response

#: Nothing from elsewhere, nothing inline, nothing framed. No form-action: browsers apply it to
#: redirects too, and the sign-out button ends at the provider.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def check_sender() -> None:
    """Refuse a form that another site has sent.

    SameSite=Lax is not enough here: a cookie knows no port, so every other server on 127.0.0.1
    counts as the same site and could post with our cookie. What Fetch Metadata says of the sender,
    no page can change.
    """
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site") != "same-origin":
        abort(400, "This form did not come from a page of this app. Go back and try again.")


def use_one_host() -> Response | None:
    """Send http://localhost:5000 to http://127.0.0.1:5000.

    They are two hosts to a browser, each with its own cookies. A login begun under one name
    cannot end under the other, and the provider knows only one as the redirect URI.
    """
    base = str(current_app.config.get("OAUTHCLIENT_BASE_URL") or request.host_url).rstrip("/")
    if urlsplit(base).netloc == request.host:
        return None
    if request.method not in ("GET", "HEAD"):
        abort(421, f"This app lives at {base}/.")
    return redirect(base + request.full_path.rstrip("?"))


def add_headers(response: Response) -> Response:
    """Nothing personal in a cache, no address in other sites' logs."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if not (request.endpoint or "").endswith("static"):
        response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Put the guards before and after every request of an app."""
    app.before_request(use_one_host)
    app.after_request(add_headers)
