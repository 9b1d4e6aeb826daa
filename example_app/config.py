"""What the app needs to know, and where it comes from."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

#: The environment variables that point the app at another provider.
ISSUER = "EXAMPLE_ISSUER"
CLIENT_ID = "DEMO_CLIENT_ID"
CLIENT_SECRET = "DEMO_CLIENT_SECRET"  # noqa: S105 - the name of a setting


class SettingsError(Exception):
    """The environment asks for something that cannot work; the message says what to set."""


def defaults() -> dict[str, Any]:
    """The settings that hold wherever the app runs.

    The signing key is made anew at every start. Nothing is lost by that: the tokens live in this
    process and end with it too.
    """
    return {
        "SECRET_KEY": secrets.token_hex(32),
        "SESSION_COOKIE_NAME": "example_app",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": 16 * 1024,
        "DEMO_CLIENT_KWARGS": {"scope": "openid profile email"},
        # Whether DEMO_ISSUER is the development provider that python -m example_app brings.
        "DEVELOPMENT_PROVIDER": False,
    }


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read the provider to use from the environment.

    :param environ: usually ``os.environ``.
    :returns: settings for :func:`example_app.create_app`; empty if no issuer is named.
    :raises SettingsError: if there is an issuer but no client to use at it.
    """
    issuer = environ.get(ISSUER)
    if not issuer:
        return {}
    client_id = environ.get(CLIENT_ID)
    if not client_id:
        raise SettingsError(
            f"{ISSUER} is set, but {CLIENT_ID} is not. Register this app at the provider, then "
            f"set {CLIENT_ID} and, for a confidential client, {CLIENT_SECRET}."
        )
    found = {"DEMO_ISSUER": issuer, CLIENT_ID: client_id}
    if secret := environ.get(CLIENT_SECRET):
        found[CLIENT_SECRET] = secret
    return found


def provider_label(settings: Mapping[str, Any]) -> str:
    """What to call the provider on pages.

    :param settings: the settings of the app.
    """
    if settings["DEVELOPMENT_PROVIDER"]:
        return "the development provider"
    return urlsplit(str(settings["DEMO_ISSUER"])).netloc
