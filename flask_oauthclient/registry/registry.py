"""The clients of an application, by name, whatever its web framework."""

from __future__ import annotations

import copy
from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any
from typing import Generic
from typing import TypeVar

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..storage.tokens.key import owner_text
from .app_state import AppState
from .app_state import Registration
from .options import METADATA_NAMES
from .options import NAMES
from .options import check_keywords
from .options import merge

if TYPE_CHECKING:
    from ..storage.tokens.store import TokenStore

#: The class of a framework's clients, for type checkers.
Client = TypeVar("Client")

#: What the configuration can say about a client.
CONFIG_PARAMS = (*NAMES, *sorted(METADATA_NAMES))


class OnFirstUse:
    """A class attribute whose module is imported when somebody asks for it.

    So importing a framework's package costs next to nothing.

    :param module: its name, relative to the package of the class.
    :param name: of the attribute there.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name
        self._package = ""
        self._found: Any = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._package = owner.__module__.rpartition(".")[0]

    def __get__(self, instance: object, owner: type[Any]) -> Any:
        if self._found is None:
            self._found = getattr(import_module(self._module, self._package), self._name)
        return self._found


class Registry(ABC, Generic[Client]):
    """What the registries of all frameworks have in common.

    :param cache: cache for pending logins; without it the browser carries them.
    :param fetch_token: gives the stored token of the current user.
    :param update_token: ``(name, token, refresh_token=None, access_token=None)``, called when a
        token was replaced.
    :param token_store: where tokens are kept, instead of such functions.
    :param token_owner: whose tokens the current request is about.
    """

    #: Classes of clients and of their seam to the framework, for a subclass to replace.
    oauth1_client_cls: Any
    oauth2_client_cls: Any
    framework_integration_cls: Any
    #: ``(given class, oauth1=...)`` -> a class that speaks the protocol.
    _class_for: Any

    _registry: dict[str, Registration]
    #: What the registry keeps for its application, if there is but one.
    _only: Any = None

    def __init__(
        self,
        cache: Any = None,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
        token_store: TokenStore | None = None,
        token_owner: Callable[..., Any] | None = None,
    ) -> None:
        self._registry = {}
        self.cache = cache
        self.fetch_token = fetch_token
        self.update_token = update_token
        self.token_store = token_store
        self.token_owner = token_owner

    @abstractmethod
    def current_state(self) -> AppState:
        """What the registry keeps for the current application.

        :raises MissingConfigurationError: (a ``RuntimeError``) without an application.
        """

    @abstractmethod
    def _all_states(self) -> Iterable[AppState]:
        """What it keeps for each application that there is already."""

    def names(self) -> list[str]:
        """The names of the registered clients, in the order of their registration."""
        return list(self._registry)

    # -- registering ----------------------------------------------------------------------

    def register(self, name: str, overwrite: bool = False, **kwargs: Any) -> Client:
        """Register a client; a client of the same name is replaced.

        :param name: name of the client, also that of its configuration.
        :param overwrite: let the configuration win over the keywords.
        :param kwargs: options (see the configuration table), and server metadata by their names.
        :returns: the client. With a ``request_token_url`` it speaks OAuth 1.0a, and its methods
            are among those of a client that speaks OAuth 2.
        :raises UnknownOptionError: for a keyword that is neither.
        """
        if "client_cls" in kwargs:
            kwargs = {**_class_options(kwargs["client_cls"]), **kwargs}
        is_new = name not in self._registry
        self._registry[name] = Registration(overwrite, check_keywords(name, kwargs))
        for state in self._all_states():
            if not is_new:
                self._put_away()
                state.forget(name)
            self._check_at_start(state, name)
        return self._registered(name)

    def _registered(self, name: str) -> Client:
        """What ``register`` gives back."""
        return self._find(name)

    def _check_at_start(self, state: AppState, name: str) -> None:
        """Refuse what could never work before the first user meets it."""
        if self._given(state, name, "client_id") == "":
            raise InvalidSettingError(
                "invalid_configuration", f"client_id of the client {name!r} is empty."
            )
        self._note_redirect_uri(state, name)
        state.check_redirect_uri(name, self._given(state, name, "redirect_uri"))

    def _note_redirect_uri(self, state: AppState, name: str) -> None:
        redirect_uri = self._given(state, name, "redirect_uri")
        if redirect_uri:
            state.redirect_uris.setdefault(redirect_uri, name)

    def _given(self, state: AppState, name: str, option: str) -> Any:
        keywords = self._registry[name].keywords
        return keywords[option] if option in keywords else state.configured_option(name, option)

    # -- finding --------------------------------------------------------------------------

    def create_client(self, name: str) -> Client | None:
        """The client of a name, built when it is first asked for.

        :param name: its name.
        :returns: the client of the current application, or ``None`` if there is none of the name.
        :raises MissingConfigurationError: (a ``RuntimeError``) without an application.
        """
        if self._only is None:
            self.current_state()  # without one there is nothing to look a client up in
        return self._find(name) if name in self._registry else None

    def _find(self, name: str) -> Client:
        state = self._only or self.current_state()
        if name not in state.clients:
            client = state.clients.setdefault(name, self._build(state, name))
            self._put_at_hand(state, name, client)
        found: Client = state.clients[name]
        return found

    def _put_at_hand(self, state: AppState, name: str, client: Any) -> None:
        """With one application a client is a plain attribute: nothing is faster."""
        if state is self._only and not hasattr(type(self), name):
            vars(self).setdefault(name, client)

    def _put_away(self) -> None:
        for name, client in self._only.clients.items() if self._only else ():
            if vars(self).get(name) is client:
                del vars(self)[name]

    def __getattr__(self, name: str) -> Client:
        if name == "_registry" or name not in self._registry:
            raise AttributeError(f"No such client: {name}")
        return self._find(name)

    def _build(self, state: AppState, name: str) -> Any:
        registration = self._registry[name]
        if self._reads_in_its_own_way():
            registration = self._completed(name, registration)
        oauth1 = bool(state.setting(name, registration, "request_token_url"))
        own_cls = self.oauth1_client_cls if oauth1 else self.oauth2_client_cls
        given_cls = registration.keywords.get("client_cls") or own_cls
        integration = self.framework_integration_cls(name, state, registration)
        return self._class_for(given_cls, oauth1=oauth1)(integration, name)

    # -- configuration --------------------------------------------------------------------

    def load_config(self, name: str, params: Iterable[str]) -> dict[str, Any]:
        """Read what the configuration says about a client.

        A subclass may find it elsewhere, and is asked once, when the client is built.

        :param name: the client's name.
        :param params: names of the options to look for.
        :returns: those that are configured.
        """
        found: dict[str, Any] = self.framework_integration_cls.load_config(self, name, params)
        return found

    def generate_client_kwargs(self, name: str, overwrite: bool, **kwargs: Any) -> dict[str, Any]:
        """Put together the options of a client, for a subclass to change.

        :param name: the client's name.
        :param overwrite: whether the configuration wins over the keywords.
        :param kwargs: the keywords of the registration.
        :returns: all options, ``fetch_token`` and ``update_token`` among them.
        """
        state = self._only or self.current_state()
        options = merge(kwargs, self.load_config(name, CONFIG_PARAMS) or {}, overwrite=overwrite)
        if not options.get("fetch_token") and state.fetch_token is not None:
            options["fetch_token"] = partial(state.fetch_token, name)
        if not options.get("update_token") and state.update_token is not None:
            options["update_token"] = partial(state.update_token, name)
        result: dict[str, Any] = options
        return result

    def _reads_in_its_own_way(self) -> bool:
        """Whether a subclass decides on options; else each is read when it is needed."""
        cls, usual = type(self), self._usual()
        return (
            cls.load_config is not usual.load_config
            or cls.generate_client_kwargs is not usual.generate_client_kwargs
            or self.framework_integration_cls.load_config
            is not usual.framework_integration_cls.load_config
        )

    @classmethod
    def _usual(cls) -> type[Registry[Any]]:
        """The registry of the framework itself, from which an application's own may derive."""
        return next(base for base in reversed(cls.__mro__) if "_class_for" in vars(base))

    def _completed(self, name: str, registration: Registration) -> Registration:
        keywords = dict(registration.keywords)
        cls = {"client_cls": keywords.pop("client_cls", None)}
        options = self.generate_client_kwargs(name, registration.overwrite, **keywords)
        return Registration(False, {**check_keywords(name, options), **cls}, is_complete=True)

    # -- tokens ---------------------------------------------------------------------------

    def forget_tokens(self, owner: str | int, *, revoke: bool = True) -> int:
        """Remove all stored tokens of somebody, and make them worthless.

        :param owner: the application's key of the person, who may be about to be deleted.
        :param revoke: ask the providers to revoke them, where they can (RFC 7009).
        :returns: how many there were.
        :raises MissingConfigurationError: without a store of tokens.
        :raises TokenStoreError: if the store cannot be asked.
        """
        store = (self._only or self.current_state()).token_store
        if store is None:
            raise MissingConfigurationError(
                "missing_configuration", "There is no store of tokens to forget them in."
            )
        whose, forgotten = owner_text(owner), 0
        if whose is None:  # what belongs to nobody belongs to the clients themselves
            raise InvalidSettingError("invalid_configuration", "Say the owner of the tokens.")
        for key in store.list(whose):
            client: Any = self.create_client(key.client)
            if client is not None and client.framework.has_store:
                account = client.for_account(key.owner, key.label)
                forgotten += account.forget_token(revoke=revoke)
            else:  # registered no more
                forgotten += store.delete(key)
        purge = getattr(store, "purge", None)  # of what no key opens any more
        return forgotten + (purge(whose) if purge is not None else 0)


def _class_options(client_cls: Any) -> dict[str, Any]:
    """Provider defaults that a client class carries; each registration has its own copy."""
    return copy.deepcopy(getattr(client_cls, "OAUTH_APP_CONFIG", None) or {})
