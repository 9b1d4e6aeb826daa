"""Unguessable values."""

from __future__ import annotations

import secrets
import string

from .errors import InvalidSettingError

ALPHANUMERIC = string.ascii_letters + string.digits

# Each byte becomes a character. Those at the end of the range, which would make some characters
# likelier than others, are thrown away.
_FAIR = 256 - 256 % len(ALPHANUMERIC)
_CHARACTERS = bytes(ord(ALPHANUMERIC[byte % len(ALPHANUMERIC)]) for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))


def generate_token(length: int = 30, chars: str = ALPHANUMERIC) -> str:
    """Make a random string from the system's source.

    :param length: number of characters; of the default ones, each is worth 5.95 bits.
    :param chars: the characters to choose from.
    :raises InvalidSettingError: if there are none.
    """
    if chars == ALPHANUMERIC:
        return _alphanumeric(length)
    if not chars:
        raise InvalidSettingError(
            "invalid_configuration", "A random string needs characters to choose from."
        )
    return "".join(secrets.choice(chars) for _ in range(length))


def _alphanumeric(length: int) -> str:
    characters = b""
    while len(characters) < length:
        characters += secrets.token_bytes(length + 8).translate(_CHARACTERS, _UNFAIR)
    return characters[:length].decode("ascii")
