"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0, section 2)."""

from __future__ import annotations

from typing import Any

from ..oauth2.authorization import authorization_url

#: Parameters that an application may add.
OPTIONAL_PARAMS = ("client_id", "logout_hint", "ui_locales")


def logout_url(
    endpoint: str,
    *,
    id_token_hint: str | None,
    post_logout_redirect_uri: str | None,
    state: str | None,
    **params: Any,
) -> str:
    """Build the URL that ends the user's session at the provider.

    :param endpoint: the end session endpoint.
    :param id_token_hint: ID token that was issued to this client.
    :param post_logout_redirect_uri: a registered URL to come back to.
    :param state: value to come back with; sent only together with that URL.
    :param params: any of :data:`OPTIONAL_PARAMS`; others are left out.
    """
    returning = post_logout_redirect_uri is not None
    return authorization_url(
        endpoint,
        {
            "id_token_hint": id_token_hint,
            "post_logout_redirect_uri": post_logout_redirect_uri,
            "state": state if returning else None,
            **{name: params.get(name) for name in OPTIONAL_PARAMS},
        },
    )
