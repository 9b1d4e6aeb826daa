"""Callbacks that are posted across sites: the browser is asked to come once more, with cookies."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import TYPE_CHECKING
from typing import Any

from flask import redirect
from flask import request

from ..sign_in.form_post import is_small_foreign_form
from ..sign_in.form_post import where_to_get

if TYPE_CHECKING:
    from .app_state import AppState


def relay(state: AppState, names: Callable[[], Iterable[str]]) -> Callable[[], Any]:
    """Make the function that looks at each request before its view does.

    :param state: what the registry keeps for the application.
    :param names: gives the names of the registered clients.
    """

    def relay_form_post() -> Any:
        if request.method != "POST" or request.url_rule is None:
            return None
        if not is_small_foreign_form("POST", request.headers, request.host):
            return None
        request.get_data(cache=True)  # so that a view can still read the body as it came
        login_state = request.form.get("state", "")
        if state.sealer is None or not state.logins.made_here(names(), request.host, login_state):
            return None
        query = request.query_string.decode("latin-1")
        form = request.form.items(multi=True)
        ahead = where_to_get(state.sealer, request.path, query, form)
        return None if ahead is None else redirect(ahead, 303)

    return relay_form_post
