"""A time of day that tests move."""

from __future__ import annotations

import time

import pytest


class Clock:
    """Replaces ``time.time``. Providers made before keep to the real time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._now = time.time
        self._offset = 0.0
        patch.setattr(time, "time", self.__call__)

    def __call__(self) -> float:
        return self._now() + self._offset

    def advance(self, seconds: float) -> None:
        """Let time pass, or go back."""
        self._offset += seconds
