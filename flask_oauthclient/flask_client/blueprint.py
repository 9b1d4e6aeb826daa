"""The routes of signing in and out, to be mounted and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint
from flask import current_app
from flask import g
from flask import session
from flask.blueprints import BlueprintSetupState

from ..protocol.errors import LoginRequired
from ..sign_in.pages import STATIC
from ..sign_in.routes import ROUTES
from ..sign_in.routes import VIEWS
from ..sign_in.routes import Place
from ..sign_in.routes import places
from ..sign_in.settings import SignInSettings
from ..sign_in.signed_in import KEY
from .mounted import note_mount
from .pages import add_headers
from .signed_in import read_kept
from .site import FlaskSite
from .step_up import sign_in_again
from .unproxied import this_request


def make_blueprint(
    name: str, settings: SignInSettings, paths: Mapping[str, Place] | None = None
) -> Blueprint:
    """Make the blueprint; see :meth:`OAuth.create_blueprint`.

    :param name: name of the blueprint.
    :param settings: what the application says.
    :param paths: where a route stands other than usual.
    :raises InvalidSettingError: for a route that there is not, or a path that names no provider.
    """
    blueprint = Blueprint(
        name,
        __name__,
        template_folder="templates",
        static_folder=STATIC,
        static_url_path="/oauthclient/static",  # "/static" is the application's
    )
    site = FlaskSite(settings)
    views = {endpoint: partial(view, site) for endpoint, view in VIEWS.items()}
    for endpoint, path, defaults in places(paths, settings):
        blueprint.add_url_rule(
            path,
            endpoint,
            views[endpoint],
            methods=ROUTES[endpoint][1],
            defaults=defaults,
        )
    blueprint.url_value_preprocessor(_preparation(blueprint, settings))
    blueprint.after_request(add_headers)
    blueprint.record_once(_put_first)
    blueprint.record(lambda state: note_mount(state, settings))
    blueprint.record_once(_send_to_sign_in)
    return blueprint


def _put_first(state: BlueprintSetupState) -> None:
    """Let nothing that the application does before a request believe in a session that is over."""
    state.app.before_request_funcs.setdefault(None, []).insert(0, _end_what_was_ended)


def _send_to_sign_in(state: BlueprintSetupState) -> None:
    """Let a view that finds no token of the person send them to sign in, and back.

    A handler of the application's own for this error is left alone.
    """
    handlers = state.app.error_handler_spec[None][None]
    handlers.setdefault(LoginRequired, sign_in_again)


def _end_what_was_ended() -> None:
    """End a session that the provider has ended, before any view believes in it."""
    # Who has no session has nothing to be ended. Asking theirs would tell caches that a page for
    # everybody depends on who is asking.
    asked = this_request()
    if current_app.config["SESSION_COOKIE_NAME"] not in asked.cookies:
        return
    endpoint = asked.endpoint or "static"
    is_file = endpoint == "static" or endpoint.endswith(".static")
    if not is_file and read_kept() is None and KEY in session:
        _hide_user()


def _hide_user() -> None:
    """Show Flask-Login, where the application has it, nobody: for now, nobody can be believed."""
    anonymous = getattr(getattr(current_app, "login_manager", None), "anonymous_user", None)
    if anonymous is not None:
        g._login_user = anonymous()


def _preparation(blueprint: Blueprint, settings: SignInSettings) -> Callable[..., None]:
    """What comes before each request of the blueprint."""
    to_check = [settings.check_names]  # once, when all clients have been registered

    def prepare(*_: Any) -> None:
        if to_check:
            to_check[0]()
            to_check.clear()
        _exempt_from_csrf(blueprint)

    return prepare


def _exempt_from_csrf(blueprint: Blueprint) -> None:
    """Do without the token that Flask-WTF demands of every form.

    Ours are protected by where they come from (Fetch Metadata, Origin), and the back channel
    carries a signature. Done before each request, as the protection may be set up after us.
    """
    exempt = getattr(current_app.extensions.get("csrf"), "exempt", None)
    if exempt is not None:
        exempt(blueprint)
