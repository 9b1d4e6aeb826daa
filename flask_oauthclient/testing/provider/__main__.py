"""Run the development provider: ``python -m flask_oauthclient.testing.provider --port 5001``."""

from __future__ import annotations

import signal
import threading
import types

import click

from .clients import DEMO_CLIENT_ID
from .clients import DEMO_CLIENT_SECRET
from .clients import PUBLIC_CLIENT_ID
from .provider import DevelopmentProvider


@click.command()
@click.option("--port", default=5001, show_default=True, help="Port on 127.0.0.1.")
def main(port: int) -> None:
    """Serve an OpenID provider for development: anybody signs in as anybody."""
    # Whoever starts this command has decided for a development provider.
    provider = DevelopmentProvider(debug=True)
    stopped = _stop_at_signals()
    try:
        with provider.serve(port=port):
            click.echo(_greeting(provider.issuer))
            stopped.wait()
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used: {error.strerror}.") from error


def _greeting(issuer: str) -> str:
    return f"""\
Development provider - for development only: anybody signs in as anybody, no password is asked.

  issuer         {issuer}
  client_id      {DEMO_CLIENT_ID}
  client_secret  {DEMO_CLIENT_SECRET}
  redirect_uri   any address on this machine
  public client  {PUBLIC_CLIENT_ID} (no secret, PKCE required)

Open {issuer}/ to look around. Ctrl+C stops it."""


def _stop_at_signals() -> threading.Event:
    stopped = threading.Event()

    def stop(number: int, frame: types.FrameType | None) -> None:
        stopped.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    return stopped


if __name__ == "__main__":
    main(prog_name="python -m flask_oauthclient.testing.provider")
