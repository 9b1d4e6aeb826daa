"""A client's identity as an ``auth`` object of httpx2."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import httpx2

from ..protocol.errors import InvalidSettingError
from ..protocol.oauth1.placement import media_type
from ..protocol.oauth2.client_auth import ClientAuth
from ..protocol.oauth2.grants import check_token_endpoint
from ..sessions.calls import as_client_auth
from ..sessions.token_auth import FORM
from ..transport._run import Steps
from ..transport.httpx_auth import SigningAuth
from ..transport.httpx_auth import body_of
from ..transport.httpx_auth import with_parts

#: Headers that httpx2 makes of the URL and the body.
_MADE = frozenset({"host", "content-length"})


class OAuth2ClientAuth(ClientAuth, SigningAuth):
    """Prove who the client is: ``httpx2.post(url, data=..., auth=client.client_auth())``.

    The parameters are those of :class:`ClientAuth`.
    """

    #: Whether a credential may travel over http to a host that is not loopback.
    insecure_http = False

    def signing_steps(self, request: httpx2.Request) -> Steps[httpx2.Request]:
        """Add the credential to a request.

        :raises InsecureTransportError: if the URL is not https (RFC 6749 section 2.3.1).
        :raises InvalidSettingError: if the credential goes into the form, and there is none.
        """
        yield from ()
        url, form, sent = str(request.url), _form_of(request), dict(request.headers.items())
        check_token_endpoint(url, insecure_http=self.insecure_http)
        url, headers, body = self.prepare(request.method, url, sent, form or "")
        changed = {k: v for k, v in headers.items() if sent.get(k) != v}
        if body == (form or ""):
            return with_parts(request, url, changed, None)
        if form is None:
            raise InvalidSettingError(
                "invalid_configuration",
                "This client authenticates in the form; this request has another body.",
            )
        return with_parts(request, url, {**changed, "Content-Type": FORM}, body.encode())


def _form_of(request: httpx2.Request) -> str | None:
    """The form of a request, ``None`` if its body is something else."""
    body = body_of(request) or b""
    is_form = media_type(request.headers.get("Content-Type") or FORM) == FORM
    return body.decode("ascii") if is_form and isinstance(body, bytes) and body.isascii() else None


def as_auth_method(auth: httpx2.Auth) -> Callable[..., Any]:
    """Use an ``auth`` object of httpx2, as for a call of an API, to prove who the client is."""

    def sign(
        method: str, url: str, headers: Mapping[str, str], form: str
    ) -> tuple[str, Mapping[str, str], Any]:
        flow = auth.sync_auth_flow(httpx2.Request(method, url, headers=headers, content=form))
        signed = next(flow)
        flow.close()
        kept = {k: v for k, v in signed.headers.items() if k.lower() not in _MADE}
        return str(signed.url), kept, signed.content

    return as_client_auth(sign)
