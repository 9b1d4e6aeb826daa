"""Requests about a token: revocation (RFC 7009) and introspection (RFC 7662)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import MissingTokenError
from ..messages import Purpose
from ..messages import Request
from .client_auth import ClientAuth
from .grants import HEADERS
from .grants import authenticated_request
from .grants import check_token_endpoint
from .grants import form_body

#: The members of a token response that a hint may name (RFC 7009 section 2.1).
_TOKENS = ("access_token", "refresh_token")


def revocation_request(auth: ClientAuth, endpoint: str, token: str, **settings: Any) -> Request:
    """Ask the server to forget a token (RFC 7009 section 2.1).

    :param auth: who asks, and how that is proved.
    :param endpoint: URL of the revocation endpoint.
    :param token: an access or refresh token.
    :param settings: see :func:`introspection_request`.
    :raises InsecureTransportError: if the endpoint is not https.
    """
    return _request_about(Purpose.REVOCATION, auth, endpoint, token, **settings)


def introspection_request(auth: ClientAuth, endpoint: str, token: str, **settings: Any) -> Request:
    """Ask the server what a token stands for (RFC 7662 section 2.1).

    :param auth: who asks, and how that is proved.
    :param endpoint: URL of the introspection endpoint.
    :param token: an access or refresh token.
    :param settings: ``token_type_hint``, ``params`` (further parameters), ``headers`` (to add or
        replace) and ``insecure_http``.
    :raises InsecureTransportError: if the endpoint is not https.
    """
    return _request_about(Purpose.INTROSPECTION, auth, endpoint, token, **settings)


def _request_about(
    purpose: Purpose,
    auth: ClientAuth,
    endpoint: str,
    token: str,
    *,
    token_type_hint: str | None = None,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    insecure_http: bool = False,
) -> Request:
    check_token_endpoint(endpoint, insecure_http=insecure_http)
    body = form_body({**(params or {}), "token": token, "token_type_hint": token_type_hint})
    return authenticated_request(
        auth, purpose, "POST", endpoint, {**HEADERS, **(headers or {})}, body
    )


def token_to_name(token: Any, token_type_hint: str | None = None) -> str:
    """The token that a request is about: a refresh token ends the whole grant (RFC 7009 2.1).

    :param token: the token itself, or a token response.
    :param token_type_hint: which one of a response is meant, if it has that one.
    :raises MissingTokenError: if there is none.
    """
    if isinstance(token, Mapping):
        hinted = token.get(token_type_hint) if token_type_hint in _TOKENS else None
        token = hinted or token.get("refresh_token") or token.get("access_token")
    if not token:
        raise MissingTokenError
    return str(token)
