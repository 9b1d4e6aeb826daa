"""A token as an ``auth`` object of requests."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from typing import Any
from typing import cast

from requests import PreparedRequest
from requests.auth import AuthBase

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import InvalidTokenError
from ..protocol.errors import MissingTokenError
from ..protocol.oauth2.bearer import TokenAuth

_FORM = "application/x-www-form-urlencoded"


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
        if self.client is not None:
            self._ensure_active()
        self._check_placement(request)
        sent = cast("Mapping[str, str]", request.headers)
        url, headers, body = self.prepare(
            request.url or "", sent, request.body, insecure_http=self.insecure_http
        )
        request.url = url
        note_headers(request, [name for name, value in headers.items() if sent.get(name) != value])
        request.headers.update(headers)
        if body is not request.body:
            request.prepare_body(body, None)
            request.headers["Content-Type"] = _FORM
        return request

    def _ensure_active(self) -> None:
        had = getattr(self.client, "had", None)
        if self.token and had is not None and not had(self.token):
            # Somebody else's: whatever the client has or gets is not meant for it.
            if self.token.is_expired(getattr(self.client, "leeway", 60)):
                raise InvalidTokenError
            return
        if not self.client.ensure_active_token(self.token):
            raise InvalidTokenError if self.token else MissingTokenError
        if not self.token or self.token.is_expired(getattr(self.client, "leeway", 60)):
            # This object is none that the client knows of: what was replaced is the client's token.
            self.token = self.client.token

    def _check_placement(self, request: PreparedRequest) -> None:
        # RFC 6750 section 2.2: the body is a form, and of one part.
        content_type = request.headers.get("Content-Type") or _FORM
        is_form = content_type.startswith(_FORM) and isinstance(request.body or "", str | bytes)
        if self.token_placement == "body" and not is_form:  # noqa: S105
            raise InvalidSettingError(
                "invalid_configuration",
                "With token_placement='body' a request has a form for its body, and nothing else.",
            )

    def for_token(self, token: Any) -> OAuth2Auth:
        """The same way for another token, bound to no client."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.token = token
        other.client = None
        return other


def note_headers(request: PreparedRequest, names: Collection[str]) -> None:
    """Note which headers carry a credential, for the case that the request is redirected."""
    vars(request)["_token_headers"] = names


def noted_headers(request: PreparedRequest) -> Collection[str]:
    """The headers of a request that carry a credential."""
    names: Collection[str] = getattr(request, "_token_headers", ())
    return names


def without_token(url: str, before: str) -> str:
    """A redirect's URL without the token that the URL before it carried."""
    base, mark, query = url.partition("?")
    query, hash_mark, fragment = query.partition("#")
    sent = set(before.partition("#")[0].partition("?")[2].split("&"))
    kept = "&".join(
        piece
        for piece in query.split("&")
        if not (piece.startswith("access_token=") and piece in sent)
    )
    return f"{base}{mark if kept else ''}{kept}{hash_mark}{fragment}"
