"""Unguessable values."""

from __future__ import annotations

import secrets
import string

_ALPHANUMERIC = string.ascii_letters + string.digits
_LIMIT = 256 - 256 % len(_ALPHANUMERIC)


def generate_token(length: int = 30) -> str:
    """Make a random alphanumeric string (5.95 bits a character) from the system's source.

    :param length: number of characters.
    """
    # Bytes at or over the limit are thrown away, so that every character is equally likely.
    characters: list[str] = []
    while len(characters) < length:
        characters += [
            _ALPHANUMERIC[byte % 62]
            for byte in secrets.token_bytes(length + length // 8 + 4)
            if byte < _LIMIT
        ]
    return "".join(characters[:length])
