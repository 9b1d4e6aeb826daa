"""One place in a store."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from .key import TokenKey
from .store import Token
from .store import TokenStore


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

    def refresh(
        self, stale: Mapping[str, Any] | None, do: Callable[[Token | None], Mapping[str, Any]]
    ) -> Token | None:
        """Replace the token once for all; see :meth:`TokenStore.refresh`."""
        return self.store.refresh(self.key, stale, do)
