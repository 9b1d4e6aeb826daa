"""The app of :mod:`tests.benchmarks._served_apps`, written by hand for its one provider.

What a good engineer writes who wants no library for it: Flask, ``requests`` and ``joserfc`` used
directly, one ``requests.Session`` a process, the keys fetched once, the pending login and then the
person in the Flask session. It makes every check that a correct client makes.
"""

from __future__ import annotations

import hashlib
import secrets
from hmac import compare_digest
from typing import Any
from urllib.parse import urlencode

import requests
from flask import Flask
from flask import redirect
from flask import request
from flask import session
from flask import url_for
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from tests.benchmarks._floor import LEEWAY_SECONDS
from tests.benchmarks._floor import TIME_LIMITS
from tests.benchmarks._floor import SessionLogins
from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET
from tests.benchmarks._server import base64url

KEPT_CLAIMS = ("iss", "sub", "name", "email", "email_verified", "picture")


def hand_written_app(issuer: str) -> Flask:
    """:returns: an app with ``/login``, ``/callback`` and a page that says who is signed in."""
    app = Flask("by hand")
    app.secret_key = "benchmark"
    http = requests.Session()
    metadata: dict[str, Any] = http.get(
        f"{issuer}/.well-known/openid-configuration", timeout=TIME_LIMITS
    ).json()
    _require(metadata["issuer"] == issuer, "issuer")
    keys = KeySet.import_key_set(http.get(metadata["jwks_uri"], timeout=TIME_LIMITS).json())
    logins = SessionLogins()

    @app.get("/login")
    def login() -> Response:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        target = _local(request.args.get("next", "/"))
        pending = {"nonce": nonce, "code_verifier": verifier, "next": target}
        logins.put(session, state, pending)
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": url_for("callback", _external=True),
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return redirect(f"{metadata['authorization_endpoint']}?{urlencode(query)}")

    @app.get("/callback")
    def callback() -> Response:
        pending = logins.take(session, request.args["state"])
        _require(compare_digest(request.args["iss"], issuer), "iss")
        _require("error" not in request.args, "error")
        form = {
            "grant_type": "authorization_code",
            "code": request.args["code"],
            "redirect_uri": url_for("callback", _external=True),
            "code_verifier": pending["code_verifier"],
        }
        response = http.post(
            metadata["token_endpoint"],
            data=form,
            auth=(CLIENT_ID, CLIENT_SECRET),
            timeout=TIME_LIMITS,
            allow_redirects=False,
        )
        _require(response.status_code == 200, "token response")
        claims = _checked_claims(response.json(), keys, issuer, pending["nonce"])
        session.clear()
        session["user"] = {name: claims[name] for name in KEPT_CLAIMS if name in claims}
        return redirect(pending["next"])

    @app.get("/")
    def home() -> str:
        person = session.get("user")
        return str(person["sub"]) if person else ""

    return app


def _checked_claims(token: dict[str, Any], keys: KeySet, issuer: str, nonce: str) -> dict[str, Any]:
    _require(token["token_type"].lower() == "bearer", "token_type")
    claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
    jwt.JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": CLIENT_ID},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    ).validate(claims)
    _require(claims.get("azp", CLIENT_ID) == CLIENT_ID, "azp")
    half = hashlib.sha256(token["access_token"].encode()).digest()[:16]
    _require(compare_digest(claims["at_hash"], base64url(half)), "at_hash")
    return claims


def _local(target: str) -> str:
    local = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if local else "/"


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise BadRequest(what)
