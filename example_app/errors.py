"""Every failure ends on a page that says what happened and what to do."""

from __future__ import annotations

from flask import Flask
from flask import current_app
from flask import render_template
from flask import request
from flask import url_for
from requests import RequestException
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from flask_oauthclient import OAuthError

from .identity import PAGES

#: Headings for the codes a person is most likely to meet. The rest is "did not work".
_TITLES = {
    "access_denied": "Sign-in was cancelled",
    "state_used": "This sign-in is already done",
    "state_expired": "That took too long",
    "state_lost": "Your browser kept no cookie",
    "state_foreign": "Begun in another browser",
    "mismatching_state": "This sign-in did not begin here",
    "missing_state": "This sign-in did not begin here",
    "provider_unreachable": "The provider does not answer",
    "provider_timeout": "The provider does not answer",
    "missing_token": "Please sign in again",
    "token_invalid": "Please sign in again",
    "token_expired": "Please sign in again",
    "invalid_grant": "Please sign in again",
}

#: The library speaks to the developer, and has no text for the provider's own codes.
_TEXTS = {
    "access_denied": "You, or the provider, stopped before the end. Nothing was shared with this "
    "app, and you are not signed in.",
    "invalid_grant": "The provider no longer accepts what this app holds for you: it was used "
    "before, was revoked, or has run out.",
    "state_lost": "The cookie that marks your sign-in did not come back. Allow cookies for this "
    "address, then try again.",
    "mismatching_state": "The answer that arrived belongs to no sign-in that this app knows of. "
    "Nothing has happened.",
    "missing_state": "This page is for the provider to send you back to. Start at the button.",
    "state_used": "This address works once. If you are not signed in, try again.",
}


def oauth_error(error: OAuthError) -> tuple[str, int]:
    """Explain a failed sign-in or API call."""
    # str(error) is safe to log: the library keeps the provider's text and all secrets out of it.
    current_app.logger.warning("%s %s: %s", request.method, request.path, error)
    page = render_template(
        "error.html",
        title=_TITLES.get(error.error, "That did not work"),
        text=_TEXTS.get(error.error) or error.description,
        code=error.error,
        retry=url_for("auth.login", next=_page_name()),
    )
    return page, error.http_status


def api_error(error: RequestException) -> tuple[str, int]:
    """Explain an API call that got no answer: these errors are those of requests."""
    # The text of such an error may quote the URL, so only its class is logged.
    current_app.logger.warning("%s %s: %s", request.method, request.path, type(error).__name__)
    page = render_template(
        "error.html",
        title="The API does not answer",
        text="The provider could not be reached, or took too long. Try again in a moment.",
        code=type(error).__name__,
        retry=request.path,
    )
    return page, 502


def http_error(error: HTTPException) -> Response:
    """Explain a wrong address, a stale form, a fault of ours."""
    response = Response.force_type(error.get_response())  # with its own headers, such as Allow
    response.mimetype = "text/html"
    response.set_data(
        render_template(
            "error.html",
            title=error.name,
            text=error.description,
            code=str(response.status_code),
            retry=None,
        )
    )
    return response


def _page_name() -> str | None:
    return next((name for name, page in PAGES.items() if page == request.endpoint), None)


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_error_handler(OAuthError, oauth_error)
    app.register_error_handler(RequestException, api_error)
    app.register_error_handler(HTTPException, http_error)
