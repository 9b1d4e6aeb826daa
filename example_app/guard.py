"""What protects every page: one host name, a CSRF token on forms, strict headers."""

from __future__ import annotations

import hmac
import secrets

from flask import Flask
from flask import abort
from flask import current_app
from flask import redirect
from flask import request
from flask import session
from werkzeug.wrappers import Response

from .identity import current_sign_in

_FIELD = "csrf"


def csrf_token() -> str:
    """The token that every form of this session carries."""
    token = session.get(_FIELD)
    if not isinstance(token, str):
        token = session[_FIELD] = secrets.token_urlsafe(24)
    return token


def check_csrf() -> None:
    """Refuse a POST that did not come from a form of ours.

    SameSite=Lax is not enough here: a cookie knows no port, so every other server on
    127.0.0.1 counts as the same site and could post with our cookie. It cannot read our pages,
    though, and so does not know the token in the form.
    """
    if request.method != "POST":
        return
    known, given = session.get(_FIELD, ""), request.form.get(_FIELD, "")
    if not known or not hmac.compare_digest(str(known).encode(), given.encode()):
        abort(400, "This form is out of date. Go back, reload the page and try again.")


def use_canonical_host() -> Response | None:
    """Send http://localhost:5000 to http://127.0.0.1:5000.

    They are two hosts to a browser, each with its own cookies. A login begun under one name
    cannot end under the other, and the provider knows only one as the redirect URI.
    """
    canonical = current_app.config["CANONICAL_HOST"]
    if not canonical or request.host == canonical:
        return None
    if request.method not in ("GET", "HEAD"):
        abort(421, f"This app lives at http://{canonical}/.")
    return redirect(f"http://{canonical}{request.full_path.rstrip('?')}")


def add_headers(response: Response) -> Response:
    """Nothing from elsewhere, nothing inline, nothing framed, nothing personal in a cache."""
    # Chromium applies form-action to redirects too, and sign-out is a form that ends at the
    # provider: its origin has to be allowed.
    sign_in = current_sign_in()
    provider = f" {sign_in.sign_out_origin}" if sign_in and sign_in.sign_out_origin else ""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self'{provider}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # The callback's URL holds a code: it must not travel on as a referrer.
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Put the guards before and after every request of an app."""
    app.before_request(use_canonical_host)
    app.before_request(check_csrf)
    app.after_request(add_headers)
    app.add_template_global(csrf_token)
