"""The lock among tasks, under which a token is replaced."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

from flask_oauthclient.sessions.asynchronous import TaskLock
from tests.httpx_client._clients import in_loop


async def _is_free(lock: TaskLock) -> bool:
    """Whether another task gets a lock, without waiting for anybody."""
    with anyio.move_on_after(0.02):
        await lock.acquire()
        lock.release()
        return True
    return False


async def _seen_from_outside(ask: Callable[[TaskLock], Awaitable[bool]], lock: TaskLock) -> bool:
    """What a task says that nobody of those who hold a lock has started."""
    seen: list[bool] = []

    async def look() -> None:
        seen.append(await ask(lock))

    async with anyio.create_task_group() as group:
        group.start_soon(look)
    return seen[0]


def test_whoever_holds_it_may_take_it_once_more(loop: str) -> None:
    async def main() -> None:
        lock = TaskLock()
        for _ in range(2):
            await lock.acquire()
        lock.release()
        assert await _is_free(lock)  # for the holder
        lock.release()
        with pytest.raises(RuntimeError, match="not held"):
            lock.release()

    in_loop(loop, main)


def test_it_is_open_once_it_was_released_as_often_as_it_was_taken(loop: str) -> None:
    async def main() -> None:
        lock, told, taken = TaskLock(), anyio.Event(), anyio.Event()

        async def holder() -> None:
            await lock.acquire()
            await lock.acquire()
            lock.release()
            taken.set()
            await told.wait()
            lock.release()

        async with anyio.create_task_group() as group:
            group.start_soon(holder)
            await taken.wait()
            assert not await _seen_from_outside(_is_free, lock)
            told.set()
        assert await _seen_from_outside(_is_free, lock)

    in_loop(loop, main)


def test_to_hold_one_is_not_to_hold_another(loop: str) -> None:
    async def main() -> None:
        one, other = TaskLock(), TaskLock()
        taken, told = anyio.Event(), anyio.Event()

        async def holder() -> None:
            await one.acquire()
            await other.acquire()  # in update_token of one client, another one is used
            taken.set()
            await told.wait()
            other.release()
            one.release()

        async with anyio.create_task_group() as group:
            group.start_soon(holder)
            await taken.wait()
            assert not await _seen_from_outside(_is_free, other)
            told.set()
        assert await _seen_from_outside(_is_free, other)

    in_loop(loop, main)


def test_a_task_that_outlives_the_holder_who_started_it_waits_like_any_other(loop: str) -> None:
    async def main() -> None:
        lock, over, taken, told = TaskLock(), anyio.Event(), anyio.Event(), anyio.Event()
        free: list[bool] = []

        async def left_behind() -> None:
            await over.wait()
            free.append(await _is_free(lock))

        async def next_holder() -> None:
            await lock.acquire()
            taken.set()
            await told.wait()
            lock.release()

        async with anyio.create_task_group() as group:
            group.start_soon(_starts, lock, group.start_soon, left_behind)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(next_holder)
            await taken.wait()
            over.set()
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(5):
                while not free:
                    await anyio.lowlevel.checkpoint()
            told.set()
        assert free == [False]

    in_loop(loop, main)


async def _starts(
    lock: TaskLock, start: Callable[..., object], task: Callable[[], Awaitable[None]]
) -> None:
    await lock.acquire()
    start(task)  # it inherits the context, in which the lock is held
    lock.release()
