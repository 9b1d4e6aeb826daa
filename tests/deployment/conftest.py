"""Deployments of the application, and browsers that visit them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.deployment._app import CLIENT_ID
from tests.deployment._app import CLIENT_SECRET
from tests.deployment._app import HOST
from tests.deployment._app import Settings
from tests.deployment._deployment import Deployment
from tests.servers.nginx import FORWARDED
from tests.servers.nginx import Nginx
from tests.servers.process import running

ROOT = Path(__file__).parents[2]


@pytest.fixture
def op(provider_keys: KeyRing) -> Iterator[DevelopmentProvider]:
    """The provider, which knows the application by its https address, whatever the prefix."""
    provider = DevelopmentProvider(keys=provider_keys)
    provider.auto_sign_in = "alice"
    places = [f"https://{HOST}{prefix}/auth" for prefix in ("", "/app")]
    provider.add_client(
        ClientRecord(
            CLIENT_ID,
            CLIENT_SECRET,
            redirect_uris=tuple(f"{place}/callback/demo" for place in places),
            post_logout_redirect_uris=tuple(f"{place}/logout/callback" for place in places),
        )
    )
    with provider.serve():
        yield provider


@pytest.fixture
def deploy(
    op: DevelopmentProvider, nginx: Nginx, tmp_path: Path
) -> Iterator[Callable[..., Deployment]]:
    """Deploys: the keywords are ``prefix``, ``forwarded`` headers, and those of ``Settings``."""
    with ExitStack() as stack:

        def run(prefix: str = "", forwarded: Any = FORWARDED, **keywords: Any) -> Deployment:
            log = tmp_path / "warnings.log"
            settings = Settings(issuer=op.issuer, log=str(log), **keywords).as_dict()
            command = [sys.executable, "-m", "tests.deployment._gunicorn", json.dumps(settings)]
            server = stack.enter_context(running(command, cwd=ROOT))
            port = server.first_line()["port"]
            headers = {**forwarded, **({"X-Forwarded-Prefix": prefix} if prefix else {})}
            front = stack.enter_context(nginx.before(port, prefix=prefix, headers=headers))
            return Deployment(f"https://{HOST}{prefix}", front, nginx.ca_bundle, log, stack)

        yield run
