"""What this process has seen used up.

A login that lives in the browser alone can be presented twice; the copy that comes second, to the
same process, is caught here. (Between processes the provider's one-time code decides, or a cache.)
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import monotonic

_CAPACITY = 50_000


class SpentSet:
    """A set of values that forgets each after a time.

    :param lifetime: seconds for which a value is remembered.
    """

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, value: str) -> bool:
        """Use a value up; true for exactly one caller."""
        now = monotonic()
        with self._lock:
            while self._until and (
                next(iter(self._until.values())) < now or len(self._until) >= _CAPACITY
            ):
                self._until.popitem(last=False)
            if value in self._until:
                return False
            self._until[value] = now + self._lifetime
            return True

    def forget(self, value: str) -> None:
        """Allow a value to be used once more."""
        with self._lock:
            self._until.pop(value, None)

    def __contains__(self, value: str) -> bool:
        return self._until.get(value, 0.0) > monotonic()
