"""Drive exchanges and steps, over a blocking transport or inside an event loop.

What talks to a server is written once, as a generator. An :data:`Exchange` yields requests and is
sent responses. *Steps* are what stands around exchanges: ``value = yield x`` means "the value of
``x``, awaited where that has to be", so that a lock is taken, a hook called and a response read by
the same lines in blocking and in asynchronous code.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import Generator
from types import CoroutineType
from typing import Any
from typing import TypeVar

from ..protocol.messages import Exchange
from ..protocol.messages import Request
from ..protocol.messages import Response

T = TypeVar("T")

#: A generator that yields what has to be awaited, or a plain value, and is sent the result.
Steps = Generator[Any, Any, T]


def run(exchange: Exchange[T], send: Callable[[Request], Response]) -> T:
    """Send what an exchange asks for until it is done.

    :param exchange: the generator.
    :param send: sends one request and gives the complete response.
    :returns: what the exchange returns.
    """
    return run_steps(sent(exchange, send))


def sent(exchange: Exchange[T], send: Callable[[Request], Any]) -> Steps[T]:
    """The steps of an exchange.

    :param exchange: the generator.
    :param send: sends one request; its result may have to be awaited.
    """
    try:
        request = next(exchange)
        while True:
            response = yield send(request)
            request = exchange.send(response)
    except StopIteration as done:
        result: T = done.value
        return result


def run_steps(steps: Steps[T]) -> T:
    """Do steps one after the other, in blocking code.

    :returns: what the steps return.
    """
    try:
        value = next(steps)
        while True:
            failure = None
            if isinstance(value, CoroutineType):
                try:
                    value = finish(value)
                except BaseException as raised:  # noqa: BLE001  the steps decide about it
                    failure = raised
            # Outside the handler: what the steps raise shall not have the failure as its context.
            value = steps.send(value) if failure is None else steps.throw(failure)
    except StopIteration as done:
        result: T = done.value
        return result


async def arun_steps(steps: Steps[T]) -> T:
    """The same inside an event loop."""
    try:
        value = next(steps)
        while True:
            failure = None
            if isinstance(value, CoroutineType) or inspect.isawaitable(value):
                try:
                    value = await value
                except BaseException as raised:  # noqa: BLE001  cancellation, too: locks are let go
                    failure = raised
            value = steps.send(value) if failure is None else steps.throw(failure)
    except StopIteration as done:
        result: T = done.value
        return result


def finish(value: object) -> object:
    """Finish what a callback began: run a coroutine to its end, pass anything else through.

    :param value: what the callback returned.
    """
    if not isinstance(value, CoroutineType):
        return value
    import asyncio  # a quarter of the import time of this package, for few
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _of_asgiref(value) if asgiref_waits() else asyncio.run(value)
    # Called from inside an event loop, in blocking code: a loop of its own, in its own thread. It
    # sees the caller's context variables, in which Flask keeps the request and the session.
    context = copy_context()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(context.run, asyncio.run, value).result()


def asgiref_waits() -> bool:
    """Whether asgiref, for an event loop that waits, does something that blocks in this thread."""
    of_thread = asgiref_part("SyncToAsync", "threadlocal")
    loop = getattr(of_thread, "main_event_loop", None)
    return bool(loop and loop.is_running())


def asgiref_part(owner: str, name: str) -> Any:
    """Something of asgiref's that it says nothing about; ``None`` where there is no such thing.

    :param owner: a class of its module ``sync``.
    :param name: an attribute of the class.
    """
    return getattr(getattr(sys.modules.get("asgiref.sync"), owner, None), name, None)


def _of_asgiref(coroutine: Coroutine[Any, Any, Any]) -> object:
    """Finish a coroutine in a loop of its own, and meanwhile do here what it wants done here.

    What it calls "in the thread of the request", queries of Django for instance, would else wait
    in this thread for the end of the coroutine.
    """

    async def wait() -> Any:
        return await coroutine

    sync = sys.modules["asgiref.sync"]
    of_thread = vars(sync.SyncToAsync.threadlocal)
    before = dict(of_thread)
    try:
        return sync.async_to_sync(wait, force_new_loop=True)()
    finally:
        of_thread.update(before)  # what was done here meanwhile was for another loop
