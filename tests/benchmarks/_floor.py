"""The floor: a login written by hand for one app and one provider.

It makes every check a correct client makes, with nothing configurable and nothing looked up
twice: the keys are parsed when the app is made, the connection is kept, the rest is Flask,
``requests`` and ``cryptography`` called directly. A library that costs this much costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64decode
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from collections.abc import MutableMapping
from hmac import compare_digest
from typing import Any
from typing import Protocol
from urllib.parse import urlencode

import redis
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from flask import redirect
from flask import request
from flask import session
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET
from tests.benchmarks._server import REDIRECT_URI

LIFETIME_SECONDS = 600
LEEWAY_SECONDS = 60
TIME_LIMITS = (3, 10)

_PADDING = PKCS1v15()
_HASH = SHA256()

Keys = Mapping[str, RSAPublicKey]


class PendingLogins(Protocol):
    """Where a login waits for its callback."""

    def put(self, browser: MutableMapping[str, Any], state: str, login: dict[str, str]) -> None:
        """Keep a login, bound to this browser."""

    def take(self, browser: MutableMapping[str, Any], state: str) -> dict[str, str]:
        """Give a login back, once, to the browser that began it."""


class SessionLogins:
    """Pending logins in the Flask session itself."""

    def put(self, browser: MutableMapping[str, Any], state: str, login: dict[str, str]) -> None:
        """Keep a login in the session."""
        browser[f"_state_{state}"] = {"data": login, "exp": time.time() + LIFETIME_SECONDS}

    def take(self, browser: MutableMapping[str, Any], state: str) -> dict[str, str]:
        """Take a login out of the session."""
        login: dict[str, str] = _live_entry(browser, state)["data"]
        return login


class RedisLogins:
    """Pending logins in Redis, with a marker in the session of the browser they belong to."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url)

    def put(self, browser: MutableMapping[str, Any], state: str, login: dict[str, str]) -> None:
        """Keep a login in Redis."""
        self._redis.set(f"_state_{state}", json.dumps(login), ex=LIFETIME_SECONDS)
        browser[f"_state_{state}"] = {"exp": time.time() + LIFETIME_SECONDS}

    def take(self, browser: MutableMapping[str, Any], state: str) -> dict[str, str]:
        """Take a login out of Redis; one caller gets it."""
        _live_entry(browser, state)
        stored: Any = self._redis.getdel(f"_state_{state}")
        if stored is None:
            raise BadRequest("This login was used already.")
        login: dict[str, str] = json.loads(stored)
        return login


def floor_app(
    metadata: Mapping[str, Any],
    jwk_set: Mapping[str, Any],
    logins: PendingLogins,
    trust_env: bool = True,
) -> Flask:
    """:returns: an app with ``/start`` and ``/callback``, for one provider."""
    app = Flask("floor")
    app.secret_key = "benchmark"
    keys = parse_keys(jwk_set)
    http = requests.Session()
    http.trust_env = trust_env
    issuer: str = metadata["issuer"]
    authorization_endpoint: str = metadata["authorization_endpoint"]
    token_endpoint: str = metadata["token_endpoint"]

    @app.get("/start")
    def start() -> Response:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        logins.put(session, state, {"nonce": nonce, "code_verifier": verifier})
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": _base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return redirect(f"{authorization_endpoint}?{urlencode(query)}")

    @app.get("/callback")
    def callback() -> str:
        args = request.args
        login = logins.take(session, args["state"])
        _require(compare_digest(args["iss"], issuer), "iss")
        form = {
            "grant_type": "authorization_code",
            "code": args["code"],
            "redirect_uri": REDIRECT_URI,
            "code_verifier": login["code_verifier"],
        }
        response = http.post(
            token_endpoint,
            data=form,
            auth=(CLIENT_ID, CLIENT_SECRET),
            timeout=TIME_LIMITS,
            allow_redirects=False,
        )
        _require(response.status_code == 200, "token response")
        token = response.json()
        _require(token["token_type"].lower() == "bearer", "token_type")
        session["user"] = check_id_token(
            token["id_token"], keys, issuer, login["nonce"], token["access_token"]
        )["sub"]
        return "signed in"

    return app


def bare_app(metadata: Mapping[str, Any]) -> Flask:
    """:returns: the same two views without a login: a redirect, and a signed cookie."""
    app = Flask("bare")
    app.secret_key = "benchmark"
    filler = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile email",
        "state": "s" * 43,
        "nonce": "n" * 43,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    url = f"{metadata['authorization_endpoint']}?{urlencode(filler)}"

    @app.get("/start")
    def start() -> Response:
        return redirect(url)

    @app.get("/callback")
    def callback() -> str:
        session["user"] = "248289761001"
        return "signed in"

    return app


def parse_keys(jwk_set: Mapping[str, Any]) -> dict[str, RSAPublicKey]:
    """:returns: the keys of a JWK set by their ids."""
    return {key["kid"]: _parse_key(key) for key in jwk_set["keys"]}


def check_id_token(
    id_token: str, keys: Keys, issuer: str, nonce: str, access_token: str
) -> dict[str, Any]:
    """Check an ID token as OpenID Connect Core 3.1.3.7 asks.

    :returns: its claims.
    """
    signing_input, _, signature = id_token.rpartition(".")
    header_segment, _, payload_segment = signing_input.partition(".")
    header = json.loads(_base64url_decode(header_segment))
    _require(header["alg"] == "RS256", "alg")
    raw_signature = _base64url_decode(signature)
    try:
        keys[header["kid"]].verify(raw_signature, signing_input.encode(), _PADDING, _HASH)
    except InvalidSignature:
        raise BadRequest("signature") from None
    claims: dict[str, Any] = json.loads(_base64url_decode(payload_segment))
    _check_claims(claims, issuer, nonce)
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    _require(compare_digest(claims["at_hash"], _base64url(half)), "at_hash")
    return claims


def _check_claims(claims: Mapping[str, Any], issuer: str, nonce: str) -> None:
    now = time.time()
    audience = claims["aud"]
    several = isinstance(audience, list) and len(audience) > 1
    _require(claims["iss"] == issuer, "iss")
    _require(audience == CLIENT_ID or (isinstance(audience, list) and CLIENT_ID in audience), "aud")
    _require(claims.get("azp", None if several else CLIENT_ID) == CLIENT_ID, "azp")
    _require(claims["exp"] + LEEWAY_SECONDS > now, "exp")
    _require(claims["iat"] - LEEWAY_SECONDS < now, "iat")
    _require(compare_digest(claims["nonce"], nonce), "nonce")


def _live_entry(browser: MutableMapping[str, Any], state: str) -> dict[str, Any]:
    entry: dict[str, Any] | None = browser.pop(f"_state_{state}", None)
    if entry is None or entry["exp"] < time.time():
        raise BadRequest("This browser has no such login; start again.")
    return entry


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise BadRequest(what)


def _parse_key(key: Mapping[str, str]) -> RSAPublicKey:
    exponent, modulus = (int.from_bytes(_base64url_decode(key[name])) for name in ("e", "n"))
    return RSAPublicNumbers(exponent, modulus).public_key()


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _base64url_decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")
