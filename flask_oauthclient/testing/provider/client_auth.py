"""Client authentication at the endpoints that clients call (RFC 6749 2.3, RFC 7523 2.2)."""

from __future__ import annotations

import base64
import binascii
import hmac
import typing as t
from urllib.parse import unquote_plus

from .assertions import CLIENT_ASSERTION_TYPE
from .assertions import Assertions
from .assertions import BadAssertion
from .call import Call
from .clients import ClientRecord
from .errors import Refusal

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider

_CHALLENGE = (("WWW-Authenticate", 'Basic realm="development provider"'),)
#: The form parameters that no client may log.
_SECRETS = (
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "password",
    "refresh_token",
    "token",
)


class Credentials(t.NamedTuple):
    """What a client presented: a secret, an assertion or nothing."""

    method: str
    client_id: str
    proof: str | None

    def __repr__(self) -> str:
        return f"<Credentials {self.method} of {self.client_id!r}>"


class ClientAuthentication:
    """Finds out which client is calling.

    :param provider: The provider, which knows the clients.
    :param assertions: Verifies what they sign.
    """

    def __init__(self, provider: DevelopmentProvider, assertions: Assertions) -> None:
        self._provider = provider
        self._assertions = assertions

    def read_form(self, call: Call) -> None:
        """Make sure that a request has the form that all of these have, and note its secrets.

        :param call: The request.
        :raises Refusal: ``invalid_request``, if it isn't form-encoded or repeats a parameter.
        """
        self._provider.secrets.add(*(call.form.get(name) for name in _SECRETS))
        scheme, _, credentials = call.headers.get("Authorization", "").partition(" ")
        self._provider.secrets.add(credentials if scheme.lower() == "basic" else None)
        if not call.is_form:
            raise Refusal("invalid_request", "The body must be form-encoded.")
        if repeated := call.form.repeated():
            raise Refusal("invalid_request", f"The parameter {repeated!r} was sent twice.")

    def authenticate(self, call: Call) -> ClientRecord:
        """Authenticate the client.

        :param call: The request.
        :returns: The authenticated client, or the public client that named itself.
        :raises Refusal: ``invalid_request`` for two methods at once, ``invalid_client`` for
            anything that proves nothing.
        """
        presented = self._presented(call)
        client = self._provider.clients.get(presented.client_id)
        if client is None or not client.allows_auth_method(presented.method):
            raise invalid_client("The client is unknown or may not authenticate this way.")
        if presented.method in ("client_secret_jwt", "private_key_jwt"):
            self._check_assertion(client, presented.proof or "", call)
        elif not client.is_public and presented.method != "none":
            _check_secret(client.client_secret or "", presented.proof or "")
        return client

    def _presented(self, call: Call) -> Credentials:
        assertion = call.form.get("client_assertion")
        if assertion is None:
            return _presented_secret(call)
        # RFC 6749 2.3: a client must not use more than one method in each request.
        if "Authorization" in call.headers or "client_secret" in call.form:
            raise _two_methods()
        if call.form.get("client_assertion_type") != CLIENT_ASSERTION_TYPE:
            raise invalid_client("The client_assertion_type is not that of a JWT.")
        return self._presented_assertion(call, assertion)

    def _presented_assertion(self, call: Call, assertion: str) -> Credentials:
        try:
            token = self._assertions.read(assertion)
        except BadAssertion as error:
            raise invalid_client(str(error)) from None
        client_id = str(token.claims.get("sub", ""))
        # RFC 7521 4.2: a client_id is unnecessary beside it, and must name the same client.
        if call.form.get("client_id", client_id) != client_id:
            raise invalid_client("The client_id is not the assertion's sub.")
        method = "client_secret_jwt" if token.alg.startswith("HS") else "private_key_jwt"
        return Credentials(method, client_id, assertion)

    def _check_assertion(self, client: ClientRecord, assertion: str, call: Call) -> None:
        token = self._assertions.read(assertion)
        # OpenID Connect Core 9 requires what RFC 7523 3 leaves open.
        if not isinstance(token.claims.get("jti"), str):
            raise invalid_client("The assertion has no jti.")
        try:
            self._assertions.verify(token, client, self._provider.base_url + call.path)
        except BadAssertion as error:
            raise invalid_client(str(error)) from None


def names_client(call: Call) -> bool:
    """Tell whether a request says which client it comes from, by whatever method.

    :param call: The request.
    :returns: Whether it does.
    """
    return "Authorization" in call.headers or any(
        name in call.form for name in ("client_id", "client_assertion")
    )


def _check_secret(expected: str, presented: str) -> None:
    if not hmac.compare_digest(expected.encode(), presented.encode()):
        raise invalid_client("The client secret is wrong.")


def _presented_secret(call: Call) -> Credentials:
    authorization = call.headers.get("Authorization")
    client_id, secret = call.form.get("client_id"), call.form.get("client_secret")
    if authorization is None:
        if client_id is None:
            raise invalid_client("The request names no client.")
        method = "none" if secret is None else "client_secret_post"
        return Credentials(method, client_id, secret)
    basic = _parse_basic(authorization)
    if secret is not None or client_id not in (None, basic.client_id):
        raise _two_methods()
    return basic


def _parse_basic(authorization: str) -> Credentials:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client("The client must authenticate with Basic.")
    try:
        raw = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_client("The Basic credentials cannot be decoded.") from None
    user, colon, password = raw.partition(":")
    if not colon:
        raise invalid_client("The Basic credentials have no colon.")
    # RFC 6749 2.3.1: both halves were form-encoded before Basic put them together.
    return Credentials("client_secret_basic", unquote_plus(user), unquote_plus(password))


def invalid_client(description: str) -> Refusal:
    """Refuse a client that didn't prove itself (RFC 6749 5.2).

    :param description: What is wrong.
    :returns: The refusal, to be raised.
    """
    return Refusal("invalid_client", description, 401, _CHALLENGE)


def _two_methods() -> Refusal:
    return Refusal("invalid_request", "Two ways of client authentication in one request.")
