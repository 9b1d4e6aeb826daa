"""Failures outside of signing in end on a page that says what happened and what to do."""

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


def oauth_error(error: OAuthError) -> tuple[str, int]:
    """Explain a refresh that failed, or an answer that cannot be used.

    A token that is gone, or worth nothing any more, does not come here: the blueprint sends the
    person to sign in again.
    """
    # str(error) is safe to log: the library keeps the provider's text and all secrets out of it.
    current_app.logger.warning("%s %s: %s", request.method, request.path, error)
    page = render_template(
        "error.html",
        title="That did not work",
        text=error.description,
        code=error.error,
        retry=_page(),
    )
    return page, error.http_status


def _page() -> str:
    """The page that this is about: that of the form, for a form."""
    return request.path if request.method == "GET" else url_for("pages.session")


def api_error(error: RequestException) -> tuple[str, int]:
    """Explain an API call that got no answer: these errors are those of requests."""
    # The text of such an error may quote the URL, so only its class is logged.
    current_app.logger.warning("%s %s: %s", request.method, request.path, type(error).__name__)
    page = render_template(
        "error.html",
        title="The API does not answer",
        text="The provider could not be reached, or took too long. Try again in a moment.",
        code=type(error).__name__,
        retry=_page(),
    )
    return page, 502


def http_error(error: HTTPException) -> Response:
    """Explain a wrong address, a form of others, a fault of ours."""
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


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_error_handler(OAuthError, oauth_error)
    app.register_error_handler(RequestException, api_error)
    app.register_error_handler(HTTPException, http_error)
