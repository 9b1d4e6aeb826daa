"""What every session that presents an OAuth 2 token does to have one that holds."""

from __future__ import annotations

import os
import weakref
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import InvalidTokenError
from ..protocol.errors import MissingTokenError
from ..protocol.errors import OAuthError
from ..protocol.errors import TokenRequestError
from ..protocol.messages import Exchange
from ..protocol.messages import Request
from ..protocol.messages import Response
from ..protocol.oauth2.hooks import HookList
from ..protocol.oauth2.token import OAuth2Token
from ..transport._run import Steps
from ..transport._run import sent
from .calls import is_replaced
from .flavour import Flavour
from .token_auth import SessionTokenAuth

if TYPE_CHECKING:
    from ..storage.tokens.account import Account

#: How many of its former access tokens a session knows as its own.
_FORMER_TOKENS = 32

#: Gets another token for one, or for none.
Renewal = Callable[[OAuth2Token | None], Steps[OAuth2Token]]

_all: weakref.WeakSet[TokenUpkeep] = weakref.WeakSet()


def _reset_after_fork() -> None:
    for session in list(_all):
        session.reset_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


class TokenUpkeep(Flavour):
    """A token that is replaced when it has expired, once for all who want it.

    A session class calls :meth:`begin_upkeep` in its constructor.
    """

    #: What a refusal of the token endpoint becomes, if it is another one than the default.
    oauth_error_class = OAuthError
    token_auth_class: type[SessionTokenAuth] = SessionTokenAuth

    #: Compliance hooks by their type; sessions bring their own.
    compliance_hooks: dict[str, HookList]
    #: Whether credentials may travel to any http URL.
    insecure_http: bool
    #: Sends a request of the protocol: gives its response, or an awaitable of it.
    send_message: Callable[..., Any]

    def begin_upkeep(
        self,
        token: Any,
        token_placement: str,
        leeway: float,
        update_token: Callable[..., Any] | None,
        account: Account | None = None,
    ) -> None:
        """Begin with a token.

        :param token: the token, a dict, or ``None``.
        :param token_placement: where it goes in a request: ``header``, ``body`` or ``uri``.
        :param leeway: seconds before its expiry from which it is replaced.
        :param update_token: ``(token, refresh_token=None, access_token=None)``, called when it
            was replaced; a coroutine function may be given.
        :param account: where it is kept for all processes.
        """
        self.token_auth: Any = self.token_auth_class(token, token_placement, self)
        self.token_auth.insecure_http = self.insecure_http
        self.leeway = leeway
        self.update_token = update_token
        self._account = account
        self._former: deque[Any] = deque(maxlen=_FORMER_TOKENS)
        self.reset_lock()
        _all.add(self)
        self._attempts = 0
        self._failure: OAuthError | None = None

    # -- the token ------------------------------------------------------------------------

    @property
    def token(self) -> Any:
        """The current token, an :class:`OAuth2Token`, or ``None``."""
        return self.token_auth.token

    @token.setter
    def token(self, token: Any) -> None:
        if self.token:
            self._former.append(self.token.get("access_token"))
        self.token_auth.set_token(token)

    def had(self, token: Mapping[str, Any]) -> bool:
        """Whether a token is, or was, this session's; one without a token takes any for its own."""
        name = token.get("access_token")
        return not self.token or name == self.token.get("access_token") or name in self._former

    def reset_lock(self) -> None:
        """Make the lock anew: in a forked process, nobody is left to open it."""
        self._replacing = self.new_lock()
        self._is_asking = False

    def usable_steps(self) -> Steps[OAuth2Token]:
        """The steps to a token that has not expired.

        :raises MissingTokenError: if there is none.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        """
        token: OAuth2Token | None = self.token
        if not token or token.is_expired(self.leeway):
            if not (yield from self.active_steps()):
                raise InvalidTokenError if self.token else MissingTokenError
            token = self.token
        return OAuth2Token({}) if token is None else token

    def active_steps(self, token: Any = None) -> Steps[bool | None]:
        """Replace the current token if it has expired.

        However many threads or tasks ask at once, one of them replaces it.

        :param token: the token to judge; default is the current one.
        :returns: ``True`` if there is a usable token now, ``None`` if there is none to be had.
        """
        token = OAuth2Token.from_dict(self.token if token is None else token)
        if token is None and self._account is not None:
            token = yield from self._stored(self._account)
        if token and not token.is_expired(self.leeway):
            return True
        return (yield from self.replace_steps(token))

    def _stored(self, account: Account) -> Steps[OAuth2Token | None]:
        """The token of the store, to begin with, unless somebody else has begun with it already.

        What is read while somebody else replaces the token must not take the new one's place.
        """
        yield self._replacing.acquire()
        try:
            if self.token is None:
                self.token = yield self.apart(account.get)
            token: OAuth2Token | None = self.token
            return token
        finally:
            self._replacing.release()

    def replace_steps(self, used: Any) -> Steps[bool | None]:
        """Replace a token, unless somebody else did so, or failed to, meanwhile.

        :param used: the token that has expired, or that was refused.
        :returns: ``True`` if there is a usable token now, ``None`` if there is none to be had.
        """
        active: bool | None = yield self.to_the_end(self._replace_once(used, self._attempts))
        return active

    def _replace_once(self, used: Any, attempts: int) -> Steps[bool | None]:
        yield self._replacing.acquire()
        try:
            self._check_not_asking()
            if self._attempts != attempts:
                if self._failure is not None:
                    raise self._failure.again()  # each thread or task its own traceback
                if is_replaced(used, self.token):
                    return True
            current = self.token if is_replaced(used, self.token) else used
            if current is not used and not current.is_expired(self.leeway):
                return True
            if not self.is_replaceable(current):
                return None
            yield from self._attempt(current)
            return True
        finally:
            self._replacing.release()

    def _attempt(self, token: Any) -> Steps[None]:
        self._failure = None
        try:
            yield from self._replace(token)
        except OAuthError as failure:
            self._failure = failure.again()
            raise
        finally:
            self._attempts += 1  # at the end: who comes before that waits for this attempt

    @abstractmethod
    def is_replaceable(self, token: Any) -> bool:
        """Whether there is a way to get another token for this one, or for none."""

    @abstractmethod
    def _replace(self, token: Any) -> Steps[None]:
        """Get another token for this one, or for none, and keep it."""

    def _check_not_asking(self) -> None:
        """Whoever has the lock may take it once more, but must not spend a token twice."""
        if self._is_asking:
            raise InvalidTokenError(
                description="A hook of a token request calls an API with the token that is being "
                "replaced."
            )

    def _asked(self, steps: Steps[OAuth2Token]) -> Steps[OAuth2Token]:
        self._is_asking = True
        try:
            return (yield from steps)
        finally:
            self._is_asking = False

    def _renew_in_turn(self, stale: OAuth2Token, renewal: Renewal) -> Steps[OAuth2Token | None]:
        """The same as :meth:`_renew` for a caller who has not taken the lock, maybe."""
        yield self._replacing.acquire()
        try:
            self._check_not_asking()
            if is_replaced(stale, self.token):
                return None
            return (yield from self._renew(stale, renewal))
        finally:
            self._replacing.release()

    def _renew(self, stale: OAuth2Token | None, renewal: Renewal) -> Steps[OAuth2Token | None]:
        """Use another token from now on: what a renewal brings, or, with a store, what that of
        somebody else has brought already.

        :param stale: the token to replace.
        :param renewal: gets another one for what turns out to be the current one.
        :returns: the token that was replaced here, or ``None`` if somebody else has done it.
        """
        replaced: list[OAuth2Token] = []
        fresh: Any

        def renew(current: Any) -> OAuth2Token:
            old = OAuth2Token.from_dict(current) or OAuth2Token({})
            renewed: OAuth2Token = self.back(self._asked(renewal(old)))
            replaced.append(old)
            return renewed

        account = self._account
        if account is None:
            fresh = yield from self._asked(renewal(stale))
            replaced.append(stale or OAuth2Token({}))
        else:
            fresh = yield self.apart(lambda: account.refresh(stale, renew))
        self.token = fresh
        if fresh is None:  # it was removed from the store
            raise MissingTokenError
        return replaced[0] if replaced else None

    def _kept(self, token: OAuth2Token) -> Steps[OAuth2Token]:
        """Use a token from now on, and let the store have it."""
        account = self._account
        if account is not None:
            yield self.apart(lambda: account.put(token))
        self.token = token
        return token

    def _tell(self, **old: Any) -> Steps[None]:
        if self.update_token is not None:
            yield self.update_token(self.token, **old)

    # -- requests of the protocol ---------------------------------------------------------

    def exchange_steps(
        self, exchange: Exchange[OAuth2Token], hook: str, **settings: Any
    ) -> Steps[OAuth2Token]:
        """The steps of a token exchange, with the compliance hooks of its kind.

        :param exchange: the exchange.
        :param hook: ``access_token`` or ``refresh_token``.
        :param settings: keywords of the HTTP library for this call.
        """
        on_response = self.compliance_hooks.get(f"{hook}_response", ())

        def send(request: Request) -> Any:
            steps = self.hooked_steps(
                request,
                f"{hook}_request",
                on_response=lambda answer: self.drive(_changed(on_response, answer)),
                **settings,
            )
            return self.drive(steps)

        return self._with_own_errors(sent(exchange, send))

    def _with_own_errors(self, steps: Steps[OAuth2Token]) -> Steps[OAuth2Token]:
        """Let a subclass that names its own ``oauth_error_class`` have refusals as that."""
        try:
            return (yield from steps)
        except TokenRequestError as refusal:
            if self.oauth_error_class is OAuthError:
                raise
            error, description = refusal.error, refusal.description
        raise self.oauth_error_class(error=error, description=description)

    def hooked_steps(self, request: Request, hook_type: str, **settings: Any) -> Steps[Response]:
        """Send a request of the protocol after its compliance hooks have changed it.

        :param request: the request.
        :param hook_type: the type of its hooks.
        :param settings: as :meth:`send_message` takes them.
        """
        url, headers, body = request.url, dict(request.headers), request.body
        for change in self.compliance_hooks.get(hook_type, ()):
            url, headers, body = yield change(url, headers, body)
        changed = Request(request.purpose, request.method, url, headers, body)
        response: Response = yield self.send_message(
            changed, insecure_http=self.insecure_http, **settings
        )
        return response


def _changed(hooks: Iterable[Callable[[Any], Any]], answer: Any) -> Steps[Any]:
    for change in hooks:
        changed = yield change(answer)
        answer = answer if changed is None else changed  # a refusal counts as false
    return answer
