"""The clients that the provider knows, and which redirect URIs are theirs."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t
from collections.abc import Mapping
from urllib.parse import SplitResult
from urllib.parse import urlsplit

#: What the documentation and the example app use. A development value, known to everybody.
DEMO_CLIENT_ID = "demo"
DEMO_CLIENT_SECRET = "demo-secret-for-development-only"  # noqa: S105
PUBLIC_CLIENT_ID = "demo-public"

#: How clients may authenticate (OpenID Connect Core 9).
AUTH_METHODS = (
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
)


@dataclasses.dataclass(frozen=True, slots=True)
class ClientRecord:
    """A registered client, in the terms of RFC 7591 2.

    With neither a ``client_secret`` nor ``jwks`` the client is public. ``jwks`` is the set of its
    public keys, by which it authenticates with ``private_key_jwt`` and signs assertions for the
    grant of RFC 7523. ``token_endpoint_auth_method`` limits a client to one way of authentication;
    by default a client may use each of those that its secret and its keys allow.
    """

    client_id: str
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str | None = None
    id_token_signed_response_alg: str | None = None
    client_name: str | None = None
    jwks: Mapping[str, t.Any] | None = dataclasses.field(default=None, repr=False, hash=False)
    #: The only algorithm for the client's assertions; by default any that fits its secret or keys.
    token_endpoint_auth_signing_alg: str | None = None
    #: Accept every redirect URI on this machine. For the ready-made demo clients.
    any_loopback_redirect: bool = False

    @property
    def is_public(self) -> bool:
        """Whether this client has no credentials (RFC 6749 2.1)."""
        return self.client_secret is None and self.jwks is None

    @property
    def title(self) -> str:
        """What the pages call it."""
        return self.client_name or self.client_id

    def allows_auth_method(self, method: str) -> bool:
        """Tell whether the client may authenticate this way.

        :param method: One of :data:`AUTH_METHODS`.
        :returns: Whether it may.
        """
        if self.token_endpoint_auth_method is not None:
            return method == self.token_endpoint_auth_method
        if method == "none":
            return self.is_public
        credential = self.jwks if method == "private_key_jwt" else self.client_secret
        return credential is not None

    def allows_redirect(self, uri: str) -> bool:
        """Tell whether an authorization response may go there (RFC 9700 2.1).

        :param uri: The requested ``redirect_uri``.
        :returns: Whether it is one of this client's.
        """
        if any(_same_redirect(known, uri) for known in self.redirect_uris):
            return True
        return self.any_loopback_redirect and is_loopback_url(uri)

    def allows_post_logout_redirect(self, uri: str) -> bool:
        """Tell whether a sign-out may end there (RP-Initiated Logout 3).

        :param uri: The requested ``post_logout_redirect_uri``.
        :returns: Whether it is one of this client's, compared exactly.
        """
        if uri in self.post_logout_redirect_uris:
            return True
        return self.any_loopback_redirect and is_loopback_url(uri)


def default_clients() -> tuple[ClientRecord, ...]:
    """Make the ready clients: ``demo`` with a known secret, and ``demo-public`` without one.

    :returns: The records.
    """
    demo = ClientRecord(
        DEMO_CLIENT_ID,
        DEMO_CLIENT_SECRET,
        client_name="Demo app",
        any_loopback_redirect=True,
    )
    public = ClientRecord(
        PUBLIC_CLIENT_ID, client_name="Demo app (public)", any_loopback_redirect=True
    )
    return demo, public


def by_id(clients: tuple[ClientRecord, ...]) -> Mapping[str, ClientRecord]:
    """Index clients by their id.

    :param clients: The records.
    :returns: The index.
    :raises ValueError: if two share an id.
    """
    index = {client.client_id: client for client in clients}
    if len(index) != len(clients):
        raise ValueError("Two clients have the same client_id.")
    return index


def _same_redirect(known: str, uri: str) -> bool:
    if known == uri:
        return True
    # RFC 8252 7.3: a native client gets a port of the moment, so a loopback address of literal
    # form is compared without it.
    registered = urlsplit(known)
    if registered.scheme != "http" or registered.hostname not in ("127.0.0.1", "::1"):
        return False
    return _without_port(registered) == _without_port(urlsplit(uri))


def _without_port(url: SplitResult) -> tuple[str, str | None, str, str, str, bool]:
    return url.scheme, url.hostname, url.path, url.query, url.fragment, "@" in url.netloc


def is_loopback_url(uri: str) -> bool:
    """Tell whether a URL can only lead to this machine.

    :param uri: The URL.
    :returns: Whether it is http or https at a loopback host, without user info or fragment.
    """
    try:
        url = urlsplit(uri)
        port_is_number = url.port is None or url.port >= 0
    except ValueError:
        return False
    if url.scheme not in ("http", "https") or "@" in url.netloc or "#" in uri or "\\" in uri:
        return False
    return port_is_number and is_loopback_host(url.hostname or "")


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or address is this machine's own.

    :param host: A name, an IPv4 address, or an IPv6 address without brackets.
    :returns: Whether it is.
    """
    # RFC 6761 6.3: names under localhost never leave the machine.
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_development_host(host: str) -> bool:
    """Tell whether a host can be meant for development only.

    :param host: A name or an address.
    :returns: Whether it is this machine's, or under a name that no public DNS has (RFC 6761).
    """
    return is_loopback_host(host) or host.rpartition(".")[2] in ("test", "example", "invalid")
