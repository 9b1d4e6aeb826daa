"""Key sets: which keys are used, and for what (rows J08-J12)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import MetadataError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import UnknownKeyError
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.protocol.oidc.jwks import MAX_KEYS
from flask_oauthclient.protocol.oidc.jwks import JWKSet
from flask_oauthclient.protocol.oidc.jwks import parse_jwk_set
from tests.protocol._keys import Key
from tests.protocol._keys import b64
from tests.protocol._keys import b64_int
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.protocol._keys import rsa_key
from tests.protocol._login import claims
from tests.protocol._login import verify

RSA = make_key("RS256").jwk
EC = make_key("ES256").jwk
OKP = make_key("EdDSA").jwk
TOKEN = compact({"alg": "ES256", "kid": "key-1"}, claims(), make_key("ES256"))


def without(jwk: dict[str, Any], *names: str) -> dict[str, Any]:
    """A key that lacks members."""
    return {name: value for name, value in jwk.items() if name not in names}


BROKEN: dict[str, Any] = {
    "J08-not-an-object": "key",
    "J08-null": None,
    "J08-list": [EC],
    "J08-empty": {},
    "J08-curve-unknown": {**EC, "crv": "P-999"},
    "J08-curve-missing": without(EC, "crv"),
    "J08-curve-list": {**EC, "crv": ["P-256"]},
    "J08-curve-of-another-type": {**EC, "crv": "Ed25519"},
    "J08-point-not-on-the-curve": {**EC, "y": EC["x"]},
    "J08-point-zero": {**EC, "x": b64(bytes(32)), "y": b64(bytes(32))},
    "J08-point-missing": without(EC, "y"),
    "J08-point-number": {**EC, "x": 5},
    "J08-point-huge": {**EC, "x": "A" * 100_000},
    "J08-base64-bad": {**EC, "x": "!!!"},
    "J08-base64-surrogate": {**EC, "x": "\ud800"},
    "J08-rsa-1024": Key("RS256", rsa_key("small", 1024)).jwk,
    "J08-rsa-2047": {**RSA, "n": b64_int(2**2046 + 1)},
    "J08-rsa-zero": {**RSA, "n": "AA"},
    "J08-rsa-empty": {**RSA, "n": ""},
    "J08-rsa-even-exponent": {**RSA, "e": "Ag"},
    "J08-rsa-exponent-one": {**RSA, "e": "AQ"},
    "J08-rsa-exponent-missing": without(RSA, "e"),
    "J08-okp-short": {**OKP, "x": b64(bytes(31))},
    "J08-okp-long": {**OKP, "x": b64(bytes(33))},
    "J08-okp-x25519": {**OKP, "crv": "X25519"},
    "J08-oct-empty": {"kty": "oct", "k": ""},
    "J08-oct-short": {"kty": "oct", "k": "AA"},
    "J08-kid-number": {**EC, "kid": 5},
    "J08-alg-list": {**EC, "alg": ["ES256"]},
    "J08-alg-object": {**EC, "alg": {}},
    "J09-kty-unknown": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
    "J09-kty-missing": without(EC, "kty"),
    "J09-kty-list": {**EC, "kty": ["EC"]},
    "J09-kty-object": {**EC, "kty": {}},
    "J09-kty-case": {**EC, "kty": "ec"},
    "J09-alg-unknown": {**EC, "alg": "ML-DSA-44"},
    "J09-alg-of-another-type": {**EC, "alg": "RS256"},
    "J09-alg-of-encryption": {**EC, "alg": "ECDH-ES"},
    "J10-use-enc": {**EC, "use": "enc"},
    "J10-use-unknown": {**EC, "use": "tls"},
    "J10-use-null": {**EC, "use": None},
    "J10-use-list": {**EC, "use": ["sig"]},
    "J10-key-ops-encrypt": {**without(EC, "use"), "key_ops": ["encrypt"]},
    "J10-key-ops-sign": {**without(EC, "use"), "key_ops": ["sign"]},
    "J10-key-ops-empty": {**without(EC, "use"), "key_ops": []},
    "J10-key-ops-null": {**EC, "key_ops": None},
    "J10-key-ops-string": {**EC, "key_ops": "verify"},
    "J10-key-ops-object": {**EC, "key_ops": {"verify": 1}},
    "J10-key-ops-nested": {**EC, "key_ops": [["verify"]]},
    "J10-use-and-key-ops-differ": {**EC, "use": "sig", "key_ops": ["verify", "encrypt"]},
}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("jwk", BROKEN.values(), ids=BROKEN)
def test_unusable_key_is_skipped(jwk: Any) -> None:
    """Alone it is not even tried, and beside a good key it does no harm."""
    for alg in ("ES256", "RS256", "EdDSA"):
        with pytest.raises(UnknownKeyError):
            JWKSet([jwk]).verify(alg, None, b"data", b"signature")

    assert verify(TOKEN, JWKSet([jwk, EC])).claims == claims()
    assert verify(TOKEN, JWKSet([EC, jwk])).claims == claims()


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("bits", [1024, 2040])
@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_j08_signature_of_a_short_rsa_key_is_worth_nothing(alg: str, bits: int) -> None:
    key = Key(alg, rsa_key(f"short {bits}", bits))
    token = compact({"alg": alg, "kid": "key-1"}, claims(), key)

    with pytest.raises(UnknownKeyError):
        verify(token, JWKSet([key.jwk]))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_all_unusable_keys_together_do_no_harm() -> None:
    assert verify(TOKEN, JWKSet([*BROKEN.values(), EC])).claims == claims()


def test_skipped_key_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        JWKSet([{**EC, "x": "look-at-this"}])

    assert "skipped a key of the key set" in caplog.text
    assert "look-at-this" not in caplog.text


@pytest.mark.parametrize(
    "changes",
    {
        "use-sig": {},
        "no-use": {"use": "sig"},
        "key-ops": {"key_ops": ["verify"]},
        "key-ops-both": {"key_ops": ["sign", "verify"]},
        "x5c": {"x5c": ["AAAA"], "x5t": "AAAA", "x5u": "https://op.test/cert"},
        "unknown-members": {"status": {"y": 1}, "exp": 1, "nbf": 2, "iat": 3},
    }.items(),
    ids=lambda item: item[0],
)
def test_key_is_used(changes: tuple[str, dict[str, Any]]) -> None:
    assert verify(TOKEN, JWKSet([{**EC, **changes[1]}])).claims == claims()


def test_private_key_in_a_set_verifies() -> None:
    number = make_key("ES256").private.private_numbers().private_value
    assert verify(TOKEN, JWKSet([{**EC, "d": b64_int(number, 32)}])).claims == claims()


@pytest.mark.parametrize("bits", [3072, 4096])
def test_longer_rsa_keys_are_used(bits: int) -> None:
    key = Key("RS256", rsa_key(f"long {bits}", bits))
    token = compact({"alg": "RS256", "kid": "key-1"}, claims(), key)

    assert verify(token, JWKSet([key.jwk])).claims == claims()


def test_j12_keys_beyond_the_limit_are_not_looked_at() -> None:
    keys = JWKSet([*[{"kty": "x"}] * (MAX_KEYS - 1), EC, RSA])

    assert len(keys) == 1
    assert verify(TOKEN, keys).claims == claims()


def test_j12_ten_thousand_keys_cost_no_more_than_a_hundred() -> None:
    others = [{**make_key("ES256", f"many {n % 7}").jwk, "kid": f"k{n}"} for n in range(10_000)]

    keys = JWKSet([EC, *others])

    assert len(keys) == MAX_KEYS
    assert verify(TOKEN, keys).claims == claims()


def test_key_is_parsed_once() -> None:
    keys = JWKSet([EC])
    verify(TOKEN, keys)
    began = time.process_time()
    for _ in range(20):
        verify(TOKEN, keys)

    assert time.process_time() - began < 5
    assert len(keys._chosen) == 1


@pytest.mark.parametrize("name", ["kid", "number"])
def test_made_up_kids_cost_no_memory(name: str) -> None:
    keys = JWKSet([EC])
    for number in range(100):
        kid: object = f"made-up-{number}" if name == "kid" else number
        with pytest.raises(UnknownKeyError):
            keys.verify("ES256", kid, b"data", b"signature")

    assert not keys._chosen


def answer(body: Any, status: int = 200, content_type: str = "application/json") -> Response:
    """The answer of a JWKS endpoint."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {"content-type": content_type}, data)


