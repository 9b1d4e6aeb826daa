"""The watch knows the secrets of these tests; servers for what only sockets can do."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from tests.helpers.leaks import Watch
from tests.transport._raw import RawServer
from tests.transport._raw import raw_server

from ._signed import CLIENT_SECRET
from ._signed import TOKEN_SECRET

Serve = Callable[..., RawServer]


@pytest.fixture(autouse=True)
def _the_secrets_are_nowhere(watch: Watch) -> None:
    for secret in (CLIENT_SECRET, TOKEN_SECRET):
        watch.secret(secret, quote(secret, safe=""), secret.partition(" ")[0])
    watch.secret("new-secret-of-a-token")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(raw_server(script))
