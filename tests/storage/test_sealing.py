"""What is sealed opens here, whole, in its own place, or not at all."""

from __future__ import annotations

import string
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from flask_oauthclient.storage.sealing import Sealer
from flask_oauthclient.storage.sealing import derive_key

_SECRET = "the secret key of the storage tests"
_ALPHABET = string.ascii_letters + string.digits + "-_"


@given(st.binary(max_size=500), st.binary(max_size=50))
def test_what_is_sealed_opens(data: bytes, context: bytes) -> None:
    sealed = Sealer([_SECRET]).seal(data, context)
    assert Sealer([_SECRET]).open(sealed, context) == data
    assert set(sealed) <= set(_ALPHABET)


def test_a_sealed_value_cannot_be_read(sealer: Sealer) -> None:
    sealed = sealer.seal(b"the code verifier", b"context")
    assert b"verifier" not in urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))


def test_no_two_seals_are_alike(sealer: Sealer) -> None:
    assert len({sealer.seal(b"data", b"context") for _ in range(1000)}) == 1000


@pytest.mark.parametrize("length", range(12))
def test_no_character_can_be_changed(length: int, sealer: Sealer) -> None:
    sealed = sealer.seal(b"x" * length, b"context")
    for position, old in enumerate(sealed):
        for new in _ALPHABET:
            if new != old:
                changed = sealed[:position] + new + sealed[position + 1 :]
                assert sealer.open(changed, b"context") is None


def test_no_bit_can_be_flipped(sealer: Sealer) -> None:
    sealed = sealer.seal(b"the data of a login", b"context")
    for position, character in enumerate(sealed):
        for bit in range(8):
            flipped = chr(ord(character) ^ 1 << bit)
            changed = sealed[:position] + flipped + sealed[position + 1 :]
            assert sealer.open(changed, b"context") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s[:-1],
        lambda s: s[1:],
        lambda s: s + "A",
        lambda s: s + "=",
        lambda s: s + "==",
        lambda s: s + "\n",
        lambda s: " " + s,
        lambda s: s[:10] + "!" + s[10:],
        lambda s: s[:10] + "\u00e4" + s[10:],
        lambda s: s[:20],
        lambda s: "",
        lambda s: "=",
        lambda s: "A" * 16,
        lambda s: "used",
        lambda s: s * 2,
    ],
)
def test_no_other_writing_of_a_value_opens(change: object, sealer: Sealer) -> None:
    sealed = sealer.seal(b"the data of a login", b"context")
    assert callable(change)
    assert sealer.open(change(sealed), b"context") is None


def test_a_value_opens_in_its_own_place_only(sealer: Sealer) -> None:
    sealed = sealer.seal(b"data", b"login 1")
    assert sealer.open(sealed, b"login 1") == b"data"
    for other in (b"login 2", b"login", b"login 1 ", b""):
        assert sealer.open(sealed, other) is None


def test_another_secret_opens_nothing(sealer: Sealer) -> None:
    sealed = sealer.seal(b"data", b"context")
    assert Sealer([_SECRET + "x"]).open(sealed, b"context") is None
    assert Sealer([]).open(sealed, b"context") is None


def test_a_secret_can_be_rotated() -> None:
    old, new = "the old secret key", "the new secret key"
    before, after = Sealer([old]), Sealer([new, old])
    assert after.open(before.seal(b"data", b"c"), b"c") == b"data"
    assert Sealer([new]).open(after.seal(b"data", b"c"), b"c") == b"data"
    assert before.open(after.seal(b"data", b"c"), b"c") is None
    assert Sealer([new]).open(before.seal(b"data", b"c"), b"c") is None


def test_a_secret_is_text_or_bytes() -> None:
    sealed = Sealer(["s\u00e4cret"]).seal(b"data", b"c")
    assert Sealer(["s\u00e4cret".encode()]).open(sealed, b"c") == b"data"


@given(st.binary(min_size=1, max_size=100), st.binary(max_size=50))
def test_keys_are_derived_as_rfc_5869_says(secret: bytes, info: bytes) -> None:
    expected = HKDF(SHA256(), 32, salt=None, info=info).derive(secret)
    assert derive_key(secret, info) == expected


def test_tags_have_keys_of_their_own(sealer: Sealer) -> None:
    keys = {*sealer.mac_keys, derive_key(_SECRET, b"flask_oauthclient sealed value v1")}
    assert len(keys) == 2
    assert _SECRET.encode() not in keys
    assert len(Sealer(["a", "b", "c"]).mac_keys) == 3


@given(st.text(max_size=300))
def test_arbitrary_text_opens_to_nothing(text: str) -> None:
    assert Sealer([_SECRET]).open(text, b"context") is None
