"""No secret in representations, errors and logs, those of httpx2 and what is below it included."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from flask_oauthclient.httpx_client import OAuth1Auth
from flask_oauthclient.httpx_client import OAuth2Auth
from flask_oauthclient.httpx_client import OAuth2ClientAuth
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.transport._run import Steps
from tests.helpers.leaks import Watch
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import CLIENT_ID
from tests.httpx_client._clients import CLIENT_SECRET
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import expired
from tests.httpx_client._clients import made
from tests.httpx_client._clients import token
from tests.transport._raw import Peer
from tests.transport._raw import raw_server

SECRETS = (CLIENT_SECRET, "the-secret-of-the-token", "access-token-", "refresh-token-")


def shown(error: BaseException) -> str:
    """All that a log or an error tracker shows of an error, and of those behind it."""
    lines = "".join(traceback.format_exception(error))
    return f"{error!r} {error} {error.args} {lines}"


def check(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("style", ["blocking", "asyncio"])
@pytest.mark.parametrize("kind", ["OAuth2", "OAuth1", "Assertion"])
def test_no_representation_shows_a_secret(kind: str, style: str) -> None:
    held = {} if kind == "OAuth1" else {"token": token(refresh_token="refresh-token-first")}
    client = made(kind, style, Server(), **held)
    auth = client.auth if kind == "OAuth1" else client.token_auth
    check(f"{client!r} {client} {auth!r} {auth} {client.token!r}")


def test_no_auth_object_shows_a_secret() -> None:
    check(repr(OAuth1Auth(CLIENT_ID, CLIENT_SECRET, "the-token", "the-secret-of-the-token")))
    check(repr(OAuth2Auth(token())))
    check(repr(OAuth2ClientAuth(CLIENT_ID, CLIENT_SECRET, "client_secret_basic")))


def test_a_header_of_a_hook_need_not_be_ascii(style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        client.register_compliance_hook(
            "protected_request", lambda url, headers, body: (url, {**headers, "X-Own": "ä"}, body)
        )
        yield client.get(API_URL)

    server = Server()
    drive(style, flow, server, token=token())
    assert dict(server.requests[0].headers.raw)[b"X-Own"] == b"\xe4"


def raises(flow: Callable[[Any], Any], style: str, server: Any = None, **kw: Any) -> BaseException:
    """The error that a call ends with."""
    caught: list[BaseException] = []

    def trying(client: Any) -> Steps[None]:
        try:
            yield flow(client)
        except Exception as error:  # noqa: BLE001  whatever it is, it is looked at
            caught.append(error)

    drive(style, trying, server or Server(), **kw)
    [error] = caught
    return error


BAD_TOKENS = {
    "line": "access-token-a\r\nX-Evil: 1",
    "umlaut": "access-token-ä",
    "nul": "access-token-\0",
    "surrogate": "access-token-\ud800",
    "no-text": ["access-token-x"],
}


@pytest.mark.parametrize("name", BAD_TOKENS)
@pytest.mark.filterwarnings("ignore:token_placement")
@pytest.mark.parametrize("placement", ["header", "uri", "body"])
def test_a_token_that_fits_no_request_is_not_shown(name: str, placement: str, style: str) -> None:
    held = token(access_token=BAD_TOKENS[name])
    error = raises(
        lambda client: client.post(API_URL), style, token=held, token_placement=placement
    )
    assert isinstance(error, OAuthError)
    check(shown(error))


BAD_HEADERS = {
    "line": "access-token-x\r\nX-Evil: 1",
    "nul": "access-token-\0",
    "umlaut": "access-token-ä\n",
    "snowman": "access-token-☃",
}


@pytest.mark.parametrize(
    ("where", "name"),
    [
        *(("hook", name) for name in BAD_HEADERS),
        *((where, name) for where in ("call", "client") for name in ("line", "nul")),
    ],
)
def test_a_header_that_cannot_be_sent_is_not_shown(where: str, name: str, style: str) -> None:
    value = BAD_HEADERS[name]

    def script(peer: Peer) -> None:
        peer.receive()

    def call(client: Any) -> Any:
        client.register_compliance_hook(
            "protected_request",
            lambda url, headers, body: (
                url,
                {**headers, **({"X-Token": value} if where == "hook" else {})},
                body,
            ),
        )
        if where == "client":
            client.headers["X-Token"] = value
        return client.get(url, headers={"X-Token": value} if where == "call" else None)

    with raw_server(script) as server:
        url = server.url

        def trying(client: Any) -> Steps[None]:
            with pytest.raises(Exception) as caught:  # noqa: PT011  whichever it is
                yield call(client)
            check(shown(caught.value))

        drive(style, trying, None, token=token(), trust_env=False)
    assert server.requests == []


@pytest.mark.parametrize("url", ["https://*ü/", "nowhere", "", "https://a:b/", "x" * 70_000])
def test_a_url_that_is_none_is_an_error_without_secrets(url: str, style: str) -> None:
    for flow in (
        lambda client: client.get(url),
        lambda client: client.fetch_token(url or "x", code="c" * 20),
        lambda client: client.refresh_token(url or "x"),
        lambda client: client.revoke_token(url or "x"),
    ):
        error = raises(flow, style, token=token(refresh_token="refresh-token-first"))
        assert isinstance(error, OAuthError | httpx2.InvalidURL | httpx2.HTTPError)
        check(shown(error))


ERRORS: dict[str, Callable[[httpx2.Request], Any]] = {
    "timeout": lambda request: httpx2.ReadTimeout(f"{request.headers}", request=request),
    "connect": lambda request: httpx2.ConnectError(f"{request.content!r}", request=request),
    "protocol": lambda request: httpx2.LocalProtocolError(f"{request.headers}", request=request),
    "os": lambda request: OSError(f"{request.content!r}"),
    "unicode": lambda request: UnicodeDecodeError("utf-8", request.content, 0, 1, "x"),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("call", ["fetch_token", "refresh_token", "revoke_token", "get"])
def test_what_a_library_says_of_a_token_request_is_not_repeated(
    call: str, name: str, style: str
) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise ERRORS[name](request)

    settings = {"token": expired(), "revocation_endpoint": "https://op.test/revoke"}
    error = raises(
        lambda client: getattr(client, call)(*((API_URL,) if call == "get" else ())),
        style,
        fail,
        token_endpoint_auth_method="client_secret_post",
        **settings,
    )
    assert isinstance(error, OAuthError)
    assert error.error in (
        "provider_timeout",
        "provider_unreachable",
        "invalid_response",
        "tls_failure",
    )
    text = f"{error!r} {error} {error.args} {vars(error)} {error.__context__!r} {error.__cause__!r}"
    check(text)


# -- logs ------------------------------------------------------------------------------------------


def echo(peer: Peer) -> None:
    while (request := peer.receive()) is not None:
        body = b'{"access_token": "access-token-new", "token_type": "Bearer"}'
        if request.path != "/token":
            body = b"{}"
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.mark.filterwarnings("ignore:token_placement", "ignore:GET puts:UserWarning")
@pytest.mark.parametrize("placement", ["header", "uri", "body"])
def test_nothing_below_logs_a_secret(placement: str, style: str, watch: Watch) -> None:
    watch.secret("the-code-of-the-login")

    def flow(client: Any) -> Steps[None]:
        yield client.fetch_token(f"{url}/token", code="the-code-of-the-login")
        yield client.fetch_token(f"{url}/token", method="GET", code="the-code-of-the-login")
        yield client.refresh_token(f"{url}/token", refresh_token="refresh-token-x")
        yield client.revoke_token(f"{url}/revoke")
        yield client.post(f"{url}/api", data={"a": "b"})

    with raw_server(echo) as server:
        url = server.url
        drive(style, flow, None, token_placement=placement, trust_env=False)
    assert len(server.requests) == 5
    assert watch.logged("HTTP Request: POST")
    assert watch.logged("send_request_headers")


@pytest.mark.filterwarnings("ignore:PLAINTEXT in the QUERY")
def test_no_log_shows_a_signature_that_is_made_of_secrets(style: str, watch: Watch) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.get(f"{url}/api")

    with raw_server(echo) as server:
        url = server.url
        settings = {"signature_type": "QUERY", "signature_method": "PLAINTEXT"}
        drive(style, flow, None, kind="OAuth1", trust_env=False, **settings)
    assert CLIENT_SECRET in server.requests[0].target
    assert watch.logged("oauth_signature=***")


def test_the_log_of_httpx2_says_everything_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with made("foreign", "blocking", Server()) as client:
        client.get("https://u:password-1@api.test/a?b=c&code=the-code-1&access_token=x&decode=y#z")
    [record] = [record for record in caplog.records if record.name == "httpx2"]
    assert record.getMessage() == (
        "HTTP Request: GET https://u:***@api.test/a?b=c&code=***&access_token=***&decode=y#z "
        '"HTTP/1.1 200 OK"'
    )
