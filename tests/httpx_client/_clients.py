"""Clients at a function that answers, called in three styles: blocking, asyncio, trio.

A test is written once, as a generator that yields what has to be awaited in some styles:

>>> def flow(client):
...     response = yield client.get(API_URL)
...     assert response.status_code == 200
>>> drive("trio", flow, answer)
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Generator
from functools import partial
from typing import Any

import anyio
import httpx2

from flask_oauthclient.httpx_client import AssertionClient
from flask_oauthclient.httpx_client import AsyncAssertionClient
from flask_oauthclient.httpx_client import AsyncOAuth1Client
from flask_oauthclient.httpx_client import AsyncOAuth2Client
from flask_oauthclient.httpx_client import OAuth1Client
from flask_oauthclient.httpx_client import OAuth2Client
from flask_oauthclient.transport._run import arun_steps
from flask_oauthclient.transport._run import run_steps
from tests.sessions._answers import API_URL
from tests.sessions._answers import CLIENT_ID
from tests.sessions._answers import CLIENT_SECRET
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import expired
from tests.sessions._answers import token

__all__ = ["API_URL", "CLIENT_ID", "CLIENT_SECRET", "TOKEN_URL", "expired", "token"]

LOOPS = ("asyncio", "trio")
STYLES = ("blocking", *LOOPS)

#: Classes by kind, the one that blocks first.
CLASSES: dict[str, tuple[type[Any], type[Any]]] = {
    "OAuth2": (OAuth2Client, AsyncOAuth2Client),
    "OAuth1": (OAuth1Client, AsyncOAuth1Client),
    "Assertion": (AssertionClient, AsyncAssertionClient),
    "foreign": (httpx2.Client, httpx2.AsyncClient),
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "OAuth2": {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "token_endpoint": TOKEN_URL,
    },
    "OAuth1": {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "token": "the-token",
        "token_secret": "the-secret-of-the-token",
    },
    "Assertion": {
        "token_endpoint": TOKEN_URL,
        "issuer": "service@rp.test",
        "key": CLIENT_SECRET,
        "alg": "HS256",
    },
    "foreign": {},
}

Flow = Callable[..., Generator[Any, Any, Any]]


class Server:
    """Answers what a test says, with tokens that are numbered, and keeps what came.

    :param answer: is given a request; ``None`` from it is the usual answer.
    :param fields: of the tokens.
    """

    def __init__(
        self,
        answer: Callable[[httpx2.Request], httpx2.Response | None] | None = None,
        **fields: Any,
    ) -> None:
        self._answer = answer
        self._fields = {"expires_in": 3600, **fields}
        self.requests: list[httpx2.Request] = []
        self.count = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        self.requests.append(request)
        given = None if self._answer is None else self._answer(request)
        if given is not None:
            return given
        return self.token() if str(request.url) == TOKEN_URL else seen(request)

    def token(self) -> httpx2.Response:
        """Another token, with another refresh token."""
        self.count += 1
        name = f"number-{self.count}"
        fields = {"refresh_token": f"refresh-token-{name}", **self._fields}
        return httpx2.Response(200, json=token(name, **fields))

    @property
    def urls(self) -> list[str]:
        """Where requests went to."""
        return [str(request.url) for request in self.requests]

    @property
    def authorizations(self) -> list[str | None]:
        """The headers of this name."""
        return [request.headers.get("Authorization") for request in self.requests]


def refused() -> httpx2.Response:
    """An API says that it does not take the token."""
    return httpx2.Response(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def seen(request: httpx2.Request) -> httpx2.Response:
    """What an API has seen of a request."""
    document = {
        "method": request.method,
        "url": str(request.url),
        "headers": dict(request.headers),
        "body": request.content.decode("latin-1"),
    }
    body = httpx2.ByteStream(json.dumps(document).encode())
    return httpx2.Response(200, headers={"Content-Type": "application/json"}, stream=body)


def made(kind: str, style: str, server: Any = None, /, **settings: Any) -> Any:
    """A client of a kind; a server is a function, ``None`` the network."""
    cls = CLASSES[kind][style != "blocking"]
    return client_of(cls, server, **{**DEFAULTS[kind], **settings})


def client_of(cls: Callable[..., Any], server: Any = None, /, **settings: Any) -> Any:
    """A client of a class."""
    if server is not None:
        settings["transport"] = httpx2.MockTransport(server)
    return cls(**settings)


def drive(style: str, flow: Flow, server: Any = None, /, kind: str = "OAuth2", **kw: Any) -> Any:
    """Let a flow use a client, which is closed in the end.

    :param flow: is given the client, and yields what it calls.
    :param kw: settings of the client.
    """
    if style == "blocking":
        with made(kind, style, server, **kw) as client:
            return run_steps(flow(client))

    async def call() -> Any:
        async with made(kind, style, server, **kw) as client:
            return await arun_steps(flow(client))

    return in_loop(style, call)


def in_loop(loop: str, do: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    """Run a coroutine function in an event loop of its own."""
    return anyio.run(partial(do, *args, **kwargs), backend=loop)
