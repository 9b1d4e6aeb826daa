"""What the seams between a client and its web framework have in common."""

from __future__ import annotations

import copy
from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import MutableMapping
from functools import partial
from typing import Any
from typing import Self

from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.masked import MaskedDict
from ..storage.state import LIFETIME
from ..storage.state import Browser
from ..storage.tokens.account import Account
from ..storage.tokens.key import TokenKey
from ..transport._run import finish
from .accounts import login_required
from .app_state import Owner
from .app_state import Registration
from .options import ClientOptions
from .settings import checked_settings
from .settings import read_settings

#: How sealed secrets begin.
_SEALED = "sealed."


class Integration(ABC):
    """One client's view of an application and its current request.

    :param name: the client's name.
    :param state: what the registry keeps for the application.
    :param registration: what ``register`` was given.
    """

    expires_in = LIFETIME

    __slots__ = ("_bound", "_is_bound", "_registration", "_state", "name")

    def __init__(self, name: str, state: Any, registration: Registration) -> None:
        self.name = name
        self._state = state
        self._registration = registration
        #: Owner and label, where it is not the default account of who is signed in.
        self._bound: tuple[str | None, str] = (None, "")
        self._is_bound = False

    # -- what each framework does in its own way --------------------------------------------

    @abstractmethod
    def new_state(self) -> str:
        """Make a state value."""

    @abstractmethod
    def browser(self, store: MutableMapping[str, Any] | None = None) -> Browser:
        """The browser of the current request.

        :param store: its session, if that is not the current request's.
        :raises MissingConfigurationError: if there is no session to keep a login in.
        """

    @abstractmethod
    def current_token(self, account: Account | None = None) -> Any:
        """The token that this request has used already, or ``None``.

        :param account: where it is kept; by default it is one that was set by hand.
        """

    @abstractmethod
    def set_current_token(self, token: Any, account: Account | None = None) -> None:
        """Remember the token for the rest of the request."""

    @abstractmethod
    def fetch_token(self) -> Any:
        """The token of the user as a function of the application finds it, or ``None``."""

    def update_token(
        self, token: Any, refresh_token: str | None = None, access_token: str | None = None
    ) -> None:
        """Say that a token was replaced, with the signal ``token_update``.

        A subclass may do something else. The functions ``update_token`` of the registration and
        of the registry have been called before, whichever there is.

        :param token: the new token.
        :param refresh_token: the refresh token that was used for it.
        :param access_token: the access token that it replaces, if it is the client's own.
        """
        self._send(
            "token_update",
            name=self.name,
            token=token,
            refresh_token=refresh_token,
            access_token=access_token,
        )

    @abstractmethod
    def _send(self, signal: str, **values: Any) -> None:
        """Send one of the framework's signals.

        :param signal: its name.
        :param values: what it says.
        """

    # -- settings -------------------------------------------------------------------------

    def settings(self) -> tuple[ClientOptions, dict[str, Any]]:
        """The client's options and what is known of its server's metadata."""
        return self._read_by(read_settings)

    def checked_settings(self) -> tuple[ClientOptions, dict[str, Any]]:
        """The same, and nothing is said to the log."""
        return self._read_by(checked_settings)

    def _read_by(self, read: Callable[..., Any]) -> tuple[ClientOptions, dict[str, Any]]:
        overwrite, keywords, is_complete = self._registration
        configured = {} if is_complete else self._state.configured(self.name)
        options, metadata = read(self.name, keywords, configured, overwrite=overwrite)
        return options, metadata

    @staticmethod
    def load_config(oauth: Any, name: str, params: Iterable[str]) -> dict[str, Any]:
        """Read options of a client out of the application's configuration.

        A subclass may find them elsewhere; see :meth:`OAuth.load_config`.

        :param oauth: the registry.
        :param name: the client's name.
        :param params: names of the options to look for.
        """
        configured = oauth.current_state().configured(name)
        return {option: configured[option] for option in params if option in configured}

    @property
    def cache(self) -> Any:
        """The cache of pending logins, or ``None``."""
        return self._state.cache

    # -- pending logins -------------------------------------------------------------------

    def keep_login(self, state: str, data: Mapping[str, Any]) -> None:
        """Keep the data of a login until its callback.

        :raises MissingConfigurationError: if there is no session to keep it in.
        """
        self._state.logins.keep(self.browser(), self.name, state, data)

    def take_login(self, state: str) -> dict[str, Any]:
        """Take the data of a login, once, if this browser started it."""
        return MaskedDict(self._state.logins.take(self.browser(), self.name, state))

    def set_state_data(self, session: MutableMapping[str, Any], state: str, data: Any) -> None:
        """Keep the data of a login; the older way to do so."""
        self._state.logins.keep(self.browser(session), self.name, state, data)

    def get_state_data(self, session: Mapping[str, Any], state: str) -> dict[str, Any] | None:
        """Read the data of a login without using it up, or ``None``."""
        found: dict[str, Any] | None = self._state.logins.peek(session, self.name, state)
        return found

    def clear_state_data(self, session: MutableMapping[str, Any], state: str) -> None:
        """Forget a login, and whatever has expired."""
        self._state.logins.drop(self.browser(session), self.name, state)

    def seal(self, secret: str, context: bytes) -> str:
        """Encrypt a secret that has to be kept where the browser can read it.

        :param secret: the secret.
        :param context: where it belongs; it can be opened with the same context only.
        """
        sealer = self._state.sealer
        # Without a SECRET_KEY there is no session in a cookie either.
        return secret if sealer is None else _SEALED + sealer.seal(secret.encode(), context)

    def unseal(self, kept: str, context: bytes) -> str | None:
        """Decrypt what was sealed, and pass what was not through; ``None`` if it is not ours."""
        if not kept.startswith(_SEALED):
            return kept
        sealer = self._state.sealer
        opened = sealer.open(kept.removeprefix(_SEALED), context) if sealer is not None else None
        return None if opened is None else opened.decode()

    # -- accounts -------------------------------------------------------------------------

    def account(self, *, own: bool) -> Account | None:
        """Where the token is kept, or ``None`` if functions of the application see to that.

        :param own: whether it is a token of the client's own and no user's.
        :raises LoginRequired: if it is a user's, and nobody is signed in.
        """
        owner, label = self._bound
        if self._function("fetch_token") is not None:
            return None
        store = self._state.token_store
        if own:
            return Account(self._state.store_of_clients, TokenKey(self.name, owner or "", label))
        if store is None:
            return None
        owner = self.owner() if owner is None else owner
        if not owner:
            raise login_required(TokenKey(self.name, "", label))
        return Account(store, TokenKey(self.name, owner, label))

    @property
    def has_store(self) -> bool:
        """Whether a store keeps the tokens of users, and no function of the application."""
        return self._state.token_store is not None and self._function("fetch_token") is None

    @property
    def _request(self) -> Any:
        """The current request, where it is not known without it."""
        return None

    def owner_of(self, identity: Owner) -> str | None:
        """Whose tokens those of a signed-in person are."""
        owner: str | None = self._state.owner_of(identity, self._request)
        return owner

    def owner(self) -> str | None:
        """Whose stored tokens the current request is about; ``None`` for nobody."""
        owner: str | None = self._state.owner(self._request)
        return owner

    def bound(self, owner: str | None, label: str) -> Self:
        """The same for another account.

        :param owner: whose; default is whoever is signed in.
        :param label: which of several of one owner.
        :raises MissingConfigurationError: without a store of tokens.
        """
        if not self.has_store:
            raise MissingConfigurationError(
                "missing_configuration",
                "Accounts are told apart by a store of tokens. Pass one to the registry, and no "
                "fetch_token: OAuth(token_store=...).",
            )
        other = copy.copy(self)
        other._bound = owner, label
        other._is_bound = True
        return other

    # -- functions and signals of the application -------------------------------------------

    def _function(self, name: str) -> Any:
        """A function of the application that keeps tokens: of the registration, or of all."""
        own = self._registration.keywords.get(name)
        if own is not None:
            return own
        shared = getattr(self._state, name)
        return None if shared is None else partial(shared, self.name)

    def token_updated(self, token: Any, **old: Any) -> None:
        """Hand a replaced token to the functions of the application, and tell who listens."""
        update = self._function("update_token")
        if update is not None:
            finish(update(token, **old))
        self.update_token(token, **old)

    def refresh_told(self, account: Account | None, error: OAuthError | None = None) -> None:
        """Tell who listens that a token was refreshed, or why it could not be.

        :param account: where the token is kept, if in a store.
        :param error: why not.
        """
        key = TokenKey(self.name) if account is None else account.key
        known = {"name": self.name, "owner": key.owner, "label": key.label}
        if error is None:
            self._send("token_refreshed", **known)
        else:
            self._send("token_refresh_failed", **known, error=error)
