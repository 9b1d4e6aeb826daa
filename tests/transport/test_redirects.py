"""No redirect is followed with a credential, and an API call leaves its token at home."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.policy import check_url
from tests.transport._messages import ACCESS_TOKEN
from tests.transport._messages import CREDENTIAL_PURPOSES
from tests.transport._messages import SECRETS
from tests.transport._raw import RawServer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import by_path
from tests.transport._raw import redirect
from tests.transport.conftest import Serve

STATUSES = [
    "300 Multiple Choices",
    "301 Moved Permanently",
    "302 Found",
    "303 See Other",
    "307 Temporary Redirect",
    "308 Permanent Redirect",
]
_TOKEN_RESPONSE = answer(b'{"access_token": "evil", "token_type": "Bearer"}')


@pytest.fixture
def elsewhere(serve: Serve) -> RawServer:
    """Another origin, that would be glad to get a request."""
    return serve(always(_TOKEN_RESPONSE))


@pytest.mark.parametrize("purpose", CREDENTIAL_PURPOSES)
@pytest.mark.parametrize("status", STATUSES, ids=[f"T01-{s[:3]}" for s in STATUSES])
def test_a_redirect_to_another_host_is_refused(
    status: str, purpose: str, serve: Serve, elsewhere: RawServer, send: Any
) -> None:
    server = serve(always(redirect(f"{elsewhere.url}/token", status)))
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url)
    assert caught.value.error == "redirect_refused"
    assert caught.value.detail == {"status": int(status[:3]), "purpose": purpose}
    assert len(server.requests) == 1
    assert elsewhere.requests == []


@pytest.mark.parametrize("status", STATUSES, ids=[f"T02-{s[:3]}" for s in STATUSES])
@pytest.mark.parametrize("location", ["/other", "other", "?a=b", "{url}/other", ""])
def test_a_redirect_on_the_same_host_is_refused(
    status: str, location: str, serve: Serve, send: Any
) -> None:
    answers = {"/token": redirect("/other", status), "/other": _TOKEN_RESPONSE}
    server = serve(by_path(answers))
    answers["/token"] = redirect(location.format(url=server.url), status)
    with pytest.raises(OAuthError, match="redirect_refused"):
        send("token", f"{server.url}/token")
    assert server.paths == ["/token"]


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1",
        "http://h:99999999/",
        "http://h:port/",
        "//[",
        "http://\xff\xfe/",
        "ftp://elsewhere/",
        "javascript:alert(1)",
        "http://" + "a." * 40_000,
        "https://a..b/",
    ],
)
@pytest.mark.parametrize("purpose", ["token", "jwks"])
def test_a_redirect_to_nonsense_is_refused_all_the_same(
    location: str, purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(always(redirect(location[:60_000])))
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url)
    assert caught.value.error == "redirect_refused"


def test_a_redirect_without_a_location_is_refused(serve: Serve, send: Any) -> None:
    server = serve(always(answer(b"", "307 Temporary Redirect")))
    with pytest.raises(OAuthError, match="redirect_refused"):
        send("token", server.url)


def test_not_modified_is_no_redirect(serve: Serve, send: Any) -> None:
    server = serve(always(answer(b"", "304 Not Modified")))
    assert send("jwks", server.url).status == 304


def test_a_call_cannot_ask_for_redirects(serve: Serve, elsewhere: RawServer) -> None:
    server = serve(always(redirect(elsewhere.url)))
    session = OAuth2Session("client", "secret-of-the-client")
    with session, pytest.raises(OAuthError, match="redirect_refused"):
        session.fetch_token(server.url, code="c" * 20, allow_redirects=True)
    assert elsewhere.requests == []
    assert b"allow_redirects" not in server.last().body


# -- http is for this machine only -----------------------------------------------------------


@pytest.mark.parametrize("purpose", CREDENTIAL_PURPOSES)
@pytest.mark.parametrize(
    "url",
    [
        "http://op.test/token",
        "http://localhost:80@attacker.test/token",
        "http://127.0.0.1@attacker.test/token",
        "http://attacker.test/#localhost",
        "http://localhost.attacker.test/token",
        "http://127.0.0.1.attacker.test/token",
        "http://attacker.test\\@localhost/token",
        "http://10.0.0.1/token",
        "http://0.0.0.0/token",
        "http://169.254.169.254/token",
        "HTTP://op.test/token",
        "ftp://localhost/token",
        "file:///etc/passwd",
        "//localhost/token",
        "localhost/token",
        "",
        "https://",
        "https://user:password@op.test/token",
        "https://op.test:port/token",
        "https://op .test/token",
        "https://op.test\r\nHost: evil.test/token",
    ],
)
def test_no_request_is_sent_in_the_clear(url: str, purpose: str, send: Any) -> None:
    with pytest.raises(InsecureTransportError) as caught:
        send(purpose, url)
    assert caught.value.error == "insecure_transport"


@pytest.mark.parametrize(
    "url",
    [
        "https://op.test/token",
        "http://localhost/token",
        "http://LOCALHOST:5000/token",
        "http://127.0.0.1:5000/token",
        "http://127.8.9.1/token",
        "http://[::1]:5000/token",
        "http://op.localhost/token",
    ],
)
def test_these_urls_may_be_used(url: str) -> None:
    check_url(url)


def test_http_to_another_host_has_to_be_asked_for(serve: Serve) -> None:
    check_url("http://op.test/token", insecure_http=True)
    with pytest.raises(InsecureTransportError):
        check_url("http://op.test/token", insecure_http=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:80@evil.test/",
        "https://user:the-password@op.test/",
        "ftp://op.test/",
        "http://op.test/a b",
        "http://op.test\\@evil.test",
        "op.test/token",
        "",
    ],
)
def test_what_is_no_plain_url_cannot_be_asked_for(url: str) -> None:
    with pytest.raises(InsecureTransportError) as caught:
        check_url(url, insecure_http=True)
    assert "the-password" not in str(caught.value)


# -- API calls --------------------------------------------------------------------------------


def test_an_api_call_follows_redirects_with_its_token(serve: Serve, api: OAuth2Session) -> None:
    server = serve(by_path({"/old": redirect("/new"), "/new": answer(b'"here"')}))
    response = api.get(f"{server.url}/old")
    assert response.json() == "here"
    assert [each.status_code for each in response.history] == [307]
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == [f"Bearer {ACCESS_TOKEN}"] * 2


@pytest.mark.parametrize("status", STATUSES[1:], ids=[f"U14-{s[:3]}" for s in STATUSES[1:]])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_stays_when_a_call_leaves_the_origin(
    status: str, method: str, serve: Serve, elsewhere: RawServer, api: OAuth2Session
) -> None:
    server = serve(always(redirect(f"{elsewhere.url}/api", status)))
    api.request(method, server.url, headers={"DPoP": "proof-of-possession"})
    assert server.last().headers["dpop"] == "proof-of-possession"
    headers = elsewhere.last().headers
    assert "authorization" not in headers
    assert "dpop" not in headers
    assert not any(secret in str(elsewhere.requests) for secret in SECRETS)


def test_the_token_stays_on_another_name_of_the_same_server(
    serve: Serve, api: OAuth2Session
) -> None:
    server = serve(by_path({"/api": answer()}))
    begin = serve(always(redirect(f"http://localhost:{server.port}/api")))
    api.get(begin.url)
    assert "authorization" not in server.last().headers


def test_a_token_in_the_body_is_not_sent_on(serve: Serve, elsewhere: RawServer) -> None:
    server = serve(always(redirect(elsewhere.url, "307 Temporary Redirect")))
    with pytest.warns(UserWarning, match="token_placement"):
        session = OAuth2Session(token={"access_token": ACCESS_TOKEN}, token_placement="body")
    with session, pytest.raises(InsecureTransportError):
        session.post(server.url, data={"a": "b"})
    assert ACCESS_TOKEN.encode() in server.last().body
    assert elsewhere.requests == []


def test_redirects_can_be_switched_off_for_a_call(serve: Serve, api: OAuth2Session) -> None:
    server = serve(by_path({"/old": redirect("/new"), "/new": answer()}))
    response = api.get(f"{server.url}/old", allow_redirects=False)
    assert response.status_code == 307
    assert response.next is not None
    assert response.next.url == f"{server.url}/new"
    assert server.paths == ["/old"]


def test_head_follows_no_redirect_as_in_requests(serve: Serve, api: OAuth2Session) -> None:
    server = serve(by_path({"/old": redirect("/new"), "/new": answer()}))
    assert api.head(f"{server.url}/old").status_code == 307


def test_an_api_call_in_a_circle_ends(serve: Serve, api: OAuth2Session) -> None:
    server = serve(always(redirect("/again")))
    api.max_redirects = 5
    with pytest.raises(requests.TooManyRedirects):
        api.get(server.url)
    assert len(server.requests) == 6


@pytest.mark.parametrize("location", ["http://[::1", "http://h:99999999/", "//["])
def test_an_api_call_that_is_sent_nowhere_gives_the_redirect(
    location: str, serve: Serve, api: OAuth2Session
) -> None:
    server = serve(always(redirect(location)))
    assert api.get(server.url).status_code == 307


def test_the_body_of_a_redirect_that_cannot_be_unpacked_does_not_matter(
    serve: Serve, api: OAuth2Session
) -> None:
    broken = answer(b"not gzip", "302 Found", {"Location": "/new", "Content-Encoding": "gzip"})
    server = serve(by_path({"/old": broken, "/new": answer(b'"here"')}))
    assert api.get(f"{server.url}/old").json() == "here"
