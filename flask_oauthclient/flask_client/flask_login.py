"""Users that Flask-Login keeps: the two functions that :meth:`OAuth.create_blueprint` wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort
from flask_login import login_user
from flask_login import logout_user


class FlaskLogin:
    """``create_blueprint(on_login=users.on_login, on_logout=users.on_logout)``.

    :param find_user: ``(result)`` -> the user that a login is for, found or made, or a response.
    :param options: of :func:`flask_login.login_user`, such as ``remember=True``.
    """

    def __init__(self, find_user: Callable[[Any], Any], **options: Any) -> None:
        self._find_user, self._options = find_user, options

    def on_login(self, result: Any) -> Any:
        """Sign the user in; one that Flask-Login does not let in gets a 403."""
        user = self._find_user(result)
        if not hasattr(user, "get_id"):
            return user
        return user.get_id() if login_user(user, **self._options) else abort(403)

    def on_logout(self, identity: Any) -> None:
        """Sign the user out."""
        logout_user()
