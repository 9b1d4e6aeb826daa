"""The other processes of a benchmark: each is started here, and ends with its ``with`` block.

Ours end when their standard input does, so they cannot outlive this process either.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import certifi

from tests.servers import engines

ROOT = Path(__file__).parents[2]
START_SECONDS = 20.0
SERVER = "tests.benchmarks._server"
WORKER = "tests.benchmarks._worker"
GUNICORN = "tests.benchmarks._gunicorn"

_ENVIRONMENT = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)


@dataclass(frozen=True, slots=True)
class ProviderProcess:
    """How the benchmark reaches its provider.

    :param issuer: its address, plain.
    :param api: the same provider's address with TLS, where it is an issuer too.
    :param ca_bundle: a file with the usual authorities and the provider's own.
    """

    issuer: str
    api: str
    ca_bundle: Path

    @property
    def metadata_url(self) -> str:
        """Where its discovery document is."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def metadata(self) -> dict[str, Any]:
        """:returns: its discovery document."""
        return _json(self.metadata_url)

    def jwk_set(self) -> dict[str, Any]:
        """:returns: its keys."""
        return _json(f"{self.issuer}/jwks")

    def control(self, **command: object) -> dict[str, int]:
        """Send a command: ``reset=True``, ``rotate=True``, ``delay=seconds``.

        :returns: the requests counted so far by path, and the TLS handshakes.
        """
        return _json(f"{self.issuer}/control", json.dumps(command).encode())


@dataclass(frozen=True, slots=True)
class ApplicationServer:
    """An app in gunicorn.

    :param port: where it listens.
    :param workers: the process ids of its workers.
    """

    port: int
    workers: tuple[int, ...]

    def cpu(self) -> float:
        """:returns: the CPU seconds that all workers have used so far."""
        return sum(time.clock_gettime(_cpu_clock(worker)) for worker in self.workers)


def clear_environment() -> None:
    """Drop proxies and CA bundles: all that is called here listens on the loopback interface."""
    for name in _ENVIRONMENT:
        os.environ.pop(name, None)


@contextmanager
def environment(**variables: str) -> Generator[None]:
    """Set environment variables for the time of the block."""
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


@contextmanager
def provider_process() -> Generator[ProviderProcess]:
    """Run the fake provider.

    :returns: how to reach it.
    """
    with _python(SERVER) as [ready], tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "bundle.pem")
        bundle.write_text(Path(certifi.where()).read_text() + ready["ca_pem"])
        yield ProviderProcess(ready["issuer"], ready["api"], bundle)


@contextmanager
def worker_processes(
    count: int, side: str, metadata_url: str, redis_url: str | None
) -> Generator[int]:
    """Run an app's worker processes on one shared socket, as an application server does.

    :returns: the port.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        descriptor = listener.fileno()
        arguments = [str(descriptor), side, metadata_url, *([redis_url] if redis_url else [])]
        with _python(WORKER, *arguments, count=count, pass_fds=[descriptor]):
            yield listener.getsockname()[1]


def application_server_available() -> bool:
    """:returns: whether gunicorn is here, and a way to see what other processes use."""
    return find_spec("gunicorn") is not None and sys.platform == "linux"


@contextmanager
def application_server(
    workers: int, threads: int, side: str, issuer: str
) -> Generator[ApplicationServer]:
    """Run one of the served apps in gunicorn.

    :returns: how to reach it.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        descriptor = listener.fileno()
        arguments = [str(descriptor), str(workers), str(threads), side, issuer]
        with _python(GUNICORN, *arguments, lines=workers, pass_fds=[descriptor]) as pids:
            yield ApplicationServer(listener.getsockname()[1], tuple(pids))


def redis_available() -> bool:
    """:returns: whether a Redis server can be started here."""
    return shutil.which("redis-server") is not None


@contextmanager
def redis_process() -> Generator[str]:
    """Run a Redis that keeps nothing on disk.

    :returns: its URL.
    """
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            ["redis-server", *options], cwd=folder, stdout=subprocess.DEVNULL
        )
        try:
            _wait_for_port(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def memcached_available() -> bool:
    """:returns: whether a memcached can be started here."""
    return engines.memcached_binary() is not None


@contextmanager
def memcached_process() -> Generator[tuple[str, int]]:
    """Run a memcached.

    :returns: its host and port.
    """
    binary = engines.memcached_binary()
    assert binary is not None
    with engines.memcached_server(binary) as address:
        yield address


def postgresql_available() -> bool:
    """:returns: whether a PostgreSQL can be started here."""
    return engines.postgres_binaries() is not None


@contextmanager
def postgresql_process() -> Generator[str]:
    """Run a PostgreSQL with a database of its own.

    :returns: its URL, for SQLAlchemy.
    """
    binaries = engines.postgres_binaries()
    assert binaries is not None
    with engines.postgres_server(binaries) as server:
        yield server.url


@contextmanager
def _python(
    module: str, *arguments: str, count: int = 1, lines: int = 1, pass_fds: Sequence[int] = ()
) -> Generator[list[Any]]:
    """Run a module in processes of its own; give what each says, in so many lines, when ready."""
    processes = [_start(module, arguments, pass_fds) for _ in range(count)]
    try:
        yield [_ready(process) for process in processes for _ in range(lines)]
    finally:
        for process in processes:
            _stop(process)


def _start(module: str, arguments: Sequence[str], pass_fds: Sequence[int]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
    )


def _ready(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} did not start")
    return json.loads(line)


def _stop(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def _cpu_clock(pid: int) -> int:
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise OSError(error, os.strerror(error))
    return clock.value


def _json(url: str, body: bytes | None = None) -> dict[str, Any]:
    with urllib.request.urlopen(url, body, timeout=START_SECONDS) as answer:
        document: dict[str, Any] = json.load(answer)
    return document


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")
