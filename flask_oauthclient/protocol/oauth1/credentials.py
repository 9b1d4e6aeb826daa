"""Asking for temporary and token credentials (RFC 5849 sections 2.1, 2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import TypeAlias
from urllib.parse import urlencode

from ..errors import MissingVerifierError
from ..errors import ProviderResponseError
from ..messages import Exchange
from ..messages import Purpose
from ..messages import Request
from ..urls import add_params
from ..warn import warn_caller
from .client_auth import ClientAuth
from .token import OAuth1Token
from .token import parse_token_response

#: Parameters of a call: a mapping whose lists repeat the parameter, or pairs.
Params: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]] | None

# Some servers answer 406 unless they may send whatever they have.
_HEADERS = {"Accept": "application/x-www-form-urlencoded, application/json;q=0.9, */*;q=0.1"}


def temporary_credentials_exchange(
    auth: ClientAuth,
    url: str,
    *,
    params: Params = None,
    data: Params = None,
    headers: Mapping[str, str] | None = None,
    require_callback_confirmed: bool = False,
    insecure_http: bool = False,
) -> Exchange[OAuth1Token]:
    """Ask for temporary credentials, the *request token* (section 2.1).

    :param auth: the client; a token that it holds is no part of this request.
    :param url: the endpoint.
    :param params: parameters to add to its query.
    :param data: parameters of the form in the body.
    :param headers: headers to add or replace.
    :param require_callback_confirmed: refuse a server of OAuth 1.0 before revision A.
    :param insecure_http: allow http to a host that is not loopback, but for PLAINTEXT.
    :raises TokenRequestError: if the server refuses.
    :raises ProviderResponseError: if the answer makes no sense, or the callback isn't confirmed.
    """
    auth = auth.replaced(token=None, token_secret=None, verifier=None)
    response = yield signed_request(auth, url, params, data, headers, insecure_http=insecure_http)
    token = parse_token_response(response, auth.secrets())
    if auth.redirect_uri:
        check_callback_confirmed(token, required=require_callback_confirmed)
    return token


def token_credentials_exchange(
    auth: ClientAuth,
    url: str,
    *,
    params: Params = None,
    data: Params = None,
    headers: Mapping[str, str] | None = None,
    insecure_http: bool = False,
) -> Exchange[OAuth1Token]:
    """Trade temporary credentials and the verifier for token credentials (section 2.3).

    :param auth: the client with the temporary credentials and the verifier.
    :param url: the endpoint.
    :param params: parameters to add to its query.
    :param data: parameters of the form in the body.
    :param headers: headers to add or replace.
    :param insecure_http: allow http to a host that is not loopback, but for PLAINTEXT.
    :raises MissingVerifierError: without a verifier; without it anybody's authorization could be
        taken over (session fixation, 2009).
    :raises TokenRequestError: if the server refuses.
    :raises ProviderResponseError: if the answer makes no sense.
    """
    if not auth.verifier:
        raise MissingVerifierError("missing_verifier", 'Missing "verifier" value')
    response = yield signed_request(auth, url, params, data, headers, insecure_http=insecure_http)
    return parse_token_response(response, auth.secrets())


def signed_request(
    auth: ClientAuth,
    url: str,
    params: Params = None,
    data: Params = None,
    headers: Mapping[str, str] | None = None,
    *,
    insecure_http: bool = False,
) -> Request:
    """A signed POST to an endpoint for credentials."""
    body = data if isinstance(data, str) else urlencode(list(pairs(data)), errors="replace")
    sent_url, sent_headers, sent_body = auth.prepare(
        "POST",
        add_params(url, pairs(params)),
        {**_HEADERS, **(headers or {})},
        body or None,
        insecure_http=insecure_http,
    )
    return Request(Purpose.TOKEN, "POST", sent_url, sent_headers, sent_body)


def pairs(params: Params) -> Iterator[tuple[str, str]]:
    """Names and values one by one; ``None`` is left out, lists are repeated."""
    items = params.items() if isinstance(params, Mapping) else params or ()
    for name, value in items:
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None:
                yield str(name), str(one)


def check_callback_confirmed(token: Mapping[str, Any], *, required: bool) -> None:
    """``oauth_callback_confirmed`` MUST be ``true`` in the answer to a callback (section 2.1).

    :param token: the temporary credentials.
    :param required: whether a server that doesn't say so is refused too.
    :raises ProviderResponseError: with the code ``callback_not_confirmed``.
    """
    confirmed = token.get("oauth_callback_confirmed")
    if confirmed is None and not required:
        warn_caller(
            "the server does not confirm the callback (RFC 5849 section 2.1); it may be one of "
            "OAuth 1.0 before revision A",
        )
    elif str(confirmed).lower() != "true":  # a JSON answer has a boolean
        raise ProviderResponseError("callback_not_confirmed")
