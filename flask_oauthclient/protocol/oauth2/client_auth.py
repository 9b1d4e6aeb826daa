"""How a client proves who it is at the token endpoint (RFC 6749 section 2.3).

A method is a callable ``(auth, method, uri, headers, body) -> (uri, headers, body)`` where
``auth`` carries ``client_id`` and ``client_secret``. It adds its own credential and nothing
else, so that two methods are never used at once.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import TypeAlias
from urllib.parse import quote_plus

from ..errors import ConfigurationError
from ..errors import InvalidSettingError
from ..urls import add_params

Headers: TypeAlias = dict[str, str]
AuthMethod: TypeAlias = Callable[..., tuple[str, Headers, str]]

_CREDENTIAL = re.compile(r"(?:^|&)client_(?:secret|assertion)=")
_CLIENT_ID = re.compile(r"(?:^|&)client_id=")


def encode_client_secret_basic(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    """HTTP Basic with form-encoded id and secret (RFC 6749 section 2.3.1)."""
    _check_only_method(body)
    pair = f"{quote_plus(auth.client_id)}:{quote_plus(auth.client_secret or '')}"
    credential = b64encode(pair.encode("ascii")).decode("ascii")
    return uri, {**headers, "Authorization": f"Basic {credential}"}, body


def encode_client_secret_post(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    """Credentials in the form body (RFC 6749 section 2.3.1)."""
    _check_only_method(body)
    body = _name_client(body, auth.client_id)
    return uri, headers, _append(body, [("client_secret", auth.client_secret or "")])


def encode_none(
    auth: ClientAuth, method: str, uri: str, headers: Headers, body: str
) -> tuple[str, Headers, str]:
    """A public client only names itself (RFC 6749 section 3.2.1)."""
    if method.upper() == "GET" and not _CLIENT_ID.search(body):
        return add_params(uri, [("client_id", auth.client_id)]), headers, body
    return uri, headers, _name_client(body, auth.client_id)


def _check_only_method(body: str) -> None:
    """A client uses one authentication method in each request (RFC 6749 section 2.3)."""
    if _CREDENTIAL.search(body):
        raise InvalidSettingError(
            "invalid_configuration",
            "client_secret and client_assertion are added by the client authentication method; "
            "they cannot be parameters of the call too.",
        )


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
}


class ClientAuth:
    """A client's identity together with its way to prove it.

    :param client_id: the registered identifier.
    :param client_secret: its secret, or ``None`` for a public client.
    :param method: a name of :data:`METHODS` or of ``methods``, or a callable.
    :param methods: further methods by name.
    :raises ConfigurationError: for a name that is not known.
    """

    __slots__ = ("_encode", "client_id", "client_secret")

    def __init__(
        self,
        client_id: str,
        client_secret: Any = None,
        method: str | AuthMethod | None = None,
        methods: Mapping[str, AuthMethod] | None = None,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        name = method or ("client_secret_basic" if client_secret else "none")
        self._encode = name if callable(name) else _lookup(name, methods or {})

    def prepare(
        self, method: str, uri: str, headers: Mapping[str, str], body: str
    ) -> tuple[str, Headers, str]:
        """Add the credential to a request."""
        return self._encode(self, method, uri, dict(headers), body)

    def __repr__(self) -> str:
        return f"<ClientAuth {self.client_id!r}>"


def _lookup(name: str, methods: Mapping[str, AuthMethod]) -> AuthMethod:
    found = methods.get(name) or METHODS.get(name)
    if found is None:
        known = ", ".join(sorted({*METHODS, *methods}))
        raise ConfigurationError(
            "unsupported_client_auth",
            f"{name!r} is no client authentication method here; known are {known}.",
        )
    return found


def choose_method(client_secret: object, supported: list[str] | None) -> str:
    """Pick a method when the registration names none.

    :param client_secret: the secret, if there is one.
    :param supported: ``token_endpoint_auth_methods_supported`` of the server, if it says so; the
        default is ``client_secret_basic`` (RFC 8414 section 2).
    """
    if not client_secret:
        return "none"
    if supported and "client_secret_basic" not in supported and "client_secret_post" in supported:
        return "client_secret_post"
    return "client_secret_basic"
