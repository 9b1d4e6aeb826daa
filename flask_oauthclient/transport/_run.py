"""Drive an exchange over a blocking transport."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

from ..protocol.messages import Exchange
from ..protocol.messages import Request
from ..protocol.messages import Response

T = TypeVar("T")


def run(exchange: Exchange[T], send: Callable[[Request], Response]) -> T:
    """Send what an exchange asks for until it is done.

    :param exchange: the generator.
    :param send: sends one request and gives the complete response.
    :returns: what the exchange returns.
    """
    try:
        request = next(exchange)
        while True:
            request = exchange.send(send(request))
    except StopIteration as done:
        result: T = done.value
        return result


def finish(value: object) -> object:
    """Finish what a callback began: run a coroutine to its end, pass anything else through.

    :param value: what the callback returned.
    """
    if not inspect.iscoroutine(value):
        return value
    import asyncio  # a quarter of the import time of this package, for few
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(value)
    # Called from inside an event loop, in blocking code: a loop of its own, in its own thread. It
    # sees the caller's context variables, in which Flask keeps the request and the session.
    context = copy_context()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(context.run, asyncio.run, value).result()
