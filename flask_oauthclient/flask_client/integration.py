"""What Flask gives a client: the session, cookies, the request, the token of a request."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import MutableMapping
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

from ..protocol.errors import MissingConfigurationError
from ..protocol.random import generate_token
from ..registry.framework import CallbackRequest
from ..registry.integration import Integration
from ..sign_in.callback_request import read_callback
from ..storage.state import Browser
from ..storage.tokens.account import Account
from ..storage.tokens.key import TokenKey
from ..transport._run import finish
from . import signals
from .app_state import AppState
from .proxy import warn_of_plain_http
from .unproxied import unproxied
from .visit import is_secure

#: Where a request remembers the stored tokens that it has used.
_KNOWN = "_oauthclient_tokens"
#: Where it is noted which request has set a token in ``g``, and by which registry.
_SET_BY = "_oauthclient_set_by"


class FlaskIntegration(Integration):
    """One client's view of a Flask application and its current request.

    :param name: the client's name.
    :param state: what the registry keeps for the application.
    :param registration: what ``register`` was given.
    """

    __slots__ = ()

    _state: AppState

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
        super().keep_login(state, data)

    def browser(self, store: MutableMapping[str, Any] | None = None) -> Browser:
        """The browser of the current request.

        :param store: its session, if that is not Flask's.
        """
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
        return read_callback(
            request.method,
            request.path,
            request.headers,
            query=lambda: request.args.items(multi=True),
            form=lambda: request.form.items(multi=True),
            sealer=self._state.sealer,
        )

    def redirect(self, url: str) -> Any:
        """A 302 response."""
        return redirect(url, 302)

    def warn_of_plain_http(self) -> None:
        """Say, once, that a redirect URI is plain http, and what can be done about it."""
        warn_of_plain_http(self._state.app, self.name)

    # -- tokens ---------------------------------------------------------------------------

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

    def fetch_token(self) -> Any:
        """The token of the user as a function of the application finds it, or ``None``."""
        fetch = self._function("fetch_token")
        return None if fetch is None else finish(fetch())

    def _send(self, signal: str, **values: Any) -> None:
        getattr(signals, signal).send(self._state.app, **values)


def _this_request() -> Any:
    """The current request itself, or ``None``."""
    return unproxied(request) if has_request_context() else None
