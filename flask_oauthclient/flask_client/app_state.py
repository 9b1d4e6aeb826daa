"""What a registry keeps for each Flask application."""

from __future__ import annotations

import weakref
from functools import cached_property
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from flask import Flask

from ..protocol.errors import MissingConfigurationError

if TYPE_CHECKING:
    from ..storage.sealing import Sealer
    from ..storage.sign_outs import SignOuts
    from ..storage.state import PendingLogins
    from .remote_app import FlaskOAuth2App


class Registration(NamedTuple):
    """What ``register`` was given for one client."""

    #: Whether the configuration wins over the keywords.
    overwrite: bool
    keywords: dict[str, Any]
    #: Whether the configuration is among the keywords already.
    is_complete: bool = False


class AppState:
    """A registry's clients and settings in one application.

    :param app: the application.
    :param cache: cachelib cache for pending logins.
    :param fetch_token: ``(name)`` -> the user's stored token.
    :param update_token: ``(name, token, refresh_token=None, access_token=None)``.
    """

    def __init__(self, app: Flask, cache: Any, fetch_token: Any, update_token: Any) -> None:
        self._app = weakref.ref(app)
        self.cache = cache
        self.fetch_token = fetch_token
        self.update_token = update_token
        self.clients: dict[str, FlaskOAuth2App] = {}
        self.redirect_uris: dict[str, str] = {}
        #: What the log was told once.
        self.warned_of: set[str] = set()

    def forget(self, name: str) -> None:
        """Drop a client that is about to be registered anew."""
        self.clients.pop(name, None)
        for uri, owner in list(self.redirect_uris.items()):
            if owner == name:
                del self.redirect_uris[uri]

    @property
    def app(self) -> Flask:
        """The application.

        :raises MissingConfigurationError: if it is gone.
        """
        app = self._app()
        if app is None:
            raise MissingConfigurationError("not_initialized")
        return app

    @cached_property
    def logins(self) -> PendingLogins:
        """The pending logins of the application's users."""
        from ..storage.state import PendingLogins

        return PendingLogins(self.sealer, self.cache)

    @cached_property
    def sign_outs(self) -> SignOuts:
        """The sign-ins that a provider has ended."""
        from ..storage.sign_outs import SignOuts

        lifetime = self.app.permanent_session_lifetime.total_seconds()
        return SignOuts(self.cache, int(lifetime))

    @cached_property
    def sealer(self) -> Sealer | None:
        """Seals what the browser carries; ``None`` without a ``SECRET_KEY``."""
        from ..storage.sealing import Sealer

        config = self.app.config
        secrets = [config.get("SECRET_KEY"), *(config.get("SECRET_KEY_FALLBACKS") or ())]
        usable = [secret for secret in secrets if secret]
        return Sealer(usable) if usable else None
