"""Signatures, algorithms and the choice of the key (rows I04-I06, I13, I14, I36, I37, I44)."""

from __future__ import annotations

import hmac
import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.errors import InvalidClaimError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.jose import ALGORITHMS as KNOWN
from flask_oauthclient.protocol.jose import ASYMMETRIC
from flask_oauthclient.protocol.jose import SYMMETRIC
from flask_oauthclient.protocol.jose import verifier
from flask_oauthclient.protocol.oidc.id_token import Expected
from flask_oauthclient.protocol.oidc.id_token import check_hash
from flask_oauthclient.protocol.oidc.id_token import half_hash
from flask_oauthclient.protocol.oidc.jwks import JWKSet
from tests.protocol._keys import SECRET
from tests.protocol._keys import Key
from tests.protocol._keys import b64
from tests.protocol._keys import b64_int
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.protocol._login import ALGORITHMS
from tests.protocol._login import LOGIN
from tests.protocol._login import claims
from tests.protocol._login import key_set
from tests.protocol._login import verify
from tests.protocol._login import verify_by


def refused(token: object, keys: JWKSet, **login: Any) -> str:
    """The code with which a token is refused."""
    with pytest.raises(IDTokenError) as caught:
        verify(token, keys, **login)
    return caught.value.error


def keys_for(alg: str, name: str = "ours") -> JWKSet:
    """The key set against which a token of an algorithm is checked."""
    if alg in SYMMETRIC:
        return JWKSet.from_secret(SECRET)
    return key_set(make_key(alg, name))


def test_the_tables_of_algorithms_are_the_same() -> None:
    assert set(ALGORITHMS) == set(KNOWN)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_good_token_is_accepted(alg: str) -> None:
    content = verify_by(alg)

    assert content.claims == claims()
    assert content.header == {"alg": alg, "kid": "key-1"}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_i13_signature_of_another_key_is_rejected(alg: str) -> None:
    theirs = make_key(alg, "theirs", "key-1")
    token = compact({"alg": alg, "kid": "key-1"}, claims(), theirs)

    assert refused(token, keys_for(alg), algs=frozenset(KNOWN)) == "bad_signature"


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("part", ["first", "middle", "last"])
def test_i13_altered_signature_is_rejected(alg: str, part: str) -> None:
    header, payload, signature = compact({"alg": alg}, claims(), make_key(alg)).split(".")
    raw = bytearray(_decode(signature))
    raw[{"first": 0, "middle": len(raw) // 2, "last": -1}[part]] ^= 1
    token = f"{header}.{payload}.{b64(bytes(raw))}"

    assert refused(token, keys_for(alg), algs=frozenset(KNOWN)) == "bad_signature"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_i13_altered_payload_is_rejected(alg: str) -> None:
    header, _, signature = compact({"alg": alg}, claims(), make_key(alg)).split(".")
    token = f"{header}.{b64(json.dumps(claims(sub='mallory')))}.{signature}"

    assert refused(token, keys_for(alg), algs=frozenset(KNOWN)) == "bad_signature"


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize(
    "change", ["first-byte", "last-byte-cut", "first-byte-cut", "longer", "twice"]
)
def test_i14_signature_of_a_wrong_length_is_rejected(alg: str, change: str) -> None:
    header, payload, signature = compact({"alg": alg}, claims(), make_key(alg)).split(".")
    raw = _decode(signature)
    wrong = {
        "first-byte": raw[:1],
        "last-byte-cut": raw[:-1],
        "first-byte-cut": raw[1:],
        "longer": raw + b"\0",
        "twice": raw + raw,
    }[change]

    token = f"{header}.{payload}.{b64(wrong)}"

    assert refused(token, keys_for(alg), algs=frozenset(KNOWN)) == "bad_signature"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "PS512"])
