"""A server made of prepared answers, in the place of the network of whatever HTTP library."""

from __future__ import annotations

import base64
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

    @property
    def all_headers(self) -> dict[str, str]:
        """Its headers, with the type of its body."""
        kind = "application/json" if self.text is None else "text/html"
        return {"Content-Type": kind, **(self.headers or {})}

    @property
    def body(self) -> bytes:
        """Its body."""
        return (json.dumps(self.document) if self.text is None else self.text).encode()


@dataclass(slots=True)
class Sent:
    """A request as it was sent, under the names that requests has for its parts."""

    method: str
    url: str
    headers: CaseInsensitiveDict[str]
    body: Any


class Answers(BaseAdapter):
    """Answers requests in order, the last answer from then on, and keeps what was sent."""

    def __init__(self, *answers: Answer | Callable[[Any], Answer]) -> None:
        super().__init__()
        self._answers = list(answers or (Answer({}),))
        self._lock = threading.Lock()
        self.sent: list[Any] = []
        self.settings: list[dict[str, Any]] = []

    def take(self, request: Any, settings: dict[str, Any]) -> Answer:
        """Keep a request, and answer it."""
        with self._lock:
            self.sent.append(request)
            self.settings.append(settings)
            following = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return following(request) if callable(following) else following

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:  # type: ignore[override]
        return _response(request, self.take(request, settings))

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

    @property
    def time_limits(self) -> list[tuple[float, float]]:
        """For each request, the seconds to connect in and those for the rest."""
        return [tuple(settings["timeout"]) for settings in self.settings]


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.all_headers)
    response.raw = io.BytesIO(answer.body)
    response.url = str(request.url)
    response.request = request
    return response


def basic(user: str, password: str) -> str:
    """The header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode("latin-1")).decode()


def text_of(body: Any) -> str:
    """A body, or another value, as text."""
    return body.decode() if isinstance(body, bytes) else str(body or "")


def form_of(request: Any) -> dict[str, Any]:
    """The form of a request; what is repeated is a list."""
    text = text_of(request.body) or urlsplit(str(request.url)).query
    return {k: v if len(v) > 1 else v[0] for k, v in parse_qs(text, True).items()}


def json_of(request: Any) -> Any:
    """What the body of a request says in JSON."""
    return json.loads(text_of(request.body))


def token(name: str = "first", **fields: Any) -> dict[str, Any]:
    """A token response."""
    return {"access_token": f"access-token-{name}", "token_type": "Bearer", **fields}


def expired(name: str = "old", **fields: Any) -> dict[str, Any]:
    """A token that has expired and can be refreshed."""
    defaults = {"expires_at": 1, "refresh_token": f"refresh-token-{name}"}
    return token(name, **{**defaults, **fields})
