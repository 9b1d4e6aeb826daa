"""``OAuth2Client`` and ``AsyncOAuth2Client``: clients of httpx2 that speak OAuth 2."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import httpx2

from ..protocol.messages import Response
from ..protocol.oauth2.client import OAuth2Client as OAuth2Core
from ..protocol.oauth2.client_auth import AuthMethod
from ..protocol.oauth2.token import OAuth2Token
from ..sessions.asynchronous import AsyncUpkeep
from ..sessions.asynchronous import awaited
from ..sessions.asynchronous import finished
from ..sessions.calls import take_account
from ..sessions.oauth2 import BlockingOAuth2
from ..sessions.oauth2 import OAuth2Steps
from ..transport.httpx import AsyncPooledClient
from ..transport.httpx import PooledClient
from ..transport.httpx_answers import to_message
from ..transport.httpx_sending import CLIENT_SETTINGS
from .client_auth import OAuth2ClientAuth
from .client_auth import as_auth_method
from .keywords import CALL_KEYWORDS
from .token_sending import AsyncCalls
from .token_sending import BlockingCalls
from .token_sending import TokenSending


class _OAuth2(TokenSending, OAuth2Steps):
    """What the two clients have in common."""

    client_auth_class = OAuth2ClientAuth
    call_keywords = CALL_KEYWORDS
    http_auth_class = httpx2.Auth
    http_class: type[Any]

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: Any = None,
        token_endpoint_auth_method: str | AuthMethod | None = None,
        revocation_endpoint_auth_method: str | AuthMethod | None = None,
        scope: str | Iterable[str] | None = None,
        redirect_uri: str | None = None,
        token: Any = None,
        token_placement: str = "header",  # noqa: S107
        update_token: Callable[..., Any] | None = None,
        leeway: float = 60,
        **kwargs: Any,
    ) -> None:
        settings = {name: kwargs.pop(name) for name in CLIENT_SETTINGS & kwargs.keys()}
        account = take_account(kwargs)
        self.http_class.__init__(self, **settings)
        self.begin_upkeep(token, token_placement, leeway, update_token, account)
        OAuth2Core.__init__(
            self,
            client_id,
            client_secret,
            token_endpoint_auth_method,
            revocation_endpoint_auth_method,
            scope,
            redirect_uri=redirect_uri,
            **kwargs,
        )

    def _as_auth_method(self, auth: Any) -> AuthMethod:
        return as_auth_method(auth)

    def as_message(self, response: Any) -> Response:
        """What the protocol looks at of a response of httpx2."""
        return to_message(response)


class OAuth2Client(BlockingCalls, _OAuth2, BlockingOAuth2, PooledClient):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A :class:`httpx2.Client` that gets a token and presents it.

    :param client_id: the client's identifier.
    :param client_secret: its secret, or ``None`` for a public client.
    :param token_endpoint_auth_method: how the client authenticates at the token endpoint.
    :param revocation_endpoint_auth_method: the same for the revocation endpoint; default is
        that of the token endpoint.
    :param scope: scope to ask for, a string or a list.
    :param redirect_uri: where authorization responses go.
    :param token: a token to begin with, a dict.
    :param token_placement: where the token goes in a request: ``header``, ``body`` or ``uri``.
    :param update_token: ``(token, refresh_token=None, access_token=None)``, called when a token
        was replaced; a coroutine function may be given.
    :param leeway: seconds before its expiry from which a token is refreshed.
    :param kwargs: what :class:`httpx2.Client` takes (``transport``, ``limits``, ``http2``, ...);
        ``state``, ``code_challenge_method``, ``basic_encoding``, ``max_bytes``,
        ``insecure_http``; ``token_store`` and ``token_key``, a store of tokens and the
        :class:`TokenKey` of this client's in it, which all processes replace once; anything else
        is server metadata (``token_endpoint``, ``issuer``, ...).
    """

    http_class = PooledClient


class AsyncOAuth2Client(AsyncCalls, _OAuth2, AsyncUpkeep, AsyncPooledClient):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A :class:`httpx2.AsyncClient` that gets a token and presents it, under asyncio or trio.

    However many tasks share it, an expired token is replaced once; with a store, however many
    clients and processes. Who is cancelled while that goes on does not stop it: a refresh token
    that was sent is spent, and what comes for it is kept. The same is true of a code; and a client
    that is closed waits for both.

    :param client_id: as for :class:`OAuth2Client`, like all that follow.
    """

    http_class = AsyncPooledClient

    fetch_token = finished(OAuth2Steps.fetch_steps)
    refresh_token = finished(OAuth2Steps.refresh_steps)
    revoke_token = awaited(OAuth2Steps.revoke_steps)
    introspect_token = awaited(OAuth2Steps.introspect_steps)

    async def fetch_access_token(self, url: str | None = None, **kwargs: Any) -> OAuth2Token:
        """The same as :meth:`fetch_token`."""
        return await self.fetch_token(url, **kwargs)
