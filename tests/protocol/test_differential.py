"""Two implementations agree: what one signs the other accepts, and what one refuses, too."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jwk import KeySet
from joserfc.jwk import OctKey
from joserfc.jwk import OKPKey
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.oidc.jwks import JWKSet
from tests.protocol._keys import SECRET
from tests.protocol._keys import b64
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.protocol._login import ALGORITHMS
from tests.protocol._login import claims
from tests.protocol._login import key_set
from tests.protocol._login import verify

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


def theirs(alg: str) -> Any:
    """Our key as an object of the JOSE library."""
    key = make_key(alg)
    if alg.startswith("HS"):
        return OctKey.import_key(SECRET)
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    kind = {"RS": RSAKey, "PS": RSAKey, "ES": ECKey, "Ed": OKPKey}[alg[:2]]
    return kind.import_key(pem, {"kid": "key-1"})


def ours(alg: str) -> JWKSet:
    """Our keys for an algorithm."""
    return JWKSet.from_secret(SECRET) if alg.startswith("HS") else key_set(make_key(alg))


def they_accept(alg: str, token: str) -> bool:
    """Whether the JOSE library takes a token."""
    try:
        jwt.decode(token, theirs(alg), registry=JWSRegistry(algorithms=[alg]))
    except (JoseError, ValueError):
        return False
    return True


def we_accept(alg: str, token: str) -> bool:
    """Whether we take it."""
    try:
        verify(token, ours(alg), algs=frozenset({alg}))
    except IDTokenError:
        return False
    return True


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_the_library_signs_is_accepted_here(alg: str) -> None:
    header = {"alg": alg, "kid": "key-1", "typ": "JWT"}
    token = jwt.encode(header, claims(), theirs(alg), registry=JWSRegistry(algorithms=[alg]))

    assert verify(token, ours(alg), algs=frozenset({alg})).claims == claims()


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_is_accepted_here_the_library_accepts(alg: str) -> None:
    token = compact({"alg": alg, "kid": "key-1"}, claims(), make_key(alg))

    assert we_accept(alg, token)
    assert they_accept(alg, token)


@pytest.mark.parametrize("alg", [alg for alg in ALGORITHMS if not alg.startswith("HS")])
def test_keys_that_the_library_publishes_are_read_here(alg: str) -> None:
    document = KeySet([theirs(alg)]).as_dict()
    token = compact({"alg": alg, "kid": "key-1"}, claims(), make_key(alg))

    assert verify(token, JWKSet(document["keys"])).claims == claims()


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_no_altered_token_is_accepted_by_either(alg: str, part: int) -> None:
    token = compact({"alg": alg, "kid": "key-1"}, claims(), make_key(alg))
    for position in range(0, len(token.split(".")[part]), 7):
        parts = token.split(".")
        raw = bytearray(parts[part].encode())
        raw[position] = ord("A") if raw[position] != ord("A") else ord("B")
        parts[part] = raw.decode()
        altered = ".".join(parts)

        assert not we_accept(alg, altered)
        assert not they_accept(alg, altered)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA", "HS256"])
def test_whatever_is_accepted_here_the_library_accepts(alg: str) -> None:
    """We may be stricter, never laxer."""
    key = make_key(alg)
    variants = [
        compact(header, payload, key)
        for header in (
            {"alg": alg},
            {"alg": alg, "kid": "key-1"},
            {"alg": alg, "kid": "other"},
            {"alg": alg, "crit": ["x"], "x": 1},
            {"alg": alg, "typ": "JWT"},
            {"alg": "none"},
            json.dumps({"alg": alg})[:-1] + ',"alg":"none"}',
        )
        for payload in (claims(), json.dumps(claims()) + " ", "[]", '"x"')
    ]
    base = compact({"alg": alg}, claims(), key)
    variants += [
        base + "=",
        base + "A",
        base + "\n",
        " " + base,
        base[:-1],
        base.rpartition(".")[0],
    ]

    accepted = [token for token in variants if we_accept(alg, token)]

    assert accepted
    assert all(they_accept(alg, token) for token in accepted)


def test_padding_is_the_same_base64() -> None:
    assert base64.urlsafe_b64decode(b64(b"ab") + "=") == b"ab"
