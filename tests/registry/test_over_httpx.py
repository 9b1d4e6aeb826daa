"""A registry whose sessions are clients of httpx2: logins, calls, and the settings of httpx2."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from flask import Flask
from flask import session

from flask_oauthclient import FlaskOAuth1App
from flask_oauthclient import FlaskOAuth2App
from flask_oauthclient import OAuth
from flask_oauthclient import httpx_client
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing

APP = "http://localhost"
TOKEN = {"access_token": "a-token-of-a-user", "token_type": "Bearer"}


class OverHttpx(FlaskOAuth2App):
    client_cls = httpx_client.OAuth2Client


class OverHttpx1(FlaskOAuth1App):
    client_cls = httpx_client.OAuth1Client


@pytest.fixture
def op(provider_keys: KeyRing) -> Iterator[DevelopmentProvider]:
    """A provider on a port, at which Alice is signed in."""
    provider = DevelopmentProvider(keys=provider_keys)
    provider.auto_sign_in = "alice"
    with provider.serve():
        yield provider


@pytest.fixture
def oauth(op: DevelopmentProvider) -> Iterator[Any]:
    app = Flask("over_httpx")
    app.config.update(SECRET_KEY="the secret key of these tests", TESTING=True)
    oauth = OAuth(app)
    oauth.register(
        "demo",
        client_cls=OverHttpx,
        client_id=DEMO_CLIENT_ID,
        client_secret=DEMO_CLIENT_SECRET,
        issuer=op.issuer,
        api_base_url=f"{op.issuer}/api/",
        client_kwargs={
            "scope": "openid profile email api",
            "follow_redirects": True,
            "limits": httpx2.Limits(max_connections=3),
            "http2": True,
        },
    )
    yield oauth
    with app.app_context():
        oauth.demo.session.close()


@pytest.fixture
def token(oauth: Any, op: DevelopmentProvider) -> dict[str, Any]:
    """The token of a login of Alice, who comes back from a logout as well."""
    tokens: list[dict[str, Any]] = []

    @oauth.app.get("/login")
    def login() -> Any:
        return oauth.demo.authorize_redirect(f"{APP}/callback", extra={"tab": 1})

    @oauth.app.get("/callback")
    def callback() -> str:
        tokens.append(oauth.demo.authorize_access_token())
        session["user"] = tokens[0]["userinfo"]["sub"]
        return "logged in"

    @oauth.app.get("/logout")
    def logout() -> Any:
        return oauth.demo.logout_redirect(f"{APP}/", tokens[0]["id_token"])

    with ScriptedBrowser({APP: oauth.app.wsgi_app}) as browser:
        assert browser.walk(f"{APP}/login").text == "logged in"
        away = browser.walk(f"{APP}/logout", stop_before=op.issuer)
        assert away.history[-1].url.startswith(f"{op.issuer}/end_session")
    return tokens[0]


def test_a_whole_login(oauth: Any, token: dict[str, Any]) -> None:
    assert token["userinfo"]["sub"] == "alice"
    assert token["extra"] == {"tab": 1}
    assert isinstance(oauth.demo.session, httpx2.Client)


def test_calls_with_the_token(oauth: Any, token: dict[str, Any]) -> None:
    with oauth.app.test_request_context():
        answer = oauth.demo.get("me", token=token)
        assert isinstance(answer, httpx2.Response)
        assert answer.json()["sub"] == "alice"
        assert oauth.demo.post("notes", token=token, json={"text": "hello"}).status_code == 201
        assert oauth.demo.head("me", token=token).status_code == 200
        assert oauth.demo.userinfo(token=token)["email"]


def test_a_token_is_refreshed_and_revoked(
    oauth: Any, token: dict[str, Any], op: DevelopmentProvider
) -> None:
    with oauth.app.test_request_context():
        fresh = oauth.demo.refresh_token(token)
        assert fresh["access_token"] != token["access_token"]
        assert oauth.demo.get("me", token=fresh).status_code == 200
        oauth.demo.revoke_token(fresh["access_token"])
        refused = {k: v for k, v in fresh.items() if k != "refresh_token"}
        assert oauth.demo.get("me", token=refused).status_code == 401
    assert op.connections < 10


def test_an_expired_token_is_replaced_on_the_way(oauth: Any, token: dict[str, Any]) -> None:
    with oauth.app.test_request_context():
        answer = oauth.demo.get("me", token={**token, "expires_at": 1_700_000_000})
    assert answer.json()["sub"] == "alice"


def test_a_token_that_is_refused_is_replaced(
    oauth: Any, token: dict[str, Any], op: DevelopmentProvider
) -> None:
    with oauth.app.test_request_context():
        answer = oauth.demo.get("me", token={**token, "access_token": "unknown-to-the-provider"})
    assert answer.json()["sub"] == "alice"


# -- settings ----------------------------------------------------------------------------------


@contextmanager
def _client(app_cls: type[Any], register: Any = None, **client_kwargs: Any) -> Iterator[Any]:
    app = Flask("settings")
    oauth = OAuth(app)
    oauth.register(
        "demo",
        client_cls=app_cls,
        client_id="rp",
        client_secret="the client secret of these tests",
        api_base_url="https://api.test/",
        access_token_url="https://op.test/token",
        client_kwargs=client_kwargs,
        **(register or {}),
    )
    with app.app_context():
        yield oauth.demo


def _echo(request: httpx2.Request) -> httpx2.Response:
    if request.url.path == "/to":
        return httpx2.Response(302, headers={"Location": "https://elsewhere.test/"})
    text = request.content.decode()
    seen = {"headers": dict(request.headers), "body": text, "host": request.url.host}
    return httpx2.Response(200, json=seen, headers={"Set-Cookie": "tracker=1"})


def test_a_transport_answers(make_echo: Callable[..., Any]) -> None:
    with make_echo(OverHttpx) as client:
        for _ in range(2):
            headers = client.get("me", token=TOKEN).json()["headers"]
            assert headers["authorization"] == "Bearer a-token-of-a-user"
            assert headers["user-agent"].startswith("flask_oauthclient/")
            assert "cookie" not in headers


def test_redirects_are_those_of_httpx2(make_echo: Callable[..., Any]) -> None:
    with make_echo(OverHttpx) as client:
        assert client.get("to", token=TOKEN).status_code == 302
        followed = client.get("to", token=TOKEN, follow_redirects=True).json()
    assert followed["host"] == "elsewhere.test"
    assert "authorization" not in followed["headers"]
    with make_echo(OverHttpx, follow_redirects=True) as client:
        assert client.get("to", token=TOKEN).status_code == 200
        assert client.head("to", token=TOKEN).status_code == 302


@pytest.fixture
def make_echo() -> Callable[..., Any]:
    """Makes clients whose transport answers with what it is sent."""

    def make(app_cls: type[Any], **client_kwargs: Any) -> Any:
        transport = httpx2.MockTransport(_echo)
        return _client(app_cls, transport=transport, **client_kwargs)

    return make


@pytest.mark.parametrize("auth", [None, httpx2.BasicAuth("me", "my password")])
def test_something_else_than_the_token_may_be_sent(
    make_echo: Callable[..., Any], auth: Any
) -> None:
    with make_echo(OverHttpx) as client:
        sent = client.get("me", token=TOKEN, auth=auth).json()["headers"]["authorization"]
        assert sent.partition(" ")[0] == ("Bearer" if auth is None else "Basic")
        bare = client.get("me", token=TOKEN, auth=auth, withhold_token=True).json()["headers"]
    assert ("authorization" in bare) is (auth is not None)


def test_a_keyword_of_requests_is_none_of_httpx2(make_echo: Callable[..., Any]) -> None:
    with make_echo(OverHttpx) as client, pytest.raises(TypeError, match="allow_redirects"):
        client.get("me", token=TOKEN, allow_redirects=False)
    with make_echo(OverHttpx) as client, pytest.raises(InvalidSettingError, match="verify"):
        client.fetch_access_token(code="a-code", verify=False)


def test_an_unknown_setting_of_an_oauth1_client_is_refused(make_echo: Callable[..., Any]) -> None:
    with make_echo(OverHttpx1, stream=True) as client, pytest.raises(UnknownOptionError):
        client.session  # noqa: B018  it is made here


def test_oauth1_calls_are_signed_and_json_stays(make_echo: Callable[..., Any]) -> None:
    token = {"oauth_token": "a-token", "oauth_token_secret": "the secret of a token"}
    with make_echo(OverHttpx1) as client:
        echo = client.post("me", token=token, json={"text": "a b"}).json()
    assert echo["body"] == '{"text":"a b"}'
    assert echo["headers"]["authorization"].startswith("OAuth ")
