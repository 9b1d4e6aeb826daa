"""Users of Django's, where a project has them, and the session that they are logged in with."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.signed_cookies import SessionStore as SignedCookies
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from ..protocol.errors import ConfigurationError
from ..sign_in.identity import is_key
from ..sign_in.signed_in import read_identity

if TYPE_CHECKING:
    from .site import DjangoSite

#: Bytes of name, value and attributes of a cookie that every browser keeps (RFC 6265, 6.1).
_MAX_COOKIE = 4093


def key_of(answer: Any) -> str | int:
    """The key of the person that ``on_login`` has answered with.

    :param answer: a user, or a key.
    :raises TypeError: for anything else, and for a user who is not saved.
    :raises django.core.exceptions.PermissionDenied: for a user who may not log in.
    """
    if is_user(answer):
        if not answer.is_active:
            raise PermissionDenied
        if answer.pk is None:
            raise TypeError("on_login has returned a user who is not saved, and so nobody.")
        return _plain(answer.pk)
    if is_key(answer):
        key: str | int = answer
        return key
    kind = "an empty string" if answer == "" else type(answer).__name__
    raise TypeError(
        "on_login has to return a user, the key of the person (a string or whole number), a "
        f"response, or None, and not {kind}."
    )


def is_user(answer: Any) -> bool:
    """Whether an answer is a user of Django's."""
    return bool(getattr(answer, "is_authenticated", False)) and hasattr(answer, "pk")


def _plain(pk: Any) -> str | int:
    return pk if is_key(pk) else str(pk)


def user_of(request: HttpRequest) -> str | int | None:
    """The key of the user that Django knows to be logged in."""
    user: Any = getattr(request, "user", None)
    return _plain(user.pk) if is_user(user) else None


def log_in(request: HttpRequest, user: Any) -> None:
    """Log a user in: a session with a new key, and the signal ``user_logged_in``.

    :param request: the request.
    :param user: the user; one that was not found by a back end counts as one of the first.
    """
    backend = getattr(user, "backend", None) or settings.AUTHENTICATION_BACKENDS[0]
    auth.login(request, user, backend=backend)


def is_somebody_else(site: DjangoSite) -> bool:
    """Whether the session is that of another user of Django's than who has signed in with us.

    Whoever has logged in beside that, by a password for instance, is the person to believe in. And
    a user whom Django lets in no more, gone or not active by now, or with another password, takes
    the sign-in along.

    :param site: the visit.
    """
    session = getattr(site.request, "session", None)
    if session is None or auth.SESSION_KEY not in session:
        return False
    identity, user = read_identity(site), user_of(site.request)
    return identity is not None and (user is None or user != identity.user)


def let_session_be_gone(request: HttpRequest) -> None:
    """Let an answer stand although another tab has renewed or ended the session meanwhile.

    Django would answer with an error instead, as what was changed in the session cannot be kept.

    :param request: the request.
    """
    session = getattr(request, "session", None)
    if session is None or not session.modified or not session.session_key:
        return
    if session.session_key == request.COOKIES.get(settings.SESSION_COOKIE_NAME):
        try:
            session.save()
        except UpdateError:
            session.modified = False


def check_size(request: HttpRequest) -> None:
    """Refuse a session that the browser would drop: people would sign in for ever.

    :param request: the request.
    :raises ConfigurationError: if there is more in it than a cookie holds.
    """
    if not isinstance(request.session, SignedCookies):
        return
    request.session.save()
    size = len(settings.SESSION_COOKIE_NAME) + len(request.session.session_key or "")
    if size > _MAX_COOKIE:
        raise ConfigurationError(
            description="The session does not fit a cookie, so nobody would stay signed in. Keep "
            "less in it, or keep sessions on the server.",
            detail={"size": size, "limit": _MAX_COOKIE},
        )
