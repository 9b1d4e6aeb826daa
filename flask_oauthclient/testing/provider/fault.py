"""One fault: a predicate, and transformations around whatever produces a value."""

from __future__ import annotations

import functools
import threading
import typing as t
from collections.abc import Callable

from .call import Call

if t.TYPE_CHECKING:
    from .faults import Faults

T = t.TypeVar("T")
Produce = Callable[[], T]


class Fault(t.Generic[T]):
    """One registered fault. Its methods add transformations and may be chained.

    As a context manager it is taken off again at the end of the block.
    """

    def __init__(
        self,
        faults: Faults,
        times: int | None = None,
        when: Callable[[Call], bool] | None = None,
    ) -> None:
        self._faults = faults
        self.keys = faults.keys
        #: Set when it is taken off: who waits or streams on its behalf stops.
        self.released = threading.Event()
        self._times = times
        self._when = when
        self._wraps: list[Callable[[Produce[T]], T]] = []
        #: How often it has struck.
        self.hits = 0

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Take this fault off, and end what it holds up."""
        self._faults.discard(self)
        self.released.set()

    def wrap(self, transformation: Callable[[Produce[T]], T]) -> t.Self:
        """Add a transformation in its general form.

        :param transformation: Gets the function that produces the value; returns the value.
        :returns: This fault.
        """
        self._wraps.append(transformation)
        return self

    def edit(self, change: Callable[[T], T]) -> t.Self:
        """Add a transformation of the finished value.

        :param change: Gets the value, returns another.
        :returns: This fault.
        """
        return self.wrap(lambda produce: change(produce()))

    def strikes(self, call: Call) -> bool:
        """Decide about one request, and count it. The caller holds the lock.

        :param call: The request.
        :returns: Whether the fault applies.
        """
        if self._times is not None and self.hits >= self._times:
            return False
        if self._when is not None and not self._when(call):
            return False
        self.hits += 1
        return True

    def around(self, produce: Produce[T]) -> Produce[T]:
        """Wrap a producer in all transformations, the last one outermost.

        :param produce: The function that produces the value.
        :returns: The wrapped function.
        """
        for transformation in self._wraps:
            produce = functools.partial(transformation, produce)
        return produce
