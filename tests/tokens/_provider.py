"""The provider in a process of its own, with an API, a ledger and a remote control.

``python -m tests.tokens._provider`` prints its issuer as JSON and serves until it is stopped.

=======================  ======================================================================
``POST /admin/reset``    an empty ledger, no fault, and settings: ``lifetime`` of access tokens in
                         seconds, ``tells_lifetime`` whether responses have an ``expires_in``
``POST /admin/grant``    a token response for a ``sub``, without any login
``POST /admin/fail``     answer token requests with a ``status``; 0 ends that
``POST /admin/hold``     answer no token request until ``/admin/release``
``GET /admin/ledger``    see :class:`Ledger`
``GET /admin/secrets``   what must be in no log
``GET /calls/me``        the API: whose the token is
=======================  ======================================================================

A refresh token that comes a second time ends its grant.
"""

from __future__ import annotations

import dataclasses
import io
import json
import signal
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask
from flask import Response
from flask import request

from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import serve_wsgi
from flask_oauthclient.testing.provider.grants import Grant
from flask_oauthclient.testing.provider.grants import IssuedToken

SCOPES = ("api",)
_HOLD_LIMIT = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Issued:
    """An access token that came with a refresh token, or alone."""

    number: int
    sub: str
    ends_at: float


class Ledger:
    """What was asked for, and what was answered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_access: dict[str, Issued] = {}
        self._by_refresh: dict[str, Issued] = {}
        self._refused: dict[str, Issued] = {}
        self._count = 0
        self.clear()

    def clear(self) -> None:
        """Count from nothing; tokens stay known."""
        #: When token requests came, by the clock that all processes of a machine share.
        self.asked_at: list[float] = []
        self.answered: dict[str, int] = {}
        #: Refreshes of a token that had time left.
        self.early = 0
        #: Calls of the API that were refused twice, and all that were refused once.
        self.refused_twice = 0
        self.refused_once = 0

    def told(self) -> dict[str, Any]:
        """Everything, for a test."""
        with self._lock:
            names = ("asked_at", "answered", "early", "refused_twice", "refused_once")
            return {"requests": len(self.asked_at), **{name: getattr(self, name) for name in names}}

    def note_request(self, form: dict[str, str]) -> None:
        """A token request has come."""
        with self._lock:
            self.asked_at.append(time.monotonic())
            before = self._by_refresh.get(form.get("refresh_token", ""))
            self.early += before is not None and time.monotonic() < before.ends_at

    def note_answer(self, status: int, answer: dict[str, Any]) -> None:
        """A token request is answered."""
        with self._lock:
            name = str(answer.get("error", status))
            self.answered[name] = self.answered.get(name, 0) + 1

    def note_issued(self, answer: dict[str, Any], sub: str, lifetime: float) -> None:
        """Tokens are given away."""
        with self._lock:
            self._count += 1
            issued = Issued(self._count, sub, time.monotonic() + lifetime)
            self._by_access[answer["access_token"]] = issued
            if "refresh_token" in answer:
                self._by_refresh[answer["refresh_token"]] = issued

    def accepts(self, token: str, call: str) -> bool:
        """Whether the API takes a token.

        One whose time is up is refused once for each call. The call may come back with any newer
        one: how long the processes of a busy machine take until then proves nothing.
        """
        with self._lock:
            issued = self._by_access.get(token)
            if issued is None:
                return False
            before = self._refused.pop(call, None)
            newer = before is not None and issued.number > before.number
            if newer or time.monotonic() < issued.ends_at:
                return True
            self._refused[call] = issued
            self.refused_once += before is None
            self.refused_twice += before is not None
            return False

    def sub_of(self, token: str) -> str | None:
        """Whose an access token is."""
        issued = self._by_access.get(token)
        return None if issued is None else issued.sub

    def sub_of_refresh(self, token: str) -> str:
        """Whose a refresh token is; with none it is the client's own."""
        issued = self._by_refresh.get(token)
        return DEMO_CLIENT_ID if issued is None else issued.sub


class TokenEndpoint:
    """What stands before the provider's own token endpoint, and counts."""

    def __init__(self, provider: DevelopmentProvider, ledger: Ledger) -> None:
        self._provider = provider
        self._ledger = ledger
        self.tells_lifetime = True
        self.failing = 0
        self.open = threading.Event()
        self.open.set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size)
        form = dict(parse_qsl(body.decode()))
        self._ledger.note_request(form)
        self.open.wait(_HOLD_LIMIT)
        status, document = self._answer({**environ, "wsgi.input": io.BytesIO(body)})
        if status == 200:
            sub = self._ledger.sub_of_refresh(form.get("refresh_token", ""))
            self._ledger.note_issued(document, sub, self._provider.access_token_lifetime)
            if not self.tells_lifetime:
                document.pop("expires_in")
        self._ledger.note_answer(status, document)
        answer = Response(json.dumps(document), status, mimetype="application/json")
        return answer(environ, start_response)

    def _answer(self, environ: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.failing:
            return self.failing, {}
        seen: list[str] = []
        answer = self._provider.wsgi(environ, lambda status, *rest: seen.append(status))
        return int(seen[0][:3]), json.loads(b"".join(answer))


def make_app(provider: DevelopmentProvider) -> Any:
    """The provider with its API and its remote control."""
    app, ledger = Flask("tokens_provider"), Ledger()
    endpoint = TokenEndpoint(provider, ledger)

    @app.post("/admin/reset")
    def reset() -> Any:
        settings = request.get_json()
        ledger.clear()
        endpoint.failing = 0
        endpoint.open.set()
        endpoint.tells_lifetime = settings.get("tells_lifetime", True)
        provider.access_token_lifetime = settings.get("lifetime", 3600)
        return {}

    @app.post("/admin/grant")
    def grant() -> Any:
        sub = request.get_json()["sub"]
        made = Grant(DEMO_CLIENT_ID, sub, SCOPES, int(time.time()))
        ends_at = time.time() + provider.access_token_lifetime
        document = {
            "access_token": provider.grants.add_access(IssuedToken(made, SCOPES, ends_at)),
            "refresh_token": provider.grants.add_refresh(
                IssuedToken(made, SCOPES, time.time() + 3600)
            ),
            "token_type": "Bearer",
        }
        provider.secrets.add(document["access_token"], document["refresh_token"])
        ledger.note_issued(document, sub, provider.access_token_lifetime)
        return document

    @app.post("/admin/fail")
    def fail() -> Any:
        endpoint.failing = request.get_json()["status"]
        return {}

    @app.post("/admin/hold")
    def hold() -> Any:
        endpoint.open.clear()
        return {}

    @app.post("/admin/release")
    def release() -> Any:
        endpoint.open.set()
        return {}

    @app.get("/admin/ledger")
    def told() -> Any:
        return ledger.told()

    @app.get("/admin/secrets")
    def secrets() -> Any:
        return sorted(provider.secrets)

    @app.get("/calls/me")
    def me() -> Any:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if ledger.accepts(token, request.headers.get("X-Call", "")):
            return {"sub": ledger.sub_of(token)}
        return {}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}

    own = app.wsgi_app

    def route(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == "/token":
            return endpoint(environ, start_response)
        is_own = path.startswith(("/admin/", "/calls/"))
        return (own if is_own else provider.wsgi)(environ, start_response)

    return route


def main() -> None:
    """Serve."""
    provider = DevelopmentProvider(debug=True)
    with serve_wsgi(make_app(provider)) as server:
        provider.issuer = server.url
        json.dump({"issuer": server.url}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
