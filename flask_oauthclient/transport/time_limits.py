"""Time limits that run: one deadline for all that a request waits for."""

from __future__ import annotations

from time import monotonic


class TotalTime(float):
    """A number of seconds that start to run when the value is made."""

    __slots__ = ("deadline",)
    deadline: float

    def __new__(cls, seconds: float) -> TotalTime:
        value = super().__new__(cls, seconds)
        value.deadline = monotonic() + seconds
        return value

    def remaining(self) -> float:
        """Seconds that are left.

        :raises TimeoutError: if none are.
        """
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the time for the whole answer is over")
        return left


class ConnectTime(float):
    """A number of seconds to connect in, and the total that counts once connected."""

    __slots__ = ("total",)
    total: TotalTime

    def __new__(cls, seconds: float, total: TotalTime) -> ConnectTime:
        value = super().__new__(cls, seconds)
        value.total = total
        return value

    def remaining(self) -> float:
        """Seconds to connect in, of those that are left.

        :raises TimeoutError: if none are.
        """
        return min(float(self), self.total.remaining())
