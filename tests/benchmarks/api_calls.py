"""Rows ``api-call`` and ``handshakes``: calling the provider's API over TLS.

The CA bundle is as large as a real one; whoever reads it again for every call pays for that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import requests
from flask import Flask

from tests.benchmarks._apps import client_app
from tests.benchmarks._apps import client_of
from tests.benchmarks._apps import each_side
from tests.benchmarks._harness import Contender
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._harness import repeat
from tests.benchmarks._processes import ProviderProcess
from tests.benchmarks._processes import environment
from tests.benchmarks._processes import provider_process
from tests.benchmarks._server import API_TOKEN

THREADS = 8
CALLS = 400
TOKEN = {"access_token": API_TOKEN, "token_type": "Bearer", "expires_at": 2**31 - 1}


def api_call(settings: Settings) -> Iterator[Row]:
    """One ``oauth.demo.get("userinfo")``."""
    with provider_process() as provider, environment(REQUESTS_CA_BUNDLE=str(provider.ca_bundle)):
        session = requests.Session()
        contenders = {
            "floor": repeat(lambda: _plain_call(session, provider)),
            **each_side(lambda side: _contender(_api_app(side, provider))),
        }
        samples = compare(contenders, settings.rounds)
    yield Row(
        "api-call",
        "oauth.x.get over TLS / a kept requests.Session",
        samples.ratio("authlib", over="floor"),
        samples.ratio("ours", over="floor"),
        0.90,
        detail=samples.microseconds(),
    )


def handshakes(_: Settings) -> Iterator[Row]:
    """TLS handshakes of 400 calls from 8 threads."""
    with provider_process() as provider, environment(REQUESTS_CA_BUNDLE=str(provider.ca_bundle)):
        counts = each_side(lambda side: _count_handshakes(side, provider))
    yield Row(
        "handshakes",
        f"TLS handshakes of {CALLS} calls from {THREADS} threads",
        counts.get("authlib"),
        counts.get("ours"),
        THREADS,
    )


def _plain_call(session: requests.Session, provider: ProviderProcess) -> None:
    response = session.get(
        f"{provider.api}/userinfo",
        headers={"Authorization": f"Bearer {API_TOKEN}"},
        timeout=(3, 10),
    )
    response.json()


def _api_app(side: str, provider: ProviderProcess) -> Flask:
    return client_app(
        side,
        provider.metadata_url,
        api_base_url=f"{provider.api}/",
        fetch_token=lambda: dict(TOKEN),
    )


def _contender(app: Flask) -> Contender:
    def run(times: int) -> float:
        with app.app_context():
            client = client_of(app)
            return repeat(lambda: _call(client))(times)

    return run


def _call(client: Any) -> None:
    response = client.get("userinfo")
    response.raise_for_status()
    response.json()


def _count_handshakes(side: str, provider: ProviderProcess) -> int:
    app = _api_app(side, provider)
    provider.control(reset=True)
    threads = [threading.Thread(target=_call_often, args=(app,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = provider.control()
    if counts["/userinfo"] != CALLS:
        raise RuntimeError(f"{side}: {counts['/userinfo']} calls arrived, not {CALLS}")
    return counts["handshakes"]


def _call_often(app: Flask) -> None:
    for _ in range(CALLS // THREADS):
        with app.app_context():
            _call(client_of(app))
