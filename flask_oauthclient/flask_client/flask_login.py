"""Users that Flask-Login keeps: the two functions that :meth:`OAuth.create_blueprint` wants."""

from __future__ import annotations

from typing import Any

import flask_login
from flask import abort


class FlaskLogin:
    """``create_blueprint(on_login=users.on_login, on_logout=users.on_logout)``.

    :param find_user: ``(result)`` -> the user, found or made, a response, or ``None`` for nobody.
    :param options: of :func:`flask_login.login_user`, such as ``remember=True``.
    """

    def __init__(self, find_user: Any, **options: Any) -> None:
        self._find_user, self._options = find_user, options

    def on_login(self, result: Any) -> Any:
        """Sign the user in; nobody, and whom Flask-Login does not let in, gets a 403."""
        user = self._find_user(result)
        if hasattr(user, "get_id"):
            return user.get_id() if flask_login.login_user(user, **self._options) else abort(403)
        return abort(403) if user is None else user

    def on_logout(self, identity: Any) -> None:
        """Sign the user out."""
        flask_login.logout_user()
