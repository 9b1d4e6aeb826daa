"""OAuth 1.0a credentials as an ``auth`` object of requests."""

from __future__ import annotations

from typing import Any
from typing import cast

from requests import PreparedRequest
from requests.auth import AuthBase

from ..protocol.oauth1.client_auth import ClientAuth


class OAuth1Auth(ClientAuth, AuthBase):
    """Sign a request: ``requests.get(url, auth=OAuth1Auth(client_id, client_secret, ...))``.

    It takes what :class:`~flask_oauthclient.protocol.oauth1.ClientAuth` takes, and may be used
    for any number of requests: each is signed with a nonce of its own.
    """

    insecure_http = False

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        url, headers, body = self.prepare(
            request.method or "",
            request.url or "",
            cast("dict[str, str]", request.headers),
            request.body,
            insecure_http=self.insecure_http,
        )
        request.url = url
        request.headers.update(headers)
        if body is not request.body:
            request.body = body
            request.prepare_content_length(body)
        set_signer(request, self)
        return request


def set_signer(request: PreparedRequest, signer: OAuth1Auth | None) -> None:
    """Note on a request who signed it, for the case that it is redirected."""
    vars(request)["_oauth1_signer"] = signer


def signer_of(request: PreparedRequest) -> Any:
    """Who signed a request, or ``None``."""
    return getattr(request, "_oauth1_signer", None)
