"""Sealed tokens: AES-256-GCM in an envelope that says its version and which key opens it.

::

    1 byte      version
    4 bytes     key id, derived from the key
    12 bytes    nonce, random
    the rest    ciphertext and tag

Each row has a key of its own, derived from the application's key and the row's name (HKDF, RFC
5869): random nonces are good for some four thousand million messages under one key (NIST SP
800-38D section 8.3), which a busy site would reach with one key, and no row ever will. What was
copied from one row to another does not open there.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Iterable
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from typing import NamedTuple

from ...protocol.errors import InvalidSettingError
from ...protocol.errors import MissingConfigurationError
from ..sealing import derive_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_log = logging.getLogger(__name__)

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + _KEY_ID_BYTES
_BODY = _HEADER_BYTES + _NONCE_BYTES
#: Characters that a key has at the least.
_MIN_KEY_LENGTH = 16
#: Bytes of a new key, before encoding.
_NEW_KEY_BYTES = 32
#: Keys that are missing of which the log is told, each once; whoever can write rows can name more.
_TOLD = 100
#: Rows whose ciphers are not made anew for each request; each takes some 3 KB.
_REMEMBERED = 1024


class _Key(NamedTuple):
    #: What an envelope begins with.
    header: bytes
    material: bytes

    @property
    def name(self) -> str:
        return _name(self.header)

    def __repr__(self) -> str:
        return f"<key {self.name}>"


def new_key() -> str:
    """Make a key for ``OAUTHCLIENT_TOKEN_KEYS``."""
    return secrets.token_urlsafe(_NEW_KEY_BYTES)


def split_keys(configured: object) -> tuple[str | bytes, ...]:
    """Read keys out of a configuration value.

    :param configured: a list of texts, or one text with commas or spaces between the keys, as it
        comes from the environment.
    :raises InvalidSettingError: for anything else.
    """
    if isinstance(configured, str):
        return tuple(configured.replace(",", " ").split())
    if isinstance(configured, bytes):
        return (configured,)
    if isinstance(configured, list | tuple):
        keys = tuple(key for key in configured if isinstance(key, str | bytes))
        if len(keys) == len(configured):
            return keys
    raise InvalidSettingError(
        "invalid_configuration",
        "OAUTHCLIENT_TOKEN_KEYS is a list of texts, the current key first, or one text with commas "
        "between them. A key of digits needs quotes of its own in the environment.",
    )


_MAKES_KEYS = "`flask oauth keys generate` (Django: `manage.py oauthclient_keys generate`)"


def check_keys(keys: Iterable[str | bytes]) -> None:
    """Refuse keys that could be guessed.

    :raises InvalidSettingError: for one that is too short.
    """
    if any(len(key) < _MIN_KEY_LENGTH for key in keys):
        raise InvalidSettingError(
            "invalid_configuration",
            f"A key that seals tokens has {_MIN_KEY_LENGTH} characters at the least, the "
            f"SECRET_KEY too if it stands in for one. {_MAKES_KEYS} makes one.",
        )


class TokenSealer:
    """Seal and open the tokens of a store.

    :param keys: the current key first, then those that were current before: the first one seals,
        all of them open.
    :raises MissingConfigurationError: without a key.
    :raises InvalidSettingError: for a key that could be guessed.
    """

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        if isinstance(keys, str | bytes):
            keys = [keys]
        if not keys:
            raise MissingConfigurationError(
                "missing_configuration",
                f"Tokens are stored sealed. Set OAUTHCLIENT_TOKEN_KEYS ({_MAKES_KEYS} makes a "
                "key), or pass keys to the store.",
            )
        check_keys(keys)
        self._keys = [_read_key(key) for key in keys]
        self._told: set[bytes] = set()

    def __repr__(self) -> str:
        return f"<TokenSealer of {len(self._keys)} keys, current {self.current_key_id}>"

    @property
    def current_key_id(self) -> str:
        """The name of the key that seals."""
        return self._keys[0].name

    def seal(self, data: bytes, row_id: str) -> bytes:
        """Encrypt for one row.

        :param data: what to keep.
        :param row_id: where; it opens nowhere else.
        """
        key = self._keys[0]
        cipher, place = _cipher(key, row_id)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return key.header + nonce + cipher.encrypt(nonce, data, place)

    def open(self, sealed: bytes, row_id: str) -> bytes | None:
        """Decrypt; ``None``, and a line in the log, for what was not sealed here for this row."""
        header = sealed[:_HEADER_BYTES]
        nonce, body = sealed[_HEADER_BYTES:_BODY], sealed[_BODY:]
        for key in self._keys:
            if header != key.header:
                continue
            cipher, place = _cipher(key, row_id)
            try:
                return cipher.decrypt(nonce, body, place)
            except _not_sealed_so():
                continue
        self._tell(header)
        return None

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value was sealed with the current key."""
        return sealed.startswith(self._keys[0].header)

    def _tell(self, header: bytes) -> None:
        """Say once for each key that something does not open."""
        if header in self._told or len(self._told) >= _TOLD:
            return
        self._told.add(header)
        _log.warning(
            "a stored token does not open and counts as none: key %s is not among "
            "OAUTHCLIENT_TOKEN_KEYS (current %s), or the token was changed",
            _name(header),
            self.current_key_id,
        )


def _read_key(key: str | bytes) -> _Key:
    material = derive_key(key, b"flask_oauthclient token store v1")
    return _Key(_VERSION + hmac.digest(material, b"key id", "sha256")[:_KEY_ID_BYTES], material)


def _name(header: bytes) -> str:
    return header[len(_VERSION) :].hex()


@lru_cache(maxsize=_REMEMBERED)
def _cipher(key: _Key, row_id: str) -> tuple[AESGCM, bytes]:
    """The cipher of one row, and what it authenticates besides.

    To make it takes three times as long as to use it.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    row = row_id.encode()
    return AESGCM(hmac.digest(key.material, b"row " + row, "sha256")), key.header + row


def _not_sealed_so() -> tuple[type[Exception], ...]:
    """What opening raises for what was sealed with another key, or changed, or cut off."""
    from cryptography.exceptions import InvalidTag

    return InvalidTag, ValueError
