"""The requests driver: one kept session that sends by the policy table.

Every request leaves through :meth:`requests.Session.send`, so that adapters, hooks and the doubles
of test suites see them all. What a session adds to that is: limits on time and size, a connection
pool that survives threads and is remade after a fork, and an environment that is read once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from collections.abc import MutableMapping
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from typing import NoReturn

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from ..protocol.errors import TransportError
from ..protocol.messages import Purpose
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.unknown import unknown_option
from ..protocol.urls import may_be_kept
from .adapter import Adapter
from .adapter import renew
from .answers import broke_before_answer
from .answers import classify
from .answers import read_bounded
from .answers import read_redirect
from .answers import redirect_target
from .answers import to_message
from .environment import Environment
from .environment import choose_proxies
from .headers import check_headers
from .merging import merged_cookies
from .merging import merged_headers
from .merging import merged_params
from .policy import POLICIES
from .policy import Policy
from .policy import check_not_redirected
from .policy import check_url
from .time_limits import ConnectTime
from .time_limits import TotalTime
from .untyped import merge_hooks

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An auth object that adds nothing; being there, it also keeps ``.netrc`` out."""
    return request


#: Attributes of :class:`requests.Session` that may be given to the constructor.
_ATTRIBUTES = frozenset(
    ("proxies", "hooks", "stream", "verify", "cert", "max_redirects", "trust_env")
)
#: Every keyword of :class:`PooledSession`.
SESSION_SETTINGS = _ATTRIBUTES | {"default_timeout", "timeout", "max_bytes", "insecure_http"}


