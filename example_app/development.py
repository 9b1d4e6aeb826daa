"""The provider that the app brings along: made-up people, no passwords, this machine only."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider

PORT = 5001


def settings_for(issuer: str) -> dict[str, Any]:
    """The app's settings for a development provider.

    :param issuer: Where it is.
    """
    return {
        "DEVELOPMENT_PROVIDER": True,
        "DEMO_ISSUER": issuer,
        "DEMO_CLIENT_ID": DEMO_CLIENT_ID,
        "DEMO_CLIENT_SECRET": DEMO_CLIENT_SECRET,
        "DEMO_API_BASE_URL": f"{issuer}/api/",
        "DEMO_CLIENT_KWARGS": {"scope": "openid profile email offline_access api"},
    }


@contextlib.contextmanager
def provider() -> Generator[dict[str, Any]]:
    """Run a development provider, and give the app's settings for it.

    It is a server of its own, on a port of its own, because that is what a provider is to a
    browser: another origin.
    """
    running = DevelopmentProvider(debug=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(running.serve(port=PORT))
        except OSError:  # somebody else has the port
            stack.enter_context(running.serve())
        yield settings_for(running.issuer)
