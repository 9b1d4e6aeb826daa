"""Caches of every kind, browsers, pending logins."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flask_oauthclient.storage.sealing import Sealer
from tests.storage._caches import CACHES

Address = Callable[[str], str]


@pytest.fixture
def address_of(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    """Where the server of a kind of cache is; it is started when it is first asked for."""

    def find(kind: str) -> str:
        kind = kind.removeprefix("django-")
        if kind == "postgres":
            return str(request.getfixturevalue("postgres_url"))
        if kind.startswith("redis"):
            return str(request.getfixturevalue("redis_url"))
        if kind.startswith("memcached"):
            host, port = request.getfixturevalue("memcached_address")
            return f"{host}:{port}"
        return str(tmp_path / "cache")

    return find


@pytest.fixture
def open_cache(address_of: Address) -> Iterator[Callable[[str], Any]]:
    """Makes a cache of a kind."""
    with ExitStack() as stack, warnings.catch_warnings():
        yield lambda kind: stack.enter_context(CACHES[kind](address_of(kind)))


@pytest.fixture(params=CACHES)
def cache(request: pytest.FixtureRequest, open_cache: Callable[[str], Any]) -> Any:
    """A cache of each kind."""
    return open_cache(request.param)


@pytest.fixture
def sealer() -> Sealer:
    """What an application seals its cookies with."""
    return Sealer(["the secret key of the storage tests"])
