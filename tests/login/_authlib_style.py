"""What a test suite written for the established client has: doubles in the place of responses."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import parse_qs

import requests
from flask import Flask

from flask_oauthclient.testing.provider import KeyRing
from flask_oauthclient.testing.provider.token_fault import TokenDraft

TOKEN = {
    "token_type": "Bearer",
    "access_token": "the-access-token",
    "refresh_token": "the-refresh-token",
    "expires_in": 3600,
}
URLS = {
    "api_base_url": "https://resource.test/api/",
    "access_token_url": "https://provider.test/token",
    "authorize_url": "https://provider.test/authorize",
}
CLIENT = {"client_id": "dev", "client_secret": "the-dev-secret", **URLS}


class Double:
    """A response with nothing but what the documentation of tests names."""

    def __init__(self, payload: Any, status_code: int = 200) -> None:
        self.status_code = status_code
        self.text = str(payload)
        self._payload = payload

    def json(self) -> Any:
        return self._payload


def mocked(payload: Any, status_code: int = 200) -> Any:
    """A response that has every attribute there is, all of them mocks."""
    response = mock.MagicMock()
    response.status_code = status_code
    response.json = lambda: payload
    return response


@contextmanager
def sending(answer: Callable[[requests.PreparedRequest], Any]) -> Iterator[list[Any]]:
    """Patch ``requests.sessions.Session.send``; gives the list of what was sent."""
    sent: list[requests.PreparedRequest] = []

    def send(session: Any, request: requests.PreparedRequest, **kwargs: Any) -> Any:
        sent.append(request)
        return answer(request)

    with mock.patch("requests.sessions.Session.send", autospec=True, side_effect=send):
        yield sent


def form_of(request: Any) -> dict[str, list[str]]:
    """The form of a request, whatever the type of its body."""
    body = request.body
    return parse_qs(body.decode() if isinstance(body, bytes) else body)


#: A client does not keep its application alive, and a test that has nothing but the client would
#: lose it whenever the garbage is collected.
_alive: deque[Flask] = deque(maxlen=20)


def make_app(**config: Any) -> Flask:
    """An application as the documentation has it."""
    app = Flask("contract")
    app.secret_key = "!"
    app.config.update(config)
    _alive.append(app)
    return app


def id_token(keys: KeyRing, **changes: Any) -> str:
    """An ID token, signed by RS256."""
    now = int(time.time())
    claims = {"iss": "https://provider.test", "sub": "123", "aud": "dev", "iat": now}
    key = keys.signing_key("RS256")
    header = {"alg": "RS256", "kid": key.kid}
    return TokenDraft(header, {**claims, "exp": now + 3600, **changes}, key.sign).compact()
