"""What a registry keeps for each Flask application."""

from __future__ import annotations

import weakref
from functools import cached_property
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from flask import Flask

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..storage.tokens.key import owner_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence

    from ..storage.sealing import Sealer
    from ..storage.sign_outs import SignOuts
    from ..storage.state import PendingLogins
    from ..storage.tokens.store import TokenStore
    from .identity import Identity
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
        self._app = weakref.ref(app)
        self.cache = cache
        self.fetch_token = fetch_token
        self.update_token = update_token
        self.token_store = token_store
        self._token_owner = token_owner
        self._connect_store()
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

    @property
    def store_of_clients(self) -> TokenStore:
        """Where tokens of the clients' own are kept; not in the session of a visitor."""
        store = self.token_store
        if store is None or getattr(store, "ends_with_session", False):
            return self._own_tokens
        return store

    @cached_property
    def _own_tokens(self) -> TokenStore:
        from ..storage.tokens.memory import MemoryTokenStore

        return MemoryTokenStore()

    def owner_of(self, identity: Identity) -> str | None:
        """Whose tokens those of a person are who has signed in with the blueprint."""
        return identity.owner if self._token_owner is None else self.owner()

    def owner(self) -> str | None:
        """Whose stored tokens the current request is about; ``None`` if nobody is signed in."""
        if self._token_owner is not None:
            return owner_text(self._token_owner())
        from .signed_in import read_identity

        identity = read_identity()
        return None if identity is None else identity.owner

    def _connect_store(self) -> None:
        """Let the store of tokens use the application's keys and cache, unless it has its own."""
        if self.token_store is not None:
            _check_store(self.token_store)
        use_cache = getattr(self.token_store, "use_cache", None)
        if use_cache is not None:
            use_cache(self.cache)
        use_keys = getattr(self.token_store, "use_keys", None)
        if use_keys is None:
            return
        from ..storage.tokens.envelope import check_keys

        check_keys(self._token_keys())  # what cannot be right is refused before a user meets it
        use_keys(self._token_keys)

    def _token_keys(self) -> Sequence[str | bytes]:
        """The keys that seal tokens, the current one first."""
        from ..storage.tokens.envelope import split_keys

        configured = self.app.config.get("OAUTHCLIENT_TOKEN_KEYS")
        return split_keys(configured) if configured else self._secret_keys

    @property
    def _secret_keys(self) -> list[str | bytes]:
        """The application's secrets, the current one first."""
        config = self.app.config
        secrets = [config.get("SECRET_KEY"), *(config.get("SECRET_KEY_FALLBACKS") or ())]
        return [secret for secret in secrets if secret]

    @cached_property
    def sealer(self) -> Sealer | None:
        """Seals what the browser carries; ``None`` without a ``SECRET_KEY``."""
        from ..storage.sealing import Sealer

        return Sealer(self._secret_keys) if self._secret_keys else None


def _check_store(store: object) -> None:
    """Refuse what could not keep a token before a user meets it.

    :raises InvalidSettingError: for a class, a cache, a URL.
    """
    if isinstance(store, type) or not callable(getattr(store, "refresh", None)):
        kind = store.__name__ if isinstance(store, type) else type(store).__name__
        raise InvalidSettingError(
            "invalid_configuration",
            "token_store is a store, such as CacheTokenStore(cache) or "
            f"SQLAlchemyTokenStore(db, Token); this is {kind}.",
        )
