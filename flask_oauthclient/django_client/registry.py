"""The registry of a Django project."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from collections.abc import Iterable
from typing import TYPE_CHECKING
from typing import Any

from django.core.signals import setting_changed

from ..registry import app_state
from ..registry.registry import OnFirstUse
from ..registry.registry import Registry
from .checks import register_checks
from .mountable import Mountable
from .settings import CLIENTS
from .settings import OLD_CLIENTS

if TYPE_CHECKING:
    from ..storage.tokens.store import TokenStore
    from .remote_app import DjangoOAuth2App  # noqa: F401  what the registry is one of
    from .state import AppState

#: Settings that clients are built of, and those that seal what browsers carry.
_OF_CLIENTS = frozenset({CLIENTS, OLD_CLIENTS})
_OF_KEYS = frozenset({"SECRET_KEY", "SECRET_KEY_FALLBACKS"})

#: The registries of this process, for the checks.
registries: weakref.WeakSet[OAuth] = weakref.WeakSet()


class OAuth(Mountable, Registry["DjangoOAuth2App"]):
    """The clients of a project, by name::

        oauth = OAuth()
        oauth.register("github")  # settings.OAUTHCLIENT_CLIENTS["github"]

    :param cache: cache for pending logins: one of Django's, the alias of one, or one of cachelib;
        without it the browser carries them.
    :param fetch_token: ``(name, request)`` -> the stored token of the current user.
    :param update_token: ``(name, token, refresh_token=None, access_token=None)``, called when a
        token was replaced.
    :param token_store: where tokens are kept, instead of such functions; see
        :class:`DjangoTokenStore`.
    :param token_owner: ``(request)`` -> whose tokens it is about: the project's key of a person,
        or ``None`` for nobody; default is ``request.user``, else who has signed in with our views.
    """

    #: Classes of clients and of their seam to Django, for a subclass to replace.
    oauth1_client_cls: Any = OnFirstUse(".remote_app", "DjangoOAuth1App")
    oauth2_client_cls: Any = OnFirstUse(".remote_app", "DjangoOAuth2App")
    framework_integration_cls: Any = OnFirstUse(".integration", "DjangoIntegration")
    _class_for: Any = OnFirstUse(".remote_app", "class_for")

    _only: AppState | None = None

    def __init__(
        self,
        cache: Any = None,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
        token_store: TokenStore | None = None,
        token_owner: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(cache, fetch_token, update_token, token_store, token_owner)
        #: For whoever holds one, while a test replaces settings.
        self._built: weakref.WeakSet[Any] = weakref.WeakSet()
        registries.add(self)
        register_checks()  # also for a project without our application

    def current_state(self) -> AppState:
        """What the registry keeps for the project."""
        if self._only is None:
            from .state import AppState

            self._only = AppState(
                self.cache,
                self.fetch_token,
                self.update_token,
                self.token_store,
                self.token_owner,
            )
        return self._only

    def _all_states(self) -> Iterable[AppState]:
        return [self.current_state()]

    def _check_at_start(self, state: app_state.AppState, name: str) -> None:
        """Leave it to the checks of ``manage.py``, which say more than a module that breaks off
        while it is imported, and to the first use of the client.
        """
        self._note_redirect_uri(state, name)

    def _build(self, state: app_state.AppState, name: str) -> Any:
        client = super()._build(state, name)
        self._built.add(client)
        return client

    def keys_changed(self) -> None:
        """Seal with other keys, since a test has changed them."""
        if self._only is not None:
            self._only.forget_keys()

    def settings_changed(self) -> None:
        """Build the clients anew, of settings that a test has changed.

        Whoever holds a client reads them anew, too.
        """
        if self._only is None:
            return
        self._put_away()
        self._only.clients.clear()
        self._only.redirect_uris.clear()
        for name in self.names():
            self._note_redirect_uri(self._only, name)
        for client in list(self._built):
            client.settings_changed()


def _reload(*, setting: str, **_: Any) -> None:
    for oauth in list(registries):
        if setting in _OF_CLIENTS:
            oauth.settings_changed()
        elif setting in _OF_KEYS:
            oauth.keys_changed()


setting_changed.connect(_reload, dispatch_uid="flask_oauthclient")
