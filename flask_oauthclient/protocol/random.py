"""Unguessable values."""

from __future__ import annotations

import secrets
import string

_ALPHANUMERIC = (string.ascii_letters + string.digits).encode("ascii")
# Each byte becomes a character. Those at the end of the range, which would make some characters
# likelier than others, are thrown away.
_FAIR = 256 - 256 % len(_ALPHANUMERIC)
_CHARACTERS = bytes(_ALPHANUMERIC[byte % len(_ALPHANUMERIC)] for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))


def generate_token(length: int = 30) -> str:
    """Make a random alphanumeric string (5.95 bits a character) from the system's source.

    :param length: number of characters.
    """
    characters = b""
    while len(characters) < length:
        characters += secrets.token_bytes(length + 8).translate(_CHARACTERS, _UNFAIR)
    return characters[:length].decode("ascii")
