"""The stored tokens of a client: whose they are, keeping them, forgetting them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import Enum
from enum import auto
from typing import Any
from typing import NamedTuple
from typing import Self
from uuid import UUID

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import LoginRequired
from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import MissingTokenError
from ..storage.tokens.account import Account
from ..storage.tokens.key import TokenKey
from ..storage.tokens.key import owner_text


class WhoIsSignedIn(Enum):
    """Stands for the owner whom only the current request tells."""

    WHO_IS_SIGNED_IN = auto()


WHO_IS_SIGNED_IN = WhoIsSignedIn.WHO_IS_SIGNED_IN

_NOBODY = (
    "Nobody is signed in, so it is not known whose token it is. Sign in. Views of your own need "
    "OAuth(token_owner=...); without a request say for_account(owner=...)."
)


class Found(NamedTuple):
    """A token, and where it is kept, if it comes from a store."""

    token: Any
    account: Account | None


def login_required(key: TokenKey) -> LoginRequired:
    """The error for an account whose owner has to sign in."""
    label = {"label": key.label} if key.label else {}
    description = None if key.owner else _NOBODY
    return LoginRequired(description=description, detail={"client": key.client, **label})


class Accounts:
    """Tokens of users, and of the client itself, as they are found, kept and forgotten."""

    framework: Any
    name: str
    #: Class that a stored token is read as.
    token_cls: Any = dict

    @property
    def _has_own_tokens(self) -> bool:
        """Whether it is the client that is authorized, and no user."""
        return False

    def at_hand(self, token: Any = None) -> Found | None:
        """A token for a call, if nobody has to be asked for it.

        :param token: one that the caller has; default is what this request has used.
        """
        given = token or self.framework.current_token()
        return Found(self._read_token(given), None) if given else None

    def find_token(self, token: Any = None) -> Found:
        """Find a token for a call, and where it is kept.

        :param token: one that the caller has; default is what this request has used, what a
            function of the application finds, or what the store has.
        :raises LoginRequired: if it is a user's in a store, and nobody is signed in.
        """
        given = self.at_hand(token)
        if given is not None:
            return given
        account = self.framework.account(own=self._has_own_tokens)
        known = None if account is None else self.framework.current_token(account)
        if known is not None:
            return Found(known, account)
        stored = self.framework.fetch_token() if account is None else account.get()
        found = self._read_token(stored)
        if found is not None:
            self.framework.set_current_token(found, account)
        return Found(found, account)

    def _read_token(self, stored: Any) -> Any:
        """A token as it was before it was kept; ``None`` stays ``None``."""
        return self.token_cls.from_dict(stored)

    def _resolve_token(self, token: Any) -> Any:
        found = self.find_token(token)
        if not found.token:
            raise self._no_token(found.account)
        return found.token

    def _no_token(self, account: Account | None) -> MissingTokenError:
        if account is None or self._has_own_tokens:
            return MissingTokenError()
        return login_required(account.key)

    def is_usable(self, token: Any) -> bool:
        """Whether a call can be made with a token, as far as that is known without asking."""
        return bool(token)

    def prepare_to_share(self) -> None:
        """Make what a copy for another account has to have in common with this client."""

    @property
    def authorized(self) -> bool:
        """Whether there is a token with which a call can be made: the current user's, or, with
        client credentials, one that is got when it is needed.

        Nobody is asked but the store.
        """
        if self._has_own_tokens:
            return True
        try:
            token = self.find_token().token
        except LoginRequired:
            return False
        return self.is_usable(token)

    def for_account(
        self, owner: str | int | UUID | WhoIsSignedIn = WHO_IS_SIGNED_IN, label: str = ""
    ) -> Self:
        """The client with the stored token of somebody else, or of another account.

        ::

            oauth.google.for_account(label="work").get("calendar/v3/calendars")
            oauth.google.for_account(owner=user.id).get("drive/v3/files")  # in a worker

        :param owner: the application's key of the person; default is whoever is signed in.
        :param label: which of several accounts of one owner.
        :raises MissingConfigurationError: without a store of tokens.
        :raises InvalidSettingError: for an owner that is nobody: an empty column of a database
            must not stand for whoever is signed in.
        """
        whose = None if owner is WHO_IS_SIGNED_IN else owner_text(owner)
        if whose is None and owner is not WHO_IS_SIGNED_IN:
            raise InvalidSettingError(
                "invalid_configuration",
                "for_account: the owner is nobody. Give the key of a person, or leave owner out "
                "for who is signed in.",
            )
        framework = self.framework.bound(whose, label)
        self.prepare_to_share()
        other = copy.copy(self)
        other.framework = framework
        return other

    def save_token(self, token: Mapping[str, Any]) -> None:
        """Keep a token in the store, in place of what is there.

        The blueprint does that by itself. With views of one's own it is called when it is known
        who has signed in.

        :param token: what :meth:`authorize_access_token` gave.
        :raises InvalidSettingError: for what is no token.
        :raises LoginRequired: if nobody is signed in.
        :raises MissingConfigurationError: without a store of tokens.
        :raises TokenStoreError: if the store cannot be asked, or the token is too large.
        """
        if not isinstance(token, Mapping) or not (
            token.get("access_token") or token.get("oauth_token")
        ):
            raise InvalidSettingError(
                "invalid_configuration",
                "save_token: a token is the dict that authorize_access_token gave, with its "
                "access_token (OAuth 1.0a: oauth_token).",
            )
        account = self._account()
        account.put(token)
        self.framework.set_current_token(self._read_token(dict(token)), account)

    def forget_token(self, *, revoke: bool = True) -> bool:
        """Remove the token from the store, and make it worthless.

        :param revoke: ask the provider to revoke it, where it can (RFC 7009). That it cannot be
            reached is noted in the log.
        :returns: whether there was one.
        :raises MissingConfigurationError: without a store of tokens.
        :raises TokenStoreError: if the store cannot be asked.
        """
        token = self.take_token()
        if token is None:  # there may be one that no key opens
            return self._account().delete()
        if revoke:
            self.revoke_quietly(token)
        return True

    def take_token(self) -> Any:
        """Remove the token from the store, and leave it to the caller to make it worthless.

        :returns: the token, or ``None``.
        :raises MissingConfigurationError: without a store of tokens.
        :raises TokenStoreError: if the store cannot be asked.
        """
        account = self._account()
        token = account.take()
        self.framework.set_current_token(None, account)
        return token

    def accounts(self) -> list[str]:
        """The labels of the accounts that the store has of the current owner at this client."""
        account = self._account()
        known = account.store.list(account.key.owner)
        return [key.label for key in known if key.client == self.name]

    def revoke_quietly(self, token: Any) -> bool:
        """Ask the provider to revoke a token, if it can; a failure is noted in the log.

        :param token: the token response, or a token.
        :returns: whether it was asked and has done it.
        """
        return False

    def _account(self) -> Account:
        account: Account | None = self.framework.account(own=self._has_own_tokens)
        if account is None:
            raise MissingConfigurationError(
                "missing_configuration",
                "There is no store of tokens, or fetch_token is used instead. Pass one to the "
                "registry: OAuth(token_store=...).",
            )
        return account
