"""Linking: one more provider account for somebody who is signed in, and one less.

The application keeps the links; here it is made sure that the person who asked is the one who
comes back. A link that anybody else could start, or finish, would let them in.
"""

from __future__ import annotations

import time
from typing import Any

from flask import redirect
from flask import request

from ..protocol.errors import LinkMismatchError
from . import signals
from .failure import remember_success
from .identity import Identity
from .identity import identity_of
from .login_result import LoginResult
from .pages import wanted_next
from .settings import BlueprintSettings
from .settings import this_app
from .signed_in import read_identity
from .step_up import Demand
from .step_up import ask
from .stored_tokens import forget_account
from .stored_tokens import keep_token
from .to_provider import send_to_provider
from .visit import check_is_ours


class LinkRoutes:
    """The views about linking.

    :param settings: of the blueprint.
    """

    def __init__(self, settings: BlueprintSettings) -> None:
        self._settings = settings

    def link(self, provider: str) -> Any:
        """Send a signed-in person to a provider whose account is to be linked."""
        client, identity = self._settings.client(provider), self._signed_in_lately()
        if identity is None:
            return self._ask_to_sign_in()
        extra = {"next": wanted_next(), "link": identity.sign_in_id}
        return send_to_provider(self._settings, client, extra)

    def unlink(self, provider: str) -> Any:
        """Take a link away again; the application says whether that may be."""
        client, identity = self._settings.client(provider), self._signed_in_lately()
        if identity is None:
            return self._ask_to_sign_in()
        on_unlink = self._settings.on_unlink
        answer = on_unlink(provider, identity) if on_unlink is not None else None
        if answer is not None:  # it may have said no
            return answer
        forget_account(client, identity, request.form.get("label"))
        signals.account_unlinked.send(this_app(), name=provider, identity=identity)
        return redirect(wanted_next())

    def _signed_in_lately(self) -> Identity | None:
        check_is_ours()
        identity = read_identity()
        if identity is None:
            return None
        # Not every provider says when the person was there last, without being asked.
        age = time.time() - (identity.auth_time or identity.signed_in_at)
        return identity if age <= self._settings.link_max_age else None

    def _ask_to_sign_in(self) -> Any:
        """Whoever sits here now may not be who signed in an hour ago."""
        identity = read_identity()
        is_told = identity is not None and identity.auth_time is not None
        demand = Demand(max_age=self._settings.link_max_age if is_told else None)
        return ask(demand, "insufficient_user_authentication")


def complete_link(settings: BlueprintSettings, result: LoginResult, sign_in_id: str) -> Any:
    """Link the account that somebody came back with; who is signed in stays the same.

    :param settings: of the blueprint.
    :param result: the login at the account to link.
    :param sign_in_id: the sign-in during which linking was asked for.
    :raises LinkMismatchError: if it is not the current one.
    """
    identity = read_identity()
    if identity is None or identity.sign_in_id != sign_in_id:
        raise LinkMismatchError
    linked = identity_of(result, identity.user)
    answer = settings.on_link(result, identity) if settings.on_link is not None else None
    result.take_newer_token()
    if answer is None:
        keep_token(result, identity)
    remember_success(result.next_url)
    if answer is not None:  # it may have said no
        return answer
    signals.account_linked.send(
        this_app(),
        name=result.name,
        identity=identity,
        linked=linked,
        **settings.with_token(result.token),
    )
    return redirect(result.next_url)
