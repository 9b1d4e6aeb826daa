"""The envelope of a stored token."""

from __future__ import annotations

import hmac
import logging
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.storage.tokens.envelope import TokenSealer
from flask_oauthclient.storage.tokens.envelope import new_key
from flask_oauthclient.storage.tokens.envelope import split_keys
from flask_oauthclient.storage.tokens.key import TokenKey
from tests.helpers.leaks import Watch

OLD = "the old key, which is long enough"
NEW = "the new key, which is long enough"
DATA = b'["a stored token"]'
ROW = TokenKey("demo", "alice").row_id


@pytest.fixture(autouse=True)
def _secrets(watch: Watch) -> None:
    watch.secret(OLD, NEW, DATA.decode())


def test_what_was_sealed_opens() -> None:
    sealer = TokenSealer([NEW])
    for data in (b"", b"\0", DATA, DATA * 4000):
        assert sealer.open(sealer.seal(data, ROW), ROW) == data


def test_the_parts_of_an_envelope() -> None:
    sealer = TokenSealer([NEW])
    sealed = sealer.seal(DATA, ROW)
    assert len(sealed) == 1 + 4 + 12 + len(DATA) + 16
    assert sealed[:1] == b"\x01"
    assert sealed[1:5].hex() == sealer.current_key_id

    key = HKDF(SHA256(), 32, None, b"flask_oauthclient token store v1").derive(NEW.encode())
    assert sealed[1:5] == hmac.digest(key, b"key id", "sha256")[:4]
    row_key = hmac.digest(key, b"row " + ROW.encode(), "sha256")
    header, nonce, body = sealed[:5], sealed[5:17], sealed[17:]
    assert AESGCM(row_key).decrypt(nonce, body, header + ROW.encode()) == DATA


def test_no_two_envelopes_are_alike() -> None:
    sealer = TokenSealer([NEW])
    assert len({sealer.seal(DATA, ROW)[5:] for _ in range(100)}) == 100


def test_the_first_key_seals_and_all_open() -> None:
    before, during, after = TokenSealer([OLD]), TokenSealer([NEW, OLD]), TokenSealer([NEW])
    old, new = before.seal(DATA, ROW), during.seal(DATA, ROW)
    assert before.open(old, ROW) == during.open(old, ROW) == DATA
    assert during.open(new, ROW) == after.open(new, ROW) == DATA
    assert after.open(old, ROW) is None
    assert before.open(new, ROW) is None
    assert [during.is_current(sealed) for sealed in (old, new)] == [False, True]


def test_two_processes_have_the_same_key_ids() -> None:
    assert TokenSealer([NEW]).current_key_id == TokenSealer([NEW.encode()]).current_key_id
    assert TokenSealer([NEW]).current_key_id != TokenSealer([OLD]).current_key_id
    assert TokenSealer([NEW, OLD]).current_key_id == TokenSealer(NEW).current_key_id


def test_a_key_that_is_missing_is_said_in_one_line(caplog: Any) -> None:
    sealed = [TokenSealer([OLD]).seal(DATA, ROW) for _ in range(3)]
    sealer = TokenSealer([NEW])
    with caplog.at_level(logging.DEBUG):
        assert [sealer.open(each, ROW) for each in sealed] == [None] * 3
    [line] = caplog.messages
    assert sealed[0][1:5].hex() in line
    assert sealer.current_key_id in line


@pytest.mark.parametrize(
    "other",
    [
        TokenKey("demo", "bob"),
        TokenKey("demo", "Alice"),
        TokenKey("demo2", "alice"),
        TokenKey("demo", "alice", "work"),
        TokenKey("demoalice"),
    ],
)
def test_what_was_moved_to_another_row_does_not_open(other: TokenKey) -> None:
    sealer = TokenSealer([NEW])
    assert sealer.open(sealer.seal(DATA, ROW), other.row_id) is None


def test_no_bit_can_be_changed() -> None:
    sealer = TokenSealer([NEW, OLD])
    for key in (NEW, OLD):
        sealed = TokenSealer([key]).seal(b"{}", ROW)
        for place in range(len(sealed) * 8):
            changed = bytearray(sealed)
            changed[place // 8] ^= 1 << place % 8
            assert sealer.open(bytes(changed), ROW) is None


def test_nothing_can_be_cut_off_or_added() -> None:
    sealer = TokenSealer([NEW])
    sealed = sealer.seal(DATA, ROW)
    for length in range(len(sealed)):
        assert sealer.open(sealed[:length], ROW) is None
    assert sealer.open(sealed + b"\0", ROW) is None
    assert sealer.open(b"\0" + sealed, ROW) is None


def test_there_has_to_be_a_key() -> None:
    with pytest.raises(MissingConfigurationError, match="OAUTHCLIENT_TOKEN_KEYS"):
        TokenSealer([])


@pytest.mark.parametrize("keys", [["short"], [NEW, ""], ["x" * 15], [b"x" * 15]])
def test_a_short_key_is_refused(keys: Any) -> None:
    with pytest.raises(InvalidSettingError, match="16 characters"):
        TokenSealer(keys)


def test_a_sealer_does_not_show_its_keys() -> None:
    sealer = TokenSealer([NEW, OLD])
    text = f"{sealer!r} {sealer}"
    assert "2 keys" in text
    assert not any(key in text for key in (NEW, OLD))


def test_a_new_key_seals_and_is_like_no_other() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 43 for key in keys)
    assert split_keys(",".join(sorted(keys))) == tuple(sorted(keys))
    TokenSealer(sorted(keys))


@pytest.mark.parametrize(
    ("configured", "keys"),
    [
        ("", ()),
        ("a", ("a",)),
        (" a, b\n c,,", ("a", "b", "c")),
        (["a b", "c"], ("a b", "c")),
        ((), ()),
        (b"key", (b"key",)),
        ([b"key", "a"], (b"key", "a")),
    ],
)
def test_keys_in_the_configuration(configured: object, keys: tuple[str | bytes, ...]) -> None:
    assert split_keys(configured) == keys


@pytest.mark.parametrize("configured", [None, 5, ["a", 5], {"a": "b"}, {"a"}])
def test_what_is_no_list_of_keys(configured: object) -> None:
    with pytest.raises(InvalidSettingError, match="OAUTHCLIENT_TOKEN_KEYS"):
        split_keys(configured)
