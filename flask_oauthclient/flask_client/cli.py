"""``flask oauth``: what operators do from the command line."""

from __future__ import annotations

from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from flask.cli import with_appcontext

from ..protocol.errors import OAuthError

oauth = AppGroup("oauth", help="Stored tokens and their keys.")
keys = AppGroup("keys", help="The keys that seal stored tokens.")
oauth.add_command(keys)


@keys.command("generate", with_appcontext=False)
def generate() -> None:
    """Make a key for OAUTHCLIENT_TOKEN_KEYS."""
    from ..storage.tokens.envelope import new_key

    click.echo(new_key())


@keys.command("rotate")
@with_appcontext
def rotate() -> None:
    """Seal all stored tokens with the first of OAUTHCLIENT_TOKEN_KEYS.

    The application stays in service. When it is done, and all workers know the new key, the old
    ones can be taken out of the list.
    """
    unreadable = 0
    for store in _stores():
        unreadable += _reseal(store)
    if unreadable:
        raise click.ClickException(
            f"{unreadable} tokens were sealed with a key that is not in the list. Their owners "
            "have to sign in again; if the key still exists, add it at the end of the list."
        )


def _reseal(store: Any) -> int:
    if not hasattr(store, "reseal"):  # one of the application's own
        click.echo(f"{type(store).__name__} sees to its keys itself.")
        return 0
    try:
        done = store.reseal()
    except OAuthError as failure:
        raise click.ClickException(str(failure)) from None
    if done is None:
        click.echo(
            f"{type(store).__name__} cannot list its tokens. Each is sealed anew when it is "
            "refreshed; keep the old key until then."
        )
        return 0
    click.echo(f"{done.resealed} tokens sealed anew, {done.current} had the current key already.")
    return int(done.unreadable)


def _stores() -> list[Any]:
    known = current_app.extensions.get("oauthclient", {}).values()
    stores = [state.token_store for state in known if state.token_store is not None]
    if not stores:
        raise click.ClickException("This application has no store of tokens.")
    return list(dict.fromkeys(stores))
