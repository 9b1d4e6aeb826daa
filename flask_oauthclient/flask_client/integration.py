"""What Flask gives a client: the session, cookies, the request, the token of a request."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import MutableMapping
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from flask import after_this_request
from flask import g
from flask import has_app_context
from flask import has_request_context
from flask import redirect
from flask import request
from flask import session
from flask.sessions import NullSession
from flask.wrappers import Response

from ..protocol.errors import CallbackError
from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import OAuthError
from ..protocol.random import generate_token
from ..registry.accounts import login_required
from ..registry.framework import CallbackRequest
from ..registry.options import ClientOptions
from ..registry.settings import read_settings
from ..storage.state import LIFETIME
from ..storage.state import Browser
from ..storage.tokens.account import Account
from ..storage.tokens.key import TokenKey
from ..transport._run import finish
from .app_state import AppState
from .app_state import Registration
from .form_post import FORM
from .form_post import HANDLE
from .form_post import MAX_FORM_BYTES
from .form_post import read_handle
from .proxy import warn_of_plain_http
from .signals import token_refresh_failed
from .signals import token_refreshed
from .signals import token_update
from .unproxied import unproxied
from .visit import is_prefetch
from .visit import is_secure

if TYPE_CHECKING:
    from .identity import Identity

#: Where a request remembers the stored tokens that it has used.
_KNOWN = "_oauthclient_tokens"
#: Where it is noted which request has set a token in ``g``, and by which registry.
_SET_BY = "_oauthclient_set_by"
#: How sealed secrets begin.
_SEALED = "sealed."


class FlaskIntegration:
    """One client's view of a Flask application and its current request.

    :param name: the client's name.
    :param state: what the registry keeps for the application.
    :param registration: what ``register`` was given.
    """

    expires_in = LIFETIME

    __slots__ = ("_bound", "_is_bound", "_registration", "_state", "name")

    def __init__(self, name: str, state: AppState, registration: Registration) -> None:
        self.name = name
        self._state = state
        self._registration = registration
        #: Owner and label, where it is not the default account of who is signed in.
        self._bound: tuple[str | None, str] = (None, "")
        self._is_bound = False

    def settings(self) -> tuple[ClientOptions, dict[str, Any]]:
        """The client's options and what is known of its server's metadata."""
        overwrite, keywords, is_complete = self._registration
        config = {} if is_complete else self._state.app.config
        return read_settings(self.name, keywords, config, overwrite=overwrite)

    @staticmethod
    def load_config(oauth: Any, name: str, params: Iterable[str]) -> dict[str, Any]:
        """Read options of a client out of the application's configuration.

        A subclass may find them elsewhere; see :meth:`OAuth.load_config`.

        :param oauth: the registry.
        :param name: the client's name.
        :param params: names of the options to look for.
        """
        keys = {option: f"{name}_{option}".upper() for option in params}
        config = oauth.active_config()
        return {option: config[key] for option, key in keys.items() if key in config}

    @property
    def cache(self) -> Any:
        """The cache of pending logins, or ``None``."""
        return self._state.cache

    # -- pending logins -------------------------------------------------------------------

    def new_state(self) -> str:
        """Make a state value."""
        if not has_request_context():
            return generate_token()
        return self._state.logins.new_state(self.name, request.host)

    def keep_login(self, state: str, data: Mapping[str, Any]) -> None:
        """Keep the data of a login until its callback.

        :raises MissingConfigurationError: if the application has no ``SECRET_KEY``.
        """
        if isinstance(unproxied(session), NullSession):
            raise MissingConfigurationError(
                "missing_configuration", "A login is kept in the session. Set SECRET_KEY."
            )
        self._state.logins.keep(self._browser(), self.name, state, data)

    def take_login(self, state: str) -> dict[str, Any]:
        """Take the data of a login, once, if this browser started it."""
        return self._state.logins.take(self._browser(), self.name, state)

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

    def set_state_data(self, session: MutableMapping[str, Any], state: str, data: Any) -> None:
        """Keep the data of a login; the older way to do so."""
        self._state.logins.keep(self._browser(session), self.name, state, data)

    def get_state_data(self, session: Mapping[str, Any], state: str) -> dict[str, Any] | None:
        """Read the data of a login without using it up, or ``None``."""
        return self._state.logins.peek(session, self.name, state)

    def clear_state_data(self, session: MutableMapping[str, Any], state: str) -> None:
        """Forget a login, and whatever has expired."""
        self._state.logins.drop(self._browser(session), self.name, state)

    def _browser(self, store: Any = None) -> Browser:
        secure = is_secure()
        flags = "Secure; HttpOnly" if secure else "HttpOnly"
        attributes = f"{flags}; Path=/; SameSite=Lax; Max-Age="

        def set_cookie(name: str, value: str, seconds: int) -> None:
            @after_this_request
            def add(response: Response) -> Response:
                # Name and value are base64url and dots: there is nothing to quote in them.
                response.headers.add("Set-Cookie", f"{name}={value}; {attributes}{seconds}")
                return response

        return Browser(
            session=session if store is None else store,
            cookies=request.cookies,
            host=request.host,
            secure=secure,
            set_cookie=set_cookie,
        )

    # -- the request ----------------------------------------------------------------------

    def read_callback(self) -> CallbackRequest:
        """The current request, if it is one that a browser makes to complete a login.

        :raises CallbackError: for another method, a prefetch, or a body that is no small form.
            No pending login is used up by these.
        """
        if request.method not in ("GET", "POST"):
            raise CallbackError("method_not_allowed")
        if is_prefetch():
            raise CallbackError("prefetch")
        if request.method == "GET":
            return self._read_query()
        if request.mimetype != FORM:
            raise CallbackError(
                "invalid_callback", "A posted callback is a form; this request has another body."
            )
        if request.content_length is None or request.content_length > MAX_FORM_BYTES:
            raise CallbackError("callback_too_large")
        return CallbackRequest("POST", request.form.items(multi=True))

    def _read_query(self) -> CallbackRequest:
        handle = request.args.get(HANDLE)
        if handle is None:
            return CallbackRequest("GET", request.args.items(multi=True))
        posted = read_handle(self._state.sealer, handle)
        if posted is None:
            raise CallbackError("invalid_callback")
        return CallbackRequest("POST", posted)

    def redirect(self, url: str) -> Any:
        """A 302 response."""
        return redirect(url, 302)

    def warn_of_plain_http(self) -> None:
        """Say, once, that a redirect URI is plain http, and what can be done about it."""
        warn_of_plain_http(self._state.app, self.name)

    # -- tokens ---------------------------------------------------------------------------

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
        owner = self._state.owner() if owner is None else owner
        if not owner:
            raise login_required(TokenKey(self.name, "", label))
        return Account(store, TokenKey(self.name, owner, label))

    @property
    def has_store(self) -> bool:
        """Whether a store keeps the tokens of users, and no function of the application."""
        return self._state.token_store is not None and self._function("fetch_token") is None

    def owner_of(self, identity: Identity) -> str | None:
        """Whose tokens those of a signed-in person are."""
        return self._state.owner_of(identity)

    def owner(self) -> str | None:
        """Whose stored tokens the current request is about; ``None`` for nobody."""
        return self._state.owner()

    def bound(self, owner: str | None, label: str) -> FlaskIntegration:
        """The same for another account.

        :param owner: whose; default is whoever is signed in.
        :param label: which of several of one owner.
        :raises MissingConfigurationError: without a store of tokens.
        """
        if not self.has_store:
            raise MissingConfigurationError(
                "missing_configuration",
                "Accounts are told apart by a store of tokens. Pass one, and no fetch_token: "
                "oauth.init_app(app, token_store=...).",
            )
        other = copy.copy(self)
        other._bound = owner, label
        other._is_bound = True
        return other

    @property
    def _token_name(self) -> str:
        name = f"_oauth_token_{self.name}"
        return f"{name} {self._bound}" if self._is_bound else name

    def current_token(self, account: Account | None = None) -> Any:
        """The token that this request has used already, or ``None``.

        :param account: where it is kept; by default it is one that was set by hand.
        """
        if account is not None:
            known = self._known()
            return None if known is None else known.get((self._state, account.key))
        if not has_app_context() or self._is_of_another_request():
            return None
        return g.get(self._token_name)

    def set_current_token(self, token: Any, account: Account | None = None) -> None:
        """Remember the token for the rest of the request."""
        if account is not None:
            known = self._known()
            if known is not None:
                # By its key, as somebody may sign in or out in the middle of a request.
                known[self._state, account.key] = token
        elif has_app_context():
            setattr(g, self._token_name, token)
            g.setdefault(_SET_BY, {})[self._token_name] = _this_request(), self._state

    @staticmethod
    def _known() -> dict[tuple[AppState, TokenKey], Any] | None:
        """The stored tokens that this request has used.

        Without a request each is read when it is needed: work in the background may go on for
        days, while people sign out.
        """
        asked = _this_request()
        return None if asked is None else asked.__dict__.setdefault(_KNOWN, {})

    def _is_of_another_request(self) -> bool:
        """Whether the token in ``g`` is none of this request's, or of another registry.

        All requests of a worker have one ``g`` if a module has pushed a context for good.
        """
        by = g.get(_SET_BY, {}).get(self._token_name)
        return by is not None and (by[0] not in (None, _this_request()) or by[1] is not self._state)

    def _function(self, name: str) -> Any:
        """A function of the application that keeps tokens: of the registration, or of all."""
        own = self._registration.keywords.get(name)
        if own is not None:
            return own
        shared = getattr(self._state, name)
        return None if shared is None else partial(shared, self.name)

    def fetch_token(self) -> Any:
        """The token of the user as a function of the application finds it, or ``None``."""
        fetch = self._function("fetch_token")
        return None if fetch is None else finish(fetch())

    def token_updated(self, token: Any, **old: Any) -> None:
        """Hand a replaced token to the functions of the application, and tell who listens."""
        update = self._function("update_token")
        if update is not None:
            finish(update(token, **old))
        self.update_token(token, **old)

    def refresh_told(self, account: Account | None, error: OAuthError | None = None) -> None:
        """Send ``token_refreshed`` or ``token_refresh_failed``.

        :param account: where the token is kept, if in a store.
        :param error: why it could not be refreshed.
        """
        key = TokenKey(self.name) if account is None else account.key
        known: dict[str, Any] = {"name": self.name, "owner": key.owner, "label": key.label}
        if error is None:
            token_refreshed.send(self._state.app, **known)
        else:
            token_refresh_failed.send(self._state.app, **known, error=error)

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
        token_update.send(
            self._state.app,
            name=self.name,
            token=token,
            refresh_token=refresh_token,
            access_token=access_token,
        )


def _this_request() -> Any:
    """The current request itself, or ``None``."""
    return unproxied(request) if has_request_context() else None
