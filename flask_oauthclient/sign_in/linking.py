"""Linking: one more provider account for somebody who is signed in, and one less.

The application keeps the links; here it is made sure that the person who asked is the one who
comes back. A link that anybody else could start, or finish, would let them in.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import LinkMismatchError
from .identity import Identity
from .identity import identity_of
from .login_result import LoginResult
from .pages import wanted_next
from .remembered import remember_success
from .signed_in import read_identity
from .step_up import Demand
from .step_up import ask
from .stored_tokens import forget_account
from .stored_tokens import keep_token
from .to_provider import send_to_provider
from .visit import check_is_ours

if TYPE_CHECKING:
    from .site import Site


def link(site: Site, provider: str) -> Any:
    """Send a signed-in person to a provider whose account is to be linked."""
    client, identity = site.client(provider), _signed_in_lately(site)
    if identity is None:
        return _ask_to_sign_in(site)
    extra = {"next": wanted_next(site), "link": identity.sign_in_id}
    return send_to_provider(site, client, extra)


def unlink(site: Site, provider: str) -> Any:
    """Take a link away again; the application says whether that may be."""
    client, identity = site.client(provider), _signed_in_lately(site)
    if identity is None:
        return _ask_to_sign_in(site)
    answer = site.call(site.settings.on_unlink, provider, identity)
    if answer is not None:  # it may have said no
        return answer
    label = site.form("label")
    forget_account(client, identity, label[0] if label else None)
    site.send("account_unlinked", name=provider, identity=identity)
    return site.redirect(wanted_next(site))


def _signed_in_lately(site: Site) -> Identity | None:
    check_is_ours(site)
    identity = read_identity(site)
    if identity is None:
        return None
    # Not every provider says when the person was there last, without being asked.
    age = time.time() - (identity.auth_time or identity.signed_in_at)
    return identity if age <= site.settings.link_max_age else None


def _ask_to_sign_in(site: Site) -> Any:
    """Whoever sits here now may not be who signed in an hour ago."""
    identity = read_identity(site)
    is_told = identity is not None and identity.auth_time is not None
    demand = Demand(max_age=site.settings.link_max_age if is_told else None)
    return ask(site, demand, "insufficient_user_authentication")


def complete_link(site: Site, result: LoginResult, sign_in_id: str) -> Any:
    """Link the account that somebody came back with; who is signed in stays the same.

    :param site: the visit.
    :param result: the login at the account to link.
    :param sign_in_id: the sign-in during which linking was asked for.
    :raises LinkMismatchError: if it is not the current one.
    """
    identity = read_identity(site)
    if identity is None or identity.sign_in_id != sign_in_id:
        raise LinkMismatchError
    linked = identity_of(result, identity.user)
    answer = site.call(site.settings.on_link, result, identity)
    result.take_newer_token()
    if answer is None:
        keep_token(site, result, identity)
    remember_success(site, result.next_url)
    if answer is not None:  # it may have said no
        return answer
    site.send(
        "account_linked",
        name=result.name,
        identity=identity,
        linked=linked,
        **site.settings.with_token(result.token),
    )
    return site.redirect(result.next_url)
