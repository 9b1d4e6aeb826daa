"""Sending with a token that is replaced when it has expired, or was refused."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from contextlib import AbstractContextManager
from typing import Any

import httpx2
from httpx2 import USE_CLIENT_DEFAULT

from ..sessions.calls import is_replayable
from ..sessions.calls import token_was_refused
from ..sessions.upkeep import TokenUpkeep
from ..transport._run import Steps
from ..transport.httpx_auth import is_repeatable
from ..transport.httpx_sending import Sending
from .oauth2_auth import OAuth2Auth


class TokenSending(TokenUpkeep, Sending):
    """What a client that presents a token adds to ``send``."""

    token_auth_class = OAuth2Auth

    def send_steps(
        self, request: httpx2.Request, *, stream: bool, auth: Any, follow_redirects: Any
    ) -> Steps[Any]:
        """The steps of ``send``: with the token, unless something else is to be sent."""
        if auth is not USE_CLIENT_DEFAULT:
            return super().send_steps(
                request, stream=stream, auth=auth, follow_redirects=follow_redirects
            )
        follow = self.follows(follow_redirects)
        return self._authorized(request, stream=stream, follow=follow)

    def _authorized(self, request: httpx2.Request, **how: bool) -> Steps[Any]:
        used = self.token
        if not used or used.is_expired(self.leeway):
            used = yield from self.usable_steps()
        auth = self.token_auth.for_token(used)
        response = yield from self.call_steps(request, auth, **how)
        if not (
            token_was_refused(response) and is_repeatable(request) and self.is_replaceable(used)
        ):
            return response
        yield self._close(response)
        yield from self.replace_steps(used)
        auth = self.token_auth.for_token(self.token)
        return (yield from self.call_steps(request, auth, **how))

    @staticmethod
    def was_refused(response: Any, kwargs: Mapping[str, Any]) -> bool:
        """Whether a call was refused because of its token, and can be sent once more.

        :param response: the response.
        :param kwargs: the call's keywords; a stream is gone after the first time.
        """
        return token_was_refused(response) and is_replayable(kwargs)


class BlockingCalls(httpx2.Client):
    """``request`` and ``stream`` with a keyword of their own."""

    def request(
        self,
        method: str,
        url: httpx2.URL | str,
        withhold_token: bool = False,
        auth: Any = USE_CLIENT_DEFAULT,
        **kwargs: Any,
    ) -> httpx2.Response:
        """Send a request with the token, replaced if it has expired.

        A 401 that says ``invalid_token`` leads to one more try with another token, if there is a
        way to get one (RFC 6750 section 3.1).

        :param method: HTTP method.
        :param url: absolute URL, or relative to ``base_url``.
        :param withhold_token: send no token.
        :param auth: another ``auth`` object of httpx2 instead of the token.
        :param kwargs: as :meth:`httpx2.Client.request` takes them.
        :raises MissingTokenError: if there is no token.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        :raises InsecureTransportError: if the token would travel in the clear.
        :raises httpx2.HTTPError: if the call fails.
        """
        return super().request(method, url, auth=_auth(withhold_token, auth), **kwargs)

    def stream(  # type: ignore[override]  # a context manager of whatever class
        self,
        method: str,
        url: httpx2.URL | str,
        withhold_token: bool = False,
        auth: Any = USE_CLIENT_DEFAULT,
        **kwargs: Any,
    ) -> AbstractContextManager[httpx2.Response]:
        """The same for a response whose body is not read at once; a context manager."""
        return super().stream(method, url, auth=_auth(withhold_token, auth), **kwargs)


class AsyncCalls(httpx2.AsyncClient):
    """The same inside an event loop."""

    async def request(
        self,
        method: str,
        url: httpx2.URL | str,
        withhold_token: bool = False,
        auth: Any = USE_CLIENT_DEFAULT,
        **kwargs: Any,
    ) -> httpx2.Response:
        """Send a request with the token; see :meth:`BlockingCalls.request`."""
        return await super().request(method, url, auth=_auth(withhold_token, auth), **kwargs)

    def stream(  # type: ignore[override]  # a context manager of whatever class
        self,
        method: str,
        url: httpx2.URL | str,
        withhold_token: bool = False,
        auth: Any = USE_CLIENT_DEFAULT,
        **kwargs: Any,
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        """The same for a response whose body is not read at once; a context manager."""
        return super().stream(method, url, auth=_auth(withhold_token, auth), **kwargs)


def _auth(withhold_token: bool, auth: Any) -> Any:
    return None if withhold_token and auth is USE_CLIENT_DEFAULT else auth
