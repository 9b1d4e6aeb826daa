"""The way to a provider and back, for everything that leads there: signing in, and linking."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..protocol.errors import MismatchingStateError
from ..protocol.errors import OAuthError
from . import signals
from .failure import fail
from .identity import Identity
from .mounted import has_several
from .mounted import sign_outs
from .mounted import this_blueprint
from .pages import url_of
from .settings import BlueprintSettings
from .settings import this_app


def send_to_provider(
    settings: BlueprintSettings, client: Any, extra: Mapping[str, Any], **params: Any
) -> Any:
    """Begin a login, or say why that cannot be.

    :param settings: of the blueprint.
    :param client: the client.
    :param extra: what the callback has to know.
    :param params: of the authorization request.
    """
    known = {name: value for name, value in extra.items() if value is not None}
    known["at"] = round(time.time(), 3)
    if has_several():
        known["in"] = this_blueprint()
    try:
        response = client.authorize_redirect(
            url_of("callback", provider=client.name), extra=known, **params
        )
    except OAuthError as error:
        error.extra = known
        return fail(settings, client.name, error)
    signals.login_started.send(this_app(), name=client.name)
    return response


def check_same_blueprint(about: Mapping[str, Any]) -> None:
    """Where a login began it ends: blueprints may have functions and people of their own.

    :param about: what the callback knows.
    :raises MismatchingStateError: if it began at another one.
    """
    if about.get("in", this_blueprint()) != this_blueprint():
        raise MismatchingStateError("mismatching_state")


def check_not_ended(identity: Identity, about: Mapping[str, Any]) -> None:
    """The provider has not ended its session while the browser was on its way back.

    :param identity: who comes back.
    :param about: what the callback knows.
    :raises MismatchingStateError: if it has; the login may begin anew.
    :raises StateStoreError: if the cache cannot be asked.
    """
    since = about.get("at")
    if identity.issuer is None or not isinstance(since, int | float):
        return
    told = identity.provider, identity.issuer, identity.sub, identity.sid
    if sign_outs().ended(*told, since=since):
        raise MismatchingStateError("state_expired")
