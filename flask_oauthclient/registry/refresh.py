"""Tokens of OAuth 2 as time goes by: used, replaced before they expire, replaced when refused."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from typing import cast

from ..protocol.errors import InvalidTokenError
from ..protocol.errors import LoginRequired
from ..protocol.errors import OAuthError
from ..protocol.errors import ProviderResponseError
from ..protocol.errors import TokenRequestError
from ..protocol.errors import TokenStoreError
from ..protocol.errors import TransportError
from ..protocol.errors import UnsupportedTokenTypeError
from ..protocol.oauth2.token import OAuth2Token
from ..storage.single_flight import SingleFlight
from ..storage.tokens.account import Account
from .accounts import Found
from .clocks import OtherClocks
from .options import ClientOptions
from .remote_app import RemoteApp

_log = logging.getLogger(__name__)

#: Failures that may pass before a stored token expires.
_MAY_PASS = (
    TransportError,
    ProviderResponseError,
    TokenRequestError,
    UnsupportedTokenTypeError,
    TokenStoreError,
)


class RefreshingApp(RemoteApp):
    """A client whose tokens expire.

    Where a store keeps them it sees to it that each is replaced once by all processes; where
    functions of the application do, each is replaced once in this process.
    """

    token_cls = OAuth2Token

    _flights: SingleFlight[OAuth2Token] | None
    _clocks: OtherClocks

    def _settings(self, options: ClientOptions, metadata: dict[str, Any]) -> dict[str, Any]:
        own = {"_flights": None, "_clocks": OtherClocks()}
        return {**own, **super()._settings(options, metadata)}

    def prepare_to_share(self) -> None:
        """Make what a copy for another account has to have in common with this client."""
        super().prepare_to_share()
        self._refreshes  # noqa: B018  made when it is asked for

    @property
    def _refreshes(self) -> SingleFlight[OAuth2Token]:
        with self._lock:
            if self._flights is None:
                self._flights = SingleFlight()
            return self._flights

    # -- what a client does to have another token ------------------------------------------

    @abstractmethod
    def _renew(self, token: OAuth2Token | None) -> OAuth2Token:
        """Ask the provider for another token in place of one, or of none."""

    @abstractmethod
    def _get_ready(self, token: OAuth2Token | None) -> None:
        """Ask for what :meth:`_renew` needs besides: the life of a lock is that of one request."""

    # -- tokens ---------------------------------------------------------------------------

    def ensure_active_token(self, token: Any = None) -> OAuth2Token:
        """A token that has not expired: the given one, or its replacement.

        However many threads ask with one expired token, one request replaces it; with a store of
        tokens, however many processes.

        :param token: default is the stored token of the current user.
        :raises MissingTokenError: if there is none.
        :raises InvalidTokenError: if it has expired and cannot be replaced.
        :raises LoginRequired: for both, if tokens are kept in a store.
        """
        return self._active(self.find_token(token))

    def _active(self, found: Found) -> OAuth2Token:
        return self._good(found) or self._made_good(found)

    def _good(self, found: Found) -> OAuth2Token | None:
        """The token, if it need not be replaced."""
        token: OAuth2Token | None = found.token
        if token and token.get("access_token") and not self._is_due(token, found.account):
            return token
        return None

    def _made_good(self, found: Found) -> OAuth2Token:
        """Another token for one that has to be replaced, or that one if there is still time."""
        token: OAuth2Token | None = found.token
        if not token:
            if not self._has_own_tokens:
                raise self._no_token(found.account)
            return self._replaced(found)
        has_access_token = bool(token.get("access_token"))
        is_good_still = has_access_token and token.is_expired(0) is False
        if is_good_still and found.account is not None and not self._can_replace(token):
            return token
        try:
            return self._replaced(found)
        except OAuthError as failure:
            # There is time left, in which the provider, or the store, may recover.
            passes = _MAY_PASS if found.account is not None else (TransportError, TokenStoreError)
            if not (is_good_still and isinstance(failure, passes)):
                raise
            _log.info("client %r: early refresh failed: %s", self.name, failure.error)
            return token

    def _is_due(self, token: OAuth2Token, account: Account | None) -> bool:
        if not token.is_due(self._leeway_of_tokens):
            return False
        if account is None or not token.is_of_another_clock():
            return True
        return self._clocks.is_news(account.key)

    @property
    def _leeway_of_tokens(self) -> float:
        leeway: float = self.client_kwargs.get("leeway", 60)
        return leeway

    def refresh_token(self, token: Any = None) -> OAuth2Token:
        """Replace a token now, store the new one and tell whoever listens.

        :param token: the token to replace; default is the stored token of the current user.
        :returns: the new token; what the provider left out stays as it was. If somebody else has
            replaced it already, theirs.
        :raises InvalidTokenError: if there is nothing to replace it with.
        :raises LoginRequired: if tokens are kept in a store, and the provider refuses this one.
        :raises OAuthError: if the provider cannot be asked, or refuses.
        """
        found = self.find_token(token)
        if found.token is None and not self._has_own_tokens:
            raise self._no_token(found.account)
        return self._replaced(found)

    def _account_with(self, token: OAuth2Token) -> Account | None:
        """The account of the current owner in which a token is kept that the caller has.

        Replaced anywhere else, the one that is kept would be spent.
        """
        try:
            account: Account | None = self.framework.account(own=self._has_own_tokens)
        except LoginRequired:
            return None
        if account is None or _is_same(token, account.get()):
            return account
        for key in account.store.list(account.key.owner):
            other = account._replace(key=key)
            if key.client == self.name and _is_same(token, other.get()):
                return other
        return None

    def _replaced(self, found: Found) -> OAuth2Token:
        """Another token for one that is spent, or a first one of the client's own."""
        token, account = found
        if account is None and token is not None:
            account = self._account_with(token)
        if not self._can_replace(token):
            raise InvalidTokenError if account is None else self._no_token(account)
        if account is None:
            fresh = self._refreshes.do(self._flight_of(token), lambda: self._renew_and_tell(token))
        else:
            fresh = self._replace_stored(token, account)
            self.framework.set_current_token(fresh, account)
        # Somebody else's token may be replaced here as well; it is not this request's then.
        current = self.framework.current_token() or {}
        if token and current.get("access_token") == token.get("access_token"):
            self.framework.set_current_token(fresh)
        return fresh

    def _flight_of(self, token: OAuth2Token | None) -> str:
        return "" if token is None else str(token.get("refresh_token") or token["access_token"])

    def _can_replace(self, token: Any) -> bool:
        return bool((token or {}).get("refresh_token")) or self._has_own_tokens

    def _replace_stored(self, token: OAuth2Token | None, account: Account) -> OAuth2Token:
        """Replace a token in a store; of all processes that want to, one asks the provider."""
        # What this caller asked the provider to replace, and what it got.
        replaced: list[OAuth2Token | None] = []
        renewed: list[OAuth2Token] = []

        def renew(current: Any) -> OAuth2Token:
            replaced.append(OAuth2Token.from_dict(current))
            renewed.append(self._renew(replaced[0]))
            return renewed[0]

        failure: OAuthError
        with suppress(OAuthError):  # it comes again, and is noted beside the token then
            self._get_ready(token)
        try:
            fresh = self._read_token(account.refresh(token, renew))
        except OAuthError as error:
            failure = error
        else:
            if fresh is None:  # its owner has signed out meanwhile
                self._revoke_what_came_late(renewed)
                raise self._no_token(account)
            if replaced:  # and it is written
                self._tell(fresh, replaced[0])
                self.framework.refresh_told(account)
            return cast("OAuth2Token", fresh)
        self.framework.set_current_token(None, account)  # it may be gone: the store knows
        if replaced:
            self.framework.refresh_told(account, failure)
        if failure.error == "invalid_grant" and not self._has_own_tokens:
            raise self._no_token(account)
        raise failure

    def _revoke_what_came_late(self, tokens: list[OAuth2Token]) -> None:
        """A sign-out has overtaken the refresh: what came of it is nobody's, and still valid."""
        for token in tokens:
            self.revoke_quietly(token)

    def _renew_and_tell(self, token: OAuth2Token | None) -> OAuth2Token:
        fresh = self._renew(token)
        self._tell(fresh, token)
        return fresh

    def _tell(self, fresh: OAuth2Token, old: OAuth2Token | None) -> None:
        """Hand a new token to whoever keeps tokens, or wants to know."""
        known = OAuth2Token({}) if old is None else old
        spent = known.get("refresh_token")
        before = None if spent else known.get("access_token")
        self.framework.token_updated(fresh, refresh_token=spent, access_token=before)

    def is_usable(self, token: Any) -> bool:
        """Whether a call can be made with a token: it has not expired, or can be refreshed."""
        if not token:
            return False
        is_good = bool(token.get("access_token")) and token.is_expired(0) is not True
        return is_good or self._can_replace(token)


def _is_same(token: Mapping[str, Any], stored: Mapping[str, Any] | None) -> bool:
    names = "access_token", "refresh_token"
    return stored is not None and any(
        token.get(name) and token[name] == stored.get(name) for name in names
    )
