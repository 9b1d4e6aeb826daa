"""Certificates, sessions and an environment without proxies."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.requests import PooledSession
from tests.transport._messages import ACCESS_TOKEN
from tests.transport._messages import message
from tests.transport._raw import RawServer
from tests.transport._raw import raw_server

Serve = Callable[..., RawServer]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxies and CA bundle are no part of a test."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who issues the certificates of the servers."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with the authority's certificate."""
    return _written(authority, tmp_path_factory.mktemp("ca") / "ca.pem")


@pytest.fixture(scope="session")
def other_ca_bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with the certificate of somebody else."""
    return _written(trustme.CA(), tmp_path_factory.mktemp("ca") / "other.pem")


def _written(authority: trustme.CA, path: Path) -> str:
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def make_tls(authority: trustme.CA) -> Callable[..., ssl.SSLContext]:
    """Makes contexts of TLS servers with a certificate for the names given."""

    def make(*names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        return context

    return make


@pytest.fixture(scope="session")
def tls(make_tls: Callable[..., ssl.SSLContext]) -> ssl.SSLContext:
    """A context for 127.0.0.1."""
    return make_tls("127.0.0.1")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda script, tls=None: stack.enter_context(raw_server(script, tls))


@pytest.fixture
def session() -> Iterator[PooledSession]:
    """A session for requests of the protocol."""
    with PooledSession() as session:
        yield session


@pytest.fixture
def api() -> Iterator[OAuth2Session]:
    """A session with a token."""
    with OAuth2Session("client", token={"access_token": ACCESS_TOKEN}) as session:
        yield session


@pytest.fixture
def send(session: PooledSession) -> Callable[..., Any]:
    """Sends a message of a purpose through the session."""

    def send_message(purpose: str, url: str, **settings: Any) -> Any:
        return session.send_message(message(purpose, url), **settings)

    return send_message
