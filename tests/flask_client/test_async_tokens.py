"""Tokens of asynchronous calls: found, kept and replaced as those of calls that block."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy
from asgiref.sync import async_to_sync
from asgiref.sync import sync_to_async
from flask import Flask
from flask import g
from flask import session

from flask_oauthclient import LoginRequired
from flask_oauthclient import MemoryTokenStore
from flask_oauthclient import OAuth
from flask_oauthclient import SessionTokenStore
from flask_oauthclient import token_refreshed
from flask_oauthclient import token_update
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import token_table

from ._api import Api
from ._api import serving
from ._api import spent
from ._token_site import MakeTokenSite

KEYS = ["the only key of these tests"]
FRESH = "access-token-1"


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as api:
        yield api


@pytest.fixture
def make(api: Api) -> Iterator[Callable[..., Any]]:
    """Makes a registry with the client ``demo``; the keywords are those of the registry."""
    made: list[Any] = []

    def make(client: dict[str, Any] | None = None, **registry: Any) -> Any:
        app = Flask("tokens")
        app.config.update(SECRET_KEY="the secret key of these tests", TESTING=True)
        oauth = OAuth(app, **registry)
        oauth.register("demo", **api.client(**(client or {})))
        made.append(oauth)
        return oauth

    yield make
    for oauth in made:
        with oauth.app.app_context():
            assert oauth.demo._of_loops._of_loop == {}
            oauth.demo.session.close()


def _visit(oauth: Any, view: Any) -> Any:
    """Make a request to an asynchronous view."""
    name = f"view{len(oauth.app.view_functions)}"
    oauth.app._got_first_request = False
    oauth.app.add_url_rule(f"/{name}", name, view)
    answer = oauth.app.test_client().get(f"/{name}")
    return answer.json if answer.is_json else answer.text


async def _strict(client: Any) -> Any:
    return (await client.aget("strict")).json().get("token")


# -- functions of the application --------------------------------------------------------------


def test_a_function_finds_the_token_in_the_thread_of_the_request(make: Any) -> None:
    threads: list[int] = []

    def fetch(name: str) -> dict[str, Any]:
        # A connection of sqlite3 refuses to be used in another thread.
        [[token]] = g.database.execute("select 'a-token-of-a-user'")
        threads.append(threading.get_ident())
        return {"access_token": token, "token_type": "Bearer"}

    oauth = make(fetch_token=fetch)

    @oauth.app.before_request
    def connect() -> None:
        g.database = sqlite3.connect(":memory:")

    @oauth.app.teardown_appcontext
    def close(_: Any) -> None:
        if "database" in g:
            g.database.close()

    async def view() -> Any:
        answers = await asyncio.gather(*(oauth.demo.aget("echo") for _ in range(3)))
        return [answer.json()["headers"]["Authorization"] for answer in answers]

    assert _visit(oauth, view) == ["Bearer a-token-of-a-user"] * 3
    assert set(threads) == {threading.get_ident()}


def _in_a_view(oauth: Any) -> Any:
    async def view() -> Any:
        return await _strict(oauth.demo)

    return view


def _with_run(oauth: Any) -> Any:
    return lambda: asyncio.run(_strict(oauth.demo))


def _from_blocking_code(oauth: Any) -> Any:
    async def view() -> Any:
        return await sync_to_async(lambda: async_to_sync(_strict)(oauth.demo))()

    return view


def _with_run_from_a_view(oauth: Any) -> Any:
    async def view() -> Any:
        return await sync_to_async(lambda: asyncio.run(_strict(oauth.demo)))()

    return view


def _blocking_from_a_view(oauth: Any) -> Any:
    async def view() -> Any:
        return await sync_to_async(lambda: oauth.demo.get("strict").json()["token"])()

    return view


@pytest.mark.parametrize(
    "make_view",
    [_in_a_view, _with_run, _from_blocking_code, _with_run_from_a_view, _blocking_from_a_view],
)
def test_coroutine_functions_may_block_in_the_thread_of_the_request(
    make: Any, make_view: Any
) -> None:
    kept = spent()

    async def fetch(name: str) -> Any:
        return await sync_to_async(lambda: dict(kept))()

    async def update(name: str, token: Any, **old: Any) -> None:
        await sync_to_async(lambda: kept.update(token, old=old["refresh_token"]))()

    oauth = make(fetch_token=fetch, update_token=update)
    assert _visit(oauth, make_view(oauth)) == FRESH
    assert (kept["access_token"], kept["old"]) == (FRESH, "old-refresh-token")


@pytest.mark.parametrize("side_by_side", [1, 50])
def test_an_expired_token_is_replaced_once(make: Any, api: Api, side_by_side: int) -> None:
    updates: list[Any] = []
    told: list[Any] = []
    oauth = make(
        fetch_token=lambda name: spent(), update_token=lambda name, token, **_: updates.append(name)
    )

    async def view() -> Any:
        return await asyncio.gather(*(_strict(oauth.demo) for _ in range(side_by_side)))

    def listen(sender: Any, **known: Any) -> None:
        told.append((sender, known["name"]))

    with token_update.connected_to(listen):
        assert _visit(oauth, view) == [FRESH] * side_by_side
    assert (len(api.asked), updates, told) == (1, ["demo"], [(oauth.app, "demo")])


# -- stores ------------------------------------------------------------------------------------


@contextmanager
def _memory() -> Iterator[Any]:
    yield MemoryTokenStore(KEYS)


@contextmanager
def _sql() -> Iterator[Any]:
    engine = sqlalchemy.create_engine(
        "sqlite://",
        poolclass=sqlalchemy.StaticPool,
        connect_args={"check_same_thread": False},
    )
    metadata = sqlalchemy.MetaData()
    table = token_table(metadata)
    metadata.create_all(engine)
    yield SQLAlchemyTokenStore(engine, table, KEYS)
    engine.dispose()


@pytest.mark.parametrize("kept_in", [_memory, _sql])
def test_a_stored_token_is_replaced_once_by_views_of_many_threads(
    make: Any, api: Api, kept_in: Any
) -> None:
    told: list[Any] = []

    def listen(sender: Any, **known: Any) -> None:
        told.append(known["owner"])

    with kept_in() as store:
        oauth = make(token_store=store, token_owner=lambda: "alice")
        with oauth.app.app_context():
            oauth.demo.for_account(owner="alice").save_token(spent())

        @oauth.app.get("/view")
        async def view() -> Any:
            return await asyncio.gather(*(_strict(oauth.demo) for _ in range(5)))

        with ThreadPoolExecutor(8) as threads, token_refreshed.connected_to(listen):
            visits = threads.map(lambda _: oauth.app.test_client().get("/view").json, range(8))
            assert list(visits) == [[FRESH] * 5] * 8
    assert (len(api.asked), told) == (1, ["alice"])


def test_a_token_in_the_session_is_found_and_replaced(make: Any, api: Api) -> None:
    oauth = make(token_store=SessionTokenStore(), token_owner=lambda: session.get("user"))

    @oauth.app.get("/sign-in")
    def sign_in() -> Any:
        session["user"] = "alice"
        oauth.demo.save_token(spent())
        return {}

    @oauth.app.get("/view")
    async def view() -> Any:
        return [await _strict(oauth.demo) for _ in range(2)]

    browser = oauth.app.test_client()
    browser.get("/sign-in")
    assert browser.get("/view").json == [FRESH] * 2
    assert browser.get("/view").json == [FRESH] * 2
    assert len(api.asked) == 1


def test_accounts_share_the_client_of_their_loop(make: Any, api: Api) -> None:
    oauth = make(token_store=MemoryTokenStore(KEYS), token_owner=lambda: "alice")
    for owner, label in [("alice", ""), ("alice", "work"), ("bob", "")]:
        with oauth.app.app_context():
            token = {"access_token": f"token-of-{owner}-{label}", "token_type": "Bearer"}
            oauth.demo.for_account(owner=owner, label=label).save_token(token)

    async def view() -> Any:
        clients = [
            oauth.demo,
            oauth.demo.for_account(label="work"),
            oauth.demo.for_account(owner="bob"),
        ]
        answers = [await client.aget("echo") for client in clients]
        return [answer.json()["headers"]["Authorization"][7:] for answer in answers]

    assert _visit(oauth, view) == ["token-of-alice-", "token-of-alice-work", "token-of-bob-"]
    assert api.server.connections == 1


def test_without_a_token_somebody_is_sent_to_sign_in(make: Any) -> None:
    oauth = make(token_store=MemoryTokenStore(KEYS), token_owner=lambda: None)

    async def view() -> Any:
        with pytest.raises(LoginRequired):
            await oauth.demo.aget("echo")
        return "asked"

    assert _visit(oauth, view) == "asked"


def test_the_blueprint_sends_the_visitor_of_an_asynchronous_view_to_sign_in(
    make_token_site: MakeTokenSite,
) -> None:
    site = make_token_site()

    async def view() -> Any:
        return (await site.oauth.demo.aget("me")).json()

    site.app.add_url_rule("/asynchronous", view_func=view)
    page = site.browser.walk("https://rp.test/asynchronous", stop_before="https://op.test")
    assert page.history[-1].url.startswith("https://op.test/authorize")


# -- refusals ----------------------------------------------------------------------------------


def test_a_token_that_is_refused_is_replaced(make: Any, api: Api) -> None:
    kept = spent(expires_at=4_000_000_000)
    oauth = make(fetch_token=lambda name: kept)
    assert _visit(oauth, _in_a_view(oauth)) == FRESH
    assert (api.refused, len(api.asked)) == (1, 1)


def test_a_second_refusal_stays(make: Any, api: Api) -> None:
    api._given = _Never()
    oauth = make(fetch_token=lambda name: spent(expires_at=4_000_000_000))

    async def view() -> Any:
        return [(await oauth.demo.aget("strict")).status_code]

    assert _visit(oauth, view) == [401]
    assert (api.refused, len(api.asked)) == (2, 1)


class _Never(set[str]):
    def __contains__(self, token: object) -> bool:
        return False


def test_a_refresh_that_is_refused_is_an_error_of_the_call(make: Any, api: Api) -> None:
    api._spent.add("old-refresh-token")
    oauth = make(fetch_token=lambda name: spent())

    async def view() -> Any:
        with pytest.raises(TokenRequestError) as caught:
            await oauth.demo.aget("strict")
        return [caught.value.error]

    assert _visit(oauth, view) == ["invalid_grant"]


def test_a_client_that_acts_for_itself_gets_one_token(make: Any, api: Api) -> None:
    oauth = make({"client_kwargs": {"grant_type": "client_credentials", "scope": "api"}})

    async def view() -> Any:
        return await asyncio.gather(*(_strict(oauth.demo) for _ in range(10)))

    assert _visit(oauth, view) == [FRESH] * 10
    assert [form["grant_type"] for form in api.asked] == ["client_credentials"]


def test_a_refresh_goes_on_when_its_call_is_cancelled(make: Any, api: Api) -> None:
    kept: list[Any] = []
    begun, go_on = threading.Event(), threading.Event()

    def fix(client: Any) -> None:
        def hook(*parts: Any) -> Any:
            begun.set()
            go_on.wait(20)
            return parts

        client.register_compliance_hook("refresh_token_request", hook)

    oauth = make(
        {"compliance_fix": fix},
        fetch_token=lambda name: spent(),
        update_token=lambda name, token, **_: kept.append(token["access_token"]),
    )

    async def view() -> Any:
        call = asyncio.ensure_future(_strict(oauth.demo))
        await asyncio.to_thread(begun.wait, 20)
        call.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        return []

    assert _visit(oauth, view) == []
    assert kept == [FRESH]
