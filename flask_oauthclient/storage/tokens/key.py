"""The name of one stored token."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

#: Names whose hashes are not computed anew for each request.
_REMEMBERED = 4096


class TokenKey(NamedTuple):
    """Whose token it is, and at which provider.

    :param client: the client's name in the registry.
    :param owner: the application's key of the person; empty for a token of the client's own.
    :param label: tells several accounts of one owner at one provider apart.
    """

    client: str
    owner: str = ""
    label: str = ""

    @property
    def row_id(self) -> str:
        """What the stores call it: 64 hexadecimal digits, the same for no other key.

        Two keys that differ in nothing but the case of a letter, or in a space at the end, are
        two keys, whatever a database thinks of them.
        """
        return _hash(*self)

    @property
    def owner_id(self) -> str:
        """What the stores call the owner."""
        return owner_id(self.owner)


def owner_id(owner: str) -> str:
    """What the stores call an owner: 64 hexadecimal digits."""
    return _hash(owner)


@lru_cache(maxsize=_REMEMBERED)
def _hash(*parts: str) -> str:
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
