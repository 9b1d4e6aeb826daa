"""A client's identity as an ``auth`` object of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from requests import PreparedRequest
from requests.auth import AuthBase

from ..protocol.errors import InvalidSettingError
from ..protocol.oauth2.client_auth import ClientAuth
from ..protocol.oauth2.grants import check_token_endpoint

_FORM = "application/x-www-form-urlencoded"


class RequestsClientAuth(ClientAuth, AuthBase):
    """Prove who the client is: ``requests.post(url, data=..., auth=session.client_auth())``.

    The parameters are those of :class:`ClientAuth`.
    """

    #: Whether a credential may travel over http to a host that is not loopback.
    insecure_http = False

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the credential to a request.

        :raises InsecureTransportError: if the URL is not https (RFC 6749 section 2.3.1).
        :raises InvalidSettingError: if the credential goes into the form, and there is none.
        """
        url, form = request.url or "", _form_of(request)
        check_token_endpoint(url, insecure_http=self.insecure_http)
        sent = cast("Mapping[str, str]", request.headers)
        request.url, headers, body = self.prepare(request.method or "POST", url, sent, form or "")
        request.headers.update(headers)
        if body != (form or ""):
            _write_form(request, form, body)
        return request


def _form_of(request: PreparedRequest) -> str | None:
    """The form of a request, ``None`` if its body is something else."""
    body = request.body or ""
    content_type = request.headers.get("Content-Type") or _FORM
    is_form = content_type.startswith(_FORM) and isinstance(body, str | bytes) and body.isascii()
    if not is_form:
        return None
    return body.decode("ascii") if isinstance(body, bytes) else body


def _write_form(request: PreparedRequest, before: str | None, form: str) -> None:
    if before is None:
        raise InvalidSettingError(
            "invalid_configuration",
            "This client authenticates in the form; this request has another body.",
        )
    request.prepare_body(form, None)
    request.headers["Content-Type"] = _FORM
