"""``OAuth2Session``: a requests session that speaks OAuth 2."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from ..protocol.messages import Purpose
from ..protocol.messages import Response
from ..protocol.oauth2.client import OAuth2Client
from ..protocol.oauth2.client_auth import AuthMethod
from ..sessions.calls import take_account
from ..sessions.oauth2 import BlockingOAuth2
from ..transport.answers import to_message
from ..transport.policy import POLICIES
from ..transport.requests import SESSION_SETTINGS
from ..transport.requests import PooledSession
from .client_auth import RequestsClientAuth
from .keywords import CALL_KEYWORDS
from .token_session import TokenSession


class OAuth2Session(TokenSession, BlockingOAuth2):
    """A :class:`requests.Session` that gets a token and presents it.

    :param client_id: the client's identifier.
    :param client_secret: its secret, or ``None`` for a public client.
    :param token_endpoint_auth_method: how the client authenticates at the token endpoint.
    :param revocation_endpoint_auth_method: the same for the revocation endpoint; default is
        that of the token endpoint.
    :param scope: scope to ask for, a string or a list.
    :param state: state to compare authorization responses with.
    :param redirect_uri: where authorization responses go.
    :param token: a token to begin with, a dict.
    :param token_placement: where the token goes in a request: ``header``, ``body`` or ``uri``.
    :param update_token: ``(token, refresh_token=None, access_token=None)``, called when a token
        was replaced; a coroutine function may be given.
    :param leeway: seconds before its expiry from which a token is refreshed.
    :param default_timeout: seconds for a whole call, or ``(connect, total)``.
    :param kwargs: attributes of the requests session (``verify``, ``proxies``, ...),
        ``code_challenge_method``, ``basic_encoding``, ``timeout`` (the same as
        ``default_timeout``), ``max_bytes``, ``insecure_http``; ``token_store`` and ``token_key``,
        a store of tokens and the :class:`TokenKey` of this session's in it, which all processes
        replace once; anything else is server metadata (``token_endpoint``, ``issuer``, ...).
    """

    client_auth_class = RequestsClientAuth
    call_keywords = CALL_KEYWORDS
    SESSION_REQUEST_PARAMS = (
        "allow_redirects",
        "timeout",
        "cookies",
        "files",
        "proxies",
        "hooks",
        "stream",
        "verify",
        "cert",
        "json",
    )

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: Any = None,
        token_endpoint_auth_method: str | AuthMethod | None = None,
        revocation_endpoint_auth_method: str | AuthMethod | None = None,
        scope: str | Iterable[str] | None = None,
        state: str | None = None,
        redirect_uri: str | None = None,
        token: Any = None,
        token_placement: str = "header",  # noqa: S107
        update_token: Callable[..., Any] | None = None,
        leeway: float = 60,
        default_timeout: float | tuple[float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if "token_updater" in kwargs:
            raise ValueError("token_updater is called update_token, with keyword arguments.")
        settings = {name: kwargs.pop(name) for name in SESSION_SETTINGS & kwargs.keys()}
        account = take_account(kwargs)
        PooledSession.__init__(self, default_timeout=default_timeout, **settings)
        self.begin_upkeep(token, token_placement, leeway, update_token, account)
        OAuth2Client.__init__(
            self,
            client_id,
            client_secret,
            token_endpoint_auth_method,
            revocation_endpoint_auth_method,
            scope,
            state,
            redirect_uri,
            **kwargs,
        )

    def as_message(self, response: Any) -> Response:
        """What the protocol looks at of a response of requests."""
        return to_message(response, POLICIES[Purpose.TOKEN].max_bytes)
