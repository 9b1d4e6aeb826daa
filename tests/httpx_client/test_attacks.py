"""Attacks on the clients: tokens that get lost, are sent twice, or go where they do not belong."""

from __future__ import annotations

import asyncio
import gzip
import random
import tracemalloc
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from urllib.parse import unquote

import anyio
import httpx2
import pytest
from anyio.lowlevel import checkpoint

from flask_oauthclient.httpx_client import AsyncOAuth1Client
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidTokenError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.urls import origin
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import TOKEN_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import expired
from tests.httpx_client._clients import in_loop
from tests.httpx_client._clients import made
from tests.httpx_client._clients import seen
from tests.httpx_client._clients import token

#: More checkpoints than any of the calls below has.
_MANY = 40


class Network(httpx2.AsyncBaseTransport):
    """Answers with some checkpoints on the way; what is closed meanwhile gets no answer."""

    def __init__(self, answer: Callable[[httpx2.Request], httpx2.Response]) -> None:
        self.answer = answer
        self.is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Take the request, let time pass, and answer."""
        await self._pass(request)
        answer = self.answer(request)
        await self._pass(request)
        return answer

    async def _pass(self, request: httpx2.Request) -> None:
        await checkpoint()
        await checkpoint()
        if self.is_closed:
            raise httpx2.ReadError("closed", request=request)

    async def aclose(self) -> None:
        """Break all connections."""
        self.is_closed = True


def bodies_of_token_requests(server: Server) -> list[bytes]:
    return [request.content for request in server.requests if str(request.url) == TOKEN_URL]


# -- cancelled at every point ----------------------------------------------------------------

CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "get": lambda client: client.get(API_URL),
    "refresh_token": lambda client: client.refresh_token(),
    "ensure_active_token": lambda client: client.ensure_active_token(),
    "fetch_token": lambda client: client.fetch_token(code="the-code-of-a-login"),
}


@pytest.mark.parametrize("leaves", [False, True], ids=["goes-on", "closes"])
@pytest.mark.parametrize("call", CALLS)
def test_no_cancellation_at_any_point_loses_a_token_or_spends_one_twice(
    loop: str, call: str, leaves: bool
) -> None:
    for point in range(_MANY):
        server, told, is_done = _cancelled_at(point, loop, call, leaves=leaves)
        spent = bodies_of_token_requests(server)
        assert len(set(spent)) == len(spent), f"spent twice at {point}"
        if call != "fetch_token":
            assert told == [f"access-token-number-{n + 1}" for n in range(server.count)], point
        if is_done:
            return
    pytest.fail("The call has more points than this test has tried.")


def _cancelled_at(
    point: int, loop: str, call: str, *, leaves: bool
) -> tuple[Server, list[str], bool]:
    server, told, done = Server(), [], []

    async def update(new: Any, **old: Any) -> None:
        await checkpoint()
        told.append(new["access_token"])

    async def one(client: Any, scope: anyio.CancelScope) -> None:
        with scope:
            await CALLS[call](client)
            done.append(True)

    async def main() -> None:
        held = None if call == "fetch_token" else expired()
        client = made("OAuth2", "async", None, token=held, update_token=update)
        client._transport = Network(server)
        async with client:
            async with anyio.create_task_group() as group:
                scope = anyio.CancelScope()
                group.start_soon(one, client, scope)
                for _ in range(point):
                    await checkpoint()
                scope.cancel()
            if not leaves:
                for _ in range(_MANY):
                    await checkpoint()
                if call != "fetch_token":
                    assert (await client.get(API_URL)).status_code == 200
        if server.count:
            assert client.token["access_token"] == f"access-token-number-{server.count}", point

    in_loop(loop, main)
    return server, told, bool(done)


def test_credentials_of_oauth1_are_not_lost_either(loop: str) -> None:
    answered: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        answered.append(request)
        return httpx2.Response(200, text="oauth_token=the-new-one&oauth_token_secret=its-secret")

    async def main() -> None:
        for point in range(_MANY):
            answered.clear()
            client = AsyncOAuth1Client("rp", "s", token="t", token_secret="s", verifier="v")
            client._transport = Network(answer)
            async with client, anyio.create_task_group() as group:
                group.start_soon(client.fetch_access_token, "https://op.test/access")
                for _ in range(point):
                    await checkpoint()
                group.cancel_scope.cancel()
            assert len(answered) <= 1
            assert not answered or client.token["oauth_token"] == "the-new-one", point

    in_loop(loop, main)


def test_who_runs_out_of_time_and_leaves_the_client_keeps_the_token() -> None:
    server, told = Server(), []

    async def slow(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep(0.05)
        return server(request)

    async def main() -> None:
        client = made(
            "OAuth2",
            "async",
            slow,
            token=expired(),
            update_token=lambda new, **old: told.append(new["access_token"]),
        )
        async with client:
            await asyncio.wait_for(client.get(API_URL), 0.01)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())
    assert (server.count, told) == (1, ["access-token-number-1"])


@pytest.mark.parametrize("call", ["get", "refresh_token"])
def test_update_token_may_close_the_client(loop: str, call: str) -> None:
    async def main() -> None:
        async def update(new: Any, **old: Any) -> None:
            await client.aclose()

        client = made("OAuth2", "async", Server(), token=expired(), update_token=update)
        with anyio.fail_after(5):
            if call == "get":
                with pytest.raises(RuntimeError, match="closed"):
                    await client.get(API_URL)
            else:
                await client.refresh_token()

    in_loop(loop, main)


# -- one refresh token, sent once ------------------------------------------------------------


def test_refreshes_that_are_asked_for_at_once_are_one(loop: str) -> None:
    server = Server()

    async def main() -> None:
        client = made("OAuth2", "async", None, token=expired())
        client._transport = Network(server)
        async with client, anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(client.refresh_token)
            for _ in range(10):
                group.start_soon(client.get, API_URL)

    in_loop(loop, main)
    assert server.count == 1


def test_refreshes_one_after_the_other_are_several(style: str) -> None:
    server = Server()

    def flow(client: Any) -> Any:
        for number in range(1, 4):
            fresh = yield client.refresh_token()
            assert fresh["access_token"] == f"access-token-number-{number}"

    drive(style, flow, server, token=expired())
    assert len(set(bodies_of_token_requests(server))) == 3


def test_hook_that_calls_an_api_during_a_refresh_is_told_so(style: str) -> None:
    server = Server()

    def flow(client: Any) -> Any:
        if style == "blocking":
            client.register_compliance_hook("refresh_token_request", calls_back)
        else:
            client.register_compliance_hook("refresh_token_request", calls_back_later)
        clients.append(client)
        try:
            yield client.get(API_URL)
        except InvalidTokenError as error:
            failures.append(error)

    def calls_back(*parts: Any) -> Any:
        clients[0].get(API_URL)

    async def calls_back_later(*parts: Any) -> Any:
        await clients[0].get(API_URL)

    clients: list[Any] = []
    failures: list[InvalidTokenError] = []
    drive(style, flow, server, token=expired())
    assert (len(failures), server.requests) == (1, [])


def test_task_that_a_hook_leaves_behind_spends_no_token_twice(loop: str) -> None:
    server = Server()

    async def main() -> None:
        outcomes: list[Any] = []

        async def report() -> None:
            try:
                outcomes.append((await client.get(API_URL)).status_code)
            except InvalidTokenError as error:
                outcomes.append(error.error)

        async def hook(request: httpx2.Request) -> None:
            if str(request.url) == TOKEN_URL and not outcomes:
                group.start_soon(report)

        hooks = {"request": [hook]}
        client = made("OAuth2", "async", None, token=expired(), event_hooks=hooks)
        client._transport = Network(server)
        async with client, anyio.create_task_group() as group:
            assert (await client.get(API_URL)).status_code == 200
        assert len(outcomes) == 1

    in_loop(loop, main)
    assert server.count == 1


# -- where a token goes ----------------------------------------------------------------------

SECRET = "access-token-+/==~"
#: Where a redirect leads, and whether the token may go along.
TARGETS = {
    "https://evil.test/": False,
    "//evil.test/": False,
    "http://api.test/downgraded": False,
    "https://api.test:8443/": False,
    "https://api.test./": False,
    "https://api.test@evil.test/": False,
    "https://evil.test#@api.test/": False,
    "https://xn--api.test/": False,
    "https://sub.api.test/": False,
    "https://API.TEST/y": True,
    "https://api.test:443/y": True,
    "https://somebody:else@api.test/y": True,
    "//api.test/y": True,
    "/\\evil.test/": True,
    "https:///y": True,
}


@pytest.mark.parametrize("placement", ["header", "uri"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.filterwarnings("ignore:token_placement='uri'")
def test_token_follows_a_redirect_within_its_origin_only(
    style: str, target: str, placement: str
) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        if len(sent) == 1:
            return httpx2.Response(302, headers={"Location": target})
        return seen(request)

    def flow(client: Any) -> Any:
        yield client.get(API_URL, follow_redirects=True)

    held = {"access_token": SECRET, "token_type": "Bearer"}
    drive(style, flow, answer, token=held, token_placement=placement)
    if placement == "uri":  # it is the server that would have to repeat it
        assert SECRET not in unquote(str(sent[1].url))
    else:
        assert ("Authorization" in sent[1].headers) is TARGETS[target]


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as-sent": lambda text: quote(text, safe=""),
    "slashes-as-they-are": lambda text: quote(text, safe="/"),
    "as-it-is": lambda text: text,
    "lower-case": lambda text: quote(text, safe="").lower(),
    "all-of-it": lambda text: "".join(f"%{ord(c):02x}" for c in text),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.filterwarnings("ignore:token_placement='uri'")
def test_token_that_a_server_repeats_in_its_own_way_goes_nowhere(style: str, encoding: str) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        if len(sent) > 1:
            return seen(request)
        again = f"access_token={ENCODINGS[encoding](SECRET)}"
        return httpx2.Response(302, headers={"Location": f"https://evil.test/?page=2&{again}&x=1"})

    def flow(client: Any) -> Any:
        yield client.get(API_URL, follow_redirects=True)

    held = {"access_token": SECRET, "token_type": "Bearer"}
    drive(style, flow, answer, token=held, token_placement="uri")
    assert str(sent[1].url) == "https://evil.test/?page=2&x=1"


def test_redirect_away_and_back_brings_no_token_back(style: str) -> None:
    sent: list[httpx2.Request] = []
    hops = ["https://evil.test/", API_URL]

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        if len(sent) <= len(hops):
            return httpx2.Response(307, headers={"Location": hops[len(sent) - 1]})
        return seen(request)

    def flow(client: Any) -> Any:
        yield client.get(API_URL, follow_redirects=True)

    drive(style, flow, answer, token=token("good"))
    assert ["Authorization" in request.headers for request in sent] == [True, False, False]


def test_token_request_follows_no_redirect(style: str) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(307, headers={"Location": "https://evil.test/"})

    def flow(client: Any) -> Any:
        with pytest.raises(TransportError, match="redirect_refused"):
            yield client.fetch_token(code="the-code-of-a-login")

    drive(style, flow, answer, follow_redirects=True)
    assert [str(request.url) for request in sent] == [TOKEN_URL]


#: What URLs are put together of by somebody who wants two parsers to read them differently.
_PIECES = [
    *("api.test", "evil.test", "@", ":", "443", "80", "/", "\\", "?", "#", ".", "%2e", "%2f"),
    *("%40", "%00", "[::1]", "localhost", "127.0.0.1", "xn--", "\u3002", "\uff0f", "\u2100"),
    *(" ", "\t", ";", "%", "user", "0x7f.1", "[::ffff:127.0.0.1]", "+443", "\u0663", "https://"),
]


def test_urls_are_read_alike_by_what_checks_them_and_by_what_sends() -> None:
    chance = random.Random(20250101)
    compared = 0
    for _ in range(20_000):
        url = "https://" + "".join(chance.choices(_PIECES, k=chance.randint(1, 6)))
        try:
            checked, sent = origin(url), httpx2.URL(url)
        except (InsecureTransportError, httpx2.InvalidURL):
            continue
        if checked[1].isascii():
            host = sent.raw_host.decode("ascii").strip("[]")
            assert (sent.scheme, host, sent.port or 443) == checked, url
            compared += 1
    assert compared > 1000


# -- what comes back -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 302, 401, 500])
@pytest.mark.parametrize("what", ["api", "token"])
def test_bomb_in_several_layers_does_not_go_off(style: str, status: int, what: str) -> None:
    bomb = gzip.compress(gzip.compress(gzip.compress(bytes(100_000_000))))
    headers = {"Content-Encoding": "gzip, gzip, gzip", "Location": API_URL}

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers=headers, stream=httpx2.ByteStream(bomb))

    def flow(client: Any) -> Any:
        tracemalloc.start()
        try:
            with pytest.raises(TransportError, match="response_too_large"):
                yield (
                    client.get(API_URL, follow_redirects=True)
                    if what == "api"
                    else client.fetch_token(code="the-code-of-a-login")
                )
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()

    drive(style, flow, answer, token=token("good"), max_bytes=1_000_000)


# -- whose call it is ------------------------------------------------------------------------


def test_calls_with_tokens_of_many_people_side_by_side(loop: str) -> None:
    """One client, as a registry has it for an event loop."""
    people = [f"somebody-{number}" for number in range(20)]

    async def answer(request: httpx2.Request) -> httpx2.Response:
        for _ in range(random.Random(str(request.url)).randint(0, 9)):
            await checkpoint()
        assert request.headers["Cookie" if "Cookie" in request.headers else "Host"] == "api.test"
        whose = request.headers["Authorization"].removeprefix("Bearer access-token-")
        cookie = {"Set-Cookie": f"session={whose}; Path=/"}
        return httpx2.Response(200, headers=cookie, json={"whose": whose})

    async def main() -> None:
        client = made("OAuth2", "async", answer)
        client.refuse_cookies()
        found: list[tuple[str, str]] = []

        async def call(person: str) -> None:
            for number in range(5):
                auth = client.token_auth.for_token(token(person))
                answered = await client.get(f"{API_URL}?{person}{number}", auth=auth)
                found.append((person, answered.json()["whose"]))

        async with client, anyio.create_task_group() as group:
            for person in people:
                group.start_soon(call, person)
        assert len(found) == 100
        assert all(asked == got for asked, got in found)
        assert not list(client.cookies.jar)

    in_loop(loop, main)
