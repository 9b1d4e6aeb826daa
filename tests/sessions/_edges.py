"""The edges: one way to write a test of a session for every HTTP library, blocking or not.

>>> def test_something(edge: Edge) -> None:
...     session = session_at(Answers(Answer(token())))
...     session.fetch_token(TOKEN_URL)

``session_at`` makes a session of the edge that the test runs at. What a test does with it, it does
as with a session of requests; at the edges that await, a call from whatever thread is a task in
the event loop of the edge.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from types import ModuleType
from typing import Any

import anyio.to_thread
import httpx2
import requests
from anyio.from_thread import BlockingPortal
from anyio.from_thread import start_blocking_portal
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from flask_oauthclient import httpx_client
from flask_oauthclient import requests_client
from tests.sessions._answers import CLIENT_ID
from tests.sessions._answers import CLIENT_SECRET
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import Sent


class Edge:
    """An HTTP library, and how its sessions are called."""

    blocks = True
    library: ModuleType
    OAuth1: type[Any]
    OAuth2: type[Any]
    Assertion: type[Any]
    #: The class of responses.
    Response: type[Any]
    HTTPStatusError: type[Exception]

    def __init__(self, name: str, stack: ExitStack) -> None:
        self.name = name
        self._stack = stack

    def session(self, answers: Any, made: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Make a session.

        :param answers: what answers all requests; ``None`` is the network.
        :param made: its class.
        """
        raise NotImplementedError

    def foreign(self, answers: Any) -> Any:
        """A session of the library itself."""
        raise NotImplementedError

    def response(self, answer: Answer) -> Any:
        """A response of the library, as one that was read."""
        raise NotImplementedError

    def basic(self, user: str, password: str) -> Any:
        """An ``auth`` object of the library."""
        raise NotImplementedError

    def stream(self, parts: Iterable[bytes]) -> Any:
        """A body that can be read once."""
        return iter(parts)

    def own_auth(self, change: Callable[[Any], Any]) -> Any:
        """An ``auth`` object of an application's own, for calls.

        :param change: is given the request; gives it, or another one.
        """
        raise NotImplementedError


class _Requests(Edge):
    library = requests_client
    OAuth1 = requests_client.OAuth1Session
    OAuth2 = requests_client.OAuth2Session
    Assertion = requests_client.AssertionSession
    Response = requests.Response
    HTTPStatusError = requests.HTTPError

    def session(self, answers: Any, made: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        session = self._stack.enter_context(made(*args, **kwargs))
        if answers is not None:
            session.mount("https://", answers)
            session.mount("http://", answers)
        return session

    def foreign(self, answers: Any) -> Any:
        session = self.session(answers, requests.Session)
        session.trust_env = False
        return session

    def response(self, answer: Answer) -> Any:
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.all_headers)
        response._content = answer.body
        return response

    def basic(self, user: str, password: str) -> Any:
        return requests.auth.HTTPBasicAuth(user, password)

    def own_auth(self, change: Callable[[Any], Any]) -> Any:
        class Own(requests.auth.AuthBase):
            def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
                sent = Sent(str(request.method), str(request.url), request.headers, request.body)
                changed = change(sent)
                request.url, request.headers = changed.url, changed.headers
                request.body = changed.body
                return request

        return Own()


