"""Databases with the table of tokens, each under a name of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import OperationalError
from django.db import connections

_POSTGRESQL, _MYSQL = "django.db.backends.postgresql", "django.db.backends.mysql"
_ENGINES = {"postgresql+psycopg": _POSTGRESQL, "mysql+pymysql": _MYSQL}
#: Where one is connected while there is no database yet.
_FIRST = {_POSTGRESQL: "postgres", _MYSQL: "test"}
#: Whoever is connected to one may have been left behind by the process that a test has killed.
_DROP = {_POSTGRESQL: "DROP DATABASE {} WITH (FORCE)", _MYSQL: "DROP DATABASE {}"}


def described(kind: str, url_of: Callable[[str], str], folder: Path) -> dict[str, Any]:
    """An entry of ``DATABASES`` for a database that is not there yet."""
    name = f"tokens_{secrets.token_hex(6)}"
    if kind == "memory":
        address = f"file:{name}?mode=memory&cache=shared"
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": address}
    if kind in {"sqlite", "wal"}:
        options = {"init_command": "PRAGMA journal_mode=WAL"} if kind == "wal" else {}
        file = str(folder / f"{name}.db")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, "OPTIONS": options}
    url = urlsplit(url_of(kind))
    return {
        "ENGINE": _ENGINES[url.scheme],
        "NAME": name,
        "USER": url.username,
        "HOST": url.hostname,
        "PORT": str(url.port),
    }


@contextmanager
def server_database(entry: dict[str, Any]) -> Iterator[None]:
    """Make an entry's database on its server, for as long as the context lasts."""
    engine, name = entry["ENGINE"], entry["NAME"]
    if engine not in _FIRST:
        yield
        return
    with known({**entry, "NAME": _FIRST[engine], "OPTIONS": {}}) as first:
        _run(first, f"CREATE DATABASE {name}")
        try:
            yield
        finally:
            with suppress(OperationalError):  # the server of one test may be gone
                _run(first, _DROP[engine].format(name))


def _run(alias: str, statement: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
    connections[alias].close()


@contextmanager
def known(entry: dict[str, Any]) -> Iterator[str]:
    """Let Django know a database, as if it stood in the settings.

    :returns: its name.
    """
    alias = f"database_{secrets.token_hex(6)}"
    connections.settings[alias] = complete(entry)
    try:
        yield alias
    finally:
        forget(alias)
        del connections.settings[alias]


def complete(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry with all that Django adds to one."""
    default = connections.settings["default"]
    empty = dict.fromkeys(("USER", "PASSWORD", "HOST", "PORT"), "")
    own = {"ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "CONN_MAX_AGE": 0, "OPTIONS": {}}
    return {**default, **empty, **own, "CONN_HEALTH_CHECKS": False, "TIME_ZONE": None, **entry}


def forget(alias: str) -> None:
    """Close the connection of this thread, whatever state it is in."""
    connection: Any = connections[alias]
    connection.inc_thread_sharing()
    if connection.connection is not None:
        connection.connection.close()
        connection.connection = None
    del connections[alias]


def migrate(alias: str) -> None:
    """Make the table."""
    call_command("migrate", "oauthclient", database=alias, verbosity=0)
    if not connections[alias].settings_dict["NAME"].startswith("file:"):
        connections[alias].close()
