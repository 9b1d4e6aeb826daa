"""``python -m example_app``: the app and, unless another provider is named, a provider for it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from . import config
from . import create_app
from . import development
from . import server

PORT = 5000

_DEVELOPMENT = """\
Example app

  Open   {url}
  Click  "Sign in with the development provider", pick a person, and allow access.
         Then look at Profile, API and Tokens, and sign out.

  The provider runs at {issuer}, on this machine only.
  Ctrl+C stops both.
"""

_OTHER = """\
Example app

  Open   {url}
  Click  "Sign in with {host}".

  The provider is {issuer}
  There, register these addresses for the client {client_id}:
    redirect URI              {url}auth/callback/demo
    post-logout redirect URI  {url}auth/logout/callback
"""


def main(arguments: list[str] | None = None) -> int:
    """Start everything, say where it is, and serve until Ctrl+C."""
    options = _parser().parse_args(arguments)
    try:
        chosen = config.from_environment(os.environ)
    except config.SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    # A plain `kill` ends it like Ctrl+C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        # Whoever names no provider has decided for the development provider.
        settings = chosen or stack.enter_context(development.provider())
        _run(settings, options.port)
    print("\nStopped.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m example_app", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help="default 5000; 0 for a free one")
    return parser


def _run(settings: Mapping[str, Any], wanted: int) -> None:
    listener = server.listen(wanted)
    port = listener.getsockname()[1]
    if wanted not in (0, port):
        print(f"Port {wanted} is taken, so the app uses port {port}.\n")
    url = f"http://{server.HOST}:{port}"
    names = {
        "OAUTHCLIENT_BASE_URL": url,
        # Cookies know no port: two of these apps on one machine need two names.
        "SESSION_COOKIE_NAME": f"example_app_{port}",
    }
    app = create_app({**settings, **names})
    print(_welcome(settings, f"{url}/"), flush=True)
    server.serve(app, listener)


def _welcome(settings: Mapping[str, Any], url: str) -> str:
    issuer = settings["DEMO_ISSUER"]
    if settings.get("DEVELOPMENT_PROVIDER"):
        return _DEVELOPMENT.format(url=url, issuer=issuer)
    host, client_id = urlsplit(issuer).netloc, settings["DEMO_CLIENT_ID"]
    return _OTHER.format(url=url, issuer=issuer, host=host, client_id=client_id)


if __name__ == "__main__":
    sys.exit(main())
