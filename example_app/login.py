"""Signing in: the registration, the blueprint, and what is kept of a login."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask import current_app

from flask_oauthclient import Identity
from flask_oauthclient import LoginResult
from flask_oauthclient import OAuth
from flask_oauthclient import current_identity

from .store import SignIn
from .store import SignInStore

oauth = OAuth()


def sign_in_routes(label: str) -> Blueprint:
    """The routes and pages of signing in and out.

    :param label: what to call the provider on them.
    """
    return oauth.create_blueprint(on_login=_on_login, on_logout=_on_logout, labels={"demo": label})


def store() -> SignInStore:
    """The store of the current app."""
    found: SignInStore = current_app.extensions["example_app.sign_ins"]
    return found


def current_sign_in() -> SignIn | None:
    """What is kept of the person who is signed in, or ``None``."""
    return store().get(current_identity.user) if current_identity else None


def _on_login(result: LoginResult) -> str:
    """Keep tokens and claims, and name the person they belong to."""
    # Many providers keep the ID token small and tell the rest at the userinfo endpoint (Core 5.3).
    userinfo_claims = {k: v for k, v in result.userinfo.items() if k not in result.claims}
    # A subject is a person's at its issuer only (Core 5.7). In an app with a database, this is
    # where the user is looked up or made, and the key is the user's.
    person = f"{result.claims['iss']} {result.claims['sub']}"
    # A token that lives for seconds only may have been replaced by the call just made.
    store().put(person, SignIn(oauth.demo.token, result.claims, userinfo_claims, at=time.time()))
    return person


def _on_logout(identity: Identity) -> None:
    store().remove(identity.user)


def _fetch_token() -> Mapping[str, Any] | None:
    """Give the library the token of the person whose request this is."""
    sign_in = current_sign_in()
    return sign_in.token if sign_in else None


def _update_token(
    token: Mapping[str, Any], refresh_token: str | None = None, access_token: str | None = None
) -> None:
    """Keep a token that the library has just refreshed."""
    if current_identity:
        store().refreshed(current_identity.user, token, refresh_token)


# Client, issuer and API come from app.config: DEMO_CLIENT_ID, DEMO_ISSUER, ...
oauth.register("demo", fetch_token=_fetch_token, update_token=_update_token)
