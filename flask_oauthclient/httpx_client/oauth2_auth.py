"""A token as an ``auth`` object of httpx2."""

from __future__ import annotations

import httpx2

from ..protocol.errors import InsecureTransportError
from ..protocol.oauth2.bearer import authorization
from ..protocol.urls import check_secure
from ..sessions.token_auth import FORM
from ..sessions.token_auth import SessionTokenAuth
from ..sessions.token_auth import without_token
from ..transport._run import Steps
from ..transport.httpx_auth import SigningAuth
from ..transport.httpx_auth import body_of
from ..transport.httpx_auth import is_secure
from ..transport.httpx_auth import leaves_origin
from ..transport.httpx_auth import with_parts

#: Where a request notes which of its headers carry a credential, in case it is redirected.
_HEADERS = "oauthclient_headers"


class OAuth2Auth(SessionTokenAuth, SigningAuth):
    """Put a token into a request: ``httpx2.get(url, auth=OAuth2Auth(token))``.

    :param token: the token, a dict of the token response.
    :param token_placement: ``header``, ``body`` or ``uri``.
    :param client: client that refreshes the token when it has expired.
    :raises MissingTokenError: when applied without a token.
    :raises InvalidTokenError: when the token has expired and the client cannot refresh it.
    """

    def signing_steps(self, request: httpx2.Request) -> Steps[httpx2.Request]:
        """Put the token into a request."""
        if self.client is not None:
            yield from self.fresh_steps()
        if self.only_adds_header:
            return self._with_header(request)
        body, before = body_of(request), dict(request.headers.items())
        self.check_placement(request.headers, body)
        url, headers, changed = yield from self.prepare_steps(str(request.url), before, body)
        set_here = {k: v for k, v in headers.items() if before.get(k) != v}
        if changed is not body:
            set_here["Content-Type"] = FORM
        signed = with_parts(request, url, set_here, changed)
        signed.extensions[_HEADERS] = tuple(set_here)
        return signed

    def _with_header(self, request: httpx2.Request) -> httpx2.Request:
        token = self.access_token()
        if not is_secure(request.url):
            check_secure(str(request.url), insecure_http=self.insecure_http)
        request.headers["Authorization"] = authorization(token)
        request.extensions[_HEADERS] = ("Authorization",)
        return request

    def redirected_steps(
        self, request: httpx2.Request, before: httpx2.Request
    ) -> Steps[httpx2.Request]:
        """Leave the token behind when a redirect leaves the origin.

        :raises InsecureTransportError: if it stands in the body, which goes along.
        """
        request = yield from super().redirected_steps(request, before)
        if not leaves_origin(before.url, request.url):
            return request
        for name in before.extensions.get(_HEADERS, ()):
            request.headers.pop(name, None)
        if self.token_placement == "body" and body_of(request) is not None:  # noqa: S105
            raise InsecureTransportError("token_origin")
        url = without_token(str(request.url), str(before.url))
        return with_parts(request, url, {}, None)
