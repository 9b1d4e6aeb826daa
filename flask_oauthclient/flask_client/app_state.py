"""What a registry keeps for each Flask application."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING
from typing import Any

from flask import Flask

from ..protocol.errors import MissingConfigurationError
from ..registry import app_state
from ..registry.options import from_config
from ..storage.tokens.key import owner_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping

    from ..storage.tokens.store import TokenStore


class AppState(app_state.AppState):
    """A registry's clients and settings in one application.

    :param app: the application.
    :param cache: cachelib cache for pending logins.
    :param fetch_token: ``(name)`` -> the user's stored token.
    :param update_token: ``(name, token, refresh_token=None, access_token=None)``.
    :param token_store: where tokens are kept.
    :param token_owner: whose tokens the current request is about.
    """

    def __init__(
        self,
        app: Flask,
        cache: Any,
        fetch_token: Any,
        update_token: Any,
        token_store: TokenStore | None = None,
        token_owner: Callable[[], str | int | None] | None = None,
    ) -> None:
        super().__init__(cache, fetch_token, update_token, token_store, token_owner)
        self._app = weakref.ref(app)
        self.connect_store()

    @property
    def app(self) -> Flask:
        """The application.

        :raises MissingConfigurationError: if it is gone.
        """
        app = self._app()
        if app is None:
            raise MissingConfigurationError("not_initialized")
        return app

    @property
    def config(self) -> Mapping[str, Any]:
        """The application's configuration."""
        return self.app.config

    def configured(self, name: str) -> dict[str, Any]:
        """Options of a client that the configuration sets, as in ``GITHUB_CLIENT_ID``."""
        return from_config(name, self.app.config)

    def configured_option(self, name: str, option: str) -> Any:
        """One of these options; ``None`` without it."""
        return self.app.config.get(f"{name}_{option}".upper())

    def owner(self, request: Any = None) -> str | None:
        """Whose stored tokens the current request is about; ``None`` if nobody is signed in."""
        if self._token_owner is not None:
            return owner_text(self._token_owner())
        from .signed_in import read_identity

        identity = read_identity()
        return None if identity is None else identity.owner

    @property
    def _session_lifetime(self) -> int:
        return int(self.app.permanent_session_lifetime.total_seconds())
