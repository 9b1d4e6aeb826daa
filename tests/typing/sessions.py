"""Sessions as applications use them; this file is checked by mypy and never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import assert_type

import requests
from requests.adapters import HTTPAdapter

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.oauth2 import OAuth2Token
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from flask_oauthclient.requests_client import AssertionSession
from flask_oauthclient.requests_client import OAuth2Auth
from flask_oauthclient.requests_client import OAuth2Session

URL = "https://api.example.com/"


def store(token: Any, refresh_token: str | None = None, access_token: str | None = None) -> None:
    """What ``update_token`` may look like."""


async def store_async(
    token: Any, refresh_token: str | None = None, access_token: str | None = None
) -> None:
    """The same, as a coroutine function."""


def log_in(callback: str) -> OAuth2Token:
    """The code flow."""
    session = OAuth2Session(
        "client",
        "secret",
        scope=["openid", "email"],
        redirect_uri="https://rp.example.com/callback",
        code_challenge_method="S256",
        token_endpoint="https://op.example.com/token",
        update_token=store,
        default_timeout=(3, 10),
    )
    assert_type(session.create_authorization_url(URL, code_verifier="v" * 43), tuple[str, str])
    token = session.fetch_token(authorization_response=callback, state="s", timeout=5)
    assert_type(token, OAuth2Token)
    assert_type(session.refresh_token(), OAuth2Token)
    assert_type(session.token_from_fragment(callback), OAuth2Token)
    assert_type(session.ensure_active_token(), bool | None)
    session.revoke_token("https://op.example.com/revoke", token_type_hint="refresh_token")
    session.introspect_token("https://op.example.com/introspect", auth=("user", "password"))
    return token


def call_an_api(token: dict[str, Any]) -> None:
    """Calls with and without the token, and everything else that requests can do."""
    with OAuth2Session(token=token, leeway=30, update_token=store_async) as session:
        session.mount("https://", HTTPAdapter(max_retries=3))
        session.headers["User-Agent"] = "own/1.0"
        assert_type(session.get(URL), requests.Response)
        session.get(URL, withhold_token=True)
        session.get(URL, params={"a": "b"}, stream=True, timeout=3)
        session.post(URL, {"a": "b"})
        session.post(URL, json={"a": "b"}, files={"file": b"content"})
        session.put(URL, data=b"content")
        session.patch(URL, json=[])
        session.delete(URL, auth=("user", "password"))
        session.head(URL)
        session.options(URL)
        assert_type(session.request("GET", URL, withhold_token=True), requests.Response)
        plain: requests.Session = session
        plain.close()
        requests.get(URL, auth=session.token_auth, timeout=3)
        requests.get(URL, auth=OAuth2Auth(token), timeout=3)


def adapt(session: OAuth2Session) -> None:
    """Hooks and methods of one's own."""

    def request_hook(
        url: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        return url, headers, body

    def method(
        auth: Any, verb: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        return uri, headers, body

    session.register_compliance_hook("access_token_request", request_hook)
    session.register_client_auth_method(("own", method))
    session.register_client_auth_method(PrivateKeyJWT(alg="ES256"))


class Own(OAuth2Session):
    """A session with an error class of its own."""

    class Error(OAuthError):
        """Its errors."""

    oauth_error_class = Error


def service_account(key: str, claims: Mapping[str, Any]) -> requests.Response:
    """JWT bearer and SAML bearer."""
    with AssertionSession(
        "https://op.example.com/token",
        "service@example.com",
        "alice",
        claims=claims,
        scope=["a", "b"],
        key=key,
        alg="RS256",
        header={"kid": "key-1"},
        update_token=store,
    ) as session:
        assert_type(session.refresh_token(), OAuth2Token)
        response: requests.Response = session.get(URL, timeout=3)
    AssertionSession(
        "https://op.example.com/token",
        grant_type=AssertionSession.SAML2_BEARER_GRANT_TYPE,
        assertion=lambda: "<saml:Assertion/>",
    )
    return response
