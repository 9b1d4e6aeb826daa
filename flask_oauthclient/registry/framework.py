"""What a registered client needs from the web framework."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Protocol

from .options import ClientOptions


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """The request at a redirect URI, as far as a login is concerned."""

    method: str
    #: Names and values of the query (GET) or the form (POST), in order, repetitions included.
    params: Iterable[tuple[str, str]]


class Framework(Protocol):
    """One client's view of the current request and of the application."""

    def settings(self) -> tuple[ClientOptions, dict[str, Any]]:
        """The client's options and what is known of its server's metadata."""
        ...

    def new_state(self) -> str:
        """Make a state value."""
        ...

    def keep_login(self, state: str, data: Mapping[str, Any]) -> None:
        """Keep the data of a login until its callback."""
        ...

    def take_login(self, state: str) -> dict[str, Any]:
        """Take the data of a login, once, if this browser started it."""
        ...

    def seal(self, secret: str, context: bytes) -> str:
        """Encrypt a secret that has to be kept where the browser can read it."""
        ...

    def unseal(self, kept: str, context: bytes) -> str | None:
        """Decrypt what was sealed, and pass what was not through; ``None`` if it is not ours."""
        ...

    def read_callback(self) -> CallbackRequest:
        """The current request; refused if it is none that completes a login."""
        ...

    def redirect(self, url: str) -> Any:
        """A 302 response."""
        ...

    def warn_of_plain_http(self) -> None:
        """Say, once, that a redirect URI is plain http, and what can be done about it."""
        ...

    def current_token(self) -> Any:
        """The token that this request has used already, or ``None``."""
        ...

    def set_current_token(self, token: Any) -> None:
        """Remember the token for the rest of the request."""
        ...

    def fetch_token(self) -> Any:
        """The stored token of the user, or ``None``."""
        ...

    def token_updated(self, token: Any, **old: Any) -> None:
        """Store a replaced token, and tell whoever wants to know."""
        ...
