"""What signing in and out does to Flask's session."""

from __future__ import annotations

import logging

from flask import current_app
from flask import g
from flask import session
from flask.sessions import SecureCookieSessionInterface

from ..protocol.errors import ConfigurationError
from .mounted import find_app_state

_log = logging.getLogger(__name__)


def end_session() -> None:
    """Empty the session."""
    session.clear()
    if hasattr(current_app, "login_manager"):
        # Flask-Login lets people in by a cookie of its own, unless it finds this; and whom it has
        # found already in this request.
        session["_remember"] = "clear"
        g.pop("_login_user", None)
    renew_id()


def check_size() -> None:
    """Refuse a session that the browser would drop: it would be sent to sign in for ever.

    :raises ConfigurationError: if the application keeps more than a cookie holds.
    """
    app, content = current_app, dict(session)
    limit, interface = app.config["MAX_COOKIE_SIZE"], app.session_interface
    if not limit or not isinstance(interface, SecureCookieSessionInterface):
        return
    if 2 * len(ascii(content)) < limit:  # signed, encoded and packed it is no longer than that
        return
    serializer = interface.get_signing_serializer(app)
    size = len(serializer.dumps(content)) if serializer is not None else 0
    if len(interface.get_cookie_name(app)) + size > limit:
        raise ConfigurationError(
            description="The session does not fit a cookie, so nobody would stay signed in. Keep "
            "less in it, or keep sessions on the server.",
            detail={"size": size, "limit": limit},
        )


def renew_id() -> None:
    """Give a session that is kept on the server another name (session fixation)."""
    interface = current_app.session_interface
    renew = getattr(interface, "regenerate", None)
    if renew is not None:
        renew(session)
    elif not isinstance(interface, SecureCookieSessionInterface):
        _warn_of_fixed_sessions()


def _warn_of_fixed_sessions() -> None:
    state = find_app_state()
    if state is not None and "sessions" not in state.warned_of:
        state.warned_of.add("sessions")
        _log.warning(
            "the session interface has no regenerate(), so a session keeps its id at a sign-in, "
            "and who has planted it is signed in as well. Flask-Session 0.6 or newer has it"
        )
