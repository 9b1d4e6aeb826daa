"""OAuth 1.0a credentials as an ``auth`` object of httpx2."""

from __future__ import annotations

from collections.abc import Iterable

import httpx2

from ..protocol.errors import InsecureTransportError
from ..protocol.oauth1.client_auth import ClientAuth
from ..protocol.oauth1.placement import media_type
from ..sessions.oauth1 import signed_form
from ..sessions.oauth1 import url_without_signature
from ..sessions.oauth1 import without_protocol_params
from ..transport._run import Steps
from ..transport.httpx_auth import SigningAuth
from ..transport.httpx_auth import body_of
from ..transport.httpx_auth import leaves_origin
from ..transport.httpx_auth import with_parts

#: Where a request notes that it carries our signature, in case it is redirected.
_IS_SIGNED = "oauthclient_is_signed"


class OAuth1Auth(ClientAuth, SigningAuth):
    """Sign a request: ``httpx2.get(url, auth=OAuth1Auth(client_id, client_secret, ...))``.

    It takes what :class:`~flask_oauthclient.protocol.oauth1.ClientAuth` takes, and may be used
    for any number of requests: each is signed with a nonce of its own.
    """

    #: Whether signatures may travel over http to a host that is not loopback.
    insecure_http = False

    def signing_steps(self, request: httpx2.Request) -> Steps[httpx2.Request]:
        """Sign a request; its body stays as it is, but for a form that carries the signature."""
        yield from ()
        if self.force_include_body and _is_upload(request):
            request.read()  # as requests does; its fields and files are at hand
        body, sent = body_of(request), dict(request.headers.items())
        url, headers, changed = self.prepare(
            request.method, str(request.url), sent, body, insecure_http=self.insecure_http
        )
        set_here = {k: v for k, v in headers.items() if sent.get(k) != v}
        octets = changed.encode() if isinstance(changed, str) else changed
        signed = with_parts(request, url, set_here, octets)
        signed.extensions = {**signed.extensions, _IS_SIGNED: True}
        return signed

    def redirected_steps(
        self, request: httpx2.Request, before: httpx2.Request
    ) -> Steps[httpx2.Request]:
        """Sign a redirected request anew if it stays at its origin, else not at all.

        A signature holds for one URL, and a nonce for one request (RFC 5849 section 3.3).

        :raises InsecureTransportError: if the credentials stand in a body that would go along.
        """
        request = yield from super().redirected_steps(request, before)
        if not before.extensions.get(_IS_SIGNED):  # it has left our origin on an earlier hop
            return request
        request.headers.pop("Authorization", None)
        body = body_of(request)
        form = signed_form(request.headers.get("Content-Type"), body)
        is_leaving = leaves_origin(before.url, request.url)
        if is_leaving and form is not None:
            raise InsecureTransportError("token_origin")
        octets = None if form is None else without_protocol_params(form).encode("latin-1")
        clean = with_parts(request, url_without_signature(str(request.url)), {}, octets)
        clean.extensions = {**clean.extensions, _IS_SIGNED: False}
        return clean if is_leaving else (yield from self.signing_steps(clean))


def _is_upload(request: httpx2.Request) -> bool:
    kind = media_type(request.headers.get("Content-Type"))
    return kind == "multipart/form-data" and isinstance(request.stream, Iterable)
