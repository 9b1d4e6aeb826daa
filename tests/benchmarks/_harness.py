"""How everything here is measured.

A machine's speed drifts by more than the differences of interest, so nothing is compared across
runs: the contenders take turns inside one run, in an order that rotates each round, and each
round yields one ratio. The median of those ratios is what a row reports. Time is CPU time of this
process; whatever plays the provider, the database or the browser's network runs in another one.
"""

from __future__ import annotations

import gc
import time
from asyncio import Runner
from asyncio import gather
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from statistics import median
from typing import Literal

SLICE_SECONDS = 0.04
"""CPU time each contender gets in a round: long against the clock, short against the drift."""

Contender = Callable[[int], float]
"""Does its operation so many times and returns the CPU seconds they took."""

Figure = float | bool | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line asked for."""

    rounds: int
    quick: bool

    def scaled(self, count: int) -> int:
        """:returns: ``count``, or a fifth of it in a quick run."""
        return max(1, count // 5) if self.quick else count


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    :param name: what ``--only`` and the JSON call it.
    :param limit: the target; ``None`` for a figure that is only shown.
    :param bound: whether the target is a ceiling or a floor.
    :param others: figures of further libraries, by name.
    :param detail: the absolute figures behind a ratio, for the JSON.
    """

    name: str
    what: str
    authlib: Figure
    ours: Figure
    limit: float | None = None
    bound: Literal["<=", ">="] = "<="
    detail: Mapping[str, object] = field(default_factory=dict[str, object])
    others: Mapping[str, Figure] = field(default_factory=dict[str, Figure])

    @property
    def verdict(self) -> str:
        """``ok``, ``over`` (the target is missed) or ``-`` (nothing to compare)."""
        if self.limit is None or self.ours is None:
            return "-"
        met = self.ours <= self.limit if self.bound == "<=" else self.ours >= self.limit
        return "ok" if met else "over"


@dataclass(frozen=True, slots=True)
class Samples:
    """CPU seconds for one operation: per contender, one figure a round."""

    rounds: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        """:returns: the contender's median, in seconds."""
        return median(self.rounds[name])

    def ratio(self, name: str, over: str, net_of: str | None = None) -> float | None:
        """:returns: the median over the rounds of ``name / over``, each less ``net_of``."""
        if name not in self.rounds:
            return None
        base = self.rounds[net_of] if net_of else [0.0] * len(self.rounds[over])
        rounds = zip(self.rounds[name], self.rounds[over], base, strict=True)
        return median((mine - less) / (floor - less) for mine, floor, less in rounds)

    def difference(self, name: str, over: str) -> float:
        """:returns: the median over the rounds of ``name - over``, in seconds."""
        rounds = zip(self.rounds[name], self.rounds[over], strict=True)
        return median(mine - bare for mine, bare in rounds)

    def microseconds(self) -> dict[str, float]:
        """:returns: each contender's median, for the JSON."""
        return {name: round(self.median(name) * 1e6, 2) for name in self.rounds}


def compare(contenders: Mapping[str, Contender], rounds: int) -> Samples:
    """Let the contenders take turns.

    :returns: their figures, round by round.
    """
    sizes = {name: _batch_size(run) for name, run in contenders.items()}
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for names in _rotations(list(contenders), rounds):
        for name in names:
            gc.collect()
            samples[name].append(contenders[name](sizes[name]) / sizes[name])
    return Samples(samples)


def repeat(operation: Callable[[], object]) -> Contender:
    """:returns: a contender for an operation whose whole cost is CPU time of this process."""

    def run(times: int) -> float:
        started = time.process_time()
        for _ in range(times):
            operation()
        return time.process_time() - started

    return run


def repeat_in_loop(
    runner: Runner, operation: Callable[[], Awaitable[object]], at_once: int = 1
) -> Contender:
    """:returns: the same for an operation in an event loop, which is kept.

    :param runner: has the event loop.
    :param at_once: how many of them go on at the same time.
    """

    async def often(times: int) -> float:
        batches = max(1, round(times / at_once))
        started = time.process_time()
        for _ in range(batches):
            await gather(*[operation() for _ in range(at_once)])
        return (time.process_time() - started) * times / (batches * at_once)

    return lambda times: runner.run(often(times))


def _batch_size(run: Contender) -> int:
    """Warm the contender up, and find how often it fits into its slice."""
    run(2)
    return max(1, int(SLICE_SECONDS / max(run(1), 1e-7)))


def _rotations(names: list[str], rounds: int) -> Iterator[list[str]]:
    for turn in range(rounds):
        start = turn % len(names)
        yield names[start:] + names[:start]
