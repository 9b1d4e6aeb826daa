"""Redis, memcached, PostgreSQL and MariaDB, as the machine's packages install them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from .process import ServerFailed
from .process import accepts
from .process import free_port
from .process import running

_ATTEMPTS = 3
_PREPARE_LIMIT = 50.0
#: Who a server is that refuses to be root. Not ``postgres``: that account may own real data.
_ACCOUNT = "nobody"
#: Debian has them where only root looks.
_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin"


@dataclass(frozen=True, slots=True)
class Program:
    """How a server is run."""

    #: The program and its arguments; the port follows.
    command: Sequence[str | Path]
    #: Its address, with ``{port}`` in it.
    url: str
    #: Whether it is up, at a port.
    up: Callable[[int], bool] = accepts
    #: What stops it, whoever is connected.
    stop: signal.Signals = signal.SIGTERM
    cwd: Path | None = None

    @contextmanager
    def at(self, port: int) -> Iterator[None]:
        """Run it at a port."""
        argv = [*self.command, str(port)]
        with running(argv, env={"LC_ALL": "C"}, cwd=self.cwd, stop=self.stop) as server:
            server.wait_until(lambda: self.up(port))
            yield


@dataclass(slots=True)
class Restartable:
    """A server that a test may stop and start; its address and its data stay.

    :param program: how it is run.
    :param port: where it listens.
    """

    program: Program
    port: int
    _running: ExitStack | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return self.program.url.format(port=self.port)

    def start(self) -> None:
        """Start it, if it doesn't run, and wait until it answers.

        :raises ServerFailed: it doesn't come up.
        """
        if self._running is None:
            with ExitStack() as stack:
                stack.enter_context(self.program.at(self.port))
                self._running = stack.pop_all()

    def stop(self) -> None:
        """Stop it, if it runs, and wait for its end; open connections break off."""
        if self._running is not None:
            stack, self._running = self._running, None
            stack.close()

    def restart(self) -> None:
        """Stop it and start it."""
        self.stop()
        self.start()


def redis_binary() -> str | None:
    """Where ``redis-server`` is, or ``None``."""
    return shutil.which("redis-server")


def memcached_binary() -> str | None:
    """Where ``memcached`` is, or ``None``."""
    return shutil.which("memcached", path=_SBIN)


def postgres_binaries() -> Path | None:
    """The folder with ``initdb`` and ``postgres``, or ``None``."""
    on_path = shutil.which("postgres")
    # Debian keeps the programs of each version together, off the PATH.
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version)
    folders = [Path(on_path).resolve().parent] if on_path else []
    for folder in [*folders, *reversed(debian)]:
        if all(shutil.which(name, path=str(folder)) for name in ("initdb", "postgres")):
            return folder
    return None


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def mariadb_binary() -> str | None:
    """Where ``mariadbd`` is, or ``None``, also if what makes its first tables is missing."""
    if not all(shutil.which(name) for name in ("mariadb-install-db", "my_print_defaults")):
        return None
    return shutil.which("mariadbd", path=_SBIN)


@contextmanager
def redis_server(
    binary: str, directory: Path, *, persistent: bool = False
) -> Iterator[Restartable]:
    """Run Redis.

    :param persistent: whether a restart keeps the data.
    """
    keep = "yes" if persistent else "no"
    options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", keep, "--dir", str(directory)]
    command = [binary, *options, "--loglevel", "warning", "--port"]
    with _on_free_port(Program(command, "redis://127.0.0.1:{port}/0")) as server:
        yield server


@contextmanager
def memcached_server(binary: str) -> Iterator[tuple[str, int]]:
    """Run memcached and give its host and port."""
    # Started by root it insists on being told which other user to become.
    user = ["-u", _ACCOUNT] if os.geteuid() == 0 else []
    command = [binary, *user, "-l", "127.0.0.1", "-m", "32", "-p"]
    with _on_free_port(Program(command, "127.0.0.1:{port}")) as server:
        yield "127.0.0.1", server.port


@contextmanager
def postgres_server(binaries: Path) -> Iterator[Restartable]:
    """Run a PostgreSQL of our own, fast rather than safe from a crash of the machine."""
    with _folder() as folder:
        data = folder / "data"
        users = ["--username=test", "--auth=trust"]
        texts = ["--encoding=UTF8", "--no-locale"]
        initdb = binaries / "initdb"
        _prepare([initdb, f"--pgdata={data}", *users, *texts, "--no-sync"], folder)
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_buffers": "16MB",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        url = "postgresql+psycopg://test@127.0.0.1:{port}/postgres"
        program = Program(
            [*_unprivileged(), binaries / "postgres", "-D", data, *options, "-p"],
            url,
            up=_takes_clients(url),
            # It answers SIGTERM by waiting until the last client has left.
            stop=signal.SIGINT,
            cwd=folder,
        )
        with _on_free_port(program) as server:
            yield server


@contextmanager
def mariadb_server(binary: str) -> Iterator[Restartable]:
    """Run a MariaDB of our own, fast rather than safe from a crash of the machine."""
    with _folder() as folder:
        data = folder / "data"
        common = ["--no-defaults", f"--datadir={data}", "--innodb-log-file-size=8M"]
        users = ["--auth-root-authentication-method=normal", "--skip-name-resolve"]
        _prepare(["mariadb-install-db", *common, *users, "--skip-test-db"], folder)
        first = folder / "first.sql"
        first.write_text("CREATE DATABASE IF NOT EXISTS test;\n")
        options = [
            *common,
            f"--init-file={first}",
            "--skip-networking=0",
            "--bind-address=127.0.0.1",
            "--socket=mariadb.sock",  # below its data; a whole path may be too long for a socket
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=0",
        ]
        url = "mysql+pymysql://root@127.0.0.1:{port}/test"
        command = [*_unprivileged(), binary, *options, "--port"]
        program = Program(command, url, up=_takes_clients(url), cwd=folder)
        with _on_free_port(program) as server:
            yield server


def _takes_clients(url: str) -> Callable[[int], bool]:
    """Whether a database takes clients.

    While they start both accept connections already; then PostgreSQL sends each of them away, and
    MariaDB may miss a signal to stop.
    """
    from sqlalchemy import create_engine
    from sqlalchemy import exc
    from sqlalchemy import pool

    def up(port: int) -> bool:
        engine = create_engine(url.format(port=port), poolclass=pool.NullPool)
        try:
            engine.connect().close()
        except exc.OperationalError:
            return False
        return True

    return up


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for a server that isn't root.

    Not one of pytest's: those are below a folder that only its owner may enter.
    """
    with tempfile.TemporaryDirectory(prefix="server-") as name:
        if os.geteuid() == 0:
            account = pwd.getpwnam(_ACCOUNT)
            os.chown(name, account.pw_uid, account.pw_gid)
        yield Path(name)


def _unprivileged() -> list[str]:
    """What stands before a command that must not be root's."""
    if os.geteuid() != 0:
        return []
    group = str(pwd.getpwnam(_ACCOUNT).pw_gid)
    return ["setpriv", "--reuid", _ACCOUNT, "--regid", group, "--clear-groups", "--"]


def _prepare(argv: Sequence[str | Path], folder: Path) -> None:
    """Run what makes a server's first files."""
    done = subprocess.run(
        [*_unprivileged(), *argv],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        text=True,
        timeout=_PREPARE_LIMIT,
    )
    if done.returncode:
        raise ServerFailed(f"{argv[0]} failed: {(done.stdout + done.stderr)[-2000:]}")


@contextmanager
def _on_free_port(program: Program) -> Iterator[Restartable]:
    """Run a server.

    Between our look for a free port and the server's bind another program may take it: then the
    server ends at once, and the next port is tried.
    """
    for attempt in range(_ATTEMPTS):
        server = Restartable(program, free_port())
        try:
            server.start()
        except ServerFailed:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        try:
            yield server
        finally:
            server.stop()
        return
