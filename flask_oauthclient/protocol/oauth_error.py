"""The root of the error tree, which stands in :mod:`.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .error_codes import CODES


class OAuthError(Exception):
    """The root of every error that a login or an API call raises.

    :param error: stable code, see :data:`CODES`; the provider's own code for a refusal.
    :param description: what happened and what to do; default is the code's entry.
    :param uri: page with more information, if the provider named one.
    :param detail: facts for logs and tests, free of secrets; text from outside stands here,
        cleaned and bounded.
    :param http_status: a fitting status for a page that reports it.
    """

    error: str = "oauth_error"
    description: str = ""
    uri: str | None = None
    http_status: int = 500
    #: What ``authorize_redirect`` was given as ``extra``, if the login got as far as its state.
    extra: Any = None

    def __init__(
        self,
        error: str | None = None,
        description: str | None = None,
        uri: str | None = None,
        *,
        detail: Mapping[str, Any] | None = None,
        http_status: int | None = None,
    ) -> None:
        self.error = error or self.error
        known = CODES.get(self.error)
        self.description = description or self.description or (known.message if known else "")
        self.uri = uri
        self.detail: dict[str, Any] = dict(detail or {})
        self.http_status = http_status or (known.http_status if known else self.http_status)
        # Not super(): the constructors of the JOSE library's errors take something else.
        Exception.__init__(self, str(self))

    @property
    def docs(self) -> str:
        """The place in the documentation that explains this code."""
        return f"errors.html#{self.error.replace('_', '-')}"

    def again(self) -> OAuthError:
        """The same error without a traceback, to be raised once more for somebody else."""
        return _make(*self._parts())

    def _parts(self) -> tuple[Any, ...]:
        parts = (self.error, self.description, self.uri, self.detail, self.http_status)
        return type(self), *parts

    def __str__(self) -> str:
        return f"{self.error}: {self.description}" if self.description else self.error

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self)!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, self._parts()


def _make(
    kind: type[OAuthError],
    error: str,
    description: str,
    uri: str | None,
    detail: dict[str, Any],
    http_status: int,
) -> OAuthError:
    return kind(error, description, uri, detail=detail, http_status=http_status)
