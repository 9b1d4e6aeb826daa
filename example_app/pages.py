"""The pages: home, profile, API, tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint
from flask import current_app
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from requests import Response as APIResponse
from werkzeug.wrappers import Response

from flask_oauthclient import LoginRequired
from flask_oauthclient import current_identity
from flask_oauthclient import login_required

from . import claims
from . import config
from . import guard
from .login import oauth

blueprint = Blueprint("pages", __name__)
blueprint.before_request(guard.check_sender)

#: As long as a note may be.
NOTE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Call:
    """What the API page shows of one request."""

    code: str
    status: int
    reason: str
    milliseconds: float

    @classmethod
    def of(cls, code: str, response: APIResponse) -> Call:
        """Describe a response.

        :param code: the line of this app that asked for it.
        """
        return cls(
            code, response.status_code, response.reason, response.elapsed.total_seconds() * 1000
        )

    @property
    def summary(self) -> str:
        """Status and timing in one line."""
        return f"{self.status} {self.reason} in {self.milliseconds:.1f} ms"

    @property
    def ok(self) -> bool:
        """Whether the provider said yes."""
        return self.status < 400


@blueprint.get("/")
def home() -> str:
    """Say what this is and offer the one button."""
    return render_template("home.html")


@blueprint.get("/profile")
@login_required
def profile() -> str:
    """Show every claim with what it means."""
    signed = _token()["userinfo"]  # once verified, the claims of the ID token stand there
    return render_template(
        "profile.html",
        signed_in_at=current_identity.signed_in_at,
        about_you=claims.about_you(signed, userinfo=_userinfo()),
        about_sign_in=claims.about_sign_in(signed),
    )


@blueprint.get("/api")
@login_required
def api() -> str:
    """Call the provider's API; at a provider without our notes, call its userinfo endpoint."""
    if not current_app.config.get("DEMO_API_BASE_URL"):
        answer = json.dumps(oauth.demo.userinfo(), indent=2, ensure_ascii=False)
        return render_template("api_userinfo.html", answer=answer)
    response = oauth.demo.get("notes")
    call = Call.of('oauth.demo.get("notes")', response)
    return render_template("api.html", call=call, notes=_notes(response), length=NOTE_LENGTH)


@blueprint.post("/api")
@login_required
def add_note() -> Response:
    """Post a note to the provider's API."""
    text = request.form.get("text", "").strip()
    if not text or len(text) > NOTE_LENGTH:
        flash(f"A note has 1 to {NOTE_LENGTH} characters.")
        return redirect(url_for(".api"))
    call = Call.of('oauth.demo.post("notes")', oauth.demo.post("notes", json={"text": text}))
    flash(f"{'Saved' if call.ok else 'Not saved'}. The provider answered {call.summary}.")
    return redirect(url_for(".api"))


@blueprint.get("/session")
@login_required
def session() -> str:
    """Tell all about the tokens but the tokens."""
    token = _token()
    return render_template(
        "session.html",
        token=token,
        scopes=str(token.get("scope") or "").split(),
        signed_in_at=current_identity.signed_in_at,
        now=time.time(),
    )


@blueprint.post("/session/refresh")
@login_required
def refresh() -> Response:
    """Trade the refresh token for a new access token now, not only when it has expired."""
    oauth.demo.refresh_token()
    flash("The provider gave out a new access token.")
    return redirect(url_for(".session"))


def _token() -> Mapping[str, Any]:
    token: Mapping[str, Any] | None = oauth.demo.token
    if token is None:  # signed out in another browser
        raise LoginRequired
    return token


def _userinfo() -> Mapping[str, Any]:
    """Many providers keep the ID token small and tell the rest here (Core 5.3)."""
    if "userinfo_endpoint" not in oauth.demo.load_server_metadata():
        return {}
    return oauth.demo.userinfo()


def _notes(response: APIResponse) -> list[dict[str, Any]]:
    return response.json()["notes"] if response.ok else []


@blueprint.app_context_processor
def _for_every_page() -> dict[str, Any]:
    settings = current_app.config
    return {
        "person": _person(),
        "provider": config.provider_label(settings),
        "provider_host": urlsplit(settings["DEMO_ISSUER"]).netloc,
        "development_provider": settings["DEVELOPMENT_PROVIDER"],
    }


def _person() -> dict[str, str] | None:
    if not current_identity:
        return None
    name = claims.display_name({**current_identity.claims, "sub": current_identity.sub})
    return {"name": name, "initials": claims.initials(name)}
