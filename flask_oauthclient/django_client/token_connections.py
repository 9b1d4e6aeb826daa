"""Connections of the store's own, beside those of the application.

What a request does may be undone (``ATOMIC_REQUESTS``, or any ``atomic`` block), but the provider
takes no spent refresh token back: so a token is written in a transaction that nobody else ends.
A connection is taken for one use. It lives as long as ``CONN_MAX_AGE`` says, and with ``0`` for
that one use; where there is a pool, it goes back there.

In two cases another connection would see nothing, and the application's is used, with whatever
transaction is open on it: SQLite in memory, and a test in Django's ``TestCase``.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.connection import ConnectionDoesNotExist

from ..protocol.errors import InvalidSettingError
from ..storage.tokens.forks import after_fork

#: Never collected: some drivers then take leave of the server, in the parent's name.
_of_parents: list[BaseDatabaseWrapper] = []

_Idle = dict[tuple[str, str], list[BaseDatabaseWrapper]]


class TokenConnections:
    """The connections of one store.

    :param on_broken: called when one turns out to have broken while nobody used it.
    """

    def __init__(self, on_broken: Callable[[], None]) -> None:
        self._on_broken = on_broken
        self._idle: _Idle = {}
        after_fork(self, TokenConnections._leave_to_parent)
        weakref.finalize(self, _close_all, self._idle)

    def take(self, alias: str) -> BaseDatabaseWrapper:
        """A connection for one use.

        :param alias: of the database.
        :raises InvalidSettingError: if there is no such database in the settings.
        """
        idle = self._idle.get(_place(alias), [])
        while idle:
            connection = idle.pop()
            connection.close_if_unusable_or_obsolete()
            if connection.connection is None:
                continue
            connection.close_if_health_check_failed()
            if connection.connection is not None:
                return connection
            self._on_broken()
        connection = connections.create_connection(alias)
        # Any thread may have it next; no two have it at once.
        connection.inc_thread_sharing()
        return connection

    def give_back(self, connection: BaseDatabaseWrapper) -> None:
        """Keep a connection for the next use, or close it."""
        if connection.settings_dict["CONN_MAX_AGE"] == 0 or _is_test_run():
            close(connection)
            return
        self._idle.setdefault(_place(connection.alias), []).append(connection)

    def close(self) -> None:
        """Close those that nobody uses."""
        _close_all(self._idle)

    def _leave_to_parent(self) -> None:
        for idle in self._idle.values():
            _of_parents.extend(idle)
        self._idle.clear()


def shared_connection(alias: str) -> BaseDatabaseWrapper | None:
    """The application's connection, where no other one would see what is on it.

    :raises InvalidSettingError: if there is no such database in the settings.
    """
    connection = _of_application(alias)
    is_in_memory = connection.vendor == "sqlite" and connection.is_in_memory_db()
    # Django asks the same for its durable blocks, which a TestCase is allowed to wrap.
    blocks = connection.atomic_blocks
    is_in_test = any(getattr(block, "_from_testcase", False) for block in blocks)
    shared: BaseDatabaseWrapper = connection
    return shared if is_in_memory or is_in_test else None


def _of_application(alias: str) -> Any:  # a method of one kind of database is asked for
    try:
        return connections[alias]
    except (ConnectionDoesNotExist, ImproperlyConfigured):
        pass
    raise InvalidSettingError(
        "invalid_configuration",
        f"settings.DATABASES has no database {alias!r} that can be used, which is where the tokens "
        "are to be kept.",
    )


def _place(alias: str) -> tuple[str, str]:
    """What a connection is to; a test run gives its databases other names."""
    return alias, str(connections.settings[alias]["NAME"])


def _is_test_run() -> bool:
    """Whether Django's test environment is set up: it drops databases, which must not be in use."""
    return hasattr(sys.modules.get("django.core.mail"), "outbox")


def _close_all(idle: _Idle) -> None:
    for found in list(idle.values()):
        while found:
            close(found.pop())


def close(connection: BaseDatabaseWrapper) -> None:
    """Close a connection that may be broken."""
    try:
        connection.close()
    except Error:
        connection.connection = None
