"""``AssertionClient`` and ``AsyncAssertionClient``: tokens that come from signed assertions."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ..protocol.oauth2.assertion import AssertionClient as AssertionCore
from ..sessions.assertion import AssertionSteps
from ..sessions.assertion import BlockingAssertion
from ..sessions.asynchronous import AsyncUpkeep
from ..sessions.asynchronous import awaited
from ..transport.httpx import AsyncPooledClient
from ..transport.httpx import PooledClient
from ..transport.httpx_sending import CLIENT_SETTINGS
from .token_sending import AsyncCalls
from .token_sending import BlockingCalls
from .token_sending import TokenSending


class _Assertion(TokenSending, AssertionSteps):
    """What the two clients have in common."""

    http_class: type[Any]

    def __init__(
        self,
        token_endpoint: str,
        issuer: str | None = None,
        subject: str | None = None,
        audience: str | None = None,
        grant_type: str | None = None,
        claims: Mapping[str, Any] | None = None,
        token_placement: str = "header",  # noqa: S107
        scope: str | Iterable[str] | None = None,
        *,
        client_id: str | None = None,
        leeway: float = 60,
        token: Any = None,
        update_token: Callable[..., Any] | None = None,
        assertion: Any = None,
        **kwargs: Any,
    ) -> None:
        settings = {name: kwargs.pop(name) for name in CLIENT_SETTINGS & kwargs.keys()}
        self.http_class.__init__(self, **settings)
        self.begin_upkeep(token, token_placement, leeway, update_token)
        self.begin_hooks()
        AssertionCore.__init__(
            self,
            token_endpoint,
            issuer,
            subject,
            audience,
            grant_type,
            claims,
            scope,
            client_id,
            assertion=assertion,
            **kwargs,
        )


class AssertionClient(BlockingCalls, _Assertion, BlockingAssertion, PooledClient):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A :class:`httpx2.Client` for service accounts (RFC 7521, RFC 7522, RFC 7523).

    It gets a token before its first request, and another one when that has expired or an API
    does not take it any more.

    :param token_endpoint: URL of the token endpoint.
    :param issuer: who signs the assertions.
    :param subject: for whom tokens are asked.
    :param audience: audience of the assertions; default is the token endpoint.
    :param grant_type: default is :attr:`DEFAULT_GRANT_TYPE`, which is JWT bearer.
    :param claims: claims to add to each assertion.
    :param token_placement: where the token goes in a request: ``header``, ``body`` or ``uri``.
    :param scope: scope to ask for, a string or a list.
    :param client_id: sent along if it is given.
    :param leeway: seconds before its expiry from which a token is replaced.
    :param token: a token to begin with, a dict.
    :param update_token: ``(token, refresh_token=None, access_token=None)``, called when a token
        was replaced; a coroutine function may be given.
    :param assertion: a finished assertion (SAML 2.0), or a callable that gives one each time.
    :param kwargs: for the signer: ``key`` (PEM, JWK, or a key object), ``alg``, ``header``,
        ``issued_at``, ``expires_at``, ``expires_in`` (seconds); and what :class:`httpx2.Client`
        takes, ``max_bytes``, ``insecure_http``.
    :raises UnknownOptionError: for another keyword.
    :raises InvalidSettingError: (a ``ValueError``) for settings that cannot work.
    """

    http_class = PooledClient


class AsyncAssertionClient(AsyncCalls, _Assertion, AsyncUpkeep, AsyncPooledClient):  # pyright: ignore[reportIncompatibleMethodOverride]
    """The same for an event loop: a :class:`httpx2.AsyncClient`, under asyncio or trio.

    :param token_endpoint: as for :class:`AssertionClient`, like all that follow.
    """

    http_class = AsyncPooledClient

    refresh_token = awaited(AssertionSteps.refresh_steps)
