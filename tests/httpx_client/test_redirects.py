"""Redirects: what goes along, and what they leave behind; see also the tests of all sessions."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.transport._run import Steps
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import TOKEN_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import in_loop
from tests.httpx_client._clients import made
from tests.httpx_client._clients import token
from tests.transport._raw import Peer
from tests.transport._raw import raw_server

ELSEWHERE = "https://evil.test/in"
STATUSES = [301, 302, 303, 307, 308]
KINDS = ("OAuth2", "OAuth1", "Assertion")

pytestmark = pytest.mark.filterwarnings("ignore:token_placement")


def settings_of(kind: str, **settings: Any) -> dict[str, Any]:
    return {
        "follow_redirects": True,
        **({} if kind == "OAuth1" else {"token": token()}),
        **settings,
    }


class Redirecting(Server):
    """Sends calls from one place to the next."""

    def __init__(self, *locations: str, status: int = 302) -> None:
        rest = iter(locations)

        def answer(request: httpx2.Request) -> httpx2.Response | None:
            location = next(rest, None) if str(request.url) != TOKEN_URL else None
            return location and httpx2.Response(status, headers={"Location": location})

        super().__init__(answer)


def is_signed(request: httpx2.Request) -> bool:
    return "Authorization" in request.headers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "target",
    [
        ELSEWHERE,
        "//evil.test/in",
        "https://api.test.evil.test/",
        "https://sub.api.test/",
        "https://api.test:8443/",
        "https://api.test@evil.test/",
        "http://api.test/user",
        "https://xn--pi-mlc.test/",
    ],
)
def test_what_leaves_the_origin_goes_without_credentials(
    kind: str, target: str, style: str
) -> None:
    server = Redirecting(target)

    def flow(client: Any) -> Steps[None]:
        client.headers["DPoP"] = "a-proof-of-the-test"
        response = yield client.get(API_URL, headers={"X-Mine": "stays"})
        assert [one.status_code for one in response.history] == [302]

    drive(style, flow, server, kind=kind, **settings_of(kind))
    first, second = server.requests
    assert is_signed(first)
    assert not is_signed(second)
    assert first.headers["DPoP"] == "a-proof-of-the-test"
    assert "DPoP" not in second.headers
    assert second.headers["X-Mine"] == "stays"


@pytest.mark.parametrize("kind", ["OAuth2", "OAuth1"])
@pytest.mark.parametrize("how", ["token", "withheld", "auth"])
def test_a_header_of_the_caller_s_own_does_not_leave_either(
    kind: str, how: str, style: str
) -> None:
    server = Redirecting(ELSEWHERE)
    kwargs: dict[str, Any] = {
        "token": {},
        "withheld": {"auth": None, "headers": {"Authorization": "Own credentials-of-the-caller"}},
        "auth": {"auth": ("user", "password")},
    }[how]

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL, **kwargs)

    drive(style, flow, server, kind=kind, **settings_of(kind))
    assert [is_signed(request) for request in server.requests] == [True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_coming_back_it_stays_without_credentials(kind: str, style: str) -> None:
    server = Redirecting(ELSEWHERE, API_URL)

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL)

    drive(style, flow, server, kind=kind, **settings_of(kind))
    assert [is_signed(request) for request in server.requests] == [True, False, False]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", STATUSES)
def test_within_the_origin_credentials_stay(kind: str, status: int, style: str) -> None:
    server = Redirecting("/next", "https://api.test:443/last", status=status)

    def flow(client: Any) -> Steps[None]:
        yield client.post(API_URL, data={"a": "b"})

    drive(style, flow, server, kind=kind, **settings_of(kind))
    assert len(server.requests) == 3
    assert all(map(is_signed, server.requests))
    is_kept = status in (307, 308)
    assert [request.method for request in server.requests[1:]] == ["POST" if is_kept else "GET"] * 2
    assert [request.content for request in server.requests[1:]] == [b"a=b" if is_kept else b""] * 2
    if kind == "OAuth1":
        assert len(set(server.authorizations)) == 3


@pytest.mark.parametrize("kind", ["OAuth2", "Assertion", "OAuth1"])
def test_an_upgrade_to_https_keeps_them(kind: str, style: str) -> None:
    server = Redirecting(API_URL)

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL.replace("https", "http"))

    settings = settings_of(kind, insecure_http=True)
    drive(style, flow, server, kind=kind, **settings)
    assert [is_signed(request) for request in server.requests] == [True, True]


@pytest.mark.parametrize("kind", ["OAuth2", "Assertion", "OAuth1"])
@pytest.mark.parametrize(
    ("before", "target"),
    [
        ("http://api.test/user", ELSEWHERE),
        ("http://api.test/user", "https://api.test:8443/user"),
        ("http://api.test:8080/user", API_URL),
    ],
)
def test_an_upgrade_to_https_keeps_them_at_the_same_host_and_the_usual_ports_only(
    kind: str, before: str, target: str, style: str
) -> None:
    server = Redirecting(target)

    def flow(client: Any) -> Steps[None]:
        yield client.get(before)

    settings = settings_of(kind, insecure_http=True)
    drive(style, flow, server, kind=kind, **settings)
    assert [is_signed(request) for request in server.requests] == [True, False]


@pytest.mark.parametrize("status", [307, 308])
def test_a_token_in_a_form_does_not_leave(status: int, style: str) -> None:
    server = Redirecting(ELSEWHERE, status=status)

    def flow(client: Any) -> Steps[None]:
        with pytest.raises(InsecureTransportError) as caught:
            yield client.post(API_URL, data={"a": "b"})
        assert caught.value.error == "token_origin"

    drive(style, flow, server, **settings_of("OAuth2", token_placement="body"))
    assert server.urls == [API_URL]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_form_that_is_dropped_lets_the_redirect_pass(status: int, style: str) -> None:
    server = Redirecting(ELSEWHERE, status=status)

    def flow(client: Any) -> Steps[None]:
        yield client.post(API_URL, data={"a": "b"})

    drive(style, flow, server, **settings_of("OAuth2", token_placement="body"))
    assert server.requests[1].content == b""


def test_a_token_in_the_query_does_not_leave(style: str) -> None:
    server = Redirecting(f"{ELSEWHERE}?a=1&access_token=access-token-first")

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL)

    drive(style, flow, server, **settings_of("OAuth2", token_placement="uri"))
    assert server.urls[1] == f"{ELSEWHERE}?a=1"


# -- as in httpx2 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_by_default_nothing_is_followed_and_the_next_request_is_there(
    kind: str, style: str
) -> None:
    server = Redirecting("/next")

    def flow(client: Any) -> Steps[None]:
        response = yield client.get(API_URL)
        assert (response.status_code, response.is_redirect) == (302, True)
        assert str(response.next_request.url) == "https://api.test/next"
        yield client.send(response.next_request)

    drive(style, flow, server, kind=kind, **settings_of(kind, follow_redirects=False))
    assert server.urls == [API_URL, "https://api.test/next"]
    assert all(map(is_signed, server.requests))


def test_the_next_request_of_somebody_else_carries_nothing_by_itself(style: str) -> None:
    server = Redirecting(ELSEWHERE)

    def flow(client: Any) -> Steps[None]:
        response = yield client.get(API_URL, follow_redirects=False)
        assert "Authorization" not in response.next_request.headers

    drive(style, flow, server, **settings_of("OAuth2"))


@pytest.mark.parametrize("kind", KINDS)
def test_history_and_urls_are_those_of_httpx2(kind: str, style: str) -> None:
    server = Redirecting("/2", "/3", ELSEWHERE)

    def flow(client: Any) -> Steps[None]:
        response = yield client.get(API_URL)
        assert str(response.url) == ELSEWHERE
        assert [str(one.url) for one in response.history] == server.urls[:3]
        assert [len(one.history) for one in response.history] == [0, 1, 2]
        assert response.json()["url"] == ELSEWHERE
        assert response.elapsed.total_seconds() >= 0

    drive(style, flow, server, kind=kind, **settings_of(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [0, 3, 20])
def test_a_loop_of_redirects_ends(kind: str, most: int, style: str) -> None:
    server = Server(
        lambda request: (
            None
            if str(request.url) == TOKEN_URL
            else httpx2.Response(302, headers={"Location": API_URL})
        )
    )

    def flow(client: Any) -> Steps[None]:
        with pytest.raises(httpx2.TooManyRedirects) as caught:
            yield client.get(API_URL)
        assert caught.value.request is not None

    drive(style, flow, server, kind=kind, **settings_of(kind, max_redirects=most))
    assert server.urls == [API_URL] * (most + 1)


@pytest.mark.parametrize("location", ["mailto:a@b", "https://a:b/"])
def test_a_location_that_is_no_url_is_not_followed(location: str, style: str) -> None:
    server = Redirecting(location)

    def flow(client: Any) -> Steps[None]:
        response = yield client.get(API_URL)
        assert response.headers["Location"] == location

    drive(style, flow, server, **settings_of("OAuth2"))
    assert server.urls == [API_URL]


def test_what_is_not_http_is_not_followed(style: str) -> None:
    head = "HTTP/1.1 302 Found\r\nLocation: ftp://a/\r\nContent-Length: 0\r\n\r\n"

    def script(peer: Peer) -> None:
        while peer.receive() is not None:
            peer.send(head.encode())

    def flow(client: Any) -> Steps[None]:
        with pytest.raises(httpx2.UnsupportedProtocol):
            yield client.get(server.url)

    with raw_server(script) as server:
        drive(style, flow, None, **settings_of("OAuth2", trust_env=False))
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_follows_too(kind: str, loop: str) -> None:
    server = Redirecting(ELSEWHERE)

    async def main() -> None:
        client = made(kind, loop, server, **settings_of(kind))
        async with client, client.stream("GET", API_URL) as response:
            assert str(response.url) == ELSEWHERE
            await response.aread()
            assert "authorization" not in response.json()["headers"]

    in_loop(loop, main)


@pytest.mark.parametrize("kind", ["OAuth2", "OAuth1"])
def test_event_hooks_see_each_hop(kind: str, style: str) -> None:
    seen: list[str] = []

    def note(request: httpx2.Request) -> None:
        seen.append(str(request.url))

    async def note_async(request: httpx2.Request) -> None:
        note(request)

    server = Redirecting("/2", ELSEWHERE)

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL)

    hooks = {"request": [note if style == "blocking" else note_async]}
    drive(style, flow, server, kind=kind, **settings_of(kind, event_hooks=hooks))
    assert seen == server.urls


@pytest.mark.parametrize("kind", ["OAuth2", "OAuth1"])
def test_cookies_set_on_the_way_are_sent_where_they_belong(kind: str, style: str) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if str(request.url) != API_URL:
            return None
        headers = {"Location": "/next", "Set-Cookie": "own=cookie; Path=/"}
        return httpx2.Response(302, headers=headers)

    server = Server(answer)

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL)

    drive(style, flow, server, kind=kind, **settings_of(kind))
    assert server.requests[1].headers["Cookie"] == "own=cookie"
