"""Sessions of requests at prepared answers."""

from __future__ import annotations

from typing import Any

from requests.adapters import BaseAdapter

from flask_oauthclient.requests_client import OAuth2Session
from tests.sessions._answers import API_URL
from tests.sessions._answers import CLIENT_ID
from tests.sessions._answers import CLIENT_SECRET
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import expired
from tests.sessions._answers import form_of
from tests.sessions._answers import token

__all__ = [
    "API_URL",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "TOKEN_URL",
    "Answer",
    "Answers",
    "expired",
    "form_of",
    "session_at",
    "token",
]


def session_at(answers: BaseAdapter, **kwargs: Any) -> Any:
    """A session whose every https request is answered there.

    Untyped, as the types of requests don't know what a session adds to them.
    """
    settings: dict[str, Any] = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **kwargs}
    session = OAuth2Session(**settings)
    session.mount("https://", answers)
    return session
