"""A requests session that presents an OAuth 2 token."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import requests
from requests.auth import AuthBase

from ..protocol.errors import InsecureTransportError
from ..sessions.blocking import BlockingUpkeep
from ..sessions.calls import as_client_auth
from ..sessions.calls import is_replayable
from ..sessions.calls import token_was_refused
from ..sessions.token_auth import without_token
from ..transport._run import Steps
from ..transport._run import run_steps
from ..transport.requests import PooledSession
from ..transport.requests import no_auth
from .oauth2_auth import OAuth2Auth
from .oauth2_auth import note_headers
from .oauth2_auth import noted_headers


class TokenSession(PooledSession, BlockingUpkeep):
    """A session that presents a token, and replaces it when it has expired."""

    token_auth_class = OAuth2Auth
    http_auth_class = AuthBase

    def _as_auth_method(self, auth: Any) -> Any:
        return as_client_auth(lambda *parts: _signed(auth, *parts))

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
        return run_steps(self._authorized(method, url, kwargs))

    def _authorized(
        self, method: str, url: str, kwargs: dict[str, Any]
    ) -> Steps[requests.Response]:
        used = yield from self.usable_steps()
        response = super().request(method, url, auth=self.token_auth.for_token(used), **kwargs)
        if not (self.was_refused(response, kwargs) and self.is_replaceable(used)):
            return response
        close = getattr(response, "close", None)
        if close is not None:
            close()
        yield from self.replace_steps(used)
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

    if TYPE_CHECKING:
        # They are requests' own, which pass the keywords of the request above on.
        get: Callable[..., requests.Response]
        options: Callable[..., requests.Response]
        head: Callable[..., requests.Response]
        post: Callable[..., requests.Response]
        put: Callable[..., requests.Response]
        patch: Callable[..., requests.Response]
        delete: Callable[..., requests.Response]


def _signed(
    auth: AuthBase, method: str, url: str, headers: Mapping[str, str], form: str
) -> tuple[str, Mapping[str, str], Any]:
    prepared = auth(requests.Request(method, url, dict(headers), data=form).prepare())
    return str(prepared.url), dict(prepared.headers), prepared.body
