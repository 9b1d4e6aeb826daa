"""Presenting a bearer token (RFC 6750 section 2)."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import ClassVar

from ..error_codes import clean_text
from ..errors import InvalidSettingError
from ..errors import InvalidTokenError
from ..errors import MissingTokenError
from ..errors import UnsupportedTokenTypeError
from ..urls import add_params
from ..urls import check_secure
from ..warn import warn_caller
from .hooks import HookList
from .token import OAuth2Token
from .token import is_token

Headers = dict[str, str]

#: The names of the usual placement.
HEADER = frozenset({"header", "headers"})
_BODY = frozenset({"body"})
_QUERY = frozenset({"uri", "url", "query"})


def authorization(token: str) -> str:
    """The value of the header that presents a token (section 2.1)."""
    return f"Bearer {token}"


def add_bearer_token(
    token: str, uri: str, headers: Mapping[str, str], body: Any, placement: str = "header"
) -> tuple[str, Headers, Any]:
    """Put a token into a request.

    :param token: the access token.
    :param uri: URL of the request.
    :param headers: its headers.
    :param body: its body, a form if the token goes there.
    :param placement: ``header``, ``body`` or ``uri``.
    :returns: the three with the token.
    :raises InvalidSettingError: for another placement.
    """
    if placement in HEADER:
        return uri, {**headers, "Authorization": authorization(token)}, body
    if placement in _BODY:
        form = body.decode("utf-8") if isinstance(body, bytes) else body or ""
        return uri, dict(headers), add_params("?" + form, [("access_token", token)])[1:]
    if placement in _QUERY:
        return add_params(uri, [("access_token", token)]), dict(headers), body
    raise InvalidSettingError(
        "invalid_configuration", "token_placement is one of header, body and uri."
    )


class TokenAuth:
    """A token and its way into a request.

    :param token: the token, a dict of the token response.
    :param token_placement: ``header`` (RFC 6750 section 2.1); ``body`` and ``uri`` exist for
        servers that know nothing else, and warn.
    :param client: object whose ``ensure_active_token`` is asked before each use.
    """

    #: How to present each token type, by its name in lower case.
    SIGN_METHODS: ClassVar[dict[str, Callable[..., tuple[str, Headers, Any]]]] = {
        "bearer": add_bearer_token
    }

    def __init__(self, token: Any, token_placement: str = "header", client: Any = None) -> None:  # noqa: S107
        self.token = OAuth2Token.from_dict(token)
        self.token_placement = token_placement
        self.client = client
        #: Compliance hooks of the type ``protected_request``, called with ``(url, headers, body)``.
        self.hooks = HookList()
        if token_placement not in HEADER:
            warn_caller(
                f"token_placement={token_placement!r} shows the token where it is logged and "
                "cached (RFC 6750 section 5.3); use the header if the server allows it",
            )

    def set_token(self, token: Any) -> None:
        """Use another token from now on."""
        self.token = OAuth2Token.from_dict(token)

    def prepare(
        self, uri: str, headers: Mapping[str, str], body: Any, *, insecure_http: bool = False
    ) -> tuple[str, Headers, Any]:
        """Put the token into a request, and let the hooks change that.

        It raises what :meth:`sign` does.
        """
        parts = self.sign(uri, headers, body, insecure_http=insecure_http)
        for hook in self.hooks:
            parts = hook(*parts)
        return parts

    def sign(
        self, uri: str, headers: Mapping[str, str], body: Any, *, insecure_http: bool = False
    ) -> tuple[str, Headers, Any]:
        """Put the token into a request.

        :raises MissingTokenError: if there is none.
        :raises InvalidTokenError: if it is not made of printable ASCII characters (RFC 6749
            appendix A.12).
        :raises UnsupportedTokenTypeError: if it is of a type that nobody here can present.
        :raises InsecureTransportError: if the URL is not https (RFC 6750 section 5.2).
        """
        token = self.access_token()
        check_secure(uri, insecure_http=insecure_http)
        return self._sign_method()(token, uri, headers, body, self.token_placement)

    def access_token(self) -> str:
        """The access token, if it can be sent.

        :raises MissingTokenError: if there is none.
        :raises InvalidTokenError: if it is not made of printable ASCII characters (RFC 6749
            appendix A.12).
        """
        token: Any = (self.token or {}).get("access_token")
        if not token:
            raise MissingTokenError
        if not is_token(token):
            # Further on, the HTTP library would refuse it with a message that shows it.
            raise InvalidTokenError("token_invalid", "The access token is not printable ASCII.")
        return str(token)

    def _sign_method(self) -> Callable[..., tuple[str, Headers, Any]]:
        token_type = str(self.token.get("token_type") or "bearer").lower()
        sign = self.SIGN_METHODS.get(token_type)
        if sign is None:
            raise UnsupportedTokenTypeError(detail={"token_type": clean_text(token_type)})
        return sign

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.token_placement}>"
