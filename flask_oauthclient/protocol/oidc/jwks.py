"""A provider's key set (RFC 7517): parsed once, chosen from by ``kid`` *and* type.

A set belongs to one issuer. One broken key never spoils the others, and a key that was fetched
never verifies a MAC.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Protocol

from .. import jose
from ..errors import BadSignatureError
from ..errors import MetadataError
from ..errors import MissingConfigurationError
from ..errors import UnknownKeyError
from ..messages import Response
from ..oauth2.metadata import check_document_status

#: Keys beyond this number are not looked at.
MAX_KEYS = 100
#: How many keys a token without ``kid`` is tried against.
MAX_TRIES = 8


class SignatureKeys(Protocol):
    """What a signature is checked with: a key set, or whatever asks for one when it has to."""

    def verify(self, alg: str, kid: object, data: bytes, signature: bytes, /) -> None:
        """Check a signature; see :meth:`JWKSet.verify`."""
        ...


class VerificationKey:
    """One key, with its verifiers by algorithm."""

    __slots__ = ("_alg", "_crv", "_key", "_kty", "_verifiers", "kid")

    def __init__(self, jwk: Mapping[str, Any], key: Any) -> None:
        self.kid: object = jwk.get("kid")
        self._kty: object = jwk.get("kty")
        self._crv: object = jwk.get("crv")
        self._alg: object = jwk.get("alg")
        self._key = key
        self._verifiers: dict[str, jose.Verifier] = {}

    def verifier(self, alg: str) -> jose.Verifier | None:
        """The check of this key for an algorithm, or ``None`` if they don't fit."""
        found = self._verifiers.get(alg)
        if found is None and self._fits(alg):
            found = self._verifiers[alg] = jose.verifier(self._key, alg)
        return found

    def _fits(self, alg: str) -> bool:
        kty, crv = jose.ALGORITHMS[alg]
        # The algorithm belongs to the key: what the JWK states wins over the token's header.
        stated = self._alg in (None, alg) or {self._alg, alg} == {"EdDSA", "Ed25519"}
        return self._kty == kty and crv in (None, self._crv) and stated


class JWKSet:
    """The usable verification keys of a set.

    :param jwks: the ``keys`` member of a JWK Set, or any iterable of JWKs.
    :param algs: algorithms that these keys may verify at all.
    """

    __slots__ = ("_algs", "_chosen", "_is_secret", "_keys")

    def __init__(self, jwks: Iterable[Any], algs: frozenset[str] = jose.ASYMMETRIC) -> None:
        self._algs = algs
        self._is_secret = False
        self._keys = [key for jwk in list(jwks)[:MAX_KEYS] if (key := _usable(jwk))]
        self._chosen: dict[tuple[str, str | None], list[jose.Verifier]] = {}

    @classmethod
    def from_secret(cls, secret: str) -> JWKSet:
        """The key of a client that registered an HMAC algorithm (Core 10.1).

        :raises MissingConfigurationError: if there is no secret.
        """
        if not secret:
            raise MissingConfigurationError(
                "missing_configuration", "HS256, HS384 and HS512 need a client_secret."
            )
        keys = cls((), jose.SYMMETRIC)
        keys._is_secret = True  # there is one, so that a kid says nothing
        keys._keys = [VerificationKey({"kty": "oct"}, jose.import_secret(secret))]
        return keys

    def __len__(self) -> int:
        return len(self._keys)

    def verify(self, alg: str, kid: object, data: bytes, signature: bytes) -> None:
        """Check a signature.

        :param alg: the header's algorithm, already known to be allowed.
        :param kid: the header's key identifier, if any; only ever compared.
        :raises UnknownKeyError: if no key fits.
        :raises BadSignatureError: if those that fit say no.
        """
        key_id = kid if isinstance(kid, str) and not self._is_secret else None
        if kid is not None and key_id is None and not self._is_secret:
            raise UnknownKeyError
        verifiers = self._chosen.get((alg, key_id)) or self._choose(alg, key_id)
        if not any(verify(data, signature) for verify in verifiers):
            raise BadSignatureError(detail={"kid": key_id is not None})

    def _choose(self, alg: str, kid: str | None) -> list[jose.Verifier]:
        named = [key for key in self._keys if kid is None or key.kid == kid]
        fitting = [found for key in named if alg in self._algs and (found := key.verifier(alg))]
        if not fitting:
            raise UnknownKeyError
        # Only what a key answers to is remembered, so that made-up kids cost no memory.
        self._chosen[alg, kid] = fitting[:MAX_TRIES]
        return fitting[:MAX_TRIES]


def _usable(jwk: object) -> VerificationKey | None:
    if not isinstance(jwk, Mapping) or not _is_for_signatures(jwk):
        return None
    key = jose.import_jwk(jwk)
    return None if key is None else VerificationKey(jwk, key)


def _is_for_signatures(jwk: Mapping[str, Any]) -> bool:
    # RFC 7517 sections 4.2 and 4.3
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig" and isinstance(operations, list) and ("verify" in operations)
    )


def read_jwk_set(document: Mapping[str, Any]) -> list[Any]:
    """The keys of a JWK Set document.

    :raises MetadataError: if it is no JWK Set (RFC 7517 section 5.1).
    """
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise MetadataError("invalid_jwk_set")
    return keys


def parse_jwk_set(response: Response) -> dict[str, Any]:
    """Read a key set document.

    :raises MetadataError: if the server gives none.
    :raises ProviderResponseError: if it is not a JSON object.
    """
    check_document_status(response)
    document = response.json_object("key set")
    read_jwk_set(document)
    return document
