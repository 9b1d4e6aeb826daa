"""Programs as users of the established client have them, with another import and nothing else.

Names, order and defaults of arguments are facts of the contract; the programs are our own.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from flask_oauthclient import OAuthError as RootError
from flask_oauthclient import httpx_client
from flask_oauthclient.httpx_client import AssertionClient
from flask_oauthclient.httpx_client import AsyncAssertionClient
from flask_oauthclient.httpx_client import AsyncOAuth1Client
from flask_oauthclient.httpx_client import AsyncOAuth2Client
from flask_oauthclient.httpx_client import OAuth1Auth
from flask_oauthclient.httpx_client import OAuth1Client
from flask_oauthclient.httpx_client import OAuth2Auth
from flask_oauthclient.httpx_client import OAuth2Client
from flask_oauthclient.httpx_client import OAuthError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from flask_oauthclient.transport._run import Steps
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import CLIENT_SECRET
from tests.httpx_client._clients import LOOPS
from tests.httpx_client._clients import TOKEN_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import in_loop
from tests.httpx_client._clients import token
from tests.servers.oauthlib_server import OAuth1Server

REQUIRED = inspect.Parameter.empty
DEFAULT = httpx2.USE_CLIENT_DEFAULT

_OAUTH1 = [
    ("client_id", REQUIRED),
    ("client_secret", None),
    ("token", None),
    ("token_secret", None),
    ("redirect_uri", None),
    ("rsa_key", None),
    ("verifier", None),
    ("signature_method", "HMAC-SHA1"),
    ("signature_type", "HEADER"),
]
_OAUTH2 = [
    ("client_id", None),
    ("client_secret", None),
    ("token_endpoint_auth_method", None),
    ("revocation_endpoint_auth_method", None),
    ("scope", None),
    ("redirect_uri", None),
    ("token", None),
    ("token_placement", "header"),
    ("update_token", None),
    ("leeway", 60),
]
_ASSERTION = [
    ("token_endpoint", REQUIRED),
    ("issuer", None),
    ("subject", None),
    ("audience", None),
    ("grant_type", None),
    ("claims", None),
    ("token_placement", "header"),
    ("scope", None),
]
_REQUEST = [
    ("method", REQUIRED),
    ("url", REQUIRED),
    ("withhold_token", False),
    ("auth", DEFAULT),
]
_FETCH = [
    ("url", None),
    ("body", ""),
    ("method", "POST"),
    ("headers", None),
    ("auth", None),
    ("grant_type", None),
    ("state", None),
]
_REFRESH = [
    ("url", None),
    ("refresh_token", None),
    ("body", ""),
    ("auth", None),
    ("headers", None),
]
_ABOUT = [
    ("url", None),
    ("token", None),
    ("token_type_hint", None),
    ("body", None),
    ("auth", None),
    ("headers", None),
]
OAUTH2_CLIENTS = (OAuth2Client, AsyncOAuth2Client)
ARGUMENTS: dict[str, tuple[Callable[..., Any], list[tuple[str, Any]]]] = {
    "OAuth1Auth": (OAuth1Auth, [*_OAUTH1, ("realm", None), ("force_include_body", False)]),
    "OAuth2Auth": (OAuth2Auth, [("token", REQUIRED), ("token_placement", "header")]),
    **{
        cls.__name__: (cls, [*_OAUTH1, ("force_include_body", False)])
        for cls in (OAuth1Client, AsyncOAuth1Client)
    },
    **{cls.__name__: (cls, _OAUTH2) for cls in OAUTH2_CLIENTS},
    **{cls.__name__: (cls, _ASSERTION) for cls in (AssertionClient, AsyncAssertionClient)},
    **{
        f"{cls.__name__}.{name}": (getattr(cls, name), _REQUEST)
        for cls in (*OAUTH2_CLIENTS, AssertionClient, AsyncAssertionClient)
        for name in ("request", "stream")
    },
    **{f"{cls.__name__}.fetch_token": (cls.fetch_token, _FETCH) for cls in OAUTH2_CLIENTS},
    **{f"{cls.__name__}.refresh_token": (cls.refresh_token, _REFRESH) for cls in OAUTH2_CLIENTS},
    **{
        f"{cls.__name__}.{name}": (getattr(cls, name), _ABOUT)
        for cls in OAUTH2_CLIENTS
        for name in ("revoke_token", "introspect_token")
    },
    **{
        f"{cls.__name__}.create_authorization_url": (
            cls.create_authorization_url,
            [("url", REQUIRED), ("state", None), ("code_verifier", None)],
        )
        for cls in OAUTH2_CLIENTS
    },
    **{
        f"{cls.__name__}.fetch_access_token": (
            cls.fetch_access_token,
            [("url", REQUIRED), ("verifier", None)],
        )
        for cls in (OAuth1Client, AsyncOAuth1Client)
    },
}


@pytest.mark.parametrize("what", ARGUMENTS)
def test_arguments_by_position_and_name(what: str) -> None:
    function, documented = ARGUMENTS[what]
    parameters = [
        (name, parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and name != "self"
    ]
    assert parameters[: len(documented)] == documented


AWAITED = {
    AsyncOAuth2Client: (
        "fetch_token",
        "fetch_access_token",
        "refresh_token",
        "revoke_token",
        "introspect_token",
        "ensure_active_token",
        "request",
        "send",
        "get",
    ),
    AsyncOAuth1Client: ("fetch_request_token", "fetch_access_token", "request", "send", "get"),
    AsyncAssertionClient: ("refresh_token", "ensure_active_token", "request", "send", "get"),
}


@pytest.mark.parametrize(
    ("cls", "name"), [(cls, name) for cls, names in AWAITED.items() for name in names]
)
def test_what_talks_to_a_server_is_awaited_and_says_what_it_does(cls: type, name: str) -> None:
    method = getattr(cls, name)
    assert inspect.iscoroutinefunction(method)
    assert inspect.getdoc(method)


def test_what_talks_to_nobody_is_not_awaited() -> None:
    for cls in OAUTH2_CLIENTS:
        client: Any = cls("client", scope=["a", "b"], redirect_uri="https://rp.test/")
        url, state = client.create_authorization_url("https://op.test/authorize")
        assert query_of(url)["state"] == [state]
        fragment = "https://rp.test/#access_token=implicit-token&token_type=Bearer"
        assert client.token_from_fragment(fragment) is client.token


def test_every_public_name_is_there() -> None:
    for name in (
        "OAuth1Client",
        "AsyncOAuth1Client",
        "OAuth1Auth",
        "OAuth2Client",
        "AsyncOAuth2Client",
        "OAuth2Auth",
        "OAuth2ClientAuth",
        "AssertionClient",
        "AsyncAssertionClient",
        "OAuthError",
        "SIGNATURE_HMAC_SHA1",
        "SIGNATURE_RSA_SHA1",
        "SIGNATURE_PLAINTEXT",
        "SIGNATURE_TYPE_HEADER",
        "SIGNATURE_TYPE_QUERY",
        "SIGNATURE_TYPE_BODY",
    ):
        assert name in httpx_client.__all__
    assert OAuthError is RootError is OAuth2Client.oauth_error_class


def test_neither_requests_nor_a_framework_is_imported() -> None:
    program = (
        "import sys, flask_oauthclient.httpx_client; "
        "print([n for n in ('requests', 'urllib3', 'flask', 'django') if n in sys.modules])"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


# -- keywords of calls that get a token ------------------------------------------------------------


@pytest.mark.parametrize(
    "keyword",
    ["verify", "cert", "proxy", "proxies", "cookies", "json", "files", "content", "event_hooks"],
)
def test_a_keyword_of_the_library_that_has_no_meaning_there_is_an_error(
    keyword: str, style: str
) -> None:
    def flow(client: Any) -> Steps[None]:
        for call in (client.fetch_token, client.refresh_token, client.revoke_token):
            with pytest.raises(InvalidSettingError, match=keyword):
                yield call(TOKEN_URL, **{keyword: {"a": "b"}})

    server = Server()
    drive(style, flow, server, token=token(refresh_token="refresh-token-first"))
    assert server.requests == []


def test_time_limits_and_extensions_of_a_call(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.fetch_token(timeout=7, extensions={"own": 1}, follow_redirects=True)
        yield client.fetch_token(timeout=(2, 7))
        yield client.fetch_token(timeout=httpx2.Timeout(7, connect=1))

    server = Server()
    drive(style, flow, server)
    limits = [request.extensions["timeout"] for request in server.requests]
    assert [limit["read"] for limit in limits] == [7, 7, 7]
    assert [limit["connect"] for limit in limits] == [7, 2, 1]
    assert server.requests[0].extensions["own"] == 1
    assert server.requests[0].content == b"grant_type=client_credentials"


def test_parameters_of_the_client_do_not_take_the_place_of_a_token_request(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.fetch_token(f"{TOKEN_URL}?tenant=a&lang=fr")
        with pytest.warns(UserWarning, match="into the URL"):
            yield client.fetch_token(f"{TOKEN_URL}?tenant=a", method="GET", code="c" * 20)

    server = Server(lambda request: httpx2.Response(200, json=token()))
    drive(style, flow, server, params={"lang": "de", "v": "2"})
    first, second = (dict(request.url.params.multi_items()) for request in server.requests)
    assert first == {"tenant": "a", "lang": "fr", "v": "2"}
    assert second["code"] == "c" * 20
    assert (second["tenant"], second["lang"]) == ("a", "de")


# -- programs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", LOOPS)
def test_a_login_in_an_event_loop(loop: str, provider_keys: KeyRing) -> None:
    from flask_oauthclient.testing.browser import ScriptedBrowser

    callback = "http://localhost/callback"
    provider = DevelopmentProvider(keys=provider_keys)
    provider.auto_sign_in = "alice"

    async def main(issuer: str) -> None:
        settings: dict[str, Any] = {
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "redirect_uri": callback,
            "scope": "openid profile api",
            "code_challenge_method": "S256",
            "token_endpoint": f"{issuer}/token",
            "trust_env": False,
        }
        async with AsyncOAuth2Client(**settings) as client:
            uri, state = client.create_authorization_url(
                f"{issuer}/authorize", code_verifier="v" * 48
            )
            with ScriptedBrowser({issuer: provider.wsgi}) as browser:
                back = browser.walk(uri, stop_before=callback).history[-1].url
            first = await client.fetch_token(
                authorization_response=back, state=state, code_verifier="v" * 48
            )
            response = await client.get(f"{issuer}/userinfo")
            assert response.json()["sub"] == "alice"
            second = await client.refresh_token()
            assert second["refresh_token"] != first["refresh_token"]
        async with AsyncOAuth2Client(token=json.loads(json.dumps(second))) as other:
            assert (await other.get(f"{issuer}/api/me")).status_code == 200

    with provider.serve():
        in_loop(loop, main, provider.issuer)


@pytest.mark.parametrize("loop", LOOPS)
def test_oauth_1_in_an_event_loop(loop: str, oauth1_server: OAuth1Server, watch: Watch) -> None:
    watch.secret(oauth1_server.client_secret)

    async def main() -> None:
        client = (oauth1_server.client_id, oauth1_server.client_secret)
        async with AsyncOAuth1Client(*client, redirect_uri="http://localhost/callback") as first:
            request_token = await first.fetch_request_token(oauth1_server.request_token_url)
            url = first.create_authorization_url(oauth1_server.authorize_url)
        async with AsyncOAuth1Client(
            *client,
            token=request_token["oauth_token"],
            token_secret=request_token["oauth_token_secret"],
        ) as second:
            second.parse_authorization_response(oauth1_server.allow(url))
            await second.fetch_access_token(oauth1_server.access_token_url)
            response = await second.post(oauth1_server.echo_url, json={"a": "ü"})
            assert response.json()["json"] == {"a": "ü"}
            response = await second.get(oauth1_server.echo_url, params={"q": "a b"})
            assert response.json()["query"] == [["q", "a b"]]

    in_loop(loop, main)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_signed_assertion_proves_who_the_client_is(loop: str) -> None:
    from tests.protocol._keys import make_key

    server = Server()

    async def main() -> None:
        transport = httpx2.MockTransport(server)
        client = AsyncOAuth2Client(
            "client",
            make_key("ES256").private,
            PrivateKeyJWT(TOKEN_URL, alg="ES256"),
            token_endpoint=TOKEN_URL,
            transport=transport,
        )
        async with client:
            await client.fetch_token()

    in_loop(loop, main)
    form = dict(httpx2.QueryParams(server.requests[0].content.decode()))
    assert form["client_assertion"].count(".") == 2
    assert "client_secret" not in form


def test_a_signature_method_of_ones_own(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        client.auth.signature_methods = {
            **client.auth.signature_methods,
            "X-OWN": lambda signer, request: "signed by hand",
        }
        client.auth.signature_method = "X-OWN"
        yield client.get(API_URL)

    server = Server()
    drive(style, flow, server, kind="OAuth1", client_secret=CLIENT_SECRET)
    assert 'oauth_signature="signed%20by%20hand"' in str(server.authorizations[0])
