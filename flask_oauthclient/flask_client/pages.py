"""Headers of the answers that the blueprint gives."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from ..sign_in.pages import HEADERS_FOR_ALL


def add_headers(response: Response) -> Response:
    """Keep an answer of the blueprint out of caches and referrers; a page has its own headers."""
    if not request.endpoint or request.endpoint.endswith(".static"):
        return response
    for name, value in HEADERS_FOR_ALL.items():
        response.headers.setdefault(name, value)
    return response
