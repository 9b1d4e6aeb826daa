"""A client's view of its authorization server: metadata, keys, and ID tokens checked with them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..protocol import jose
from ..protocol.errors import BadSignatureError
from ..protocol.errors import MetadataError
from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.errors import UnknownKeyError
from ..protocol.jwt import read_header
from ..protocol.jwt import read_object
from ..protocol.jwt import split_compact
from ..protocol.messages import Purpose
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.oauth2 import metadata as rfc8414
from ..protocol.oidc.id_token import Expected
from ..protocol.oidc.id_token import IDTokenContent
from ..protocol.oidc.id_token import check_alg
from ..protocol.oidc.id_token import verify_id_token
from ..protocol.oidc.jwks import JWKSet
from ..protocol.oidc.jwks import SignatureKeys
from ..protocol.oidc.jwks import parse_jwk_set
from ..protocol.oidc.jwks import read_jwk_set
from ..protocol.oidc.logout_token import LogoutToken
from ..protocol.oidc.logout_token import verify_logout_token
from .documents import Document
from .options import ClientOptions
from .settings import known_issuer


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """A key set as it was published, and ready for use."""

    document: Mapping[str, Any]
    keys: JWKSet


class Server:
    """Metadata and keys of one client's server.

    :param options: the client's options.
    :param metadata: the metadata that the registration gave; they win over discovered ones.
    :param send: sends a request of the protocol.
    """

    def __init__(self, options: ClientOptions, metadata: dict[str, Any], send: Any) -> None:
        self._options = options
        self._registered = dict(metadata)
        self._send = send
        self._found_at: str | None = None
        self._applied: Any = None
        self._static: Keys | None = None
        #: Everything that is known; registered values, completed by discovered ones.
        self.metadata = metadata
        self.issuer: str | None = known_issuer(options, metadata)
        self._document: Document[dict[str, Any]] = Document(
            self._fetch_metadata, self._read_metadata
        )
        self._keys: Document[Keys] = Document(self._fetch_keys, self._read_keys)

    # -- metadata -------------------------------------------------------------------------

    @property
    def is_discovered(self) -> bool:
        """Whether there is a place to discover metadata at."""
        return bool(self._options.server_metadata_url or self._options.issuer)

    def load_metadata(self) -> dict[str, Any]:
        """Everything that is known of the server, fetched if need be.

        :raises OAuthError: if the metadata cannot be had or must not be used.
        """
        if self.is_discovered:
            discovered = self._document.get()
            if discovered is not self._applied:
                self._apply(discovered)
        return self.metadata

    def _apply(self, discovered: dict[str, Any]) -> None:
        # Discovery fills what the registration left open, and changes nothing that it gave.
        loaded = {**discovered, **self._registered, "_loaded_at": time.time()}
        self.metadata.update(loaded)
        for name in (self._applied or {}).keys() - loaded.keys():
            self.metadata.pop(name, None)  # the document does not say it any more
        issuer = loaded.get("issuer")
        if isinstance(issuer, str):
            self.issuer = issuer
        self._applied = discovered

    def _places(self) -> list[str]:
        if self._options.server_metadata_url:
            return [self._options.server_metadata_url]
        found = [self._found_at] if self._found_at else []
        return found or rfc8414.well_known_urls(str(self._options.issuer))

    def _fetch_metadata(self, etag: str | None) -> Response:
        """Ask the well-known places in turn; only "there is nothing here" leads to the next."""
        places = self._places()
        for url in places:
            response: Response = self._send(rfc8414.document_request(Purpose.METADATA, url, etag))
            if url == places[-1] or not 400 <= response.status < 500:
                self._found_at = url if response.status == 200 else self._found_at
                return response
        raise MetadataError("metadata_not_found")

    def _read_metadata(self, response: Response) -> dict[str, Any]:
        expected = self._expected_issuer()
        document = rfc8414.parse_metadata(
            response,
            expected,
            from_url=expected is not None and expected != self._pinned_issuer(),
            insecure_http=self._options.insecure_http,
        )
        document.setdefault("issuer", expected)
        return {name: value for name, value in document.items() if value is not None}

    def _expected_issuer(self) -> str | None:
        return self._pinned_issuer() or known_issuer(self._options, self._registered)

    def _pinned_issuer(self) -> str | None:
        """The issuer that was registered, or that the first document named: it stays."""
        pinned = (self._applied or self._registered).get("issuer")
        return pinned if isinstance(pinned, str) else None

    # -- keys -----------------------------------------------------------------------------

    def fetch_jwk_set(self, *, force: bool = False) -> Mapping[str, Any]:
        """The server's key set.

        :param force: ask the server even if a copy is at hand.
        :raises MissingConfigurationError: if it is not known where the keys are.
        """
        if force:
            self._jwks_uri()
            known = self._keys.peek()
            if known is not None:
                return self._keys.newer_than(known, trusted=True).document
            return self._keys.get().document
        return self.keys().document

    def keys(self) -> Keys:
        """The keys with which this server signs."""
        given = self._given_keys()
        return given if given is not None else self._keys.get()

    def get_ready(self) -> None:
        """Have the keys at hand that an ID token will be verified with."""
        if self.can_verify and not self._uses_secret:
            self.keys()

    def _given_keys(self) -> Keys | None:
        """Keys that stand in the registration or in the metadata themselves."""
        jwks = self.metadata.get("jwks")
        if not isinstance(jwks, Mapping):
            return None
        if self._static is None or self._static.document is not jwks:
            algs = jose.ASYMMETRIC | (jose.SYMMETRIC if self._keys_are_ours else frozenset())
            self._static = Keys(jwks, JWKSet(read_jwk_set(jwks), algs))
        return self._static

    @property
    def _keys_are_ours(self) -> bool:
        # Only a key that the developer wrote into the registration can be a shared secret.
        return not isinstance((self._applied or {}).get("jwks"), Mapping)

    def _jwks_uri(self) -> str:
        uri = self.metadata.get("jwks_uri")
        if not isinstance(uri, str) or not uri:
            raise MissingConfigurationError(description='Missing "jwks_uri" in metadata')
        return uri

    def _fetch_keys(self, etag: str | None) -> Response:
        request: Request = rfc8414.document_request(Purpose.JWKS, self._jwks_uri(), etag)
        response: Response = self._send(request)
        return response

    @staticmethod
    def _read_keys(response: Response) -> Keys:
        document = parse_jwk_set(response)
        return Keys(document, JWKSet(read_jwk_set(document)))

    # -- ID tokens ------------------------------------------------------------------------

    @property
    def can_verify(self) -> bool:
        """Whether there are keys to verify an ID token with."""
        metadata = self.metadata
        return bool(metadata.get("jwks") or metadata.get("jwks_uri")) or self._uses_secret

    @property
    def _uses_secret(self) -> bool:
        alg = self._options.id_token_signed_response_alg
        return alg in jose.SYMMETRIC and not self.metadata.get("jwks")

    def allowed_algs(self) -> frozenset[str]:
        """The algorithms with which an ID token may be signed: ours, narrowed by the metadata."""
        registered = self._options.id_token_signed_response_alg
        if registered is not None:
            return frozenset({registered})
        given = isinstance(self._registered.get("jwks"), Mapping) or (
            isinstance(self.metadata.get("jwks"), Mapping) and self._keys_are_ours
        )
        ours = jose.ASYMMETRIC | (jose.SYMMETRIC if given else frozenset())
        supported = rfc8414.string_list(self.metadata, "id_token_signing_alg_values_supported")
        if supported is None:
            return ours
        names = set(supported)
        if names & {"EdDSA", "Ed25519"}:  # two names of one algorithm (RFC 9864 section 3.1)
            names |= {"EdDSA", "Ed25519"}
        return ours & names

    def verify(self, token: object, expected: Expected, *, trusted: bool) -> IDTokenContent:
        """Verify an ID token; for a key that is not at hand, look once more.

        :param token: the compact JWT.
        :param expected: what it has to fit.
        :param trusted: whether it came from the token endpoint just now.
        :raises IDTokenError: for the first check that fails.
        """
        keys = self._signature_keys(secret=self._uses_secret, trusted=trusted)
        return verify_id_token(token, keys, expected, time.time())

    def verify_logout_token(self, token: object, expected: Expected) -> LogoutToken:
        """Verify a logout token, which anybody may have sent.

        :param token: the compact JWT.
        :param expected: the client, the issuer and the algorithms of its ID tokens.
        :raises LogoutTokenError: for the first check that fails.
        """
        keys = self._signature_keys(secret=self._uses_secret, trusted=False)
        return verify_logout_token(token, keys, expected, time.time())

    def verify_signed(self, token: str, registered_alg: str | None) -> dict[str, Any]:
        """Verify the signature of a JWT that is not an ID token (a userinfo response).

        :param token: the compact JWT.
        :param registered_alg: the one algorithm that may be used, if the client registered one.
        :returns: its claims.
        :raises IDTokenError: if the signature is not good.
        """
        jwt = split_compact(token)
        header = read_header(jwt.header_segment)
        allowed = frozenset({registered_alg}) if registered_alg else jose.ASYMMETRIC
        alg = check_alg(header["alg"], allowed)
        keys = self._signature_keys(secret=alg in jose.SYMMETRIC, trusted=True)
        keys.verify(alg, header.get("kid"), jwt.signing_input, jwt.signature)
        return read_object(jwt.payload_segment)

    def _signature_keys(self, *, secret: bool, trusted: bool) -> SignatureKeys:
        if secret:
            return JWKSet.from_secret(str(self._options.client_secret or ""))
        return PublishedKeys(self, trusted=trusted)

    def newer_keys(self, known: Keys, *, trusted: bool) -> Keys:
        """The keys after one more look, if that is allowed now.

        :param known: the keys that turned out not to be enough.
        :param trusted: whether the provider itself has just sent the token.
        """
        return known if known is self._static else self._keys.newer_than(known, trusted=trusted)


class PublishedKeys:
    """A server's keys, fetched when a signature is to be checked.

    What no key could verify is no reason to ask for them: a verification gets here only with a
    header that is in order. For a key that is not at hand it looks once more.

    :param server: the server.
    :param trusted: whether the token came from its token endpoint just now.
    """

    __slots__ = ("_server", "_trusted")

    def __init__(self, server: Server, *, trusted: bool) -> None:
        self._server = server
        self._trusted = trusted

    def verify(self, alg: str, kid: object, data: bytes, signature: bytes) -> None:
        """Check a signature; see :meth:`JWKSet.verify`."""
        known = self._server.keys()
        failure = _failure(known.keys, alg, kid, data, signature)
        if failure is None:
            return
        if not _may_be_a_new_key(failure):
            raise failure
        newer = self._server.newer_keys(known, trusted=self._trusted)
        if newer is known:
            raise failure
        newer.keys.verify(alg, kid, data, signature)


def _failure(
    keys: JWKSet, alg: str, kid: object, data: bytes, signature: bytes
) -> UnknownKeyError | BadSignatureError | None:
    try:
        keys.verify(alg, kid, data, signature)
    except (UnknownKeyError, BadSignatureError) as failure:
        return failure
    return None


def _may_be_a_new_key(failure: OAuthError) -> bool:
    # Without a kid, a key that was replaced looks like a signature that is wrong.
    return isinstance(failure, UnknownKeyError) or not failure.detail.get("kid", True)
