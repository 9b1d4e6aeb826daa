"""``OAuth1Client`` and ``AsyncOAuth1Client``: clients of httpx2 that speak OAuth 1.0a."""

from __future__ import annotations

from typing import Any

import httpx2

from ..protocol.messages import Exchange
from ..protocol.messages import Request
from ..protocol.oauth1.credentials import pairs
from ..protocol.oauth1.token import OAuth1Token
from ..protocol.urls import add_params
from ..sessions.asynchronous import Asynchronous
from ..sessions.asynchronous import awaited
from ..sessions.asynchronous import finished
from ..sessions.oauth1 import BlockingOAuth1
from ..sessions.oauth1 import OAuth1Steps
from ..transport.httpx import AsyncPooledClient
from ..transport.httpx import PooledClient
from ..transport.httpx_sending import Sending
from .keywords import CALL_KEYWORDS
from .oauth1_auth import OAuth1Auth


class _OAuth1(OAuth1Steps, Sending):
    """What the two clients have in common."""

    auth_class = OAuth1Auth
    call_keywords = CALL_KEYWORDS

    def as_sent(self, url: str, params: Any) -> str:
        """An endpoint's URL as httpx2 writes it, with the client's parameters, too."""
        complete = self.with_own_params(add_params(url, pairs(params)))
        try:
            return str(httpx2.URL(complete))
        except httpx2.InvalidURL:
            return complete  # the signer will say what is wrong

    def _built(self, request: Request, timeout: Any, extensions: Any) -> httpx2.Request:
        built = super()._built(request, timeout, extensions)
        built.url = httpx2.URL(request.url)  # it is signed; the client's parameters are in it
        return built


# The signer is what httpx2 has in ``auth``, too.
class OAuth1Client(_OAuth1, BlockingOAuth1, PooledClient):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A :class:`httpx2.Client` that signs its requests (RFC 5849).

    :param client_id: the client identifier (``oauth_consumer_key``).
    :param client_secret: the client's shared secret.
    :param token: the token, of temporary or token credentials.
    :param token_secret: its shared secret.
    :param redirect_uri: where the server sends the browser back to, or ``oob``.
    :param rsa_key: private key of the RSA methods, PEM or a key object of ``cryptography``.
    :param verifier: ``oauth_verifier`` of the callback.
    :param signature_method: ``HMAC-SHA1``, ``RSA-SHA1``, ``PLAINTEXT``, or one of their SHA256
        and SHA512 variants.
    :param signature_type: where the signature goes: ``HEADER``, ``QUERY`` or ``BODY``.
    :param force_include_body: sign bodies that are no form too.
    :param realm: realm of the Authorization header.
    :param require_callback_confirmed: refuse temporary credentials without
        ``oauth_callback_confirmed``.
    :param kwargs: what :class:`httpx2.Client` takes (``transport``, ``limits``, ``http2``, ...),
        ``max_bytes``, ``insecure_http``.
    :raises InvalidSettingError: (a ``ValueError``) for settings that cannot work.
    """

    http_class = PooledClient


# The signer is what httpx2 has in ``auth``, too.
class AsyncOAuth1Client(_OAuth1, Asynchronous, AsyncPooledClient):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A :class:`httpx2.AsyncClient` that signs its requests, under asyncio or trio.

    :param client_id: as for :class:`OAuth1Client`, like all that follow.
    """

    http_class = AsyncPooledClient

    fetch_request_token = awaited(OAuth1Steps.request_token_steps)
    fetch_access_token = finished(OAuth1Steps.access_token_steps)  # a verifier is spent by it

    async def run_exchange(self, exchange: Exchange[OAuth1Token], **settings: Any) -> OAuth1Token:
        """Drive an exchange.

        :param exchange: the exchange.
        :param settings: keywords of the HTTP library for this call.
        """
        return await self.drive(self.exchange_steps(exchange, **settings))
