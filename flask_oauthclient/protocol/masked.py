"""A dict, and a tuple, whose ``repr`` shows no secret: error trackers show local variables."""

from __future__ import annotations

from typing import Any
from typing import ClassVar
from typing import Self


class MaskedDict(dict[str, Any]):
    """A dict of a server's fields; whatever is made of it masks them too."""

    #: What a repr may show; every other field may be a secret, also those that nobody knows yet.
    shown: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def from_dict(cls, token: Any) -> Any:
        """Wrap a plain mapping; pass anything else through, ``None`` included."""
        if isinstance(token, dict) and not isinstance(token, cls):
            return cls(token)
        return token

    def copy(self) -> Self:
        """A shallow copy, field by field as they are."""
        other = type(self).__new__(type(self))
        other.update(self)
        return other

    # dict promises a plain dict for other types of values; its repr would show them.
    def __or__(self, other: Any) -> Self:  # type: ignore[override]  # stays masked, see above
        if not isinstance(other, dict):
            return NotImplemented
        together = self.copy()
        together.update(other)
        return together

    def __ror__(self, other: Any) -> Self:  # type: ignore[override]  # stays masked, see above
        if not isinstance(other, dict):
            return NotImplemented
        together = self.copy()
        together.clear()
        together.update(other)
        together.update(self)
        return together

    def __repr__(self) -> str:
        masked = {name: value if name in self.shown else "***" for name, value in self.items()}
        return f"{type(self).__name__}({masked!r})"

    __str__ = __repr__


class MaskedTuple(tuple[str, ...]):
    """Several secrets."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"
