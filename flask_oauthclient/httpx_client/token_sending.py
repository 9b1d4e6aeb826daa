"""Sending with a token that is replaced when it has expired, or was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
from httpx2 import USE_CLIENT_DEFAULT

from ..sessions.calls import is_replayable
from ..sessions.calls import token_was_refused
from ..sessions.upkeep import TokenUpkeep
from ..transport._run import Steps
from ..transport.httpx import Sending
from ..transport.httpx_auth import is_repeatable
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
        return self._authorized(request, stream=stream, follow_redirects=follow_redirects)

    def _authorized(self, request: httpx2.Request, **how: Any) -> Steps[Any]:
        used = yield from self.usable_steps()
        response = yield from self._with_token(request, used, **how)
        if not (
            token_was_refused(response) and is_repeatable(request) and self.is_replaceable(used)
        ):
            return response
        yield self._close(response)
        yield from self.replace_steps(used)
        return (yield from self._with_token(request, self.token, **how))

    def _with_token(self, request: httpx2.Request, token: Any, **how: Any) -> Steps[Any]:
        return super().send_steps(request, auth=self.token_auth.for_token(token), **how)

    @staticmethod
    def was_refused(response: Any, kwargs: Mapping[str, Any]) -> bool:
        """Whether a call was refused because of its token, and can be sent once more.

        :param response: the response.
        :param kwargs: the call's keywords; a stream is gone after the first time.
        """
        return token_was_refused(response) and is_replayable(kwargs)
