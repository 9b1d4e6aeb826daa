"""A token on its way into a request, whatever HTTP library sends that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Self
from urllib.parse import unquote
from urllib.parse import unquote_plus

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import InvalidTokenError
from ..protocol.errors import MissingTokenError
from ..protocol.oauth2.bearer import HEADER
from ..protocol.oauth2.bearer import TokenAuth
from ..protocol.oauth2.bearer import add_bearer_token
from ..transport._run import Steps
from ..transport._run import run_steps

FORM = "application/x-www-form-urlencoded"


class SessionTokenAuth(TokenAuth):
    """A token that its session keeps fresh; see :class:`TokenAuth` for the parameters."""

    #: Whether the token may travel over http to a host that is not loopback.
    insecure_http = False

    def fresh_steps(self) -> Steps[None]:
        """Have the session replace the token if it has expired.

        :raises MissingTokenError: without a token.
        :raises InvalidTokenError: if the token has expired and cannot be replaced.
        """
        if self.client is None:
            return
        had = getattr(self.client, "had", None)
        leeway = getattr(self.client, "leeway", 60)
        if self.token and had is not None and not had(self.token):
            # Somebody else's: whatever the session has or gets is not meant for it.
            if self.token.is_expired(leeway):
                raise InvalidTokenError
            return
        if not (yield self.client.ensure_active_token(self.token)):
            raise InvalidTokenError if self.token else MissingTokenError
        if not self.token or self.token.is_expired(leeway):
            # This object is none that the session knows of: what was replaced is its token.
            self.token = self.client.token

    @property
    def only_adds_header(self) -> bool:
        """Whether nothing happens to a request but that it gets an ``Authorization`` header."""
        if not self.token or self.hooks or self.token_placement not in HEADER:
            return False
        is_bearer = self._sign_method() is add_bearer_token
        return is_bearer and not self._has_own_prepare and type(self).sign is TokenAuth.sign

    @property
    def _has_own_prepare(self) -> bool:
        return type(self).prepare is not SessionTokenAuth.prepare

    def prepare(
        self, uri: str, headers: Mapping[str, str], body: Any, *, insecure_http: bool = False
    ) -> tuple[str, dict[str, str], Any]:
        """Put the token into a request, and let the hooks change that; coroutines are finished.

        It raises what :meth:`sign` does.
        """
        parts = self.sign(uri, headers, body, insecure_http=insecure_http)
        return run_steps(self._hooked(parts))

    def prepare_steps(
        self, uri: str, headers: Mapping[str, str], body: Any
    ) -> Steps[tuple[str, dict[str, str], Any]]:
        """Put the token into a request, and let the hooks change that; some have to be awaited.

        :param uri: URL of the request.
        :param headers: its headers.
        :param body: its body.
        """
        if self._has_own_prepare:  # of a subclass of the application
            return self.prepare(uri, headers, body, insecure_http=self.insecure_http)
        parts = self.sign(uri, headers, body, insecure_http=self.insecure_http)
        return (yield from self._hooked(parts))

    def _hooked(
        self, parts: tuple[str, dict[str, str], Any]
    ) -> Steps[tuple[str, dict[str, str], Any]]:
        for hook in self.hooks:
            parts = yield hook(*parts)
        return parts

    def check_placement(self, headers: Mapping[str, str], body: object) -> None:
        """A token goes into a form, if into the body (RFC 6750 section 2.2).

        :param headers: of the request.
        :param body: of the request.
        :raises InvalidSettingError: if the body is none, or is a stream.
        """
        if self.token_placement != "body":  # noqa: S105
            return
        content_type = headers.get("Content-Type") or FORM
        if not content_type.startswith(FORM) or not isinstance(body or "", str | bytes):
            raise InvalidSettingError(
                "invalid_configuration",
                "With token_placement='body' a request has a form for its body, and nothing else.",
            )

    def for_token(self, token: Any) -> Self:
        """The same way for another token, bound to no session."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.token = token
        other.client = None
        return other


def without_token(url: str, before: str) -> str:
    """A redirect's URL without the token that the URL before it carried."""
    base, mark, query = url.partition("?")
    query, hash_mark, fragment = query.partition("#")
    pieces = before.partition("#")[0].partition("?")[2].split("&")
    sent = {text for piece in pieces for text in _readings(piece)}
    kept = "&".join(piece for piece in query.split("&") if sent.isdisjoint(_readings(piece)))
    return f"{base}{mark if kept else ''}{kept}{hash_mark}{fragment}"


def _readings(piece: str) -> set[str]:
    """A token in a piece of a query; servers that repeat one write it in ways of their own."""
    texts = {unquote(piece), unquote_plus(piece)}
    return {text for text in texts if text.startswith("access_token=")}
