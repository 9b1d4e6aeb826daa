"""What oauthlib asks of an OAuth 1.0a provider: its client, tokens and nonces, all in memory."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from dataclasses import field
from urllib.parse import urlsplit

from oauthlib import oauth1

#: Stands in for what a request names and nobody knows, so that refusing takes as long as allowing.
DUMMY = "unknown0unknown0unknown0"


@dataclass(slots=True)
class TemporaryCredentials:
    """A request token (RFC 5849 2.1); user and verifier come with the user's consent (2.2)."""

    client: str
    secret: str
    callback: str
    realms: list[str]
    user: str | None = None
    verifier: str | None = None


@dataclass(slots=True)
class TokenCredentials:
    """An access token (RFC 5849 2.3)."""

    client: str
    secret: str
    user: str | None


@dataclass(slots=True)
class Store:
    """The one client, which signs with its secret or with its RSA key, and what it was given."""

    client_id: str
    client_secret: str
    rsa_public_key: str
    temporary: dict[str, TemporaryCredentials] = field(default_factory=dict)
    tokens: dict[str, TokenCredentials] = field(default_factory=dict)
    nonces: set[tuple[str | None, ...]] = field(default_factory=set)

    def clear(self) -> None:
        self.temporary.clear()
        self.tokens.clear()
        self.nonces.clear()


class Validator(oauth1.RequestValidator):
    """oauthlib's own strictness (nonces of 20 to 30 letters and digits, a clock of ten minutes)."""

    enforce_ssl = False  # plain http, on loopback
    dummy_client = dummy_request_token = dummy_access_token = DUMMY

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    # Secrets and keys. oauthlib asks for those of the dummies too.

    def get_client_secret(self, client_key, request):
        return self.store.client_secret if client_key == self.store.client_id else DUMMY

    def get_rsa_key(self, client_key, request):
        return self.store.rsa_public_key

    def get_request_token_secret(self, client_key, token, request):
        known = self.store.temporary.get(token)
        return known.secret if known else DUMMY

    def get_access_token_secret(self, client_key, token, request):
        known = self.store.tokens.get(token)
        return known.secret if known else DUMMY

    # Checks

    def validate_client_key(self, client_key, request):
        return client_key == self.store.client_id

    def validate_request_token(self, client_key, token, request):
        known = self.store.temporary.get(token)
        return known is not None and known.client == client_key

    def validate_access_token(self, client_key, token, request):
        known = self.store.tokens.get(token)
        return known is not None and known.client == client_key

    def validate_timestamp_and_nonce(
        self, client_key, timestamp, nonce, request, request_token=None, access_token=None
    ):
        use = (client_key, timestamp, nonce, request_token, access_token)
        fresh = use not in self.store.nonces
        self.store.nonces.add(use)
        return fresh

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        if redirect_uri == "oob":
            return True
        url = urlsplit(redirect_uri)
        return url.scheme == "http" and url.hostname in ("127.0.0.1", "localhost")

    def validate_verifier(self, client_key, token, verifier, request):
        known = self.store.temporary.get(token)
        expected = known.verifier if known else None
        return expected is not None and secrets.compare_digest(expected, verifier)

    def verify_request_token(self, token, request):
        return token in self.store.temporary

    # Realms: any is granted, none is asked for.

    def check_realms(self, realms):
        return True

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def verify_realms(self, token, realms, request):
        return True

    def get_default_realms(self, client_key, request):
        return []

    def get_realms(self, token, request):
        return self.store.temporary[token].realms

    # The way of a token

    def save_request_token(self, token, request):
        self.store.temporary[token["oauth_token"]] = TemporaryCredentials(
            request.client_key, token["oauth_token_secret"], request.redirect_uri, request.realms
        )

    def get_redirect_uri(self, token, request):
        return self.store.temporary[token].callback

    def save_verifier(self, token, verifier, request):
        self.store.temporary[token].verifier = verifier["oauth_verifier"]

    def save_access_token(self, token, request):
        user = self.store.temporary[request.resource_owner_key].user
        self.store.tokens[token["oauth_token"]] = TokenCredentials(
            request.client_key, token["oauth_token_secret"], user
        )

    def invalidate_request_token(self, client_key, request_token, request):
        self.store.temporary.pop(request_token, None)
