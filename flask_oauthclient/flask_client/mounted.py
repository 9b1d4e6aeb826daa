"""The blueprints that an application has mounted, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from flask import current_app
from flask import request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import Map

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError

if TYPE_CHECKING:
    from ..sign_in.settings import SignInSettings
    from .app_state import AppState

_MOUNTED = "oauthclient_blueprints"


def note_mount(state: BlueprintSetupState, settings: SignInSettings) -> None:
    """Remember a blueprint under the full name that it is mounted with.

    :raises InvalidSettingError: if another one has its callback at the same place.
    """
    name = f"{state.name_prefix}.{state.name}".lstrip(".")
    mounted = state.app.extensions.setdefault(_MOUNTED, {})
    mounted[name] = settings
    _check_callbacks(state.app.url_map, [f"{one}.callback" for one in mounted])


def _check_callbacks(url_map: Map, endpoints: list[str]) -> None:
    """No two blueprints answer at one redirect URI: that invites mix-up (RFC 9700 4.4.2)."""
    taken: dict[tuple[Any, ...], str] = {}
    for rule in url_map.iter_rules():
        place = rule.host, rule.subdomain, rule.rule
        if rule.endpoint in endpoints and taken.setdefault(place, rule.endpoint) != rule.endpoint:
            raise InvalidSettingError(
                "invalid_configuration",
                f"{taken[place]!r} and {rule.endpoint!r} both stand at {rule.rule!r}. Mount the "
                "blueprints with a url_prefix of their own, or give paths.",
            )


def has_several() -> bool:
    """Whether the application has more than one blueprint."""
    return len(_mounted()) > 1


def this_blueprint() -> str:
    """The blueprint that answers the current request, else the first one."""
    mounted = _mounted()
    return request.blueprint if request.blueprint in mounted else next(iter(mounted))


def settings_for(provider: str | None = None) -> SignInSettings:
    """The settings of the blueprint that serves a provider."""
    return _mounted()[blueprint_for(provider)]


def find_app_state() -> AppState | None:
    """What the registry behind the blueprint keeps for the current application, if it has one."""
    extensions = current_app.extensions
    for settings in extensions.get(_MOUNTED, {}).values():
        known: dict[Any, AppState] = extensions.get("oauthclient", {})
        return known.get(settings.oauth) or settings.oauth.current_state()
    return None


def app_state() -> AppState:
    """The same, where there is a blueprint."""
    return find_app_state() or next(iter(_mounted().values())).oauth.current_state()


def blueprint_for(provider: str | None) -> str:
    """The blueprint where people can sign in at a provider, best that of the current request.

    :param provider: name of the client; any by default.
    :raises MissingConfigurationError: if there is none.
    """
    mounted = _mounted()
    for name in (this_blueprint(), *mounted):
        if provider is None or provider in mounted[name].names():
            return name
    raise MissingConfigurationError(
        "missing_configuration", f"No blueprint signs people in at {provider!r}."
    )


def _mounted() -> dict[str, SignInSettings]:
    mounted: dict[str, SignInSettings] = current_app.extensions.get(_MOUNTED, {})
    if not mounted:
        raise MissingConfigurationError(
            "missing_configuration",
            "login_required needs the blueprint: app.register_blueprint(oauth.create_blueprint()).",
        )
    return mounted
