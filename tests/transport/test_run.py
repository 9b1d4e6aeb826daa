"""Exchanges are driven, and callbacks are finished."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import Any

import pytest
from flask import Flask
from flask import session

from flask_oauthclient.protocol.messages import Exchange
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.transport._run import finish
from flask_oauthclient.transport._run import run

_variable: ContextVar[str] = ContextVar("variable", default="nothing")


def _request(number: int) -> Request:
    return Request(Purpose.API, "GET", f"https://api.test/{number}")


def _answer(request: Request) -> Response:
    return Response(200, {}, request.url.rpartition("/")[2].encode())


def test_an_exchange_is_sent_what_it_asks_for() -> None:
    def exchange() -> Exchange[list[bytes]]:
        bodies = []
        for number in range(3):
            response = yield _request(number)
            bodies.append(response.body)
        return bodies

    assert run(exchange(), _answer) == [b"0", b"1", b"2"]


def test_an_exchange_that_asks_for_nothing() -> None:
    def exchange() -> Exchange[str]:
        yield from ()
        return "known already"

    assert run(exchange(), _answer) == "known already"


def test_the_error_of_an_exchange_reaches_the_caller() -> None:
    def exchange() -> Exchange[None]:
        yield _request(0)
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        run(exchange(), _answer)


def test_the_error_of_the_transport_reaches_the_caller() -> None:
    asked: list[str] = []

    def exchange() -> Exchange[None]:
        yield _request(0)
        asked.append("again")

    def send(request: Request) -> Response:
        raise ConnectionError("no network")

    with pytest.raises(ConnectionError, match="no network"):
        run(exchange(), send)
    assert asked == []


@pytest.mark.parametrize("value", [None, 5, "text", {"a": 1}])
def test_what_is_no_coroutine_passes_through(value: object) -> None:
    assert finish(value) is value


async def _coroutine(seen: list[Any]) -> str:
    await asyncio.sleep(0)
    seen.append((_variable.get(), threading.current_thread().name))
    return "finished"


def test_a_coroutine_is_run_to_its_end() -> None:
    seen: list[Any] = []
    _variable.set("of the caller")
    assert finish(_coroutine(seen)) == "finished"
    assert seen == [("of the caller", threading.current_thread().name)]


def test_a_coroutine_is_finished_inside_a_running_loop() -> None:
    seen: list[Any] = []

    async def view() -> object:
        _variable.set("of the view")
        return finish(_coroutine(seen))

    assert asyncio.run(view()) == "finished"
    assert [variable for variable, _ in seen] == ["of the view"]
    assert threading.current_thread().name not in [thread for _, thread in seen]


@pytest.mark.parametrize("in_a_loop", [False, True])
def test_the_error_of_a_coroutine_reaches_the_caller(in_a_loop: bool) -> None:
    async def failing() -> None:
        await asyncio.sleep(0)
        raise LookupError("not stored")

    async def view() -> None:
        finish(failing())

    with pytest.raises(LookupError, match="not stored"):
        asyncio.run(view()) if in_a_loop else finish(failing())


def test_a_coroutine_finished_inside_a_loop_sees_the_flask_session() -> None:
    app = Flask("a")
    app.secret_key = "the secret key of the test"

    async def store() -> None:
        session["token"] = "stored"

    async def view() -> None:
        finish(store())

    with app.test_request_context():
        asyncio.run(view())
        assert session["token"] == "stored"


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()

    async def view() -> Awaitable[None] | None:
        finish(_coroutine([]))
        return None

    asyncio.run(view())
    assert threading.active_count() == before
