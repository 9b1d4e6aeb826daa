"""The three ways to call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from flask_oauthclient.transport._run import Steps
from tests.transport._messages import message
from tests.transport.httpx._calls import STYLES
from tests.transport.httpx._calls import Fetch
from tests.transport.httpx._calls import drive
from tests.transport.httpx._calls import fetch


@pytest.fixture(autouse=True)
def plain_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own CA bundle is no part of a test."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=STYLES)
def style(request: pytest.FixtureRequest) -> str:
    """How the test calls."""
    return str(request.param)


@pytest.fixture(name="fetch")
def fetch_in_style(style: str) -> Fetch:
    """Sends a request through a transport of its own, and reads the answer."""
    return partial(fetch, style)


@pytest.fixture
def send(style: str) -> Callable[..., Any]:
    """Sends messages of a purpose through one client; ``client`` has its settings."""

    def send_message(
        purpose: str, *urls: str, client: dict[str, Any] | None = None, **settings: Any
    ) -> Any:
        def flow(client: Any) -> Steps[Any]:
            last = None
            for url in urls:
                last = yield client.send_message(message(purpose, url), **settings)
            return last

        return drive(style, flow, **(client or {}))

    return send_message


@pytest.fixture
def call(style: str) -> Callable[..., Any]:
    """Calls an API through a client of its own; ``client`` has its settings."""

    def request(
        method: str, url: str, *, client: dict[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        def flow(client: Any) -> Steps[Any]:
            return (yield client.request(method, url, **kwargs))

        return drive(style, flow, **(client or {}))

    return request
