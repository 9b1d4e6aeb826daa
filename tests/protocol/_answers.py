"""Scripted answers of a provider, and a way to drive an exchange with them."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any
from typing import TypeVar

from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.protocol.messages import Response

T = TypeVar("T")

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def answer(
    body: Any = b"", status: int = 200, content_type: str | None = JSON, **headers: str
) -> Response:
    """An answer; a body that is no text is sent as JSON.

    :param headers: further headers, with ``_`` for ``-``.
    """
    if isinstance(body, str):
        body = body.encode()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type is not None:
        named["content-type"] = content_type
    return Response(status, named, data)


def drive(exchange: Generator[Request, Response, T], *answers: Response) -> tuple[T, list[Request]]:
    """Answer the requests of an exchange one by one.

    :returns: what it returns, and the requests.
    """
    waiting = list(answers)
    sent: list[Request] = []
    try:
        sent.append(next(exchange))
        while True:
            sent.append(exchange.send(waiting.pop(0)))
    except StopIteration as done:
        assert not waiting, "an answer was not asked for"
        return done.value, sent
