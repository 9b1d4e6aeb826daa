"""``await client.aget(url, request=request)`` in asynchronous views of Django."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.http import JsonResponse
from django.test import AsyncClient
from django.test import Client
from django.urls import path

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient.django_client import OAuth
from flask_oauthclient.protocol.errors import MissingTokenError
from tests.flask_client._api import Api
from tests.flask_client._api import serving
from tests.flask_client._api import spent
from tests.flask_client._api import wait_until

from . import _project

TOKEN = {"access_token": "a-token-of-a-user", "token_type": "Bearer"}
FRESH = "access-token-1"


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as api:
        yield api
        gc.collect()
        wait_until(lambda: not api.open_connections, "A connection was left open.")


@pytest.fixture
def visit(api: Api) -> Any:
    """Visit a view: ``visit(view, oauth)``, or with another client than the asynchronous one."""

    def visit(view: Any, oauth: Any, *, user: Any = None, blocking: bool = False) -> Any:
        if "demo" not in oauth._registry:
            oauth.register("demo", **api.client())
        urls = ModuleType("urls")
        vars(urls)["urlpatterns"] = [path("view", view)]
        with _project.replaced(ROOT_URLCONF=urls):
            try:
                return Client().get("/view").json() if blocking else async_to_sync(_visit)(user)
            finally:
                oauth.demo.session.close()  # which refreshes tokens

    return visit


async def _visit(user: Any) -> Any:
    client = AsyncClient()
    if user is not None:
        await client.aforce_login(user)
    return (await client.get("/view")).json()


async def _strict(client: Any, **kwargs: Any) -> Any:
    return (await client.aget("strict", **kwargs)).json().get("token")


def test_the_token_of_the_user_of_the_request(visit: Any, api: Api) -> None:
    users: Any = get_user_model()
    user = users.objects.create_user("alice-of-async-calls")
    oauth = OAuth(token_store=MemoryTokenStore(["the only key of these tests"]))

    async def view(request: HttpRequest) -> JsonResponse:
        bound = oauth.demo.at(request)
        ways = [_strict(oauth.demo, request=request) for _ in range(5)]
        ways += [_strict(bound), _strict(bound.for_account(owner=user.pk))]
        return JsonResponse({"tokens": await asyncio.gather(*ways)})

    oauth.register("demo", **api.client())
    oauth.demo.for_account(owner=user.pk).save_token(spent())
    try:
        assert visit(view, oauth, user=user) == {"tokens": [FRESH] * 7}
    finally:
        user.delete()
    assert len(api.asked) == 1


def test_without_a_request_there_is_no_token(visit: Any) -> None:
    oauth = OAuth(fetch_token=lambda name, request: TOKEN)

    async def view(request: HttpRequest) -> JsonResponse:
        with pytest.raises(MissingTokenError):
            await oauth.demo.aget("echo")
        answer = await oauth.demo.aget("echo", token=TOKEN)
        return JsonResponse({"status": answer.status_code})

    assert visit(view, oauth) == {"status": 200}


@pytest.mark.parametrize("blocking", [True, False])
def test_coroutine_functions_may_query_the_database(visit: Any, api: Api, blocking: bool) -> None:
    users: Any = get_user_model()
    found: list[int] = []

    async def fetch(name: str, request: HttpRequest) -> Any:
        found.append(await users.objects.filter(username="nobody").acount())
        return spent()

    async def update(name: str, token: Any, **old: Any) -> None:
        found.append(await users.objects.filter(username=token["access_token"]).acount())

    oauth = OAuth(fetch_token=fetch, update_token=update)

    async def view(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"token": await _strict(oauth.demo, request=request)})

    assert visit(view, oauth, blocking=blocking) == {"token": FRESH}
    assert found == [0, 0]


def test_a_view_that_blocks_may_have_coroutine_functions_under_asgi(visit: Any, api: Api) -> None:
    users: Any = get_user_model()

    async def fetch(name: str, request: HttpRequest) -> Any:
        assert await users.objects.filter(username="nobody").acount() == 0
        return TOKEN

    oauth = OAuth(fetch_token=fetch)

    def view(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"status": oauth.demo.get("echo", request=request).status_code})

    assert visit(view, oauth) == {"status": 200}


def test_a_script_with_a_loop_of_its_own(api: Api) -> None:
    oauth = OAuth()
    oauth.register("demo", **api.client())

    async def main() -> list[int]:
        answers = [await oauth.demo.aget("echo", token=TOKEN) for _ in range(3)]
        return [answer.status_code for answer in answers]

    assert asyncio.run(main()) == [200] * 3
    assert api.server.connections == 1
