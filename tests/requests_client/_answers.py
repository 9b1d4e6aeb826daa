"""A server made of prepared answers, in the place of the network."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from flask_oauthclient.requests_client import OAuth2Session

TOKEN_URL = "https://op.test/token"
API_URL = "https://api.test/user"
CLIENT_ID = "the-client"
CLIENT_SECRET = "the-secret-of-the-client"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    document: Any = None
    status: int = 200
    headers: Mapping[str, str] | None = None
    text: str | None = None


class Answers(BaseAdapter):
    """Answers requests in order, the last answer from then on, and keeps what was sent."""

    def __init__(self, *answers: Answer | Callable[[requests.PreparedRequest], Answer]) -> None:
        super().__init__()
        self._answers = list(answers or (Answer({}),))
        self._lock = threading.Lock()
        self.sent: list[requests.PreparedRequest] = []
        self.settings: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:  # type: ignore[override]
        with self._lock:
            self.sent.append(request)
            self.settings.append(settings)
            following = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return _response(request, following(request) if callable(following) else following)

    def close(self) -> None:
        """Nothing is open."""

    @property
    def forms(self) -> list[dict[str, Any]]:
        """The forms that were sent."""
        return [form_of(request) for request in self.sent]

    @property
    def form(self) -> dict[str, Any]:
        """The form that was sent last."""
        return self.forms[-1]

    @property
    def bearers(self) -> list[str | None]:
        """The ``Authorization`` headers that were sent."""
        return [request.headers.get("Authorization") for request in self.sent]


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    kind = "application/json" if answer.text is None else "text/html"
    response.headers = CaseInsensitiveDict({"Content-Type": kind, **(answer.headers or {})})
    text = json.dumps(answer.document) if answer.text is None else answer.text
    response.raw = io.BytesIO(text.encode())
    response.url = str(request.url)
    response.request = request
    return response


def form_of(request: requests.PreparedRequest) -> dict[str, Any]:
    """The form of a request; what is repeated is a list."""
    body = request.body or urlsplit(str(request.url)).query
    text = body.decode() if isinstance(body, bytes) else str(body)
    return {k: v if len(v) > 1 else v[0] for k, v in parse_qs(text, True).items()}


def token(name: str = "first", **fields: Any) -> dict[str, Any]:
    """A token response."""
    return {"access_token": f"access-token-{name}", "token_type": "Bearer", **fields}


def expired(name: str = "old", **fields: Any) -> dict[str, Any]:
    """A token that has expired and can be refreshed."""
    defaults = {"expires_at": 1, "refresh_token": f"refresh-token-{name}"}
    return token(name, **{**defaults, **fields})


def session_at(answers: BaseAdapter, **kwargs: Any) -> Any:
    """A session whose every https request is answered there.

    Untyped, as the types of requests don't know what a session adds to them.
    """
    settings: dict[str, Any] = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **kwargs}
    session = OAuth2Session(**settings)
    session.mount("https://", answers)
    return session
