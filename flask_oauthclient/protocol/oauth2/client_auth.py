"""How a client proves who it is at the token endpoint (RFC 6749 section 2.3).

A method is a callable ``(auth, method, uri, headers, body) -> (uri, headers, body)`` where
``auth`` carries ``client_id`` and ``client_secret``. It adds its own credential and nothing
else, and none to a call that brings one along, so that two methods are never used at once.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import TypeAlias
from urllib.parse import parse_qsl
from urllib.parse import quote_plus

from ..errors import ConfigurationError
from ..errors import InvalidSettingError
from ..jose import SYMMETRIC
from ..signing import is_key_text
from ..urls import add_params

Headers: TypeAlias = dict[str, str]
AuthMethod: TypeAlias = Callable[..., tuple[str, Headers, str]]

_CREDENTIALS = ("client_secret", "client_assertion")
_CREDENTIAL = re.compile(r"(?:^|&)client_(?:secret|assertion)=")
_CLIENT_ID = re.compile(r"(?:^|&)client_id=")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def encode_client_secret_basic(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    """HTTP Basic with form-encoded id and secret (RFC 6749 section 2.3.1).

    With ``basic_encoding="raw"`` they are taken as they are, for servers that know RFC 7617 only.
    """
    own = own_credential(auth, headers, body)
    if own is not None:
        return uri, headers, own
    secret = _secret_to_send(auth)
    raw = getattr(auth, "basic_encoding", "form") == "raw"
    pair = _raw_pair(auth.client_id, secret) if raw else _form_pair(auth.client_id, secret)
    credential = b64encode(pair).decode("ascii")
    return uri, {**headers, "Authorization": f"Basic {credential}"}, body


def _form_pair(client_id: str, secret: str) -> bytes:
    encoded = (quote_plus(part, errors="replace") for part in (client_id, secret))
    return ":".join(encoded).encode("ascii")


def _raw_pair(client_id: str, secret: str) -> bytes:
    # RFC 7617 section 2: the first colon ends the user-id, and no control character may occur.
    pair = f"{client_id}:{secret}"
    if ":" in client_id or _CONTROL.search(pair):
        raise InvalidSettingError(
            "invalid_configuration",
            "With basic_encoding='raw' neither client_id nor client_secret may have control "
            "characters, and client_id no colon.",
        )
    try:
        return pair.encode("latin-1")
    except UnicodeEncodeError:
        return pair.encode("utf-8", "replace")


def encode_client_secret_post(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    """Credentials in the form body (RFC 6749 section 2.3.1)."""
    own = own_credential(auth, headers, body)
    if own is not None:
        return uri, headers, own
    check_no_header(headers)
    secret = _secret_to_send(auth)
    body = _name_client(body, auth.client_id)
    return uri, headers, _append(body, [("client_secret", secret)])


def encode_none(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    """A public client only names itself (RFC 6749 section 3.2.1)."""
    own = own_credential(auth, headers, body)
    if own is not None:
        return uri, headers, own
    if method.upper() == "GET" and not _CLIENT_ID.search(body):
        return add_params(uri, [("client_id", auth.client_id)]), headers, body
    return uri, headers, _name_client(body, auth.client_id)


def encode_client_secret_jwt(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    """A JWT signed with the secret (RFC 7523 section 2.2)."""
    from .client_assertion import CLIENT_SECRET_JWT

    return CLIENT_SECRET_JWT(auth, method, uri, headers, body)


def encode_private_key_jwt(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    """A JWT signed with a private key (RFC 7523 section 2.2)."""
    from .client_assertion import PRIVATE_KEY_JWT

    return PRIVATE_KEY_JWT(auth, method, uri, headers, body)


def own_credential(auth: ClientAuth, headers: Mapping[str, str], body: str) -> str | None:
    """The form of a call that brings its own credential, as older code does.

    A client uses one authentication method in each request (RFC 6749 section 2.3): the method
    of the client then adds nothing but the name that belongs to a secret.

    :param auth: who asks.
    :param headers: the headers so far.
    :param body: the form so far.
    :returns: the form to send, or ``None`` if the call brings none.
    :raises InvalidSettingError: if it brings two, or a private key.
    """
    if not _CREDENTIAL.search(body):
        return None
    check_no_header(headers)
    (name, value), *more = (pair for pair in parse_qsl(body, True) if pair[0] in _CREDENTIALS)
    if more:
        raise InvalidSettingError(
            "invalid_configuration",
            "A call can bring one of client_secret and client_assertion, once.",
        )
    if name == "client_assertion":
        return body
    _check_sendable(value)
    return _name_client(body, auth.client_id)


def check_no_header(headers: Mapping[str, str]) -> None:
    """With a credential in the form there is none in the headers (RFC 6749 section 2.3).

    :param headers: the headers so far.
    :raises InvalidSettingError: if there is one.
    """
    if any(name.lower() == "authorization" for name in headers):
        raise InvalidSettingError(
            "invalid_configuration",
            "This client authenticates in the form; a call cannot bring a header Authorization "
            "as well. Give the call auth='none', or another method.",
        )


def _secret_to_send(auth: ClientAuth) -> str:
    return _check_sendable(auth.client_secret or "")


def _check_sendable(secret: Any) -> str:
    # A key is looked for before anything is decoded: DER is no text.
    if not isinstance(secret, str | bytes) or is_key_text(secret):
        # A private key never leaves its owner, whatever method was configured by mistake.
        raise InvalidSettingError(
            "invalid_configuration",
            "client_secret is a private key; it signs with private_key_jwt and is never sent.",
        )
    return secret.decode("utf-8", "replace") if isinstance(secret, bytes) else secret


def _name_client(body: str, client_id: str) -> str:
    # A parameter that the call brings along must not be sent twice (RFC 6749 section 3.2).
    return body if _CLIENT_ID.search(body) else _append(body, [("client_id", client_id)])


def _append(body: str, pairs: list[tuple[str, str]]) -> str:
    return add_params("?" + body, pairs)[1:]


#: The built-in methods by their registered names.
METHODS: Mapping[str, AuthMethod] = {
    "none": encode_none,
    "client_secret_basic": encode_client_secret_basic,
    "client_secret_post": encode_client_secret_post,
    "client_secret_jwt": encode_client_secret_jwt,
    "private_key_jwt": encode_private_key_jwt,
}


def check_basic_encoding(basic_encoding: object) -> None:
    """How id and secret become a Basic credential.

    :raises InvalidSettingError: unless it is ``form`` or ``raw``.
    """
    if basic_encoding not in ("form", "raw"):
        raise InvalidSettingError("invalid_configuration", "basic_encoding is 'form' or 'raw'.")


class ClientAuth:
    """A client's identity together with its way to prove it.

    :param client_id: the registered identifier.
    :param client_secret: its secret or private key, or ``None`` for a public client.
    :param method: a name of :data:`METHODS` or of ``methods``, or a callable.
    :param methods: further methods by name.
    :param basic_encoding: ``form`` (RFC 6749 section 2.3.1), or ``raw`` for a server that takes
        id and secret of ``client_secret_basic`` as they are.
    :param issuer: the authorization server's issuer identifier, the audience of assertions.
    :raises ConfigurationError: for a method or encoding that is not known.
    """

    __slots__ = ("_encode", "basic_encoding", "client_id", "client_secret", "issuer")

    def __init__(
        self,
        client_id: str,
        client_secret: Any = None,
        method: str | AuthMethod | None = None,
        methods: Mapping[str, AuthMethod] | None = None,
        *,
        basic_encoding: str = "form",
        issuer: str | None = None,
    ) -> None:
        check_basic_encoding(basic_encoding)
        self.client_id = client_id
        self.client_secret = client_secret
        self.basic_encoding = basic_encoding
        self.issuer = issuer
        self._encode = _find(method or choose_method(client_secret, None), methods or {})

    def prepare(
        self, method: str, uri: str, headers: Mapping[str, str], body: str
    ) -> tuple[str, Headers, str]:
        """Add the credential to a request."""
        return self._encode(self, method, uri, dict(headers), body)

    def __repr__(self) -> str:
        return f"<ClientAuth {self.client_id!r}>"


def _find(method: str | AuthMethod, methods: Mapping[str, AuthMethod]) -> AuthMethod:
    if callable(method) and not isinstance(method, type):
        return method
    found = (methods.get(method) or METHODS.get(method)) if isinstance(method, str) else None
    if found is None:
        known = ", ".join(sorted({*METHODS, *methods}))
        # What is no name at all may be a credential in the wrong place, and is not shown.
        kind = type(method).__name__
        given = repr(method) if isinstance(method, str) else f"A value of type {kind}"
        raise ConfigurationError(
            "unsupported_client_auth",
            f"{given} is no client authentication method here; known are {known}, and a callable.",
        )
    return found


def choose_method(
    client_secret: object, supported: list[str] | None, signing_algs: list[str] | None = None
) -> str:
    """Pick a method when the registration names none.

    A private key always signs: it is no secret that could be sent. For a secret it is the first
    of ``client_secret_basic``, ``client_secret_post`` and ``client_secret_jwt`` that the server
    supports, and ``client_secret_basic`` if it names none of them.

    :param client_secret: the secret or private key, if there is one.
    :param supported: ``token_endpoint_auth_methods_supported`` of the server, if it says so; the
        default is ``client_secret_basic`` (RFC 8414 section 2).
    :param signing_algs: ``token_endpoint_auth_signing_alg_values_supported`` of the server.
    """
    if not client_secret:
        return "none"
    if not isinstance(client_secret, str | bytes) or is_key_text(client_secret):
        return "private_key_jwt"
    usable = ["client_secret_basic", "client_secret_post"]
    if not signing_algs or not SYMMETRIC.isdisjoint(signing_algs):
        usable.append("client_secret_jwt")
    return next((name for name in usable if name in (supported or ())), usable[0])


def method_for(
    client_secret: object,
    supported: list[str] | None,
    signing_algs: list[str] | None = None,
    *,
    stated: str | None = None,
) -> str | AuthMethod:
    """Pick a method as :func:`choose_method` does, with an algorithm that the server accepts.

    :param client_secret: the secret or private key, if there is one.
    :param supported: ``token_endpoint_auth_methods_supported`` of the server, if it says so.
    :param signing_algs: ``token_endpoint_auth_signing_alg_values_supported`` of the server.
    :param stated: the method of the registration, which is not up for choice; without a fitting
        algorithm in the metadata it is tried with its usual one.
    :returns: a name of :data:`METHODS`, or a method for an algorithm that is not the default.
    :raises ConfigurationError: if the server accepts no algorithm that fits the private key.
    """
    name = stated or choose_method(client_secret, supported, signing_algs)
    if not signing_algs or name not in ("client_secret_jwt", "private_key_jwt"):
        return name
    from .client_assertion import narrow_method

    return narrow_method(name, client_secret, signing_algs, is_stated=stated is not None)
