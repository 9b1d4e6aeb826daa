"""The registry as a Flask extension."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

from flask import Flask
from flask import current_app
from flask import has_app_context
from werkzeug.local import LocalProxy

from ..protocol.errors import MissingConfigurationError
from ..registry.registry import OnFirstUse
from ..registry.registry import Registry
from .app_state import AppState
from .form_post import relay
from .mountable import Mountable
from .unproxied import unproxied

if TYPE_CHECKING:
    from ..storage.tokens.store import TokenStore
    from .remote_app import FlaskOAuth2App

EXTENSION = "oauthclient"


class OAuth(Mountable, Registry["FlaskOAuth2App"]):
    """The clients of an application, by name.

    A registry serves any number of applications. Registrations are shared; configuration, cache
    and built clients belong to each application, and the current one decides.

    :param app: the application, if there is one already.
    :param cache: cachelib cache for pending logins; without it the browser carries them.
    :param fetch_token: ``(name)`` -> the stored token of the current user.
    :param update_token: ``(name, token, refresh_token=None, access_token=None)``, called when a
        token was replaced.
    :param token_store: where tokens are kept, instead of such functions; see :class:`TokenStore`.
    :param token_owner: whose tokens the current request is about: the application's key of a
        person, or ``None`` for nobody; default is who has signed in with the blueprint.
    """

    #: Classes of clients and of their seam to Flask, for a subclass to replace.
    oauth1_client_cls: Any = OnFirstUse(".remote_app", "FlaskOAuth1App")
    oauth2_client_cls: Any = OnFirstUse(".remote_app", "FlaskOAuth2App")
    framework_integration_cls: Any = OnFirstUse(".integration", "FlaskIntegration")
    _class_for: Any = OnFirstUse(".remote_app", "class_for")

    _only: AppState | None = None

    def __init__(
        self,
        app: Flask | None = None,
        cache: Any = None,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
        token_store: TokenStore | None = None,
        token_owner: Callable[[], str | int | None] | None = None,
    ) -> None:
        super().__init__(cache, fetch_token, update_token, token_store, token_owner)
        self._states: weakref.WeakKeyDictionary[Flask, AppState] = weakref.WeakKeyDictionary()
        #: The application that was initialised last; which one a client works for is decided
        #: anew each time.
        self.app: Flask | None = None
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        cache: Any = None,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
        token_store: TokenStore | None = None,
        token_owner: Callable[[], str | int | None] | None = None,
    ) -> None:
        """Serve an application.

        :param app: the application.
        :param cache: cache of this application; default is the registry's.
        :param fetch_token: the same for tokens.
        :param update_token: the same.
        :param token_store: the same.
        :param token_owner: the same.
        """
        self.app = app
        self.cache = self.cache if cache is None else cache
        self.fetch_token = fetch_token or self.fetch_token
        self.update_token = update_token or self.update_token
        self.token_store = self.token_store if token_store is None else token_store
        self.token_owner = token_owner or self.token_owner
        state = AppState(
            app,
            self.cache,
            self.fetch_token,
            self.update_token,
            self.token_store,
            self.token_owner,
        )
        self._states[app] = state
        self._put_away()
        self._only = state if len(self._states) == 1 else None
        app.extensions.setdefault(EXTENSION, {})[self] = state
        app.extensions["flask_oauthclient.flask_client"] = self  # where older code looks
        app.before_request_funcs.setdefault(None, []).append(relay(state, self.names))
        for name in self._registry:
            self._check_at_start(state, name)

    def _all_states(self) -> Iterable[AppState]:
        return [self._only] if self._only else list(self._states.values())

    def _registered(self, name: str) -> FlaskOAuth2App:
        """The client, or a proxy of it while there is no application."""
        if self._only is None and self._active_state() is None:
            return cast("FlaskOAuth2App", LocalProxy(lambda: self._find(name)))
        return self._find(name)

    def active_config(self) -> Mapping[str, Any]:
        """The configuration of the current application.

        :raises MissingConfigurationError: (a ``RuntimeError``) without an application.
        """
        return (self._only or self.current_state()).app.config

    def _active_state(self) -> AppState | None:
        if not has_app_context():
            return None
        return self._states.get(unproxied(current_app))

    def current_state(self) -> AppState:
        """What the registry keeps for the current application.

        :raises MissingConfigurationError: (a ``RuntimeError``) without an application.
        """
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
