"""What the keywords and answers of a session's calls mean."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple
from urllib.parse import parse_qs
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import UnknownOptionError

if TYPE_CHECKING:
    from ..storage.tokens.account import Account

#: What a request for OAuth 1.0a credentials is made of, beside its URL.
_PARTS_OF_A_REQUEST = frozenset({"params", "data", "headers", "realm"})


class CallKeywords(NamedTuple):
    """The keywords of an HTTP library in the calls that get a token.

    :param transport: those that are passed on to it.
    :param without_effect: those that change nothing: no redirect is followed, and the answer is
        read whole.
    :param other_bodies: those that would write a body of another kind.
    :param of_the_session: those that the library has for a whole session only.
    """

    transport: tuple[str, ...]
    without_effect: tuple[str, ...]
    other_bodies: tuple[str, ...]
    of_the_session: tuple[str, ...] = ()

    def take(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take the library's keywords out of those of a token request.

        :param kwargs: the keywords; what is left are parameters of the form.
        :raises InvalidSettingError: for a body of another kind.
        """
        for name in self.of_the_session:
            if name in kwargs:
                raise InvalidSettingError(
                    "invalid_configuration",
                    f"{name} is a setting of the whole client, and not of one call.",
                )
        for name in self.other_bodies:
            if kwargs.get(name) is not None:
                raise InvalidSettingError(
                    "invalid_configuration",
                    f"A token request is a form (RFC 6749 section 4.1.3); {name} has no place in "
                    "it. A compliance hook access_token_request can write another body.",
                )
        for name in (*self.without_effect, *self.other_bodies):
            kwargs.pop(name, None)
        return {name: kwargs.pop(name) for name in self.transport if name in kwargs}

    def take_signed(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The same for a request for OAuth 1.0a credentials.

        :raises UnknownOptionError: if there is more left than the parts of a request.
        """
        settings = self.take(kwargs)
        for name in kwargs.keys() - _PARTS_OF_A_REQUEST:
            raise UnknownOptionError(
                "unknown_option",
                f"A request for credentials has no keyword {name!r}. Parameters go into params "
                "(the query) or data (the form).",
            )
        return settings


def take_account(kwargs: dict[str, Any]) -> Account | None:
    """Take the place where a session keeps its token out of its keywords.

    :param kwargs: ``token_store`` and ``token_key`` are taken out.
    :raises InvalidSettingError: for one without the other.
    """
    store, key = kwargs.pop("token_store", None), kwargs.pop("token_key", None)
    if store is None and key is None:
        return None
    from ..storage.tokens.account import Account
    from ..storage.tokens.key import TokenKey

    if store is None or not hasattr(store, "refresh") or not isinstance(key, TokenKey):
        raise InvalidSettingError(
            "invalid_configuration",
            "token_store is a store of tokens, and token_key a TokenKey(client, owner, label): the "
            "name of the session's token in it. Give both.",
        )
    return Account(store, key)


def is_implicit(url: str) -> bool:
    """Whether a redirect carries its answer in the fragment; some add one to a code as well."""
    parts = urlsplit(url)
    return bool(parts.fragment) and not {"code", "error"} & set(dict(parse_qsl(parts.query)))


def read_form(body: str) -> dict[str, Any]:
    """Read encoded form parameters; one that is repeated becomes a list."""
    return {
        name: values if len(values) > 1 else values[0] for name, values in parse_qs(body).items()
    }


def is_replaced(used: Any, current: Any) -> bool:
    """Whether another token is in use than the one that a call went out with, if it had one."""
    return bool(current) and current.get("access_token") != (used or {}).get("access_token")


def token_was_refused(response: Any) -> bool:
    """Whether an API says that the token itself is the problem (RFC 6750 section 3.1)."""
    # After a redirect it is somebody else who answers, and the call itself has been carried out.
    if getattr(response, "status_code", None) != 401 or getattr(response, "history", None):
        return False
    headers = getattr(response, "headers", None)
    challenge = headers.get("WWW-Authenticate", "") if isinstance(headers, Mapping) else ""
    return isinstance(challenge, str) and "invalid_token" in challenge


def is_replayable(kwargs: Mapping[str, Any]) -> bool:
    """Whether a request can be sent a second time: a stream is gone after the first."""
    bodies = [kwargs.get(name) for name in ("data", "content")]
    return not kwargs.get("files") and all(
        body is None or isinstance(body, str | bytes | Mapping | list | tuple) for body in bodies
    )


def as_client_auth(
    sign: Callable[[str, str, Mapping[str, str], str], tuple[str, Mapping[str, str], Any]],
) -> Callable[..., tuple[str, dict[str, str], str]]:
    """Use what signs calls of an API in an HTTP library to prove who the client is.

    :param sign: ``(method, url, headers, form) -> (url, headers, body)``.
    :returns: a client authentication method (see :mod:`..protocol.oauth2.client_auth`).
    """

    def method(
        client: object, method: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        url, sent, changed = sign(method, uri, headers, body)
        # The length is that of the body, which a compliance hook may still change.
        kept = {k: v for k, v in sent.items() if k.lower() != "content-length"}
        text = changed.decode() if isinstance(changed, bytes) else changed or ""
        return url, kept, text

    return method