@pytest.mark.parametrize("content_type", ["application/json", "application/jwk-set+json", ""])
def test_document_is_read(content_type: str) -> None:
    assert parse_jwk_set(answer({"keys": [EC], "x": 1}, 200, content_type))["keys"] == [EC]


@pytest.mark.parametrize(
    ("body", "code"),
    {
        "no-keys": ({}, "invalid_jwk_set"),
        "keys-null": ({"keys": None}, "invalid_jwk_set"),
        "keys-object": ({"keys": {"a": EC}}, "invalid_jwk_set"),
        "keys-string": ({"keys": "none"}, "invalid_jwk_set"),
        "one-key": (EC, "invalid_jwk_set"),
        "list": ([EC], "invalid_response"),
        "null": (None, "invalid_response"),
        "html": (b"<html>", "invalid_response"),
        "empty": (b"", "invalid_response"),
        "nested": (b"[" * 100_000, "invalid_response"),
        "twice": (b'{"keys":[],"keys":[]}', "invalid_response"),
        "not-utf8": (b'{"keys":"\xff"}', "invalid_response"),
    }.values(),
    ids=[
        *("no-keys", "keys-null", "keys-object", "keys-string", "one-key", "list", "null"),
        *("html", "empty", "nested", "twice", "not-utf8"),
    ],
)
def test_document_that_is_no_key_set_is_an_error(body: Any, code: str) -> None:
    with pytest.raises((MetadataError, ProviderResponseError)) as caught:
        parse_jwk_set(answer(body))

    assert caught.value.error == code
    assert caught.value.http_status == 502


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (204, "provider_unavailable"),
        (304, "provider_unavailable"),
        (401, "metadata_not_found"),
        (404, "metadata_not_found"),
        (500, "provider_unavailable"),
        (503, "provider_unavailable"),
    ],
)
def test_other_status_is_an_error(status: int, code: str) -> None:
    with pytest.raises(OAuthError) as caught:
        parse_jwk_set(answer({"keys": [EC]}, status))

    assert caught.value.error == code
    assert caught.value.detail == {"status": status}
