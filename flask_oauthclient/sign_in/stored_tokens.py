"""What the routes do with a store of tokens: keep what a login gave, forget what is given up."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from ..protocol.errors import OAuthError
from ..storage.tokens.key import TokenKey
from .identity import Identity
from .login_result import LoginResult

if TYPE_CHECKING:
    from .site import Site

_log = logging.getLogger(__name__)

#: Seconds after which no revocation is begun any more: somebody waits for the sign-out.
_REVOCATION_SECONDS = 6


def keep_token(site: Site, result: LoginResult, identity: Identity | None) -> None:
    """Keep the token of a login, if the application has a store.

    :param site: the visit.
    :param result: the login.
    :param identity: whose it is; without one it is whoever the application says.
    :raises TokenStoreError: if it cannot be kept.
    """
    if not keeps_tokens(result.client):
        return
    framework = result.client.framework
    owner = framework.owner() if identity is None else framework.owner_of(identity)
    if owner is None:
        _tell_that_it_is_lost(site, result.name)
    else:
        result.client.for_account(owner, result.label).save_token(result.token)


def _tell_that_it_is_lost(site: Site, name: str) -> None:
    """Say once that the store cannot keep the token of a login, and what can be done."""
    told = site.state.warned_of
    if "owner" not in told:
        told.add("owner")
        _log.warning(
            "the token of a login at %r is not stored, as on_login has answered with a response "
            "and it is not known whose it is. If somebody is signed in by that, give the registry "
            "token_owner=..., or call save_token",
            name,
        )


def keeps_tokens(client: Any) -> bool:
    """Whether the tokens of a client are kept in a store, and by no function of the application."""
    return bool(client.framework.has_store)


class Ending(NamedTuple):
    """Tokens that end with a session."""

    site: Site
    owner: str
    tokens: list[tuple[TokenKey, Any]]

    def carry_out(self) -> None:
        """Remove the tokens, and revoke them where that can be done.

        The session has ended by then: nobody stays signed in because of a store, or a provider,
        that is down.
        """
        ended = dict(self.tokens)
        try:
            for key, token in self.tokens:
                ended[key] = self._taken(key) or token
            self.site.settings.oauth.forget_tokens(self.owner, revoke=False)
        except OAuthError as failure:
            _log.warning("tokens of somebody who signed out are still stored: %s", failure)
        self._revoke(ended)

    def _revoke(self, tokens: Mapping[TokenKey, Any]) -> None:
        until = time.monotonic() + _REVOCATION_SECONDS
        for key, token in tokens.items():
            client = self.site.registered(key.client)
            if client is None or token is None:
                continue
            if time.monotonic() > until:
                _log.warning("no revocation at %r: the others took too long", key.client)
            else:
                client.revoke_quietly(token)

    def _taken(self, key: TokenKey) -> Any:
        """What a refresh may have brought meanwhile, or ``None``."""
        client = self.site.registered(key.client)
        if client is None or not keeps_tokens(client):
            return None
        return client.for_account(key.owner, key.label).take_token()


def ending_with_session(site: Site, identity: Identity) -> Ending | None:
    """What ends of the tokens that the store has, when somebody signs out.

    That is all of them if the application wants it. What lives in the session is gone in any
    case, and should not stay valid.

    :param site: the visit.
    :param identity: who signs out.
    """
    store, owner = site.state.token_store, site.owner_of(identity)
    if store is None or owner is None:
        return None
    if not (site.settings.forget_tokens or getattr(store, "ends_with_session", False)):
        return None
    try:
        found = [(key, store.get(key)) for key in store.list(owner)]
    except OAuthError as failure:
        _log.warning("tokens of somebody who signs out are not found: %s", failure)
        found = []
    return Ending(site, owner, found)


def forget_account(client: Any, identity: Identity, label: str | None) -> None:
    """Forget the tokens of an account that is unlinked.

    :param client: the client at whose provider the account is.
    :param identity: who is signed in.
    :param label: which of several; default is all of them.
    :raises TokenStoreError: if the store cannot be asked.
    """
    if not keeps_tokens(client):
        return
    owner = client.framework.owner_of(identity)
    if owner is None:
        return
    mine = client.for_account(owner)
    labels = mine.accounts() if label is None else [label]
    for one in labels:
        client.for_account(owner, one).forget_token()
