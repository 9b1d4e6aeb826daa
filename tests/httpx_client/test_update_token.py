"""Callbacks and hooks, sync and async, with clients that block and with clients that await."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest

from flask_oauthclient.transport._run import Steps
from flask_oauthclient.transport._run import arun_steps
from flask_oauthclient.transport._run import run_steps
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import TOKEN_URL
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive
from tests.httpx_client._clients import expired
from tests.httpx_client._clients import refused
from tests.httpx_client._clients import token

KINDS = ("plain", "coroutine")
kinds = pytest.mark.parametrize("kind", KINDS)


def callback(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function, or a coroutine function that waits first."""

    async def waiting(*args: Any, **kwargs: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return function(*args, **kwargs)

    return function if kind == "plain" else waiting


@kinds
@pytest.mark.parametrize("means", ["refresh", "credentials", "ensure", "assertion"])
def test_update_token_is_told_once_of_each_replacement(kind: str, means: str, style: str) -> None:
    told: list[Any] = []

    def update(new: Any, refresh_token: Any = None, access_token: Any = None) -> None:
        told.append((new["access_token"], refresh_token, access_token))

    server = Server()
    held = expired() if means in ("refresh", "ensure") else token("old", expires_at=1)
    settings: dict[str, Any] = {"token": held, "update_token": callback(kind, update)}
    if means == "credentials":
        settings["grant_type"] = "client_credentials"

    def flow(client: Any) -> Steps[None]:
        yield client.ensure_active_token() if means == "ensure" else client.get(API_URL)
        yield client.get(API_URL)

    drive(style, flow, server, kind="Assertion" if means == "assertion" else "OAuth2", **settings)
    by_refresh = ("access-token-number-1", "refresh-token-old", None)
    by_another = ("access-token-number-1", None, "access-token-old")
    assert told == [by_refresh if means in ("refresh", "ensure") else by_another]


@pytest.mark.parametrize("lifetime", [3600, 1], ids=["fresh", "due-at-once"])
@pytest.mark.parametrize("trigger", ["get", "refused", "refresh_token", "ensure_active_token"])
def test_update_token_may_call_an_api_through_its_client(
    style: str, trigger: str, lifetime: int
) -> None:
    used: set[str] = {"Bearer access-token-good"} if trigger == "refused" else set()

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        return refused() if request.headers.get("Authorization") in used else None

    server, seen = Server(answer, expires_in=lifetime), []

    def flow(client: Any) -> Steps[Any]:
        def inside(new: Any) -> Steps[None]:
            if len(seen) < 3:  # a token that is due at once is replaced in here, and tells again
                seen.append(new["access_token"])
                response = yield client.get(API_URL)
                seen.append(response.status_code)

        async def update_async(new: Any, **old: Any) -> None:
            await arun_steps(inside(new))

        client.update_token = (
            (lambda new, **old: run_steps(inside(new))) if style == "blocking" else update_async
        )
        call = getattr(client, "get" if trigger == "refused" else trigger)
        return (yield call(API_URL) if trigger in ("get", "refused") else call())

    held = token("good", refresh_token="refresh-token-good") if trigger == "refused" else expired()
    assert drive(style, flow, server, token=held)
    assert seen[0] == "access-token-number-1"
    assert 200 in seen
    assert (server.count == 1) is (lifetime == 3600)


@kinds
def test_an_error_of_update_token_reaches_the_caller_and_the_token_is_kept(
    kind: str, style: str
) -> None:
    def update(new: Any, **old: Any) -> None:
        raise LookupError("the database is away")

    def flow(client: Any) -> Steps[None]:
        with pytest.raises(LookupError, match="the database is away"):
            yield client.get(API_URL)
        assert client.token["access_token"] == "access-token-number-1"
        response = yield client.get(API_URL)  # no lock was left closed
        assert response.status_code == 200

    server = Server()
    drive(style, flow, server, token=expired(), update_token=callback(kind, update))
    assert server.count == 1


# -- hooks -----------------------------------------------------------------------------------------

REQUEST_HOOKS: dict[str, Callable[[Any], Any]] = {
    "access_token_request": lambda client: client.fetch_token(code="c" * 20),
    "refresh_token_request": lambda client: client.refresh_token(),
    "revoke_token_request": lambda client: client.revoke_token(TOKEN_URL),
    "introspect_token_request": lambda client: client.introspect_token(TOKEN_URL),
    "protected_request": lambda client: client.post(API_URL, data={"a": "b"}),
}
RESPONSE_HOOKS: dict[str, Callable[[Any], Any]] = {
    "access_token_response": lambda client: client.fetch_token(code="c" * 20),
    "refresh_token_response": lambda client: client.refresh_token(),
}


def holding(**settings: Any) -> dict[str, Any]:
    return {"token": token("held", refresh_token="refresh-token-held"), **settings}


@pytest.mark.parametrize("type_", REQUEST_HOOKS)
def test_request_hooks_of_both_kinds_run_in_their_order(type_: str, style: str) -> None:
    def adds(name: str) -> Callable[..., Any]:
        return lambda url, headers, body: (
            url,
            {**headers, "X-Order": headers.get("X-Order", "") + name},
            body,
        )

    def flow(client: Any) -> Steps[None]:
        for name, kind in (("a", "plain"), ("b", "coroutine"), ("c", "plain"), ("d", "coroutine")):
            client.register_compliance_hook(type_, callback(kind, adds(name)))
        yield REQUEST_HOOKS[type_](client)

    server = Server()
    drive(style, flow, server, **holding())
    [request] = server.requests
    assert request.headers["X-Order"] == "abcd"


@kinds
@pytest.mark.parametrize("type_", RESPONSE_HOOKS)
def test_response_hooks_of_both_kinds_see_what_the_last_one_made(
    type_: str, kind: str, style: str
) -> None:
    def numbered(response: httpx2.Response) -> httpx2.Response:
        document = response.json()
        return httpx2.Response(200, json={**document, "n": document.get("n", 0) + 1})

    def flow(client: Any) -> Steps[Any]:
        client.register_compliance_hook(type_, callback(kind, numbered))
        client.register_compliance_hook(type_, callback("plain", lambda response: None))
        client.register_compliance_hook(type_, callback("coroutine", lambda r: numbered(r)))
        return (yield RESPONSE_HOOKS[type_](client))

    assert drive(style, flow, Server(), **holding())["n"] == 2


@kinds
@pytest.mark.parametrize("type_", [*REQUEST_HOOKS, *RESPONSE_HOOKS])
def test_an_error_of_a_hook_reaches_the_caller_as_it_is(type_: str, kind: str, style: str) -> None:
    class OwnError(Exception):
        pass

    def fail(*given: Any) -> Any:
        raise OwnError

    def flow(client: Any) -> Steps[None]:
        client.register_compliance_hook(type_, callback(kind, fail))
        for _ in range(2):
            with pytest.raises(OwnError):
                yield {**REQUEST_HOOKS, **RESPONSE_HOOKS}[type_](client)
        assert client.token["access_token"] == "access-token-held"

    drive(style, flow, Server(), **holding())


@kinds
def test_hooks_of_a_foreign_call_run_too(kind: str, style: str) -> None:
    from flask_oauthclient.httpx_client import OAuth2Auth

    auth = OAuth2Auth(token())
    auth.hooks.add(
        callback(kind, lambda url, headers, body: (f"{url}?own=1", {**headers, "X-Own": "1"}, body))
    )

    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL, auth=auth)

    server = Server()
    drive(style, flow, server, kind="foreign")
    [request] = server.requests
    assert str(request.url) == f"{API_URL}?own=1"
    assert request.headers["X-Own"] == "1"
    assert request.headers["Authorization"] == "Bearer access-token-first"
