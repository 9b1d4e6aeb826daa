"""A Flask site that uses the public API as its documentation shows it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any

from flask import Flask
from flask import request
from flask import session
from werkzeug.wrappers import Response

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError

ORIGIN = "http://localhost"
REDIRECT_URI = f"{ORIGIN}/callback"
POST_LOGOUT_REDIRECT_URI = f"{ORIGIN}/bye"


@dataclass(frozen=True, slots=True)
class Site:
    """The site, its registry, and the tokens it keeps: one for each ``sub``."""

    app: Flask
    oauth: OAuth
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def fetch_token(self) -> dict[str, Any] | None:
        """The token of the user who is signed in."""
        return self.tokens.get(session.get("sub", ""))

    def update_token(
        self,
        token: dict[str, Any],
        refresh_token: str | None = None,
        access_token: str | None = None,
    ) -> None:
        """Keep a refreshed token."""
        self.tokens[session["sub"]] = token

    def expire(self, sub: str) -> None:
        """Let the clock of a kept access token run out."""
        self.tokens[sub] = {**self.tokens[sub], "expires_at": 1}


def make_site(**registration: Any) -> Site:
    """A site with one provider, ``demo``, registered."""
    app = Flask("interop")
    app.config.update(SECRET_KEY="the secret key of the interop site", TESTING=True)
    site = Site(app, OAuth(app))
    site.oauth.register(
        "demo",
        client_kwargs={"scope": "openid profile email"},
        fetch_token=site.fetch_token,
        update_token=site.update_token,
        **registration,
    )
    _add_views(site)
    return site


def _add_views(site: Site) -> None:
    app, oauth = site.app, site.oauth

    @app.get("/login")
    def login() -> Response:
        response: Response = oauth.demo.authorize_redirect(REDIRECT_URI, **request.args)
        return response

    @app.route("/callback", methods=["GET", "POST"])
    def callback() -> dict[str, Any] | Response:
        token = oauth.demo.authorize_access_token()
        session["sub"] = token["userinfo"]["sub"]
        site.tokens[session["sub"]] = token
        return dict(token["userinfo"])

    @app.get("/me")
    def me() -> dict[str, Any]:
        return dict(oauth.demo.userinfo())

    @app.get("/logout")
    def logout() -> Response:
        token = site.tokens.pop(session.pop("sub"))
        response: Response = oauth.demo.logout_redirect(
            post_logout_redirect_uri=POST_LOGOUT_REDIRECT_URI, id_token_hint=token["id_token"]
        )
        return response

    @app.get("/bye")
    def bye() -> dict[str, Any]:
        return {"signed_out": True, **oauth.demo.validate_logout_response()}

    @app.errorhandler(OAuthError)
    def failed(error: OAuthError) -> tuple[dict[str, Any], int]:
        return {"error": error.error, "description": error.description}, error.http_status
