"""The styles of calls, and secrets that nobody may see."""

from __future__ import annotations

import pytest

from tests.helpers.leaks import Watch
from tests.httpx_client._clients import LOOPS
from tests.httpx_client._clients import STYLES
from tests.sessions._answers import CLIENT_SECRET


@pytest.fixture(params=STYLES)
def style(request: pytest.FixtureRequest) -> str:
    """How the test calls."""
    return str(request.param)


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    """The event loop of the test."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _the_secrets_are_nowhere(watch: Watch) -> None:
    watch.secret(CLIENT_SECRET, "the-secret-of-the-token", "access-token-", "refresh-token-")
