"""A token as an ``auth`` object of requests."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from typing import cast

from requests import PreparedRequest
from requests.auth import AuthBase

from ..sessions.token_auth import FORM
from ..sessions.token_auth import SessionTokenAuth
from ..transport._run import run_steps


class OAuth2Auth(SessionTokenAuth, AuthBase):
    """Put a token into a request: ``requests.get(url, auth=OAuth2Auth(token))``.

    :param token: the token, a dict of the token response.
    :param token_placement: ``header``, ``body`` or ``uri``.
    :param client: session that refreshes the token when it has expired.
    :raises MissingTokenError: when applied without a token.
    :raises InvalidTokenError: when the token has expired and the client cannot refresh it.
    """

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Put the token into a request."""
        run_steps(self.fresh_steps())
        sent = cast("Mapping[str, str]", request.headers)
        self.check_placement(sent, request.body)
        url, headers, body = run_steps(self.prepare_steps(request.url or "", sent, request.body))
        request.url = url
        note_headers(request, [name for name, value in headers.items() if sent.get(name) != value])
        request.headers.update(headers)
        if body is not request.body:
            request.prepare_body(body, None)
            request.headers["Content-Type"] = FORM
        return request


def note_headers(request: PreparedRequest, names: Collection[str]) -> None:
    """Note which headers carry a credential, for the case that the request is redirected."""
    vars(request)["_token_headers"] = names


def noted_headers(request: PreparedRequest) -> Collection[str]:
    """The headers of a request that carry a credential."""
    names: Collection[str] = getattr(request, "_token_headers", ())
    return names
