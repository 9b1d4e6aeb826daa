"""What a registry keeps for a Django project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.cache import BaseCache
from django.core.cache import caches
from django.utils.connection import ConnectionProxy

from ..protocol.errors import InvalidSettingError
from ..registry import app_state
from ..storage.tokens.key import owner_text
from .settings import config
from .settings import configured_client
from .settings import configured_option


class AppState(app_state.AppState):
    """A registry's clients and settings in a project.

    :param cache: cache for pending logins: one of Django's, the alias of one, or one of cachelib.
    :param fetch_token: ``(name, request)`` -> the user's stored token.
    :param update_token: ``(name, token, refresh_token=None, access_token=None)``.
    :param token_store: where tokens are kept.
    :param token_owner: ``(request)`` -> whose tokens a request is about.
    """

    def __init__(
        self, cache: Any, fetch_token: Any, update_token: Any, token_store: Any, token_owner: Any
    ) -> None:
        found = cache_of(cache)
        super().__init__(found, fetch_token, update_token, token_store, token_owner)
        self.connect_store()

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings."""
        return config

    def configured(self, name: str) -> dict[str, Any]:
        """Options of a client that the settings have."""
        return configured_client(name)

    def configured_option(self, name: str, option: str) -> Any:
        """One of these options; ``None`` without it."""
        return configured_option(name, option)

    def owner(self, request: Any = None) -> str | None:
        """Whose stored tokens a request is about; ``None`` if nobody is signed in."""
        if request is None:
            return None
        if self._token_owner is not None:
            return owner_text(self._token_owner(request))
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            return owner_text(user.pk)
        from .signed_in import current_identity

        identity = current_identity(request)
        return None if identity is None else identity.owner

    @property
    def _session_lifetime(self) -> int:
        return int(config["SESSION_COOKIE_AGE"])

    def forget_keys(self) -> None:
        """Read the keys anew when they are needed next."""
        for name in ("sealer", "logins"):
            vars(self).pop(name, None)


def cache_of(cache: Any) -> Any:
    """The cache that an application means.

    :param cache: a cache, or the alias of one of Django's.
    :raises InvalidSettingError: for an alias that ``CACHES`` does not have.
    """
    alias = cache if isinstance(cache, str) else _alias_of(cache)
    if alias is None:
        return cache
    if alias not in config["CACHES"]:
        raise InvalidSettingError(
            "invalid_configuration", f"CACHES has no cache {alias!r}. Name one that it has."
        )
    return ConnectionProxy(caches, alias)


def _alias_of(cache: Any) -> str | None:
    """The alias of a connection of this thread, ``caches["default"]``: others must not use it."""
    if not isinstance(cache, BaseCache) or cache not in caches.all(initialized_only=True):
        return None
    return next((alias for alias in caches if caches[alias] is cache), None)
