"""What differs between sessions that block and sessions that await."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from ..transport._run import Steps


class Flavour(ABC):
    """How a session does steps."""

    @abstractmethod
    def drive(self, steps: Steps[Any]) -> Any:
        """Do steps: their result, or an awaitable of it."""

    @abstractmethod
    def to_the_end(self, steps: Steps[Any]) -> Any:
        """Do steps that must not be left half done, whoever is not waiting for them any more."""

    @abstractmethod
    def apart(self, do: Callable[[], Any]) -> Any:
        """Call something that blocks."""

    @abstractmethod
    def back(self, steps: Steps[Any]) -> Any:
        """Do steps of the session from inside of what was called :meth:`apart`."""

    @abstractmethod
    def new_lock(self) -> Any:
        """A lock with ``acquire`` and ``release``, which its holder may take once more."""
