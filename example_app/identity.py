"""Who is signed in in this browser: the thin bridge between the cookie and the store."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from functools import wraps
from typing import Any
from typing import ParamSpec
from typing import TypeVar

from flask import abort
from flask import current_app
from flask import flash
from flask import redirect
from flask import session
from flask import url_for
from werkzeug.wrappers import Response

from .store import SignIn
from .store import SignInStore

_KEY = "sign_in"
_P = ParamSpec("_P")
_R = TypeVar("_R")

#: The pages a person may be sent to after signing in, by name. The name travels instead of a
#: URL, so nobody can hand out a link that ends somewhere else.
PAGES = {"profile": "pages.profile", "api": "pages.api", "session": "pages.session"}


def store() -> SignInStore:
    """The store of the current app."""
    found: SignInStore = current_app.extensions["example_app.sign_ins"]
    return found


def current_sign_in() -> SignIn | None:
    """The sign-in of this browser, or ``None``."""
    key = session.get(_KEY)
    return store().get(key) if isinstance(key, str) else None


def require_sign_in() -> SignIn:
    """The sign-in of this browser, where a view has made sure that there is one."""
    sign_in = current_sign_in()
    if sign_in is None:
        abort(401)
    return sign_in


def begin_sign_in(sign_in: SignIn) -> None:
    """Sign a person in, under a key that did not exist before (no session fixation)."""
    end_sign_in()
    session[_KEY] = store().add(sign_in)


def end_sign_in() -> SignIn | None:
    """Sign out here, and return what the sign-in was."""
    session.pop("csrf", None)
    key = session.pop(_KEY, None)
    return store().remove(key) if isinstance(key, str) else None


def fetch_token() -> Mapping[str, Any] | None:
    """Give the library the token of the person whose request this is."""
    sign_in = current_sign_in()
    return sign_in.token if sign_in else None


def update_token(
    token: Mapping[str, Any], refresh_token: str | None = None, access_token: str | None = None
) -> None:
    """Keep a token that the library has just refreshed."""
    key = session.get(_KEY)
    if isinstance(key, str):
        store().refreshed(key, token)


def sign_in_required(page: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R | Response]]:
    """Show a view to signed-in people only; others are asked to sign in and then brought back.

    :param page: the name in :data:`PAGES` to come back to.
    """

    def decorate(view: Callable[_P, _R]) -> Callable[_P, _R | Response]:
        @wraps(view)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R | Response:
            if current_sign_in() is None:
                flash("Please sign in first.")
                return redirect(url_for("pages.home", next=page))
            return view(*args, **kwargs)

        return guarded

    return decorate
