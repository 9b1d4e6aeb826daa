"""A relying party that is written out by hand, to ask the provider every question there is."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import typing as t
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import requests

from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider

CALLBACK = "http://localhost/callback"
VERIFIER = "verifier-verifier-verifier-verifier-verifier"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@dataclasses.dataclass
class RelyingParty:
    """Speaks to one provider in process."""

    op: DevelopmentProvider
    session: requests.Session

    def get(self, path: str, **kwargs: t.Any) -> requests.Response:
        return self.session.get(self.op.issuer + path, allow_redirects=False, **kwargs)

    def post(self, path: str, **kwargs: t.Any) -> requests.Response:
        return self.session.post(self.op.issuer + path, allow_redirects=False, **kwargs)

    def parameters(self, **changes: str | None) -> dict[str, str]:
        params: dict[str, str | None] = {
            "client_id": "demo",
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid profile email api",
            "state": "state-of-the-test",
            "nonce": "nonce-of-the-test",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in params.items() if value is not None}

    def authorize(self, **changes: str | None) -> requests.Response:
        return self.get("/authorize", params=self.parameters(**changes))

    def callback(self, **changes: str | None) -> dict[str, str]:
        """The parameters of the authorization response, without a page on the way."""
        response = self.authorize(**changes)
        assert response.status_code == 302, response.text
        return query_of(response.headers["Location"])

    def code(self, **changes: str | None) -> str:
        self.op.auto_sign_in = self.op.auto_sign_in or "alice"
        return self.callback(**changes)["code"]

    def token(self, **changes: t.Any) -> requests.Response:
        auth = changes.pop("auth", ("demo", DEMO_CLIENT_SECRET))
        headers = changes.pop("headers", {})
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, **changes}
        sent = {name: value for name, value in form.items() if value is not None}
        return self.post("/token", data=sent, auth=auth, headers=headers)

    def redeem(self, code: str, **changes: t.Any) -> requests.Response:
        return self.token(code=code, **{"code_verifier": VERIFIER, **changes})

    def refresh(self, refresh_token: str, **changes: t.Any) -> requests.Response:
        form = {"grant_type": "refresh_token", "redirect_uri": None, **changes}
        return self.token(refresh_token=refresh_token, **form)

    def login(self, **changes: str | None) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.redeem(self.code(**changes)).json())

    def bearer(self, path: str, token: str) -> requests.Response:
        return self.get(path, headers={"Authorization": f"Bearer {token}"})


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def part_of(token: str, index: int) -> dict[str, t.Any]:
    segment = token.split(".")[index]
    padded = segment + "=" * (-len(segment) % 4)
    return t.cast("dict[str, t.Any]", json.loads(base64.urlsafe_b64decode(padded)))


def header_of(token: str) -> dict[str, t.Any]:
    return part_of(token, 0)


def claims_of(token: str) -> dict[str, t.Any]:
    return part_of(token, 1)
