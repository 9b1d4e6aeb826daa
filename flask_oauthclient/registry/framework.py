"""What a registered client needs from the web framework."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Protocol

from ..protocol.errors import OAuthError
from ..storage.tokens.account import Account
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

    def account(self, *, own: bool) -> Account | None:
        """Where the token is kept, or ``None`` if functions of the application see to that.

        :param own: whether it is a token of the client's own and no user's.
        :raises LoginRequired: if it is a user's, and nobody is signed in.
        """
        ...

    def bound(self, owner: str | None, label: str) -> Framework:
        """The same for another account.

        :param owner: whose; default is the user of the current request.
        :param label: which of several of one owner.
        :raises MissingConfigurationError: without a store.
        """
        ...

    def current_token(self, account: Account | None = None) -> Any:
        """The token that this request has used already, or ``None``.

        :param account: where it is kept; by default it is one that was set by hand.
        """
        ...

    def set_current_token(self, token: Any, account: Account | None = None) -> None:
        """Remember the token for the rest of the request."""
        ...

    def fetch_token(self) -> Any:
        """The token of the user as a function of the application finds it, or ``None``."""
        ...

    def token_updated(self, token: Any, **old: Any) -> None:
        """Hand a replaced token to the functions of the application, and tell who listens."""
        ...

    def refresh_told(self, account: Account | None, error: OAuthError | None = None) -> None:
        """Tell who listens that a token was refreshed, or why it could not be.

        :param account: where it is kept, if in a store.
        :param error: why not.
        """
        ...
