"""Cookies of pending logins, from where they are made to the response that sets them.

Django has no place where a response can be added to from afar, but for a middleware, which a
project may do without. So what is to be set is noted on the request: a redirect to a provider sets
it itself, and so do the views of :meth:`OAuth.urls`. The view of a project's own that completes a
login may call :func:`apply_cookies`; if neither that nor the middleware is there, the cookie of the
login is left alone until it expires.
"""

from __future__ import annotations

from typing import NamedTuple
from typing import TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_NOTED = "_oauthclient_cookies"

Response = TypeVar("Response", bound=HttpResponseBase)


class Cookie(NamedTuple):
    """A cookie of this host; no script sees it, and no other site sends it by a form."""

    name: str
    value: str
    #: How long to keep it; none removes it.
    seconds: int
    secure: bool


def note_cookie(request: HttpRequest, cookie: Cookie) -> None:
    """Note a cookie that the response to a request has to set."""
    noted: dict[str, Cookie] = request.__dict__.setdefault(_NOTED, {})
    noted[cookie.name] = cookie


def apply_cookies(request: HttpRequest, response: Response) -> Response:
    """Let a response set the cookies that were noted, once.

    :param request: the request that it answers.
    :param response: the response.
    :returns: the response.
    """
    noted: dict[str, Cookie] = request.__dict__.pop(_NOTED, {})
    for cookie in noted.values():
        response.set_cookie(
            cookie.name,
            cookie.value,
            max_age=cookie.seconds,
            secure=cookie.secure,
            httponly=True,
            samesite="Lax",
        )
    return response
