"""The name of one stored token."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from ...protocol.errors import InvalidSettingError

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


def owner_text(owner: object) -> str | None:
    """The application's key of a person as text; ``None`` if there is nobody.

    ``False`` is nobody: ``current_user.is_authenticated and current_user.id`` says it. All other
    things have a text as well, but one that people may share, or that changes: that of an object
    names a place in memory, where another person's will be next.

    :raises InvalidSettingError: for what is neither text, nor a whole number, nor a UUID.
    """
    if owner is None or owner is False or owner == "":
        return None
    if isinstance(owner, str | int | UUID) and owner is not True:
        return str(owner)
    raise InvalidSettingError(
        "invalid_configuration",
        "The owner of a token is the application's key of a person: a text or whole number, as in "
        f"str(user.id), and not {type(owner).__name__}.",
    )


def owner_id(owner: str) -> str:
    """What the stores call an owner: 64 hexadecimal digits."""
    return _hash(owner)


@lru_cache(maxsize=_REMEMBERED)
def _hash(*parts: str) -> str:
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
