"""Rows ``refresh-once`` and ``refresh-failures``: many want the token that has just expired.

It is in Redis for all sides: in our store, and for the others by the functions that an application
writes for them. The applications share nothing but that, as if each were a process of its own.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

import cachelib
import redis
import requests
from flask import Flask

from flask_oauthclient import CacheTokenStore
from flask_oauthclient.storage.tokens.key import TokenKey
from tests.benchmarks._apps import client_of
from tests.benchmarks._apps import oauth_class
from tests.benchmarks._apps import registration
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._processes import ProviderProcess
from tests.benchmarks._processes import environment
from tests.benchmarks._processes import provider_process
from tests.benchmarks._processes import redis_process
from tests.benchmarks._server import API_TOKEN
from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET

APPS = 4
THREADS = 8
CALLS = APPS * THREADS
NETWORK_SECONDS = 0.05
"""How long the provider takes over a token: long enough that those who want one overlap."""

NAME = "token"

Call = Callable[[], requests.Response]


def refresh_once(_: Settings) -> Iterator[Row]:
    """Token requests for one expiry, and calls that fail because of it."""
    with (
        provider_process() as provider,
        environment(REQUESTS_CA_BUNDLE=str(provider.ca_bundle)),
        redis_process() as url,
        redis.Redis.from_url(url) as client,
    ):
        provider.control(delay=NETWORK_SECONDS)
        found = {
            side: _expire(provider, prepare(client, provider))
            for side, prepare in CALLERS.items()
            if side == "ours" or find_spec(side.replace("-", "_"))
        }
    of = f"of {APPS} apps x {THREADS} threads with one expired token"
    yield _row("refresh-once", f"token requests {of}", found, 0, 1)
    yield _row("refresh-failures", f"calls {of} that fail", found, 1, 0)


def _row(name: str, what: str, found: dict[str, tuple[int, int]], figure: int, limit: int) -> Row:
    figures = {side: both[figure] for side, both in found.items()}
    authlib, ours = figures.pop("authlib", None), figures.pop("ours")
    return Row(name, what, authlib, ours, limit, others=figures)


def _expire(provider: ProviderProcess, calls: list[Call]) -> tuple[int, int]:
    """Make all calls at once.

    :returns: how many token requests that made, and how many of the calls failed.
    """
    provider.control(reset=True)
    together = threading.Barrier(CALLS)
    successes: list[bool] = []

    def run(call: Call) -> None:
        together.wait()
        try:
            successes.append(call().ok)
        except Exception:  # noqa: BLE001  each library has errors of its own
            successes.append(False)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls * THREADS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return provider.control().get("/token", 0), CALLS - sum(successes)


def _expired_token() -> dict[str, Any]:
    return {
        "access_token": f"{API_TOKEN}-expired",
        "token_type": "Bearer",
        "expires_at": 1_500_000_000,
        "refresh_token": secrets.token_urlsafe(32),
    }


# -- the sides: each puts an expired token into Redis, and gives a call for each application ---


def _ours(client: Any, provider: ProviderProcess) -> list[Call]:
    owner = "248289761001"
    calls: list[Call] = []
    for _ in range(APPS):
        store = CacheTokenStore(cachelib.RedisCache(client))
        app = _app("ours", provider, token_store=store, token_owner=lambda: owner)
        calls.append(partial(_call, app))
    store.put(TokenKey("demo", owner), _expired_token())
    return calls


def _authlib(client: Any, provider: ProviderProcess) -> list[Call]:
    def fetch_token(name: str) -> Any:
        return json.loads(client.get(NAME))

    def update_token(name: str, token: Any, **old: Any) -> None:
        client.set(NAME, json.dumps(token))

    client.set(NAME, json.dumps(_expired_token()))
    functions: dict[str, Any] = {"fetch_token": fetch_token, "update_token": update_token}
    return [partial(_call, _app("authlib", provider, **functions)) for _ in range(APPS)]


def _app(side: str, provider: ProviderProcess, **keywords: Any) -> Flask:
    app = Flask(side)
    app.secret_key = "benchmark with a secret"
    oauth = oauth_class(side)()
    oauth.init_app(app, **keywords)
    metadata_url = f"{provider.api}/.well-known/openid-configuration"
    oauth.register("demo", **registration(metadata_url), api_base_url=f"{provider.api}/")
    app.extensions["benchmark"] = oauth
    return app


def _call(app: Flask) -> requests.Response:
    with app.app_context():
        response: requests.Response = client_of(app).get("userinfo")
        return response


def _requests_oauthlib(client: Any, provider: ProviderProcess) -> list[Call]:
    from requests_oauthlib import OAuth2Session

    def call() -> requests.Response:
        session = OAuth2Session(
            CLIENT_ID,
            token=json.loads(client.get(NAME)),
            auto_refresh_url=f"{provider.api}/token",
            token_updater=lambda token: client.set(NAME, json.dumps(token)),
        )
        response: requests.Response = session.get(
            f"{provider.api}/userinfo", client_id=CLIENT_ID, client_secret=CLIENT_SECRET
        )
        return response

    client.set(NAME, json.dumps(_expired_token()))
    return [call] * APPS


CALLERS: Mapping[str, Callable[[Any, ProviderProcess], list[Call]]] = {
    "authlib": _authlib,
    "ours": _ours,
    "requests-oauthlib": _requests_oauthlib,
}
