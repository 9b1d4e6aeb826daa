"""The registry as a Flask extension."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask import current_app
from flask import has_app_context
from werkzeug.local import LocalProxy

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..registry.options import ClientOptions
from ..registry.options import check_keywords
from ..registry.settings import read_settings
from .app_state import AppState
from .integration import FlaskIntegration
from .remote_app import FlaskOAuth2App

EXTENSION = "oauthclient"


class OAuth:
    """The clients of an application, by name.

    A registry serves any number of applications. Registrations are shared; configuration, cache
    and built clients belong to each application, and the current one decides.

    :param app: the application, if there is one already.
    :param cache: cachelib cache for pending logins; without it the browser carries them.
    :param fetch_token: ``(name)`` -> the stored token of the current user.
    :param update_token: ``(name, token, refresh_token=None, access_token=None)``, called when a
        token was replaced.
    """

    oauth2_client_cls: Any = FlaskOAuth2App
    framework_integration_cls: Any = FlaskIntegration

    def __init__(
        self,
        app: Flask | None = None,
        cache: Any = None,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
    ) -> None:
        self._registry: dict[str, tuple[bool, dict[str, Any]]] = {}
        self._states: weakref.WeakKeyDictionary[Flask, AppState] = weakref.WeakKeyDictionary()
        self._only: AppState | None = None
        self._last: weakref.ref[Flask] | None = None
        self.cache = cache
        self.fetch_token = fetch_token
        self.update_token = update_token
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        cache: Any = None,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
    ) -> None:
        """Serve an application.

        :param app: the application.
        :param cache: cache of this application; default is the registry's.
        :param fetch_token: the same for tokens.
        :param update_token: the same.
        """
        self._last = weakref.ref(app)
        self.cache = self.cache if cache is None else cache
        self.fetch_token = fetch_token or self.fetch_token
        self.update_token = update_token or self.update_token
        state = AppState(app, self.cache, self.fetch_token, self.update_token)
        self._states[app] = state
        self._only = state if len(self._states) == 1 else None
        app.extensions.setdefault(EXTENSION, {})[self] = state
        for name in self._registry:
            self._check_at_start(state, name)

    @property
    def app(self) -> Flask | None:
        """The application that was initialised last, or ``None``."""
        return self._last() if self._last is not None else None

    # -- registering ----------------------------------------------------------------------

    def register(self, name: str, overwrite: bool = False, **kwargs: Any) -> Any:
        """Register a client; a client of the same name is replaced.

        :param name: name of the client, also the prefix of its configuration keys.
        :param overwrite: let the configuration win over the keywords.
        :param kwargs: options (see the configuration table), and server metadata by their names.
        :returns: the client, or a proxy of it while there is no application.
        :raises UnknownOptionError: for a keyword that is neither.
        """
        keywords = check_keywords(name, {**_class_options(kwargs), **kwargs})
        self._registry[name] = (overwrite, keywords)
        for state in self._states.values():
            state.forget(name)
            self._check_at_start(state, name)
        if self._only is None and self._active_state() is None:
            return LocalProxy(lambda: self.create_client(name))
        return self.create_client(name)

    def _check_at_start(self, state: AppState, name: str) -> None:
        """Refuse what could never work before the first user meets it."""
        _, keywords = self._registry[name]
        config, prefix = state.app.config, name.upper()
        if keywords.get("client_id", config.get(f"{prefix}_CLIENT_ID")) == "":
            raise InvalidSettingError(
                "invalid_configuration", f"client_id of the client {name!r} is empty."
            )
        redirect_uri = keywords.get("redirect_uri", config.get(f"{prefix}_REDIRECT_URI"))
        other = redirect_uri and state.redirect_uris.setdefault(redirect_uri, name)
        if other and other != name:
            # RFC 9700 section 4.4.2: one redirect URI for two servers invites mix-up.
            raise InvalidSettingError(
                "invalid_configuration",
                f"The clients {other!r} and {name!r} share a redirect_uri. Give each its own.",
            )

    # -- finding --------------------------------------------------------------------------

    def create_client(self, name: str) -> Any:
        """The client of a name, built when it is first asked for.

        :param name: its name.
        :returns: the client of the current application, or ``None`` if there is none of the name.
        :raises MissingConfigurationError: (a ``RuntimeError``) without an application.
        """
        state = self._only or self._current_state()
        client = state.clients.get(name)
        if client is None and name in self._registry:
            client = state.clients.setdefault(name, self._build(state, name))
        return client

    def __getattr__(self, name: str) -> Any:
        state = self.__dict__.get("_only")
        client = None if state is None else state.clients.get(name)
        if client is not None:
            return client
        if name not in self.__dict__.get("_registry", ()):
            raise AttributeError(f"No such client: {name}")
        return self.create_client(name)

    def _build(self, state: AppState, name: str) -> Any:
        overwrite, keywords = self._registry[name]
        framework = self.framework_integration_cls(
            name, state, keywords.get("fetch_token"), keywords.get("update_token")
        )
        client_cls = keywords.get("client_cls") or self.oauth2_client_cls
        if keywords.get("request_token_url") and not keywords.get("client_cls"):
            raise InvalidSettingError(
                "invalid_configuration",
                f"The client {name!r} names a request_token_url, but OAuth 1.0a is not available.",
            )

        def load() -> tuple[ClientOptions, dict[str, Any]]:
            return read_settings(name, keywords, state.app.config, overwrite=overwrite)

        return client_cls(framework, name, load)

    def _active_state(self) -> AppState | None:
        if not has_app_context():
            return None
        return self._states.get(current_app._get_current_object())  # type: ignore[attr-defined]

    def _current_state(self) -> AppState:
        state = self._active_state()
        if state is not None:
            return state
        if len(self._states) > 1:
            gc.collect()  # an application of a test that ended is not there any more
        if len(self._states) == 1:
            return next(iter(self._states.values()))
        if self._states:
            raise MissingConfigurationError("ambiguous_app")
        raise MissingConfigurationError("not_initialized", "OAuth is not init with Flask app.")


def _class_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Provider defaults that a client class carries; each registration has its own copy."""
    return copy.deepcopy(getattr(kwargs.get("client_cls"), "OAUTH_APP_CONFIG", {}))
