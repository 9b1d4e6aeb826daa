"""Django's cache in a database, in the process of a test or in one that it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.django_client import _project

TABLE = "caches"


class _Router:
    """Leads to the database of a table."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return self._alias if model._meta.db_table == TABLE else None

    db_for_write = db_for_read


@contextmanager
def database_cache(url: str, params: dict[str, Any]) -> Iterator[Any]:
    """A cache in a table of a database; the table is made if it is not there.

    :param url: as SQLAlchemy has it, or the path of a file for SQLite.
    :param params: of the cache.
    """
    _project.configure()
    from django.core.cache.backends.db import DatabaseCache
    from django.core.management import call_command
    from django.db import connections
    from django.db import router

    from tests.django_client.tokens._databases import known

    before = router.routers
    with known(_entry(url)) as alias:
        router.routers = [_Router(alias), *before]
        try:
            call_command("createcachetable", TABLE, database=alias, verbosity=0)
            yield DatabaseCache(TABLE, params)
        finally:
            router.routers = before
            connections[alias].close()


def _entry(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if not parts.scheme:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{url}.db"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username,
        "HOST": parts.hostname,
        "PORT": str(parts.port),
    }