def test_i14_rsa_signature_keeps_the_zero_at_its_front(alg: str) -> None:
    """One in 256 has it, and some primitives would do without."""
    key = make_key(alg)
    data, signature = next(
        (data, signature)
        for data in (str(number).encode() for number in itertools.count())
        if (signature := key.sign(data))[0] == 0
    )
    keys = key_set(key)

    keys.verify(alg, "key-1", data, signature)
    for wrong in (signature[1:], b"\0" + signature, signature + b"\0"):
        with pytest.raises(IDTokenError) as caught:
            keys.verify(alg, "key-1", data, wrong)
        assert caught.value.error == "bad_signature"


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
@pytest.mark.parametrize("numbers", ["zero", "order", "zero-r", "zero-s", "all-ones"])
def test_i14_ecdsa_signature_out_of_range_is_rejected(alg: str, numbers: str) -> None:
    key = make_key(alg)
    size = (key.private.key_size + 7) // 8
    order = key.private.curve.group_order.to_bytes(size, "big")
    zero, ones, one = bytes(size), b"\xff" * size, (1).to_bytes(size, "big")
    raw = {
        "zero": zero + zero,
        "order": order + order,
        "zero-r": zero + one,
        "zero-s": one + zero,
        "all-ones": ones + ones,
    }[numbers]
    signing_input = compact({"alg": alg}, claims(), None)

    assert refused(signing_input + b64(raw), key_set(key)) == "bad_signature"


def test_i14_ecdsa_signature_in_der_is_rejected() -> None:
    key = make_key("ES256")
    signing_input = compact({"alg": "ES256"}, claims(), None)[:-1]
    der = key.private.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))

    assert refused(f"{signing_input}.{b64(der)}", key_set(key)) == "bad_signature"


