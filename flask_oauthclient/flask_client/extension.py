"""The registry as a Flask extension."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

from flask import Flask
from flask import current_app
from flask import has_app_context
from werkzeug.local import LocalProxy

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import MissingConfigurationError
from ..registry.options import METADATA_NAMES
from ..registry.options import NAMES
from ..registry.options import check_keywords
from ..registry.options import merge
from ..storage.tokens.key import owner_text
from .app_state import AppState
from .app_state import Registration
from .form_post import relay
from .mountable import Mountable
from .unproxied import unproxied

if TYPE_CHECKING:
    from ..storage.tokens.store import TokenStore
    from .remote_app import FlaskOAuth2App

EXTENSION = "oauthclient"

#: What the configuration can say about a client.
CONFIG_PARAMS = (*NAMES, *sorted(METADATA_NAMES))


class _OnFirstUse:
    """A class attribute whose module is imported when somebody asks for it.

    So importing this package costs next to nothing.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name
        self._found: Any = None

    def __get__(self, instance: object, owner: type[Any]) -> Any:
        if self._found is None:
            self._found = getattr(import_module(self._module, __package__), self._name)
        return self._found


class OAuth(Mountable):
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
    oauth1_client_cls: Any = _OnFirstUse(".remote_app", "FlaskOAuth1App")
    oauth2_client_cls: Any = _OnFirstUse(".remote_app", "FlaskOAuth2App")
    framework_integration_cls: Any = _OnFirstUse(".integration", "FlaskIntegration")
    _class_for: Any = _OnFirstUse(".remote_app", "class_for")

    _registry: dict[str, Registration]
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
        self._registry = {}
        self._states: weakref.WeakKeyDictionary[Flask, AppState] = weakref.WeakKeyDictionary()
        #: The application that was initialised last; which one a client works for is decided
        #: anew each time.
        self.app: Flask | None = None
        self.cache = cache
        self.fetch_token = fetch_token
        self.update_token = update_token
        self.token_store = token_store
        self.token_owner = token_owner
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
        app.before_request_funcs.setdefault(None, []).append(relay(state, self._registry.keys))
        for name in self._registry:
            self._check_at_start(state, name)

    # -- registering ----------------------------------------------------------------------

    def register(self, name: str, overwrite: bool = False, **kwargs: Any) -> FlaskOAuth2App:
        """Register a client; a client of the same name is replaced.

        :param name: name of the client, also the prefix of its configuration keys.
        :param overwrite: let the configuration win over the keywords.
        :param kwargs: options (see the configuration table), and server metadata by their names.
        :returns: the client, or a proxy of it while there is no application. With a
            ``request_token_url`` it is a :class:`FlaskOAuth1App`, whose methods are among those of
            a :class:`FlaskOAuth2App`.
        :raises UnknownOptionError: for a keyword that is neither.
        """
        if "client_cls" in kwargs:
            kwargs = {**_class_options(kwargs["client_cls"]), **kwargs}
        is_new = name not in self._registry
        self._registry[name] = Registration(overwrite, check_keywords(name, kwargs))
        for state in [self._only] if self._only else list(self._states.values()):
            if not is_new:
                self._put_away()
                state.forget(name)
            self._check_at_start(state, name)
        if self._only is None and self._active_state() is None:
            return cast("FlaskOAuth2App", LocalProxy(lambda: self._find(name)))
        return self._find(name)

    def _check_at_start(self, state: AppState, name: str) -> None:
        """Refuse what could never work before the first user meets it."""
        keywords = self._registry[name].keywords
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

    def create_client(self, name: str) -> FlaskOAuth2App | None:
        """The client of a name, built when it is first asked for.

        :param name: its name.
        :returns: the client of the current application, or ``None`` if there is none of the name.
        :raises MissingConfigurationError: (a ``RuntimeError``) without an application.
        """
        if self._only is None:
            self.current_state()  # without one there is nothing to look a client up in
        return self._find(name) if name in self._registry else None

    def _find(self, name: str) -> FlaskOAuth2App:
        state = self._only or self.current_state()
        if name not in state.clients:
            client = state.clients.setdefault(name, self._build(state, name))
            self._put_at_hand(state, name, client)
        return state.clients[name]

    def _put_at_hand(self, state: AppState, name: str, client: Any) -> None:
        """With one application a client is a plain attribute: nothing is faster."""
        if state is self._only and not hasattr(type(self), name):
            self.__dict__.setdefault(name, client)

    def _put_away(self) -> None:
        for name, client in self._only.clients.items() if self._only else ():
            if self.__dict__.get(name) is client:
                del self.__dict__[name]

    def __getattr__(self, name: str) -> FlaskOAuth2App:
        if name == "_registry" or name not in self._registry:
            raise AttributeError(f"No such client: {name}")
        return self._find(name)

    def _build(self, state: AppState, name: str) -> Any:
        registration = self._registry[name]
        if self._reads_in_its_own_way():
            registration = self._completed(name, registration)
        oauth1 = bool(_setting(state, name, registration, "request_token_url"))
        own_cls = self.oauth1_client_cls if oauth1 else self.oauth2_client_cls
        given_cls = registration.keywords.get("client_cls") or own_cls
        integration = self.framework_integration_cls(name, state, registration)
        return self._class_for(given_cls, oauth1=oauth1)(integration, name)

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
            client = self.create_client(key.client)
            if client is not None and client.framework.has_store:
                account = client.for_account(key.owner, key.label)
                forgotten += account.forget_token(revoke=revoke)
            else:  # registered no more
                forgotten += store.delete(key)
        purge = getattr(store, "purge", None)  # of what no key opens any more
        return forgotten + (purge(whose) if purge is not None else 0)

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

    def active_config(self) -> Mapping[str, Any]:
        """The configuration of the current application.

        :raises MissingConfigurationError: (a ``RuntimeError``) without an application.
        """
        return (self._only or self.current_state()).app.config

    def _reads_in_its_own_way(self) -> bool:
        """Whether a subclass decides on options; else each is read when it is needed."""
        cls, integration_cls = type(self), self.framework_integration_cls
        return (
            cls.load_config is not OAuth.load_config
            or cls.generate_client_kwargs is not OAuth.generate_client_kwargs
            or integration_cls.load_config is not OAuth.framework_integration_cls.load_config
        )

    def _completed(self, name: str, registration: Registration) -> Registration:
        keywords = dict(registration.keywords)
        cls = {"client_cls": keywords.pop("client_cls", None)}
        options = self.generate_client_kwargs(name, registration.overwrite, **keywords)
        return Registration(False, {**check_keywords(name, options), **cls}, is_complete=True)

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


def _setting(state: AppState, name: str, registration: Registration, option: str) -> Any:
    """One option of a client, before all of them are read."""
    if registration.is_complete:
        return registration.keywords.get(option)
    configured = state.app.config.get(f"{name}_{option}".upper())
    given = registration.keywords.get(option, configured)
    return (configured or given) if registration.overwrite else given


def _class_options(client_cls: Any) -> dict[str, Any]:
    """Provider defaults that a client class carries; each registration has its own copy."""
    return copy.deepcopy(getattr(client_cls, "OAUTH_APP_CONFIG", None) or {})
