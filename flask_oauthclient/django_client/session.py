"""Django's session as a mapping."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import MutableMapping
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from ..protocol.errors import MissingConfigurationError


class SessionMapping(MutableMapping[str, Any]):
    """A session of any back end; what is set or removed marks it as modified.

    :param session: ``request.session``.
    """

    __slots__ = ("_session",)

    def __init__(self, session: SessionBase) -> None:
        self._session = session

    def __getitem__(self, key: str) -> Any:
        return self._session[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._session[key] = value

    def __delitem__(self, key: str) -> None:
        del self._session[key]

    def __contains__(self, key: object) -> bool:
        return key in self._session

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._session.keys()))

    def __len__(self) -> int:
        return len(self._session.keys())


def as_mapping(session: Any) -> MutableMapping[str, Any]:
    """A session as a mapping; what is one already stays as it is."""
    return SessionMapping(session) if isinstance(session, SessionBase) else session


def session_of(request: HttpRequest) -> SessionMapping:
    """The session of a request.

    :raises MissingConfigurationError: if there is none.
    """
    session = getattr(request, "session", None)
    if session is None:
        raise MissingConfigurationError(
            "missing_configuration",
            "A login is kept in the session. Put "
            "'django.contrib.sessions.middleware.SessionMiddleware' into MIDDLEWARE.",
        )
    return SessionMapping(session)
