"""Redis and memcached, as the machine's packages install them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .process import ServerFailed
from .process import free_port
from .process import running

_ATTEMPTS = 3


def redis_binary() -> str | None:
    """Where ``redis-server`` is, or ``None``."""
    return shutil.which("redis-server")


def memcached_binary() -> str | None:
    """Where ``memcached`` is, or ``None``."""
    return shutil.which("memcached", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def redis_server(binary: str, directory: Path) -> Iterator[str]:
    """Run Redis without persistence and give its URL."""
    options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(directory)]
    with _on_free_port([binary, *options, "--loglevel", "warning", "--port"]) as port:
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def memcached_server(binary: str) -> Iterator[tuple[str, int]]:
    """Run memcached and give its host and port."""
    # Started by root it insists on being told which other user to become.
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with _on_free_port([binary, *user, "-l", "127.0.0.1", "-m", "32", "-p"]) as port:
        yield "127.0.0.1", port


@contextmanager
def _on_free_port(command: list[str]) -> Iterator[int]:
    """Run a server whose last argument is its port.

    Between our look for a free port and the server's bind another program may take it: then the
    server ends at once, and the next port is tried.
    """
    for attempt in range(_ATTEMPTS):
        port = free_port()
        with running([*command, str(port)]) as server:
            try:
                server.wait_for_port(port)
            except ServerFailed:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            yield port
            return
