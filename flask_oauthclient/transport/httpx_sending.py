"""What clients of httpx2 that send by the policy table do, as steps for both of them.

Limits on time and size, one more try of a read whose connection broke, and redirects that take no
credentials to another origin.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import suppress
from http.cookiejar import CookieJar
from http.cookiejar import DefaultCookiePolicy
from json import JSONDecodeError
from typing import Any
from typing import NoReturn
from urllib.parse import parse_qsl
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2
from httpx2 import USE_CLIENT_DEFAULT

from ..protocol.errors import TransportError
from ..protocol.messages import Purpose
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.unknown import unknown_option
from ..protocol.urls import add_params
from ._run import Steps
from .headers import check_headers
from .httpx_answers import broke_before_answer
from .httpx_answers import classify
from .httpx_answers import to_message
from .httpx_auth import SigningAuth
from .httpx_auth import Unchanged
from .httpx_auth import body_of
from .httpx_auth import is_repeatable
from .httpx_connections import loopback_mounts
from .policy import MIB
from .policy import POLICIES
from .policy import check_not_redirected
from .policy import check_url
from .time_limits import ConnectTime
from .time_limits import TotalTime

#: Keywords of httpx2's clients that are passed on.
_KEYWORDS = frozenset(
    [
        "base_url",
        "cert",
        "cookies",
        "default_encoding",
        "event_hooks",
        "follow_redirects",
        "headers",
        "http1",
        "http2",
        "limits",
        "max_redirects",
        "mounts",
        "params",
        "proxy",
        "transport",
        "trust_env",
        "verify",
    ]
)
#: Every keyword of :class:`PooledClient`.
CLIENT_SETTINGS = _KEYWORDS | {"default_timeout", "timeout", "max_bytes", "insecure_http"}

_API = POLICIES[Purpose.API]
_DEFAULT_TIMEOUT = httpx2.Timeout(_API.total_timeout, connect=_API.connect_timeout)
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})
_UNCHANGED = Unchanged()
_UNSIGNED = SigningAuth()
_ONCE = SigningAuth()
_ONCE.retries = False
_FAILURES = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    OSError,
    UnicodeError,
    JSONDecodeError,  # of a compliance hook
)


class _NoBody(httpx2.ByteStream):
    """A body of no pieces; that of httpx2 is one empty piece, which is sent like any other."""

    def __init__(self) -> None:
        super().__init__(b"")

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: tuple[bytes, ...] = ()
        for piece in pieces:
            yield piece


_NO_BODY = _NoBody()


class Sending:
    """What the clients add to httpx2; the parameters are those of :class:`PooledClient`."""

    #: What is passed as ``auth`` to send no credentials at all.
    no_auth = _UNSIGNED
    #: Keywords with which a ``HEAD`` follows no redirect, as it should unless it is told to.
    not_followed: Mapping[str, Any] = {"follow_redirects": False}

    insecure_http: bool
    max_bytes: int | None
    _read_bounded: Callable[[Any, int], Any]
    _transport_class: type[Any]

    def _settings(
        self,
        default_timeout: Any,
        timeout: Any,
        max_bytes: int | None,
        insecure_http: bool,
        given: dict[str, Any],
    ) -> dict[str, Any]:
        """Take our keywords, and give those of httpx2."""
        for name in given.keys() - _KEYWORDS:
            raise unknown_option(type(self).__name__, name, CLIENT_SETTINGS)
        self.max_bytes = max_bytes
        self.insecure_http = insecure_http
        limit = timeout if default_timeout is None else default_timeout
        settings = {"timeout": _DEFAULT_TIMEOUT if limit is None else _timeout(limit), **given}
        if given.get("trust_env", True) and given.get("proxy") is None and getproxies():
            settings["mounts"] = {**loopback_mounts(), **(given.get("mounts") or {})}
        return settings

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled; make another one.")

    # httpx2 asks these two for its transports; it has no public way to bring a class of one's own
    # along and keep the proxies of the environment.
    def _init_transport(self, *args: Any, **settings: Any) -> Any:
        transport = settings.pop("transport", None)
        return self._transport_class(*args, **settings) if transport is None else transport

    def _init_proxy_transport(self, *args: Any, **settings: Any) -> Any:
        proxy, *others = args
        return self._transport_class(*others, proxy=proxy, **settings)

    def refuse_cookies(self) -> None:
        """Neither keep nor send cookies: calls for different users share this client."""
        me: Any = self
        me.cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))

    @abstractmethod
    def _send(self, request: httpx2.Request, **settings: Any) -> Any:
        """Let httpx2 send a request."""

    @abstractmethod
    def _close(self, response: Any) -> Any:
        """Close a response."""

    # -- calls of an API ------------------------------------------------------------------

    def send_steps(
        self, request: httpx2.Request, *, stream: bool, auth: Any, follow_redirects: Any
    ) -> Steps[Any]:
        """The steps of ``send``."""
        me: Any = self
        follow = self.follows(follow_redirects)
        if auth is USE_CLIENT_DEFAULT:
            auth = me.auth
        if auth is None and not request.url.userinfo:
            auth = _UNSIGNED
        if isinstance(auth, SigningAuth):
            return self.call_steps(request, auth, stream=stream, follow=follow)
        return self._foreign_steps(request, auth, stream=stream, follow=follow)

    def follows(self, follow_redirects: Any) -> bool:
        """Whether a call follows redirects.

        :param follow_redirects: what the call says; default is what the client says.
        """
        me: Any = self
        is_default = follow_redirects is USE_CLIENT_DEFAULT
        return bool(me.follow_redirects if is_default else follow_redirects)

    def _foreign_steps(
        self, request: httpx2.Request, auth: Any, *, stream: bool, follow: bool
    ) -> Steps[Any]:
        """Send with credentials that are not ours, in the way of httpx2."""
        self._limit(request, streamed=stream)
        _check_sendable(request)
        response = yield self._send(request, stream=True, auth=auth, follow_redirects=follow)
        if not stream:
            yield self._read_bounded(response, self.max_bytes or _API.max_bytes)
        return response

    def call_steps(
        self, request: httpx2.Request, auth: SigningAuth, *, stream: bool, follow: bool
    ) -> Steps[Any]:
        """Send a request with credentials of ours, and follow redirects with care.

        :param request: the request, without credentials.
        :param auth: the credentials.
        :param stream: leave the body unread.
        :param follow: follow redirects.
        """
        self._limit(request, streamed=stream)
        retry = auth.retries and request.method in _IDEMPOTENT
        response = yield from self._signed(request, auth, retry=retry)
        history: list[Any] = []
        while follow and getattr(response, "next_request", None) is not None:
            response = yield from self._redirected(response, auth, history)
        if not stream:
            yield self._read_bounded(response, self.max_bytes or _API.max_bytes)
        return response

    def _redirected(self, response: Any, auth: SigningAuth, history: list[Any]) -> Steps[Any]:
        me: Any = self
        with suppress(httpx2.DecodingError):  # nobody will look at it
            yield self._read_bounded(response, MIB)
        history.append(response)
        if len(history) > me.max_redirects:
            raise httpx2.TooManyRedirects(
                "Exceeded maximum allowed redirects.", request=response.request
            )
        request = yield from auth.redirected_steps(response.next_request, response.request)
        followed = yield self._send_once(request)
        followed.history = list(history)
        return followed

    def _signed(self, request: httpx2.Request, auth: SigningAuth, *, retry: bool) -> Steps[Any]:
        """Send a request; once more, if a kept connection broke and nothing can come of that."""
        signed = yield from auth.signing_steps(request)
        try:
            return (yield self._send_once(signed))
        except httpx2.TransportError as failure:
            if not retry or not broke_before_answer(failure) or not is_repeatable(request):
                raise
        again = yield from auth.signing_steps(request)
        return (yield self._send_once(again))

    def _send_once(self, request: httpx2.Request) -> Any:
        _check_sendable(request)
        if isinstance(request.stream, httpx2.ByteStream) and body_of(request) is None:
            request.stream = _NO_BODY
        return self._send(request, stream=True, auth=_UNCHANGED, follow_redirects=False)

    def _limit(self, request: httpx2.Request, *, streamed: bool) -> None:
        """Let the time limit for a read be that of the whole call, unless its body is streamed.

        It starts to run here, for a request that was sent before as well.
        """
        me: Any = self
        limits = dict(request.extensions.get("timeout") or me.timeout.as_dict())
        total, connect = limits.get("read"), limits.get("connect")
        if not streamed and total is not None:
            limits["read"] = limits["write"] = total = TotalTime(total)
            if connect is not None:
                limits["connect"] = ConnectTime(connect, total)
        request.extensions["timeout"] = limits

    # -- requests of the protocol ---------------------------------------------------------

    def message_steps(
        self,
        request: Request,
        *,
        insecure_http: bool = False,
        on_response: Callable[[Any], Any] | None = None,
        timeout: Any = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> Steps[Response]:
        """Send a request of the protocol and read the whole answer.

        :param request: the message; its purpose selects the policy.
        :param insecure_http: allow http to any host.
        :param on_response: is shown the answer and may replace it.
        :param timeout: time limits of this call, as httpx2 has them; seconds.
        :param extensions: extensions of httpx2's request.
        :raises TransportError: if no complete, acceptable answer arrives.
        :raises InsecureTransportError: if the URL is not https.
        """
        check_url(request.url, insecure_http=insecure_http)
        outcome: Response | str
        try:
            built = self._built(request, timeout, extensions)
            answer = yield from self._answer(request, built)
            changed = None if on_response is None else (yield on_response(answer))
            outcome = to_message(answer if changed is None else changed)
        except _FAILURES as exception:
            outcome = classify(exception)
        if isinstance(outcome, str):  # outside the handler: its context holds the request's body
            raise TransportError(outcome, detail={"purpose": str(request.purpose)})
        check_not_redirected(outcome, request)
        return outcome

    def _built(self, request: Request, timeout: Any, extensions: Any) -> httpx2.Request:
        me: Any = self
        limit = me.timeout if timeout is None else _timeout(timeout)
        if timeout is None and limit == _DEFAULT_TIMEOUT:
            policy = POLICIES[request.purpose]
            limit = httpx2.Timeout(policy.total_timeout, connect=policy.connect_timeout)
        built: httpx2.Request = me.build_request(
            request.method,
            request.url,
            content=request.body,
            headers=request.headers,
            timeout=limit,
            extensions=extensions,
        )
        if me.params:
            built.url = httpx2.URL(self.with_own_params(request.url))
        return built

    def with_own_params(self, url: str) -> str:
        """A URL with the client's parameters, but for those that its query has already.

        In httpx2 they take the place of the query, in which a token request by GET is.
        """
        me: Any = self
        known = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
        return add_params(url, [pair for pair in me.params.multi_items() if pair[0] not in known])

    def _answer(self, request: Request, built: httpx2.Request) -> Steps[Any]:
        me: Any = self
        policy = POLICIES[request.purpose]
        self._limit(built, streamed=False)
        auth = _UNSIGNED if policy.retry else _ONCE
        # Through ``send``, which subclasses and test suites replace to see every request.
        answer = yield me.send(built, stream=True, auth=auth, follow_redirects=False)
        yield self._read_bounded(answer, policy.max_bytes)
        return answer


def _timeout(limit: Any) -> httpx2.Timeout:
    """Time limits as httpx2 has them, or a number or pair as requests has them."""
    if isinstance(limit, tuple) and len(limit) == 2:
        connect, total = limit
        return httpx2.Timeout(total, connect=connect)
    return httpx2.Timeout(limit)


def _check_sendable(request: httpx2.Request) -> None:
    """Refuse a header before the parser below does, whose message shows the value."""
    values = b"".join([value for _, value in request.headers.raw])
    if not (values.isascii() and values.decode("ascii").isprintable()):
        check_headers(dict(request.headers.raw))