class _Httpx(Edge):
    library = httpx_client
    OAuth1: type[Any] = httpx_client.OAuth1Client
    OAuth2: type[Any] = httpx_client.OAuth2Client
    Assertion: type[Any] = httpx_client.AssertionClient
    Response = httpx2.Response
    HTTPStatusError = httpx2.HTTPStatusError
    foreign_class: type[Any] = httpx2.Client

    def session(self, answers: Any, made: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        network = None if answers is None else _Network(answers)
        if network is not None:
            kwargs["transport"] = network
        client = made(*args, **{"follow_redirects": True, **kwargs})
        self._stack.callback(self.close, client)
        return Facade(client, network, self)

    def foreign(self, answers: Any) -> Any:
        return self.session(answers, self.foreign_class, trust_env=False)

    def run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call something, and wait for what comes of it."""
        return call(*args, **kwargs)

    def close(self, client: Any) -> None:
        """Close a client."""
        client.close()

    def response(self, answer: Answer) -> Any:
        return httpx2.Response(answer.status, headers=answer.all_headers, content=answer.body)

    def basic(self, user: str, password: str) -> Any:
        return httpx2.BasicAuth(user, password)

    def own_auth(self, change: Callable[[Any], Any]) -> Any:
        class Own(httpx2.Auth):
            requires_request_body = True

            def auth_flow(self, request: httpx2.Request) -> Any:
                changed = change(_sent(request, request.content))
                headers = {k: v for k, v in changed.headers.items() if k != "content-length"}
                yield httpx2.Request(
                    changed.method, changed.url, headers=headers, content=changed.body
                )

        return Own()


class _Awaiting(_Httpx):
    blocks = False
    OAuth1 = httpx_client.AsyncOAuth1Client
    OAuth2 = httpx_client.AsyncOAuth2Client
    Assertion = httpx_client.AsyncAssertionClient
    foreign_class = httpx2.AsyncClient

    def __init__(self, name: str, stack: ExitStack) -> None:
        super().__init__(name, stack)
        self._loop: BlockingPortal | None = None

    def stream(self, parts: Iterable[bytes]) -> Any:
        async def each() -> AsyncIterator[bytes]:
            for part in parts:
                yield part

        return each()

    @property
    def loop(self) -> BlockingPortal:
        """The event loop, in a thread of its own."""
        if self._loop is None:
            self._loop = self._stack.enter_context(start_blocking_portal(self.name))
        return self._loop

    def session(self, answers: Any, made: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        _ = self.loop  # which ends after the clients are closed
        return super().session(answers, made, *args, **kwargs)

    def run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.loop.call(partial(_awaited, call, args, kwargs))

    def close(self, client: Any) -> None:
        self.run(client.aclose)


EDGES: dict[str, type[Edge]] = {
    "requests": _Requests,
    "httpx": _Httpx,
    "asyncio": _Awaiting,
    "trio": _Awaiting,
}

_current: list[Edge] = []


def enter(edge: Edge) -> Callable[[], None]:
    """Let an edge be that of the test, until what is returned is called."""
    _current.append(edge)
    return lambda: _current.remove(edge)


def current() -> Edge:
    """The edge that the test runs at."""
    return _current[-1]


def session_at(answers: BaseAdapter | None, **kwargs: Any) -> Any:
    """A session whose every request is answered there."""
    settings: dict[str, Any] = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **kwargs}
    edge = current()
    return edge.session(answers, edge.OAuth2, **settings)


def token_auth(token: Any, *args: Any, client: Any = None) -> Any:
    """An ``OAuth2Auth`` of the edge."""
    bound = getattr(client, "client", client)
    return current().library.OAuth2Auth(token, *args, client=bound)


# -- httpx2, with the words of requests ------------------------------------------------------------

_VERBS = ("get", "options", "head", "post", "put", "patch", "delete")


class Facade:
    """A client of httpx2 that is called like a session of requests."""

    def __init__(self, client: Any, network: _Network | None, edge: Any) -> None:
        vars(self).update(client=client, network=network, edge=edge)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.client, name)
        if inspect.iscoroutinefunction(value):
            return partial(self.edge.run, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.client, "timeout" if name == "default_timeout" else name, value)

    def __enter__(self) -> Facade:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self.client)

    def close(self) -> None:
        """Close the client."""
        self.edge.close(self.client)

    def mount(self, prefix: str, answers: Any) -> None:
        """Let requests be answered elsewhere."""
        assert self.network is not None
        self.network.answers = answers

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request."""
        settings = _keywords(kwargs)
        url = _with_params(url, settings)
        return self.edge.run(self.client.request, method.upper(), url, *args, **settings)


def _verb(name: str) -> Callable[..., Any]:
    def call(self: Facade, url: str, data: Any = None, **kwargs: Any) -> Any:
        return self.request(name, url, data=data, **kwargs)

    return call


for _name in _VERBS:
    setattr(Facade, _name, _verb(_name))


def _keywords(kwargs: dict[str, Any]) -> dict[str, Any]:
    names = {"allow_redirects": "follow_redirects"}
    given = {names.get(name, name): value for name, value in kwargs.items()}
    data = given.get("data")
    if isinstance(data, list | tuple):  # pairs
        given["data"] = _collected(data)
    elif data is not None and not isinstance(data, dict):
        given["content"] = given.pop("data")
    if given.get("timeout", "") is None:
        given["timeout"] = httpx2.USE_CLIENT_DEFAULT
    return given


def _with_params(url: str, settings: dict[str, Any]) -> str:
    """Add parameters to a query, the place of which they would take in httpx2."""
    if "?" not in url or not settings.get("params"):
        return url
    parsed = httpx2.URL(url)
    for name, value in httpx2.QueryParams(settings.pop("params")).multi_items():
        parsed = parsed.copy_add_param(name, value)
    return str(parsed)


def _collected(pairs: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


async def _awaited(call: Callable[..., Awaitable[Any]], args: Any, kwargs: Any) -> Any:
    return await call(*args, **kwargs)


def _sent(request: httpx2.Request, body: bytes) -> Sent:
    raw = [(k.decode("ascii"), v.decode("latin-1")) for k, v in request.headers.raw]
    headers = CaseInsensitiveDict(raw)
    url = request.url
    target = url.raw_path.decode("ascii") + (f"#{url.fragment}" if url.fragment else "")
    return Sent(
        request.method,
        f"{url.scheme}://{url.netloc.decode('ascii')}{target}",
        headers,
        body or None,
    )


class _Network(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """A transport of httpx2 that lets :class:`Answers` answer."""

    def __init__(self, answers: BaseAdapter) -> None:
        self.answers = answers

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        body = b"".join(request.stream)  # type: ignore[arg-type]
        return self._answer(request, body)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = b"".join([part async for part in request.stream])  # type: ignore[union-attr]
        # In a thread: an answer may wait for other requests.
        return await anyio.to_thread.run_sync(self._answer, request, body)

    def _answer(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        limits = request.extensions.get("timeout", {})
        settings = {"timeout": (limits.get("connect"), limits.get("read"))}
        sent = _sent(request, body)
        if not isinstance(self.answers, Answers):
            return _through(self.answers, sent)
        answer = self.answers.take(sent, settings)
        return _unread(answer.status, answer.all_headers, answer.body)


def _through(adapter: BaseAdapter, sent: Sent) -> httpx2.Response:
    """Send a request with an adapter of requests, such as that of the development provider."""
    made = requests.Request(sent.method, sent.url, dict(sent.headers), data=sent.body)
    try:
        answer = adapter.send(made.prepare())
    except requests.ConnectionError as failure:
        raise httpx2.ReadError(type(failure).__name__) from None
    left_out = ("content-length", "content-encoding", "transfer-encoding")
    headers = {k: v for k, v in answer.headers.items() if k.lower() not in left_out}
    return _unread(answer.status_code, headers, answer.content)


def _unread(status: int, headers: Mapping[str, str], body: bytes) -> httpx2.Response:
    """A response as it comes from a network."""
    octets = [(name.encode(), value.encode()) for name, value in headers.items()]
    return httpx2.Response(status, headers=octets, stream=httpx2.ByteStream(body))
