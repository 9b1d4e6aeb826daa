"""Functions that adapt a session to a server outside the standard."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidSettingError

Hook = Callable[..., Any]


class HookList(list[Hook]):
    """Hooks in the order in which they run, with the spelling of a set."""

    def add(self, hook: Hook) -> None:
        """Let a hook run after the others, unless it is here already."""
        if hook not in self:
            self.append(hook)

    def discard(self, hook: Hook) -> None:
        """Let a hook run no more, if it is here."""
        if hook in self:
            self.remove(hook)


def add_hook(hooks: Mapping[str, HookList], hook_type: str, hook: Hook) -> None:
    """Add a compliance hook, once.

    :raises InvalidSettingError: (a ``ValueError``) for a type that does not exist.
    """
    if hook_type not in hooks:
        known = ", ".join(sorted(hooks))
        raise InvalidSettingError(
            "invalid_configuration",
            f"There is no compliance hook {hook_type!r}; known are {known}.",
        )
    hooks[hook_type].add(hook)
