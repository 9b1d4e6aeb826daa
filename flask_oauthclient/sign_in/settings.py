"""What an application says about the routes that it mounts."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ..protocol.errors import InvalidSettingError

_LISTS = ("providers", "query_params", "keep_in_session")

#: Parameters that bind a login together; no visitor has a say in them.
_NEVER_FROM_OUTSIDE = frozenset(
    {
        *("client_id", "client_secret", "response_type", "redirect_uri", "state", "nonce"),
        *("code_challenge", "code_challenge_method", "code_verifier", "request", "request_uri"),
        "extra",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettings:
    """The keywords of ``create_blueprint`` or ``urls``, which explain them."""

    #: The registry.
    oauth: Any
    #: What the application has called to make the routes.
    made_by: str = "create_blueprint"
    providers: tuple[str, ...] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    on_start: Callable[..., Any] | None = None
    on_login: Callable[..., Any] | None = None
    on_error: Callable[..., Any] | None = None
    on_logout: Callable[..., Any] | None = None
    on_link: Callable[..., Any] | None = None
    on_unlink: Callable[..., Any] | None = None
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
        cls, oauth: Any, paths: Mapping[str, str | Mapping[str, str]], **given: Any
    ) -> SignInSettings:
        """Settings of what the application has given.

        :raises InvalidSettingError: for one string in place of a list of names, and if visitors
            shall have a say in what they must not.
        """
        for keyword in _LISTS:
            if isinstance(given[keyword], str):
                raise InvalidSettingError(
                    "invalid_configuration", f"{keyword} is a list of names, and not one string."
                )
            given[keyword] = None if given[keyword] is None else tuple(given[keyword])
        _check_query_params(given["query_params"])
        mappings = [place for place in paths.values() if isinstance(place, Mapping)]
        placed = frozenset(client for mapping in mappings for client in mapping)
        return cls(oauth=oauth, placed=placed, **given)

    def names(self) -> list[str]:
        """The clients that people can sign in at, in the order to show them in."""
        names: list[str] = self.oauth.names()
        return names if self.providers is None else list(self.providers)

    def check_names(self) -> None:
        """Refuse names of clients that are not registered, when the first request comes.

        :raises InvalidSettingError: for a name that must be a typing error.
        """
        known = set(self.oauth.names())
        unknown = sorted({*(self.providers or ()), *self.labels, *self.placed} - known)
        if unknown:
            raise InvalidSettingError(
                "invalid_configuration",
                f"{self.made_by} names {', '.join(unknown)}, but no such client is registered.",
            )

    def label(self, name: str) -> str:
        """What to call a provider on a page."""
        return self.labels.get(name) or name.replace("_", " ").replace("-", " ").title()

    def with_token(self, token: Any) -> dict[str, Any]:
        """The token as an argument of a signal, if the application has asked for it."""
        return {"token": token} if self.token_in_signals else {}


def _check_query_params(names: tuple[str, ...]) -> None:
    forbidden = _NEVER_FROM_OUTSIDE.intersection(names)
    if forbidden:
        raise InvalidSettingError(
            "invalid_configuration",
            f"query_params: a visitor cannot choose {', '.join(sorted(forbidden))}.",
        )
