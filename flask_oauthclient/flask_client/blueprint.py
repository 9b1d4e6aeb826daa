"""The routes of signing in and out, to be mounted and forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask import current_app
from flask import g
from flask import jsonify
from flask import session
from flask.blueprints import BlueprintSetupState

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import LoginRequired
from .linking import LinkRoutes
from .mounted import note_mount
from .pages import add_headers
from .settings import BlueprintSettings
from .sign_in import SignInRoutes
from .sign_out import SignOutRoutes
from .signed_in import KEY
from .signed_in import read_kept
from .signed_in import this_request
from .step_up import sign_in_again

_log = logging.getLogger(__name__)

_GET, _POST = ["GET"], ["POST"]
_BOTH = ["GET", "POST"]

#: Where each route stands, below the prefix that the blueprint is mounted at, and its methods.
ROUTES: Mapping[str, tuple[str, list[str]]] = {
    "login": ("/login", _BOTH),
    "start": ("/login/<provider>", _BOTH),
    "callback": ("/callback/<provider>", _BOTH),
    "logout": ("/logout", _POST),
    "logout_callback": ("/logout/callback", _GET),
    "backchannel_logout": ("/backchannel-logout/<provider>", _POST),
    "frontchannel_logout": ("/frontchannel-logout/<provider>", _GET),
    "link": ("/link/<provider>", _POST),
    "unlink": ("/unlink/<provider>", _POST),
    "jwks": ("/jwks.json", _GET),
}

#: Where a route stands: a path, or one for each of some providers.
Place = str | Mapping[str, str]


def make_blueprint(
    name: str, settings: BlueprintSettings, paths: Mapping[str, Place] | None = None
) -> Blueprint:
    """Make the blueprint; see :meth:`OAuth.create_blueprint`.

    :param name: name of the blueprint.
    :param settings: what the application says.
    :param paths: where a route stands other than usual.
    :raises InvalidSettingError: for a route that there is not, or a path that names no provider.
    """
    unknown = set(paths or {}) - set(ROUTES)
    if unknown:
        raise _refused(f"there is no route {', '.join(sorted(unknown))}, only {', '.join(ROUTES)}.")
    blueprint = Blueprint(
        name,
        __name__,
        template_folder="templates",
        static_folder="static/oauthclient",
        static_url_path="/oauthclient/static",  # "/static" is the application's
    )
    views = _views(settings)
    for endpoint, (usual, methods) in ROUTES.items():
        for path, defaults in _places(endpoint, usual, (paths or {}).get(endpoint), settings):
            blueprint.add_url_rule(
                path, endpoint, views[endpoint], methods=methods, defaults=defaults
            )
    blueprint.url_value_preprocessor(_preparation(blueprint, settings))
    blueprint.after_request(add_headers)
    blueprint.record_once(_put_first)
    blueprint.record(lambda state: note_mount(state, settings))
    blueprint.record_once(_send_to_sign_in)
    return blueprint


def _views(settings: BlueprintSettings) -> dict[str, Callable[..., Any]]:
    inside, outside, links = SignInRoutes(settings), SignOutRoutes(settings), LinkRoutes(settings)
    return {
        "login": inside.login,
        "start": inside.start,
        "callback": inside.callback,
        "logout": outside.logout,
        "logout_callback": outside.logout_callback,
        "backchannel_logout": outside.backchannel_logout,
        "frontchannel_logout": outside.frontchannel_logout,
        "link": links.link,
        "unlink": links.unlink,
        "jwks": lambda: _public_keys(settings),
    }


def _places(
    endpoint: str, usual: str, given: Place | None, settings: BlueprintSettings
) -> Iterator[tuple[str, dict[str, str]]]:
    """The paths of a route, each with the provider that it does not name itself."""
    if isinstance(given, Mapping):
        _check_mapping(endpoint, usual, given)
        for provider, path in given.items():
            yield path, {"provider": provider}
        given = None
    path = given or usual
    if "<provider>" not in usual and "<provider>" in path:
        raise _refused(f"{endpoint!r} is for all providers, and names none in its path.")
    if "<provider>" in path or "<provider>" not in usual:
        yield path, {}
    elif settings.providers is not None and len(settings.providers) == 1:
        yield path, {"provider": settings.providers[0]}
    else:
        raise _refused(
            f"{endpoint!r} needs <provider> in its path, a path for each provider as a mapping, "
            "or a blueprint for one provider."
        )


def _check_mapping(endpoint: str, usual: str, given: Mapping[str, str]) -> None:
    before, named, after = usual.partition("<provider>")
    if not named:
        raise _refused(f"{endpoint!r} is for all providers, and has one path.")
    if len(set(given.values())) < len(given):
        raise _refused(f"{endpoint!r} has the same path for two providers.")
    for provider, path in given.items():
        other = path.removeprefix(before).removesuffix(after)
        if path == f"{before}{other}{after}" and "/" not in other and other != provider:
            raise _refused(f"{endpoint!r} of {provider!r} stands where that of {other!r} does.")


def _refused(why: str) -> InvalidSettingError:
    return InvalidSettingError("invalid_configuration", f"paths: {why}")


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


def _preparation(blueprint: Blueprint, settings: BlueprintSettings) -> Callable[..., None]:
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


def _public_keys(settings: BlueprintSettings) -> Any:
    """The public keys with which our clients sign (OpenID Connect Registration 2, jwks_uri)."""
    keys: list[dict[str, Any]] = []
    for client in map(settings.client, settings.names()):
        keys += [key for key in _keys_of(client) if key not in keys]
    response = jsonify(keys=keys)
    # The answer to somebody with a session may bring its cookie along.
    is_known = current_app.config["SESSION_COOKIE_NAME"] in this_request().cookies
    response.headers["Cache-Control"] = f"{'private' if is_known else 'public'}, max-age=300"
    response.content_type = "application/jwk-set+json"
    return response


def _keys_of(client: Any) -> list[dict[str, Any]]:
    """The public keys of one client; one whose key is broken does not take the others' along."""
    find = getattr(client, "public_jwks", list)  # OAuth 1.0a has none
    try:
        found: list[dict[str, Any]] = find()
    except InvalidSettingError as error:
        _log.warning("the key of %r is not published: %s", client.name, error.description)
        return []
    return found
