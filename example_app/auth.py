"""Sign in and sign out: four routes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint
from flask import current_app
from flask import flash
from flask import redirect
from flask import request
from flask import url_for
from werkzeug.wrappers import Response

from flask_oauthclient import OAuthError

from .identity import PAGES
from .identity import begin_sign_in
from .identity import end_sign_in
from .oauth import oauth
from .store import SignIn

blueprint = Blueprint("auth", __name__, url_prefix="/auth")


@blueprint.get("/login")
def login() -> Response:
    """Send the browser to the provider. A link is enough: signing in changes nothing here yet."""
    response: Response = oauth.demo.authorize_redirect(
        url_for(".callback", _external=True), extra={"next": request.args.get("next")}
    )
    return response


@blueprint.get("/callback")
def callback() -> Response:
    """Take the person and the tokens that the provider sent back."""
    token = oauth.demo.authorize_access_token()
    begin_sign_in(_sign_in(token))
    return redirect(url_for(PAGES.get(token["extra"]["next"], "pages.profile")))


@blueprint.post("/logout")
def logout() -> Response:
    """Sign out here first, whatever the provider does, then there (RP-Initiated Logout 1.0)."""
    sign_in = end_sign_in()
    if sign_in is None:
        return redirect(url_for("pages.home"))
    try:
        response: Response = oauth.demo.logout_redirect(
            url_for(".signed_out", _external=True), id_token_hint=sign_in.token.get("id_token")
        )
    except OAuthError as error:
        # A provider without an end_session_endpoint, or out of reach: the sign-out here stands.
        current_app.logger.warning("no sign-out at the provider: %s", error.error)
        flash("You are signed out of this app. The provider may still know you.")
        return redirect(url_for("pages.home"))
    return response


@blueprint.get("/signed-out")
def signed_out() -> Response:
    """Receive the browser after the provider's sign-out, if it was one that began here."""
    oauth.demo.validate_logout_response()
    flash("You are signed out, here and at the provider.")
    return redirect(url_for("pages.home"))


def _sign_in(token: Mapping[str, Any]) -> SignIn:
    metadata = oauth.demo.load_server_metadata()
    # Many providers keep the ID token small and tell the rest at the userinfo endpoint (Core 5.3).
    userinfo = oauth.demo.userinfo(token=token) if metadata.get("userinfo_endpoint") else {}
    return SignIn(
        # A token that lives for seconds only may have been replaced by the call just made.
        token=oauth.demo.token,
        id_claims=token["userinfo"],
        userinfo_claims={k: v for k, v in userinfo.items() if k not in token["userinfo"]},
        at=time.time(),
        sign_out_origin=_origin(metadata.get("end_session_endpoint")),
    )


def _origin(url: str | None) -> str | None:
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None
