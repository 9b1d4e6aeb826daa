"""What a registry keeps for each application: its clients, its cache, its keys."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple
from typing import Protocol

from ..protocol.errors import InvalidSettingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping
    from collections.abc import Sequence

    from ..storage.sealing import Sealer
    from ..storage.sign_outs import SignOuts
    from ..storage.state import PendingLogins
    from ..storage.tokens.store import TokenStore


class Registration(NamedTuple):
    """What ``register`` was given for one client."""

    #: Whether the configuration wins over the keywords.
    overwrite: bool
    keywords: dict[str, Any]
    #: Whether the configuration is among the keywords already.
    is_complete: bool = False


class Owner(Protocol):
    """Somebody who has signed in."""

    @property
    def owner(self) -> str:
        """Whose tokens those of this person are."""
        ...


class AppState(ABC):
    """A registry's clients and settings in one application.

    :param cache: cache for pending logins.
    :param fetch_token: gives the user's stored token.
    :param update_token: ``(name, token, refresh_token=None, access_token=None)``.
    :param token_store: where tokens are kept.
    :param token_owner: whose tokens the current request is about.
    """

    def __init__(
        self,
        cache: Any,
        fetch_token: Any,
        update_token: Any,
        token_store: TokenStore | None = None,
        token_owner: Callable[..., Any] | None = None,
    ) -> None:
        self.cache = cache
        self.fetch_token = fetch_token
        self.update_token = update_token
        self.token_store = token_store
        self._token_owner = token_owner
        self.clients: dict[str, Any] = {}
        self.redirect_uris: dict[str, str] = {}
        #: What the log was told once.
        self.warned_of: set[str] = set()

    # -- what each framework says in its own way --------------------------------------------

    @property
    @abstractmethod
    def config(self) -> Mapping[str, Any]:
        """The application's configuration."""

    @abstractmethod
    def configured(self, name: str) -> dict[str, Any]:
        """Options of a client that the configuration sets.

        :param name: the client's name.
        """

    @abstractmethod
    def configured_option(self, name: str, option: str) -> Any:
        """One of these options, before all of them are read; ``None`` without it."""

    @abstractmethod
    def owner(self, request: Any = None) -> str | None:
        """Whose stored tokens a request is about; ``None`` if nobody is signed in.

        :param request: the request, where it is not known without it.
        """

    @property
    @abstractmethod
    def _session_lifetime(self) -> int:
        """Seconds for which somebody stays signed in at the most."""

    # -- clients --------------------------------------------------------------------------

    def forget(self, name: str) -> None:
        """Drop a client that is about to be registered anew."""
        self.clients.pop(name, None)
        for uri, owner in list(self.redirect_uris.items()):
            if owner == name:
                del self.redirect_uris[uri]

    def check_redirect_uri(self, name: str, redirect_uri: str | None) -> None:
        """No two clients have one redirect URI: that invites mix-up (RFC 9700 section 4.4.2).

        :param name: the client's name.
        :param redirect_uri: the one that it is to have.
        :raises InvalidSettingError: if another client has it.
        """
        other = self.redirect_uris.get(redirect_uri, name) if redirect_uri else name
        if other != name:
            raise InvalidSettingError(
                "invalid_configuration",
                f"The clients {other!r} and {name!r} share a redirect_uri. Give each its own.",
            )

    def setting(self, name: str, registration: Registration, option: str) -> Any:
        """One option of a client, before all of them are read.

        :param name: the client's name.
        :param registration: what ``register`` was given.
        :param option: the option's name.
        """
        if registration.is_complete:
            return registration.keywords.get(option)
        configured = self.configured_option(name, option)
        given = registration.keywords.get(option, configured)
        return (configured or given) if registration.overwrite else given

    # -- logins ---------------------------------------------------------------------------

    @cached_property
    def logins(self) -> PendingLogins:
        """The pending logins of the application's users."""
        from ..storage.state import PendingLogins

        return PendingLogins(self.sealer, self.cache)

    @cached_property
    def sign_outs(self) -> SignOuts:
        """The sign-ins that a provider has ended."""
        from ..storage.sign_outs import SignOuts

        return SignOuts(self.cache, self._session_lifetime)

    # -- tokens ---------------------------------------------------------------------------

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

    def owner_of(self, identity: Owner, request: Any = None) -> str | None:
        """Whose tokens those of a person are who has signed in on our pages."""
        return identity.owner if self._token_owner is None else self.owner(request)

    def connect_store(self) -> None:
        """Let the store of tokens use the application's keys and cache, unless it has its own.

        :raises InvalidSettingError: for what is no store, or keys that cannot be right.
        """
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

    # -- keys -----------------------------------------------------------------------------

    def _token_keys(self) -> Sequence[str | bytes]:
        """The keys that seal tokens, the current one first."""
        from ..storage.tokens.envelope import split_keys

        configured = self.config.get("OAUTHCLIENT_TOKEN_KEYS")
        return split_keys(configured) if configured else self._secret_keys

    @property
    def _secret_keys(self) -> list[str | bytes]:
        """The application's secrets, the current one first."""
        config = self.config
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
            "token_store is a store, such as CacheTokenStore(cache) or one in a database; "
            f"this is {kind}.",
        )