@pytest.mark.parametrize("registered", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("secret", ["client-secret", "pem", "modulus"])
def test_i04_mac_is_rejected_where_a_signature_is_registered(registered: str, secret: str) -> None:
    """Neither the client secret nor anything public is taken for a MAC key."""
    key = make_key(registered)
    octets = {
        "client-secret": SECRET.encode(),
        "pem": _pem(key),
        "modulus": json.dumps(key.jwk).encode(),
    }[secret]
    mac = Key("HS256", octets)
    token = compact({"alg": "HS256", "kid": "key-1"}, claims(), mac)

    assert refused(token, key_set(key), algs=frozenset({registered})) == "unsupported_alg"
    assert refused(token, key_set(key), algs=frozenset(KNOWN)) == "unknown_key"


def test_i04_published_mac_key_verifies_nothing() -> None:
    key = make_key("HS256")
    token = compact({"alg": "HS256", "kid": "key-1"}, claims(), key)

    assert refused(token, key_set(key), algs=frozenset(KNOWN)) == "unknown_key"


@pytest.mark.parametrize("alg", ["RS256", "PS384", "ES256", "EdDSA"])
def test_secret_verifies_no_signature(alg: str) -> None:
    token = compact({"alg": alg, "kid": "key-1"}, claims(), make_key(alg))

    assert refused(token, JWKSet.from_secret(SECRET), algs=frozenset(KNOWN)) == "unknown_key"


@pytest.mark.parametrize("registered", ["PS256", "ES256", "RS512", "EdDSA"])
def test_i05_another_algorithm_of_the_real_server_is_rejected(registered: str) -> None:
    token = compact({"alg": "RS256", "kid": "key-1"}, claims(), make_key("RS256"))
    keys = key_set(make_key("RS256"), make_key(registered, kid="key-2"))

    assert refused(token, keys, algs=frozenset({registered})) == "unsupported_alg"


@pytest.mark.parametrize(
    ("stated", "used"),
    [("PS256", "RS256"), ("RS256", "PS256"), ("RS512", "RS256"), ("RSA-OAEP", "RS256")],
)
def test_i06_algorithm_belongs_to_the_key(stated: str, used: str) -> None:
    jwk = {**make_key("RS256").jwk, "alg": stated}
    token = compact({"alg": used, "kid": "key-1"}, claims(), make_key(used))

    assert refused(token, key_set(jwk)) == "unknown_key"


def test_key_without_alg_verifies_what_fits_its_type() -> None:
    jwk = {k: v for k, v in make_key("RS256").jwk.items() if k not in ("alg", "use")}
    keys = key_set(jwk)

    for alg in ("RS256", "RS512", "PS384"):
        verify(compact({"alg": alg, "kid": "key-1"}, claims(), make_key(alg)), keys)
    foreign = compact({"alg": "ES256", "kid": "key-1"}, claims(), make_key("ES256"))
    assert refused(foreign, keys) == "unknown_key"


@pytest.mark.parametrize("stated", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("used", ["EdDSA", "Ed25519"])
def test_the_two_names_of_ed25519_are_one_algorithm(stated: str, used: str) -> None:
    key = make_key("EdDSA")
    token = compact({"alg": used, "kid": "key-1"}, claims(), key)

    verify(token, key_set({**key.jwk, "alg": stated}))


def test_ed448_is_not_taken_for_ed25519() -> None:
    key = make_key("Ed448")
    token = compact({"alg": "EdDSA", "kid": "key-1"}, claims(), key)

    assert refused(token, key_set({**key.jwk, "alg": "EdDSA"})) == "unknown_key"


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_curve_has_to_be_the_algorithms(alg: str) -> None:
    other = {"ES256": "ES384", "ES384": "ES512", "ES512": "ES256"}[alg]
    jwk = {k: v for k, v in make_key(other).jwk.items() if k != "alg"}
    token = compact({"alg": alg, "kid": "key-1"}, claims(), make_key(other))

    assert refused(token, key_set(jwk)) == "unknown_key"


@pytest.mark.parametrize("position", ["first", "middle", "last"])
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_i44_decoys_with_the_same_kid_do_not_matter(alg: str, position: str) -> None:
    decoys = [make_key(other) for other in ("RS512", "ES512", "HS256", "Ed448") if other != alg]
    decoys += [make_key("ES256", "kidless", None)]
    decoys[{"first": 0, "middle": 2, "last": 5}[position] : 0] = [make_key(alg)]
    token = compact({"alg": alg, "kid": "key-1"}, claims(), make_key(alg))

    verify(token, key_set(*decoys))


def test_i44_decoy_of_the_same_kid_and_type_is_tried_too() -> None:
    decoys = [make_key("ES256", f"decoy {number}") for number in range(3)]
    token = compact({"alg": "ES256", "kid": "key-1"}, claims(), make_key("ES256"))

    verify(token, key_set(*decoys, make_key("ES256")))


@pytest.mark.parametrize("count", [1, 8])
def test_token_without_kid_is_tried_against_keys_of_its_type(count: int) -> None:
    others = [make_key("ES256", f"other {number}", f"k{number}") for number in range(count - 1)]
    keys = key_set(make_key("RS256"), *others, make_key("ES256"))

    verify(compact({"alg": "ES256"}, claims(), make_key("ES256")), keys)


def test_token_without_kid_is_tried_against_eight_keys_at_most() -> None:
    others = [make_key("ES256", f"other {number}", f"k{number}") for number in range(8)]
    token = compact({"alg": "ES256"}, claims(), make_key("ES256"))

    assert refused(token, key_set(*others, make_key("ES256"))) == "bad_signature"


def test_no_keys_no_token() -> None:
    assert refused(compact({"alg": "RS256"}, claims(), make_key("RS256")), key_set({})) == (
        "unknown_key"
    )


def test_bad_signature_says_whether_there_was_a_kid() -> None:
    theirs = make_key("ES256", "theirs")
    for header, named in (({"alg": "ES256"}, False), ({"alg": "ES256", "kid": "key-1"}, True)):
        with pytest.raises(IDTokenError) as caught:
            verify(compact(header, claims(), theirs), key_set(make_key("ES256")))
        assert caught.value.detail == {"kid": named}


def test_signature_is_checked_before_any_claim() -> None:
    forged = compact({"alg": "ES256"}, claims(iss="https://evil.test"), make_key("ES256", "x"))

    assert refused(forged, key_set(make_key("ES256"))) == "bad_signature"


@pytest.mark.parametrize("secret", ["s", "short", "ä" * 20, "-----BEGIN PUBLIC KEY-----"])
def test_client_secret_is_a_mac_key_whatever_it_looks_like(secret: str) -> None:
    """Too short a one is a matter of the registration, not an accident in the first login."""
    mac = Key("HS256", secret.encode())
    token = compact({"alg": "HS256"}, claims(), mac)

    verify(token, JWKSet.from_secret(secret), algs=SYMMETRIC)


def test_mac_without_a_secret_is_a_matter_of_configuration() -> None:
    with pytest.raises(MissingConfigurationError) as caught:
        JWKSet.from_secret("")

    assert caught.value.error == "missing_configuration"


def test_empty_mac_key_verifies_nothing() -> None:
    from joserfc.jwk import OctKey

    check = verifier(OctKey(b"", b""), "HS256")

    assert check(b"data", hmac.digest(b"", b"data", "sha256")) is False


@pytest.mark.parametrize("exponent", [2**4000 + 1, 3])
@pytest.mark.parametrize("bits", [4096, 20_000])
def test_rsa_key_of_a_monstrous_size_verifies_nothing(bits: int, exponent: int) -> None:
    modulus = 2 ** (bits - 1) + 12_345
    jwk = {"kty": "RSA", "n": b64_int(modulus), "e": b64_int(exponent)}

    with pytest.raises(IDTokenError) as caught:
        JWKSet([jwk]).verify("RS256", None, b"data", b"\1" * (bits // 8))

    assert caught.value.error == "bad_signature"


def test_mac_keys_given_in_code_verify() -> None:
    keys = JWKSet([make_key("HS256").jwk], ASYMMETRIC | SYMMETRIC)
    token = compact({"alg": "HS256", "kid": "key-1"}, claims(), make_key("HS256"))

    verify(token, keys, algs=SYMMETRIC)


@pytest.mark.parametrize("alg", ["none", "", "ES256K", "XX999", "RSA-OAEP", "EdDSA2"])
def test_i36_hash_claim_fails_closed_without_a_known_hash(alg: str) -> None:
    assert half_hash("token", alg) is None
    with pytest.raises(InvalidClaimError):
        check_hash({"at_hash": "x"}, "at_hash", "token", alg)


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_i37_hash_of_ed25519_is_sha512(alg: str) -> None:
    import hashlib

    digest = hashlib.sha512(b"token").digest()
    assert half_hash("token", alg) == b64(digest[:32])
    for wrong in (b64(hashlib.sha256(b"token").digest()[:16]), b64(digest), b64(digest[32:])):
        with pytest.raises(InvalidClaimError):
            check_hash({"at_hash": wrong}, "at_hash", "token", alg)


def test_half_hash_of_half_a_character_is_no_accident() -> None:
    assert half_hash("\ud800", "RS256") != half_hash("?", "RS256")


def test_what_is_expected_shows_no_secret() -> None:
    secrets = {"nonce": "the-nonce", "code": "the-code", "state": "s", "access_token": "the-token"}
    expected = Expected(**{**LOGIN, **secrets})

    assert repr(expected) == "<Expected 'https://op.test' 'me'>"


def test_expected_needs_client_and_issuer_only() -> None:
    assert Expected("me", None).algs == ASYMMETRIC


def test_mac_of_the_tests_is_a_mac() -> None:
    assert make_key("HS256").sign(b"x") == hmac.digest(SECRET.encode(), b"x", "sha256")


def _decode(segment: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _pem(key: Key) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization import PublicFormat

    public = key.private.public_key()
    return bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
