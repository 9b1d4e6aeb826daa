"""Token requests for each grant (RFC 6749 sections 4.1.3, 4.4.2, 6) and their exchanges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlencode

from ..errors import InvalidSettingError
from ..masked import MaskedTuple
from ..messages import Exchange
from ..messages import Purpose
from ..messages import Request
from ..urls import add_query
from ..urls import check_secure
from ..warn import warn_caller
from .authorization import scope_to_string
from .client_auth import ClientAuth
from .token import OAuth2Token
from .token import parse_token_response

#: Headers of every request to the token endpoint and its kin.
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
}

_CLIENT_SECRET = re.compile(r"(?:^|&)client_secret=")


def form_body(params: Mapping[str, Any]) -> str:
    """Encode form parameters; empty ones are left out, lists are repeated."""
    filled = {name: value for name, value in params.items() if value not in (None, "", [], ())}
    if "scope" in filled:
        filled["scope"] = scope_to_string(filled["scope"])
    return urlencode(filled, doseq=True, errors="replace")


def token_request(
    auth: ClientAuth,
    endpoint: str,
    grant_type: str,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    insecure_http: bool = False,
    **params: Any,
) -> Request:
    """Build a token request.

    :param auth: who asks, and how that is proved.
    :param endpoint: URL of the token endpoint.
    :param grant_type: the grant's registered name.
    :param method: ``POST``; ``GET`` puts the parameters into the query, for servers outside the
        RFC, and warns.
    :param headers: headers to add or replace.
    :param insecure_http: allow http to a host that is not loopback.
    :param params: parameters of the grant.
    :raises InsecureTransportError: if the endpoint is not https (RFC 6749 section 3.2).
    :raises InvalidSettingError: if the client's secret would go into the query.
    """
    check_token_endpoint(endpoint, insecure_http=insecure_http)
    if method.upper() == "GET":
        warn_caller(
            "GET puts the parameters of a token request into the URL, where they are logged; use "
            "POST if the server allows it (RFC 6749 section 3.2)",
        )
    body = form_body({"grant_type": grant_type, **params})
    return authenticated_request(
        auth, Purpose.TOKEN, method, endpoint, {**HEADERS, **(headers or {})}, body
    )


def authenticated_request(
    auth: ClientAuth,
    purpose: Purpose,
    method: str,
    endpoint: str,
    headers: Mapping[str, str],
    body: str,
) -> Request:
    """Put a form and the client's credential into one request."""
    url, sent_headers, sent_body = auth.prepare(method, endpoint, headers, body)
    if method.upper() == "GET":
        _check_no_secret(sent_body)
        sent_headers.pop("Content-Type", None)
        return Request(purpose, method, add_query(url, sent_body), sent_headers)
    return Request(purpose, method, url, sent_headers, sent_body)


def _check_no_secret(query: str) -> None:
    # RFC 6749 section 2.3.1: the secret MUST NOT be included in the request URI.
    if _CLIENT_SECRET.search(query):
        raise InvalidSettingError(
            "invalid_configuration",
            "With GET the client's secret would stand in the URL. Use another client "
            "authentication method, or POST.",
        )


def check_token_endpoint(endpoint: str, *, insecure_http: bool = False) -> None:
    """Codes and secrets travel over TLS, or not at all (RFC 6749 section 3.2)."""
    check_secure(endpoint, insecure_http=insecure_http)


# -- exchanges ---------------------------------------------------------------------------

#: Parameters that an error must not show, should the server quote the request. The others may
#: help to understand it.
_SECRET_PARAMS = frozenset(
    {
        "actor_token",
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "password",
        "refresh_token",
        "subject_token",
    }
)


def token_exchange(
    auth: ClientAuth, endpoint: str, grant_type: str, **params: Any
) -> Exchange[OAuth2Token]:
    """One token request and its answer, for any grant.

    :param auth: who asks, and how that is proved.
    :param endpoint: URL of the token endpoint.
    :param grant_type: the grant's registered name.
    :param params: as for :func:`token_request`.
    :raises InsecureTransportError: if the endpoint is not https.
    :raises ProviderError: if there is no token in the answer.
    """
    request = token_request(auth, endpoint, grant_type, **params)
    del params  # error trackers show the variables of whoever fails
    response = yield request
    return parse_token_response(response, secrets=_secrets(auth, request))


def _secrets(auth: ClientAuth, request: Request) -> MaskedTuple:
    form = parse_qsl(request.body or request.url.partition("?")[2])
    sent = [value for name, value in form if name in _SECRET_PARAMS]
    known = auth.client_secret if isinstance(auth.client_secret, str) else ""
    credential = request.headers.get("Authorization", "").partition(" ")[2]
    return MaskedTuple([*sent, known, credential])


def code_exchange(
    auth: ClientAuth,
    endpoint: str,
    *,
    code: str,
    redirect_uri: str | None,
    code_verifier: str | None,
    **params: Any,
) -> Exchange[OAuth2Token]:
    """Trade an authorization code for a token (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
    return token_exchange(
        auth,
        endpoint,
        params.pop("grant_type", "authorization_code"),
        code=code,
        redirect_uri=redirect_uri,
        code_verifier=code_verifier,
        **params,
    )


def refresh_exchange(
    auth: ClientAuth, endpoint: str, *, refresh_token: str, **params: Any
) -> Exchange[OAuth2Token]:
    """Trade a refresh token for a new token (RFC 6749 section 6).

    The scope is not repeated unless the caller asks for a narrower one: some servers refuse the
    very scope that they granted.
    """
    return token_exchange(auth, endpoint, "refresh_token", refresh_token=refresh_token, **params)


def client_credentials_exchange(
    auth: ClientAuth, endpoint: str, **params: Any
) -> Exchange[OAuth2Token]:
    """Ask for a token of the client's own (RFC 6749 section 4.4)."""
    return token_exchange(auth, endpoint, "client_credentials", **params)
