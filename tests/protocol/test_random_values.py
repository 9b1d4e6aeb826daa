"""Random strings of chosen characters, and the code challenge of a verifier."""

from __future__ import annotations

import base64
import hashlib
import string
from collections import Counter

import pytest

from flask_oauthclient.protocol import generate_token
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.oauth2 import create_s256_code_challenge
from tests.helpers.leaks import Watch


@pytest.mark.parametrize("length", [0, 1, 24, 500])
@pytest.mark.parametrize("chars", ["ab", string.hexdigits.lower(), "äöü", "-._~" * 3])
def test_characters_may_be_chosen(length: int, chars: str) -> None:
    token = generate_token(length, chars)

    assert len(token) == length
    assert set(token) <= set(chars)


def test_every_chosen_character_comes() -> None:
    counts = Counter(generate_token(10_000, chars="abcd"))

    assert counts.keys() == set("abcd")
    assert all(2_000 < count < 3_000 for count in counts.values())


def test_default_characters_may_be_named() -> None:
    token = generate_token(length=300, chars=string.ascii_letters + string.digits)

    assert len(token) == 300
    assert token.isalnum()


def test_no_characters_are_refused() -> None:
    with pytest.raises(ValueError, match="characters") as caught:
        generate_token(30, "")

    assert isinstance(caught.value, InvalidSettingError)


def test_code_challenge_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert create_s256_code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_code_challenge_is_the_hash_of_the_verifier() -> None:
    verifier = generate_token(48)
    digest = hashlib.sha256(verifier.encode()).digest()

    assert create_s256_code_challenge(verifier) == base64.urlsafe_b64encode(digest)[:43].decode()


def test_verifier_outside_ascii_is_refused_and_not_shown(watch: Watch) -> None:
    verifier = "a-verifier-with-an-ümlaut-of-43-characters-"
    watch.secret(verifier)

    with pytest.raises(InvalidSettingError, match="ASCII"):
        create_s256_code_challenge(verifier)
