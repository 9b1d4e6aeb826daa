"""Which engine is meant by what an application has at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import Table
from sqlalchemy.engine import Connection
from sqlalchemy.exc import UnboundExecutionError
from sqlalchemy.orm import Session
from sqlalchemy.orm import scoped_session
from sqlalchemy.orm import sessionmaker

from ...protocol.errors import InvalidSettingError
from ...protocol.errors import MissingConfigurationError


def engine_source(source: Any, table: Table) -> Callable[[], Engine]:
    """Find out what gives the engine.

    :param source: an engine, a session or what makes some, an extension of Flask that has
        engines, or a function that returns an engine.
    :param table: the table, whose engine it is if there are several.
    :returns: a function to be called for each use, since it may depend on the application.
    :raises InvalidSettingError: for anything else.
    """
    if isinstance(source, Engine):
        engine = _checked(source)
        return lambda: engine
    find = _finder(source, table)
    if find is None:
        raise _not_usable(source)
    return lambda: _checked(_found(find))


def _finder(source: Any, table: Table) -> Callable[[], Any] | None:
    if _is_async(source):
        return None
    if isinstance(source, Session | scoped_session):
        return lambda: source.get_bind(clause=table)
    if isinstance(source, sessionmaker):
        return lambda: _bind_of_new_session(source, table)
    if hasattr(type(source), "engine") and hasattr(type(source), "engines"):
        return lambda: _engine_of_extension(source, table)
    return source if callable(source) else None


def _bind_of_new_session(source: Any, table: Table) -> Any:
    with source() as session:
        return session.get_bind(clause=table)


def _engine_of_extension(source: Any, table: Table) -> Any:
    """Flask-SQLAlchemy says in the metadata of a table which of its engines it belongs to."""
    key = table.metadata.info.get("bind_key")
    return source.engine if key is None else source.engines[key]


def _found(find: Callable[[], Any]) -> Any:
    try:
        return find()
    except UnboundExecutionError:
        reason = "The session has no engine for the table of tokens: bind it to one."
    except RuntimeError as error:  # Flask's, whose text is of several lines
        if "application context" not in str(error):
            raise
        reason = "The database is known inside an application context: with app.app_context(): ..."
    raise MissingConfigurationError("missing_configuration", reason)


def _checked(engine: Any) -> Engine:
    if isinstance(engine, Connection):
        engine = engine.engine
    if not isinstance(engine, Engine) or engine.dialect.is_async:
        raise _not_usable(engine)
    return engine


def _is_async(source: Any) -> bool:
    return any(
        kind.__module__.startswith("sqlalchemy.ext.asyncio") for kind in type(source).__mro__
    )


def _not_usable(source: Any) -> InvalidSettingError:
    return InvalidSettingError(
        "invalid_configuration",
        "SQLAlchemyTokenStore takes an Engine of a driver that is not asynchronous, a Session, "
        "scoped_session or sessionmaker bound to one, the SQLAlchemy object of Flask-SQLAlchemy or "
        "Flask-SQLAlchemy-Lite, or a function that returns an Engine; "
        f"not {type(source).__module__}.{type(source).__qualname__}.",
    )
