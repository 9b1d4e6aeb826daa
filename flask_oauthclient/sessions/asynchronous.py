"""Sessions that await, under asyncio and trio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Coroutine
from contextvars import ContextVar
from contextvars import copy_context
from functools import wraps
from typing import Any
from typing import ParamSpec
from typing import TypeVar
from weakref import WeakKeyDictionary

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.lowlevel import checkpoint

from ..protocol.messages import Exchange
from ..protocol.oauth2.token import OAuth2Token
from ..transport._run import Steps
from ..transport._run import arun_steps
from .flavour import Flavour
from .upkeep import TokenUpkeep

T = TypeVar("T")
P = ParamSpec("P")

#: How many threads of an event loop may wait for stores at once.
_THREADS = 100

# Not the usual limit of threads: while many wait for a token, whoever fetches it may need one of
# those, for instance to look up the address of the server.
_limiters: WeakKeyDictionary[Any, anyio.CapacityLimiter] = WeakKeyDictionary()

#: Work that goes on although nobody waits for it, and whose it is; an event loop holds its tasks
#: loosely.
_going_on: dict[asyncio.Future[Any], Asynchronous] = {}
#: The sessions for which this is such work.
_working_for: ContextVar[tuple[Asynchronous, ...]] = ContextVar("oauthclient_work", default=())


def awaited(
    steps: Callable[P, Steps[T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """A method that gives a coroutine.

    :param steps: gives the steps; its signature and its text are those of the method.
    """

    @wraps(steps)
    async def method(*args: P.args, **kwargs: P.kwargs) -> T:
        return await arun_steps(steps(*args, **kwargs))

    return method


def finished(
    steps: Callable[P, Steps[T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same for steps that go on when who waits for them is cancelled.

    :param steps: of a method of :class:`Asynchronous`.
    """

    @wraps(steps)
    async def method(*args: P.args, **kwargs: P.kwargs) -> T:
        session: Any = args[0]
        result: T = await session.to_the_end(steps(*args, **kwargs))
        return result

    return method


class Asynchronous(Flavour):
    """Methods give coroutines."""

    def drive(self, steps: Steps[T]) -> Coroutine[Any, Any, T]:
        """Do steps."""
        return arun_steps(steps)

    async def to_the_end(self, steps: Steps[T]) -> T:
        """Do steps; who is cancelled meanwhile leaves them behind, and they go on.

        A refresh token that is on its way is spent: what comes back for it must be kept.
        """
        loop = _event_loop()
        if isinstance(loop, asyncio.AbstractEventLoop):
            context = copy_context()
            context.run(_working_for.set, (*_working_for.get(), self))
            task = loop.create_task(arun_steps(steps), context=context)
            _going_on[task] = self
            task.add_done_callback(_is_over)
            return await asyncio.shield(task)
        await checkpoint()  # here it may be cancelled still
        return await _shielded(steps)

    async def before_closing(self) -> None:
        """Wait for what was left behind: without a connection, what comes back would be lost."""
        if self in _working_for.get():  # it is what closes the session
            return
        loop = _event_loop()
        mine = [task for task, whose in list(_going_on.items()) if whose is self]
        here = [task for task in mine if task.get_loop() is loop]
        if here:
            with anyio.CancelScope(shield=True):
                await asyncio.wait(here)

    async def apart(self, do: Callable[[], T]) -> T:
        """Call something that blocks, in a thread of its own."""
        limiter = _limiters.setdefault(_event_loop(), anyio.CapacityLimiter(_THREADS))
        return await anyio.to_thread.run_sync(do, limiter=limiter)

    def back(self, steps: Steps[T]) -> T:
        """Do steps in the event loop, called from such a thread."""
        return anyio.from_thread.run(arun_steps, steps)

    def new_lock(self) -> TaskLock:
        """A lock among tasks."""
        return TaskLock()


class AsyncUpkeep(Asynchronous, TokenUpkeep):
    """A session that replaces its token, and awaits meanwhile."""

    ensure_active_token = awaited(TokenUpkeep.active_steps)

    async def run_exchange(
        self, exchange: Exchange[OAuth2Token], hook: str, **settings: Any
    ) -> OAuth2Token:
        """Drive a token exchange, with the compliance hooks of its kind.

        :param exchange: the exchange.
        :param hook: ``access_token`` or ``refresh_token``.
        :param settings: keywords of the HTTP library for this call.
        """
        return await self.drive(self.exchange_steps(exchange, hook, **settings))


def _event_loop() -> Any:
    """The running event loop, or what stands for it under trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio  # as that is what is running

        return trio.lowlevel.current_trio_token()


async def _shielded(steps: Steps[T]) -> T:
    done: list[T] = []  # as a scope may swallow errors, for all that type checkers know
    with anyio.CancelScope(shield=True):
        done.append(await arun_steps(steps))
    return done[0]


def _is_over(task: asyncio.Future[Any]) -> None:
    _going_on.pop(task, None)
    if not task.cancelled():
        task.exception()  # it has been told to whoever waited, if anybody did


class _Hold:
    """That a lock is held, by a task and by what the task does meanwhile."""

    __slots__ = ("depth", "lock", "turn")

    def __init__(self, lock: TaskLock, turn: anyio.Semaphore) -> None:
        self.lock = lock
        self.turn = turn
        self.depth = 1


_holds: ContextVar[tuple[_Hold, ...]] = ContextVar("oauthclient_holds", default=())


class TaskLock:
    """A lock that its holder may take once more, for instance in a callback of the application.

    The holder is known by its context, which tasks that it starts inherit; one of those may be
    the last to release it, for which reason this is no :class:`anyio.Lock`.
    """

    def __init__(self) -> None:
        # One for each event loop: in one that has ended, nobody is left to open it.
        self._turns: WeakKeyDictionary[Any, anyio.Semaphore] = WeakKeyDictionary()

    async def acquire(self) -> None:
        """Wait until nobody else holds the lock."""
        hold = self._held()
        if hold is not None:
            hold.depth += 1
            return
        turn = self._turns.setdefault(_event_loop(), anyio.Semaphore(1))
        await turn.acquire()
        _holds.set((*_holds.get(), _Hold(self, turn)))

    def release(self) -> None:
        """Let the next one in, once it was released as often as it was taken."""
        hold = self._held()
        if hold is None:
            raise RuntimeError("The lock is not held.")
        hold.depth -= 1
        if not hold.depth:
            _holds.set(tuple(one for one in _holds.get() if one.depth))
            hold.turn.release()

    def _held(self) -> _Hold | None:
        return next((one for one in _holds.get() if one.lock is self and one.depth), None)
