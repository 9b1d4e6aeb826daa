"""What every session that presents an OAuth 2 token has in common."""

from __future__ import annotations

import os
import threading
import weakref
from abc import ABC
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import requests

from ..protocol.errors import InsecureTransportError
from ..protocol.errors import InvalidTokenError
from ..protocol.errors import MissingTokenError
from ..protocol.errors import OAuthError
from ..protocol.errors import TokenRequestError
from ..protocol.messages import Exchange
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.oauth2.hooks import HookList
from ..protocol.oauth2.token import OAuth2Token
from ..transport._run import finish
from ..transport._run import run
from ..transport.requests import PooledSession
from ..transport.requests import no_auth
from .calls import is_replaced
from .calls import is_replayable
from .calls import token_was_refused
from .oauth2_auth import OAuth2Auth
from .oauth2_auth import note_headers
from .oauth2_auth import noted_headers
from .oauth2_auth import without_token

#: How many of its former access tokens a session knows as its own.
_FORMER_TOKENS = 32

_all: weakref.WeakSet[TokenSession] = weakref.WeakSet()


def _reset_after_fork() -> None:
    for session in list(_all):
        session.reset_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


class TokenSession(PooledSession, ABC):
    """A session that presents a token, and replaces it when it has expired.

    :param token: a token to begin with, a dict.
    :param token_placement: where the token goes in a request: ``header``, ``body`` or ``uri``.
    :param leeway: seconds before its expiry from which a token is replaced.
    :param update_token: ``(token, refresh_token=None, access_token=None)``, called when a token
        was replaced; a coroutine function may be given.
    :param settings: what :class:`PooledSession` takes.
    """

    #: What a refusal of the token endpoint becomes, if it is another one than the default.
    oauth_error_class = OAuthError
    token_auth_class = OAuth2Auth

    #: Compliance hooks by their type; sessions bring their own.
    compliance_hooks: dict[str, HookList]

    def __init__(
        self,
        token: Any = None,
        token_placement: str = "header",  # noqa: S107
        leeway: float = 60,
        update_token: Callable[..., Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.token_auth = self.token_auth_class(token, token_placement, self)
        self.token_auth.insecure_http = self.insecure_http
        self.leeway = leeway
        self.update_token = update_token
        self._former: deque[Any] = deque(maxlen=_FORMER_TOKENS)
        self.reset_lock()
        _all.add(self)
        self._attempts = 0
        self._failure: OAuthError | None = None

    # -- the token ------------------------------------------------------------------------

    @property
    def token(self) -> Any:
        """The current token, an :class:`OAuth2Token`, or ``None``."""
        return self.token_auth.token

    @token.setter
    def token(self, token: Any) -> None:
        if self.token:
            self._former.append(self.token.get("access_token"))
        self.token_auth.set_token(token)

    def had(self, token: Mapping[str, Any]) -> bool:
        """Whether a token is, or was, this session's; one without a token takes any for its own."""
        name = token.get("access_token")
        return not self.token or name == self.token.get("access_token") or name in self._former

    def reset_lock(self) -> None:
        """Make the lock anew: in a forked process, nobody is left to open it."""
        self._replacing = threading.RLock()

    def ensure_active_token(self, token: Any = None) -> bool | None:
        """Replace the current token if it has expired.

        However many threads ask at once, one of them replaces it.

        :param token: the token to judge; default is the current one.
        :returns: ``True`` if there is a usable token now, ``None`` if there is none to be had.
        """
        token = OAuth2Token.from_dict(self.token if token is None else token)
        if token and not token.is_expired(self.leeway):
            return True
        return self._replace_once(token)

    def _replace_once(self, used: Any) -> bool | None:
        """Replace a token, unless another thread did so, or failed to, while this one waited."""
        attempts = self._attempts
        with self._replacing:
            if self._attempts != attempts:
                if self._failure is not None:
                    raise self._failure.again()  # each thread its own traceback
                if is_replaced(used, self.token):
                    return True
            current = self.token if is_replaced(used, self.token) else used
            if current is not used and not current.is_expired(self.leeway):
                return True
            if not self._is_replaceable(current):
                return None
            self._attempt(current)
            return True

    def _attempt(self, token: Any) -> None:
        self._failure = None
        try:
            self._replace(token)
        except OAuthError as failure:
            self._failure = failure.again()
            raise
        finally:
            self._attempts += 1  # at the end: who comes before that waits for this attempt

    @abstractmethod
    def _is_replaceable(self, token: Any) -> bool:
        """Whether there is a way to get another token for this one, or for none."""

    @abstractmethod
    def _replace(self, token: Any) -> None:
        """Get another token for this one, or for none, and keep it."""

    def _tell(self, **old: Any) -> None:
        if self.update_token is not None:
            finish(self.update_token(self.token, **old))

    # -- sending --------------------------------------------------------------------------

    def request(  # type: ignore[override]  # the token's keywords come first, as users know them
        self,
        method: str,
        url: str,
        withhold_token: bool = False,
        auth: Any = None,
        **kwargs: Any,
    ) -> requests.Response:
        """Send a request with the token, replaced if it has expired.

        A 401 that says ``invalid_token`` leads to one more try with another token, if there is a
        way to get one (RFC 6750 section 3.1).

        :param method: HTTP method.
        :param url: absolute URL.
        :param withhold_token: send no token.
        :param auth: another ``auth`` object of requests instead of the token.
        :param kwargs: as :meth:`requests.Session.request` takes them.
        :raises MissingTokenError: if there is no token.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        :raises InsecureTransportError: if the token would travel in the clear.
        :raises requests.RequestException: if the call fails.
        """
        if withhold_token or auth is not None:
            return super().request(method, url, auth=auth or no_auth, **kwargs)
        if not self.ensure_active_token():
            raise InvalidTokenError if self.token else MissingTokenError
        used = self.token
        response = super().request(method, url, auth=self.token_auth.for_token(used), **kwargs)
        if not (self.was_refused(response, kwargs) and self._is_replaceable(used)):
            return response
        close = getattr(response, "close", None)
        if close is not None:
            close()
        self._replace_once(used)
        return super().request(method, url, auth=self.token_auth.for_token(self.token), **kwargs)

    @staticmethod
    def was_refused(response: Any, kwargs: Mapping[str, Any]) -> bool:
        """Whether a call was refused because of its token, and can be sent once more.

        :param response: the response.
        :param kwargs: the call's keywords; a stream is gone after the first time.
        """
        return token_was_refused(response) and is_replayable(kwargs)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Drop credentials when a redirect leaves the origin.

        :raises InsecureTransportError: if the token stands in the body, which goes with it.
        """
        names = noted_headers(response.request)
        note_headers(prepared_request, names)
        super().rebuild_auth(prepared_request, response)
        before, after = str(response.request.url), str(prepared_request.url)
        if not self.leaves_origin(before, after):
            return
        for name in names:
            prepared_request.headers.pop(name, None)
        prepared_request.url = without_token(after, before)
        if self.token_auth.token_placement == "body" and prepared_request.body:  # noqa: S105
            raise InsecureTransportError("token_origin")

    def run_exchange(
        self, exchange: Exchange[OAuth2Token], hook: str, **settings: Any
    ) -> OAuth2Token:
        """Drive a token exchange, with the compliance hooks of its kind.

        :param exchange: the exchange.
        :param hook: ``access_token`` or ``refresh_token``.
        :param settings: ``timeout``, ``verify``, ``cert``, ``proxies`` of this call.
        """

        def on_response(answer: Any) -> Any:
            for change in self.compliance_hooks.get(f"{hook}_response", ()):
                changed = change(answer)
                answer = answer if changed is None else changed  # a refusal counts as false
            return answer

        def send(request: Request) -> Response:
            return self.send_hooked(request, f"{hook}_request", on_response=on_response, **settings)

        return self.with_own_errors(lambda: run(exchange, send))

    def with_own_errors(self, work: Callable[[], OAuth2Token]) -> OAuth2Token:
        """Let a subclass that names its own ``oauth_error_class`` have refusals as that.

        :param work: gets or reads a token.
        """
        try:
            return work()
        except TokenRequestError as refusal:
            if self.oauth_error_class is OAuthError:
                raise
            error, description = refusal.error, refusal.description
        raise self.oauth_error_class(error=error, description=description)

    def send_hooked(self, request: Request, hook_type: str, **settings: Any) -> Response:
        """Send a request of the protocol after its compliance hooks have changed it.

        :param request: the request.
        :param hook_type: the type of its hooks.
        :param settings: as :meth:`PooledSession.send_message` takes them.
        """
        url, headers, body = request.url, dict(request.headers), request.body
        for change in self.compliance_hooks.get(hook_type, ()):
            url, headers, body = change(url, headers, body)
        changed = Request(request.purpose, request.method, url, headers, body)
        return self.send_message(changed, insecure_http=self.insecure_http, **settings)

    if TYPE_CHECKING:
        # They are requests' own, which pass the keywords of the request above on.
        get: Callable[..., requests.Response]
        options: Callable[..., requests.Response]
        head: Callable[..., requests.Response]
        post: Callable[..., requests.Response]
        put: Callable[..., requests.Response]
        patch: Callable[..., requests.Response]
        delete: Callable[..., requests.Response]
