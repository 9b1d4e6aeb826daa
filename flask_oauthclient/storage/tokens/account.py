"""One place in a store."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from .kept import Token
from .key import TokenKey
from .store import TokenStore

#: How often a token is looked at again that others replace while it is removed.
_TRIES = 4


class Account(NamedTuple):
    """A store, and the key of one token in it."""

    store: TokenStore
    key: TokenKey

    def get(self) -> Token | None:
        """The token, or ``None``."""
        return self.store.get(self.key)

    def put(self, token: Mapping[str, Any]) -> None:
        """Keep a token in place of what is there."""
        self.store.put(self.key, token)

    def delete(self) -> bool:
        """Remove the token; true if it was there."""
        return self.store.delete(self.key)

    def take(self) -> Token | None:
        """Remove the token, and give back what was removed, which is to be revoked.

        A refresh may bring another one between looking at it and removing it.
        """
        for _ in range(_TRIES):
            token = self.get()
            if token is None or self.store.delete(self.key, only=token):
                return token
        return None

    def refresh(
        self, stale: Mapping[str, Any] | None, do: Callable[[Token | None], Mapping[str, Any]]
    ) -> Token | None:
        """Replace the token once for all; see :meth:`TokenStore.refresh`."""
        return self.store.refresh(self.key, stale, do)
