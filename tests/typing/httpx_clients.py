"""Clients on httpx2 as applications use them; this file is checked by mypy and never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import assert_type

import httpx2

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuthError
from flask_oauthclient import TokenKey
from flask_oauthclient.httpx_client import AssertionClient
from flask_oauthclient.httpx_client import AsyncAssertionClient
from flask_oauthclient.httpx_client import AsyncOAuth1Client
from flask_oauthclient.httpx_client import AsyncOAuth2Client
from flask_oauthclient.httpx_client import OAuth1Auth
from flask_oauthclient.httpx_client import OAuth1Client
from flask_oauthclient.httpx_client import OAuth2Auth
from flask_oauthclient.httpx_client import OAuth2Client
from flask_oauthclient.httpx_client import OAuth2ClientAuth
from flask_oauthclient.protocol.oauth1 import OAuth1Token
from flask_oauthclient.protocol.oauth2 import OAuth2Token

URL = "https://api.example.com/"


def store(token: Any, refresh_token: str | None = None, access_token: str | None = None) -> None:
    """What ``update_token`` may look like."""


async def store_async(
    token: Any, refresh_token: str | None = None, access_token: str | None = None
) -> None:
    """The same, as a coroutine function."""


def log_in(callback: str) -> OAuth2Token:
    """The code flow, blocking."""
    with OAuth2Client(
        "client",
        "secret",
        scope=["openid", "email"],
        redirect_uri="https://rp.example.com/callback",
        code_challenge_method="S256",
        token_endpoint="https://op.example.com/token",
        update_token=store,
        timeout=httpx2.Timeout(10, connect=3),
        limits=httpx2.Limits(max_connections=10),
        http2=True,
    ) as client:
        assert_type(client, OAuth2Client)
        assert_type(client.create_authorization_url(URL, code_verifier="v" * 43), tuple[str, str])
        token = client.fetch_token(authorization_response=callback, state="s", timeout=5)
        assert_type(token, OAuth2Token)
        assert_type(client.refresh_token(), OAuth2Token)
        assert_type(client.token_from_fragment(callback), OAuth2Token)
        assert_type(client.ensure_active_token(), bool | None)
        client.revoke_token("https://op.example.com/revoke", token_type_hint="refresh_token")
        client.introspect_token("https://op.example.com/introspect", auth=("user", "password"))
    return token


async def log_in_async(callback: str) -> OAuth2Token:
    """The same, awaited."""
    async with AsyncOAuth2Client(
        "client",
        "secret",
        token_endpoint="https://op.example.com/token",
        update_token=store_async,
        token_store=MemoryTokenStore(["key"]),
        token_key=TokenKey("client", "alice"),
    ) as client:
        assert_type(client, AsyncOAuth2Client)
        token = await client.fetch_token(authorization_response=callback, state="s")
        assert_type(token, OAuth2Token)
        assert_type(await client.fetch_access_token(code="c"), OAuth2Token)
        assert_type(await client.refresh_token(), OAuth2Token)
        assert_type(client.token_from_fragment(callback), OAuth2Token)
        assert_type(await client.ensure_active_token(), bool | None)
        await client.revoke_token("https://op.example.com/revoke")
        await client.introspect_token("https://op.example.com/introspect")
    return token


def call_an_api(token: dict[str, Any]) -> None:
    """Calls with and without the token, and everything else that httpx2 can do."""
    with OAuth2Client(token=token, base_url=URL) as client:
        assert_type(client.get("/users", params={"a": "b"}), httpx2.Response)
        client.post("/users", json={"a": "b"}, files={"file": b"content"})
        client.put("/users", content=b"content", timeout=3)
        client.delete("/users", auth=("user", "password"))
        assert_type(client.request("GET", URL, withhold_token=True), httpx2.Response)
        assert_type(client.send(client.build_request("GET", URL)), httpx2.Response)
        with client.stream("GET", URL, follow_redirects=True) as response:
            assert_type(response, httpx2.Response)
        plain: httpx2.Client = client
        plain.close()
        httpx2.get(URL, auth=OAuth2Auth(token))
        httpx2.get(URL, auth=OAuth1Auth("client", "secret"))
        httpx2.post(URL, data={}, auth=OAuth2ClientAuth("client", "secret"))


async def call_an_api_async(token: dict[str, Any]) -> None:
    """The same, awaited."""
    async with AsyncOAuth2Client(token=token, update_token=store) as client:
        assert_type(await client.get(URL), httpx2.Response)
        assert_type(await client.request("GET", URL, True), httpx2.Response)
        async with client.stream("GET", URL, withhold_token=True) as response:
            assert_type(response, httpx2.Response)
        plain: httpx2.AsyncClient = client
        await plain.aclose()


def sign() -> None:
    """OAuth 1.0a, blocking."""
    with OAuth1Client("client", "secret", redirect_uri="oob", http2=True) as client:
        assert_type(client.fetch_request_token(URL), OAuth1Token)
        assert_type(client.create_authorization_url(URL), str)
        assert_type(client.fetch_access_token(URL, "verifier"), OAuth1Token)
        assert_type(client.get(URL), httpx2.Response)


async def sign_async() -> None:
    """The same, awaited."""
    async with AsyncOAuth1Client("client", "secret", redirect_uri="oob") as client:
        assert_type(await client.fetch_request_token(URL), OAuth1Token)
        assert_type(await client.fetch_access_token(URL, "verifier"), OAuth1Token)
        assert_type(await client.post(URL, json={}), httpx2.Response)


class Own(AsyncOAuth2Client):
    """A client with an error class of its own."""

    class Error(OAuthError):
        """Its errors."""

    oauth_error_class = Error


async def service_account(key: str, claims: Mapping[str, Any]) -> None:
    """JWT bearer."""
    settings: dict[str, Any] = {"key": key, "alg": "RS256", "header": {"kid": "key-1"}}
    async with AsyncAssertionClient(URL, "service", "alice", claims=claims, **settings) as client:
        assert_type(await client.refresh_token(), OAuth2Token)
        assert_type(await client.get(URL), httpx2.Response)
        assert_type(await client.request("GET", URL, withhold_token=True), httpx2.Response)
    with AssertionClient(URL, "service", scope=["a", "b"], **settings) as blocking:
        assert_type(blocking.refresh_token(), OAuth2Token)
        assert_type(blocking.get(URL), httpx2.Response)
