"""Client authentication at the token endpoint (RFC 6749 2.3)."""

from __future__ import annotations

import base64
import binascii
import hmac
import typing as t
from collections.abc import Mapping
from urllib.parse import unquote_plus

from .call import Call
from .clients import ClientRecord
from .errors import Refusal

_CHALLENGE = (("WWW-Authenticate", 'Basic realm="development provider"'),)


class Credentials(t.NamedTuple):
    """What a client presented."""

    method: str
    client_id: str
    client_secret: str | None

    def __repr__(self) -> str:
        return f"<Credentials {self.method} of {self.client_id!r}>"


def authenticate(call: Call, clients: Mapping[str, ClientRecord]) -> ClientRecord:
    """Find out which client is calling.

    :param call: The token request.
    :param clients: The known clients by id.
    :returns: The authenticated client, or the public client that named itself.
    :raises Refusal: ``invalid_request`` for two methods at once, ``invalid_client`` for anything
        that proves nothing.
    """
    presented = _presented(call)
    client = clients.get(presented.client_id)
    if client is None or not client.allows_auth_method(presented.method):
        raise _invalid_client("The client is unknown or may not authenticate this way.")
    if not client.is_public and presented.method != "none":
        _check_secret(client.client_secret or "", presented.client_secret or "")
    return client


def _check_secret(expected: str, presented: str) -> None:
    if not hmac.compare_digest(expected.encode(), presented.encode()):
        raise _invalid_client("The client secret is wrong.")


def _presented(call: Call) -> Credentials:
    authorization = call.headers.get("Authorization")
    client_id, secret = call.form.get("client_id"), call.form.get("client_secret")
    if authorization is None:
        if client_id is None:
            raise _invalid_client("The request names no client.")
        method = "none" if secret is None else "client_secret_post"
        return Credentials(method, client_id, secret)
    basic = _parse_basic(authorization)
    # RFC 6749 2.3: a client must not use more than one method in each request.
    if secret is not None or client_id not in (None, basic.client_id):
        raise Refusal("invalid_request", "Two ways of client authentication in one request.")
    return basic


def _parse_basic(authorization: str) -> Credentials:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _invalid_client("The client must authenticate with Basic.")
    try:
        raw = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid_client("The Basic credentials cannot be decoded.") from None
    user, colon, password = raw.partition(":")
    if not colon:
        raise _invalid_client("The Basic credentials have no colon.")
    # RFC 6749 2.3.1: both halves were form-encoded before Basic put them together.
    return Credentials("client_secret_basic", unquote_plus(user), unquote_plus(password))


def _invalid_client(description: str) -> Refusal:
    return Refusal("invalid_client", description, 401, _CHALLENGE)
