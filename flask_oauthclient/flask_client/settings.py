"""What an application says about the blueprint that it mounts."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from flask import Flask
from flask import abort
from flask import current_app

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import OAuthError
from .unproxied import unproxied

if TYPE_CHECKING:
    from .extension import OAuth
    from .identity import Identity
    from .login_result import LoginResult


_LISTS = ("providers", "query_params", "keep_in_session")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueprintSettings:
    """The keywords of :meth:`OAuth.create_blueprint`, which explains them."""

    oauth: OAuth
    providers: tuple[str, ...] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    on_start: Callable[[str], Any] | None = None
    on_login: Callable[[LoginResult], Any] | None = None
    on_error: Callable[[OAuthError], Any] | None = None
    on_logout: Callable[[Identity], Any] | None = None
    on_link: Callable[[LoginResult, Identity], Any] | None = None
    on_unlink: Callable[[str, Identity], Any] | None = None
    query_params: tuple[str, ...] = ()
    keep_in_session: tuple[str, ...] = ()
    third_party_login: bool = False
    link_max_age: int = 900
    revoke: bool = True
    forget_tokens: bool = False
    token_in_signals: bool = False
    docs_url: str | None = None
    #: Names of clients that have paths of their own.
    placed: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, oauth: OAuth, paths: Mapping[str, str | Mapping[str, str]], **given: Any
    ) -> BlueprintSettings:
        """Settings of what :meth:`OAuth.create_blueprint` was given.

        :raises InvalidSettingError: for one string in place of a list of names.
        """
        for keyword in _LISTS:
            if isinstance(given[keyword], str):
                raise InvalidSettingError(
                    "invalid_configuration", f"{keyword} is a list of names, and not one string."
                )
            given[keyword] = None if given[keyword] is None else tuple(given[keyword])
        mappings = [place for place in paths.values() if isinstance(place, Mapping)]
        placed = frozenset(client for mapping in mappings for client in mapping)
        return cls(oauth=oauth, placed=placed, **given)

    def names(self) -> list[str]:
        """The clients that people can sign in at, in the order to show them in."""
        return self.oauth.names() if self.providers is None else list(self.providers)

    def check_names(self) -> None:
        """Refuse names of clients that are not registered, when the first request comes.

        :raises InvalidSettingError: for a name that must be a typing error.
        """
        known = set(self.oauth.names())
        unknown = sorted({*(self.providers or ()), *self.labels, *self.placed} - known)
        if unknown:
            raise InvalidSettingError(
                "invalid_configuration",
                f"create_blueprint names {', '.join(unknown)}, but no such client is registered.",
            )

    def client(self, provider: str) -> Any:
        """A client by the name that stands in a URL; any other name is a page not found."""
        if provider not in self.names():
            abort(404)
        return self.oauth.create_client(provider)

    def label(self, name: str) -> str:
        """What to call a provider on a page."""
        return self.labels.get(name) or name.replace("_", " ").replace("-", " ").title()

    def with_token(self, token: Any) -> dict[str, Any]:
        """The token as an argument of a signal, if the application has asked for it."""
        return {"token": token} if self.token_in_signals else {}


def this_app() -> Flask:
    """The application itself and no proxy of it: the sender of signals."""
    return unproxied(current_app)
