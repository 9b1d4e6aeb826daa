"""The way to a provider, for everything that begins there: signing in, and linking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..protocol.errors import OAuthError
from . import signals
from .failure import fail
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
    try:
        response = client.authorize_redirect(
            url_of("callback", provider=client.name), extra=known, **params
        )
    except OAuthError as error:
        error.extra = known
        return fail(settings, client.name, error)
    signals.login_started.send(this_app(), name=client.name)
    return response
