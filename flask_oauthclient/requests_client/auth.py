"""A token as an ``auth`` object of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import cast

from requests import PreparedRequest
from requests.auth import AuthBase

from ..protocol.errors import InvalidTokenError
from ..protocol.oauth2.bearer import TokenAuth


class OAuth2Auth(TokenAuth, AuthBase):
    """Put a token into a request: ``requests.get(url, auth=OAuth2Auth(token))``.

    :param token: the token, a dict of the token response.
    :param token_placement: ``header``, ``body`` or ``uri``.
    :param client: session that refreshes the token when it has expired.
    :raises MissingTokenError: when applied without a token.
    :raises InvalidTokenError: when the token has expired and the client cannot refresh it.
    """

    insecure_http = False

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self.client is not None and self.token:
            self._ensure_active()
        sent = cast("Mapping[str, str]", request.headers)
        url, headers, body = self.prepare(
            request.url or "", sent, request.body, insecure_http=self.insecure_http
        )
        request.url = url
        request.headers.update(headers)
        if body is not request.body:
            request.prepare_body(body, None)
            request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return request

    def _ensure_active(self) -> None:
        if not self.client.ensure_active_token(self.token):
            raise InvalidTokenError
        if self.token.is_expired(getattr(self.client, "leeway", 60)):
            # This object is none that the client knows of: what was replaced is the client's token.
            self.token = self.client.token

    def for_token(self, token: Any) -> OAuth2Auth:
        """The same way for another token, bound to no client."""
        other = type(self).__new__(type(self))
        other.token = token
        other.token_placement = self.token_placement
        other.client = None
        other.hooks = self.hooks
        other.insecure_http = self.insecure_http
        return other