class PooledSession(requests.Session):
    """A requests session that is kept, and sends by the policy table.

    :param default_timeout: seconds for a whole call, or ``(connect, total)``; default is the
        policy of its purpose.
    :param timeout: the same, under the name that calls have for it.
    :param max_bytes: cap on the body of an API response that is not streamed.
    :param insecure_http: let credentials travel to any http URL.
    :param attributes: attributes of the requests session (``verify``, ``proxies``, ...).
    :raises UnknownOptionError: (a ``TypeError``) for another keyword.
    """

    def __init__(
        self,
        *,
        default_timeout: float | tuple[float, float] | None = None,
        timeout: float | tuple[float, float] | None = None,
        max_bytes: int | None = None,
        insecure_http: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__()
        self.default_timeout = timeout if default_timeout is None else default_timeout
        self.max_bytes = max_bytes
        self.insecure_http = insecure_http
        for name, value in attributes.items():
            if name not in _ATTRIBUTES:
                raise unknown_option(type(self).__name__, name, SESSION_SETTINGS)
            setattr(self, name, value)
        self._environment: Environment | None = None
        self._pid = os.getpid()
        self.mount("https://", Adapter())
        self.mount("http://", Adapter())

    #: What is passed as ``auth`` to send no credentials at all.
    no_auth = staticmethod(no_auth)
    #: Keywords with which a ``HEAD`` follows no redirect, as it should unless it is told to.
    not_followed: Mapping[str, Any] = {"allow_redirects": False}

    def __reduce__(self) -> NoReturn:
        # requests would keep a few attributes of its own, and give back a session without the rest.
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled; make another one.")

    def refuse_cookies(self) -> None:
        """Neither keep nor send cookies: calls for different users share this session."""
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    # -- what requests asks the environment for -------------------------------------------

    @property
    def environment(self) -> Environment:
        """The environment's settings; empty with ``trust_env = False``."""
        if not self.trust_env:
            return _NO_ENVIRONMENT
        if self._environment is None:
            self._environment = Environment.read()
        return self._environment

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Combine a call's settings with the session's and the environment's, in this order."""
        environment = self.environment
        verify = self.verify if verify is None else verify
        return {
            "proxies": choose_proxies(url, proxies, self.proxies, environment.proxies_for(url)),
            "stream": self.stream if stream is None else stream,
            "verify": environment.ca_bundle or True if verify is True else verify,
            "cert": self.cert if cert is None else cert,
        }

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Drop credentials when a redirect leaves the origin; never look into ``.netrc``."""
        headers = prepared_request.headers
        before, after = str(response.request.url), str(prepared_request.url)
        if self.leaves_origin(before, after):
            headers.pop("Authorization", None)
            headers.pop("DPoP", None)

    def rebuild_proxies(
        self,
        prepared_request: requests.PreparedRequest,
        proxies: MutableMapping[str, str] | None,
    ) -> dict[str, str]:
        """Choose the proxies for the target of a redirect."""
        prepared_request.headers.pop("Proxy-Authorization", None)
        url, environment = str(prepared_request.url), self.environment
        # What the environment chose for the URL before does not have to hold for this one.
        explicit = {k: v for k, v in (proxies or {}).items() if environment.proxies.get(k) != v}
        return choose_proxies(url, explicit, self.proxies, environment.proxies_for(url))

    def leaves_origin(self, before: str, after: str) -> bool:
        """Whether a redirect leads to where credentials must not follow.

        :param before: URL of the request that was redirected.
        :param after: URL that it leads to.
        """
        strips: Any = self.should_strip_auth  # requests does not say its types
        return bool(strips(before, after))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where a response redirects to, if that is a URL; its body is read within a cap.

        requests reads the body of a redirect whole, whether it follows or not.
        """
        target = redirect_target(super().get_redirect_target, resp)
        if target is not None:
            read_redirect(resp)
        return target

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request with the session's settings; ``.netrc`` is no part of them."""
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=str(request.method).upper(),
            url=request.url,
            files=request.files,
            data=request.data,
            json=request.json,
            headers=merged_headers(self.headers, request.headers),
            params=merged_params(self.params, request.params),
            auth=request.auth or self.auth,
            cookies=merged_cookies(self.cookies, request.cookies),
            hooks=merge_hooks(request.hooks, self.hooks),
        )
        return prepared

    # -- sending --------------------------------------------------------------------------

    def request(
        self,
        method: str | bytes,
        url: str | bytes,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        cookies: Any = None,
        files: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = True,
        proxies: Any = None,
        hooks: Any = None,
        stream: bool | None = None,
        verify: Any = None,
        cert: Any = None,
        json: Any = None,
    ) -> requests.Response:
        """Send a request; see :meth:`requests.Session.request`.

        :raises requests.RequestException: if the call fails.
        :raises TransportError: if the answer is larger than ``max_bytes``.
        """
        name = method if isinstance(method, str) else method.decode("ascii")
        prepared = self.prepare_request(
            requests.Request(
                name.upper(),
                url,
                headers=headers,
                files=files,
                data=data or {},
                params=params or {},
                auth=auth,
                cookies=cookies,
                hooks=hooks,
                json=json,
            )
        )
        settings = self.merge_environment_settings(prepared.url, proxies, stream, verify, cert)
        response: requests.Response = self.call_api(
            prepared, timeout=timeout, allow_redirects=allow_redirects, **settings
        )
        return response

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a prepared request; the pools are remade first in a forked process.

        :raises InvalidSettingError: (a ``ValueError``) for a header that cannot be sent.
        """
        if self._pid != os.getpid():
            for adapter in self.adapters.values():
                if isinstance(adapter, HTTPAdapter):
                    renew(adapter)
            # Last: until then no other thread may take the pools for ours.
            self._pid = os.getpid()
        check_headers(request.headers)
        return super().send(request, **kwargs)

    def send_message(self, request: Request, **settings: Any) -> Response:
        """Send a request of the protocol and read the whole answer.

        :param request: the message; its purpose selects the policy.
        :param settings: ``timeout``, ``proxies``, ``verify``, ``cert``, ``cookies``, ``hooks`` of
            this call, and ``insecure_http``; ``on_response`` is shown the answer and may
            replace it.
        :raises TransportError: if no complete, acceptable answer arrives.
        :raises InsecureTransportError: if the URL is not https.
        """
        check_url(request.url, insecure_http=settings.pop("insecure_http", False))
        outcome = self._try(request, settings.pop("on_response", None), settings)
        if isinstance(outcome, str):  # outside the handler: its context holds the request's body
            raise TransportError(outcome, detail={"purpose": str(request.purpose)})
        check_not_redirected(outcome, request)
        return outcome

    def _try(self, request: Request, on_response: Any, settings: dict[str, Any]) -> Response | str:
        """The answer, or the code of what went wrong."""
        policy = POLICIES[request.purpose]
        try:
            answer = self._answer(request, policy, settings)
            if on_response is not None:
                changed = on_response(answer)
                answer = answer if changed is None else changed  # a refusal counts as false
            return to_message(answer, policy.max_bytes)
        except (OSError, HTTPError, UnicodeError) as exception:
            return classify(exception)

    def _answer(self, request: Request, policy: Policy, settings: dict[str, Any]) -> Any:
        prepared = self._prepare_message(
            request, settings.pop("cookies", None), settings.pop("hooks", None)
        )
        kwargs = self.merge_environment_settings(
            request.url,
            settings.pop("proxies", None),
            True,
            settings.pop("verify", None),
            settings.pop("cert", None),
        )
        timeout = self.time_limits(settings.pop("timeout", None), policy)
        kwargs |= {"timeout": timeout, "allow_redirects": policy.follow_redirects, **settings}
        retry = policy.retry and request.method in _IDEMPOTENT
        answer = self._send(prepared, retry=retry, **kwargs)
        read_bounded(answer, policy.max_bytes)
        return answer

    def _prepare_message(
        self, request: Request, cookies: Any, hooks: Any
    ) -> requests.PreparedRequest:
        """Prepare a message, which is complete: nothing has to be encoded or guessed any more."""
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        if self.params:
            prepared.prepare_url(request.url, self.params)
        else:
            prepared.url = _normal_url(request.url)
        prepared.headers = merged_headers(self.headers, request.headers)
        prepared.prepare_cookies(merged_cookies(self.cookies, cookies))
        hooks = hooks or {"response": []}
        prepared.hooks = merge_hooks(hooks, self.hooks)
        prepared.body = request.body  # a form is ASCII, whatever it encodes
        prepared.prepare_content_length(request.body)
        return prepared

    def call_api(self, prepared: requests.PreparedRequest, **kwargs: Any) -> Any:
        """Send an API request; unless it is streamed, read the body within the limits.

        :param prepared: the request, credentials included.
        :param kwargs: as :meth:`requests.Session.send` takes them.
        :returns: the response of requests, or the double of a test.
        """
        policy = POLICIES[Purpose.API]
        streamed = kwargs.pop("stream", False)
        kwargs["timeout"] = self.time_limits(kwargs.get("timeout"), policy, streamed=streamed)
        retry = prepared.method in _IDEMPOTENT
        response = self._send(prepared, retry=retry, stream=True, **kwargs)
        if not streamed:
            read_bounded(response, self.max_bytes or policy.max_bytes)
        return response

    def _send(self, prepared: requests.PreparedRequest, *, retry: bool, **kwargs: Any) -> Any:
        try:
            return self.send(prepared, **kwargs)
        except requests.ConnectionError as exception:
            # A kept connection that the server closes while the request is on its way breaks
            # before any answer. Reads are sent once more; a code or a refresh token never is.
            if not retry or not _is_repeatable(prepared) or not broke_before_answer(exception):
                raise
        self.renew_auth(prepared)
        return self.send(prepared, **kwargs)

    def renew_auth(self, prepared: requests.PreparedRequest) -> None:
        """Make credentials anew that hold for one sending only; there are none here."""

    def time_limits(self, given: Any, policy: Policy, *, streamed: bool = False) -> Any:
        """The time limits of a call: its own, the session's, or the policy's.

        A number is the time for the whole call; while a body is streamed it counts from one read
        to the next, as in requests.
        """
        limit = self.default_timeout if given is None else given
        if limit is None:
            limit = (policy.connect_timeout, policy.total_timeout)
        if isinstance(limit, int | float):
            limit = (min(limit, policy.connect_timeout), limit)
        if streamed or not isinstance(limit, tuple) or limit[1] is None:
            return limit
        total = TotalTime(limit[1])
        return (limit[0] if limit[0] is None else ConnectTime(limit[0], total)), total


def _is_repeatable(prepared: requests.PreparedRequest) -> bool:
    """Whether a request can be sent a second time: a stream is gone after the first."""
    return prepared.body is None or isinstance(prepared.body, str | bytes)


_NO_ENVIRONMENT = Environment()


def _normal_url(url: str) -> str | None:
    """The URL as requests writes it."""
    return _known_normal_url(url) if may_be_kept(url) else _written_url(url)


def _written_url(url: str) -> str | None:
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    return prepared.url


_known_normal_url = lru_cache(maxsize=256)(_written_url)
