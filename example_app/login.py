"""Signing in: the registration, the blueprint, and a note of the last refresh."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask import Flask
from flask import session

from flask_oauthclient import LoginResult
from flask_oauthclient import OAuth

oauth = OAuth()
# Client, issuer and API come from app.config: DEMO_CLIENT_ID, DEMO_ISSUER, ...
oauth.register("demo")


def sign_in_routes(label: str) -> Blueprint:
    """The routes and pages of signing in and out.

    :param label: what to call the provider on them.
    """
    # This app does nothing for people who have left, so it keeps nothing of theirs either.
    return oauth.create_blueprint(on_login=_on_login, forget_tokens=True, labels={"demo": label})


def _on_login(result: LoginResult) -> str:
    """Name the person; the store keeps the token under that name."""
    # A subject is a person's at its issuer only (Core 5.7). In an app with a database, this is
    # where the user is looked up or made, and the key is the user's.
    return f"{result.claims['iss']} {result.claims['sub']}"


def note_refresh(
    app: Flask, *, token: Mapping[str, Any], refresh_token: str | None, **_: Any
) -> None:
    """Note what a refresh has done, and nothing of the tokens: the browser can read its session.

    :param token: the new token.
    :param refresh_token: the refresh token that was used for it.
    """
    rotated = token.get("refresh_token") != refresh_token
    session["last_refresh"] = {"at": time.time(), "rotated": rotated}
