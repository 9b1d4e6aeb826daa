"""How an endpoint refuses a request."""

from __future__ import annotations

from .answer import Answer
from .answer import HeaderList
from .answer import json_answer


class Refusal(Exception):
    """A refusal in the form of RFC 6749 5.2: a JSON object with ``error``.

    :param error: The error code.
    :param description: What is wrong, for the developer.
    :param status: The HTTP status.
    :param headers: Further headers.
    """

    def __init__(
        self, error: str, description: str, status: int = 400, headers: HeaderList = ()
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers

    def answer(self) -> Answer:
        """Make the HTTP answer.

        :returns: The answer, which no cache may keep.
        """
        document = {"error": self.error, "error_description": self.description}
        headers = (("Cache-Control", "no-store"), ("Pragma", "no-cache"), *self.headers)
        return json_answer(document, self.status, headers)


class PageRefusal(Exception):
    """A refusal that only the person at the browser may see: there is no trusted place to go.

    :param title: The heading.
    :param explanation: What to do about it.
    :param status: The HTTP status.
    """

    def __init__(self, title: str, explanation: str, status: int = 400) -> None:
        super().__init__(title)
        self.title = title
        self.explanation = explanation
        self.status = status


def bearer_refusal(error: str, description: str, status: int, scope: str = "") -> Refusal:
    """Refuse a protected resource request (RFC 6750 3).

    :param error: ``invalid_request``, ``invalid_token`` or ``insufficient_scope``; empty when no
        token was sent, as then the challenge must not carry an error code (RFC 6750 3.1).
    :param description: What is wrong.
    :param status: The HTTP status.
    :param scope: The scope that would be enough.
    :returns: The refusal, to be raised.
    """
    challenge = 'Bearer realm="development provider"'
    if error:
        challenge += f', error="{error}", error_description="{description}"'
    if scope:
        challenge += f', scope="{scope}"'
    headers = (("WWW-Authenticate", challenge),)
    return Refusal(error or "invalid_token", description, status, headers)
