"""What the keywords and answers of a session's calls mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

from ..protocol.errors import InvalidSettingError

#: Keywords of token requests that belong to the HTTP library.
_TRANSPORT_KEYWORDS = ("timeout", "proxies", "verify", "cert", "cookies", "hooks")
#: Those that change nothing: no redirect is followed, and the answer is read whole.
_WITHOUT_EFFECT = ("allow_redirects", "stream")


def take_transport_settings(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Take the HTTP library's keywords out of those of a token request."""
    for name in ("files", "json"):
        if kwargs.get(name) is not None:
            raise InvalidSettingError(
                "invalid_configuration",
                f"A token request is a form (RFC 6749 section 4.1.3); {name} has no place in "
                "it. A compliance hook access_token_request can write another body.",
            )
    for name in (*_WITHOUT_EFFECT, "files", "json"):
        kwargs.pop(name, None)
    return {name: kwargs.pop(name) for name in _TRANSPORT_KEYWORDS if name in kwargs}


def is_implicit(url: str) -> bool:
    """Whether a redirect carries its answer in the fragment; some add one to a code as well."""
    parts = urlsplit(url)
    return bool(parts.fragment) and not {"code", "error"} & set(dict(parse_qsl(parts.query)))


def read_form(body: str) -> dict[str, Any]:
    """Read encoded form parameters; one that is repeated becomes a list."""
    return {
        name: values if len(values) > 1 else values[0] for name, values in parse_qs(body).items()
    }


def without_none(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not given."""
    return {name: value for name, value in kwargs.items() if value is not None}


def is_replaced(used: Mapping[str, Any], current: Any) -> bool:
    """Whether another token is in use than the one that a call went out with."""
    return bool(current) and current.get("access_token") != used.get("access_token")


def token_was_refused(response: Any) -> bool:
    """Whether an API says that the token itself is the problem (RFC 6750 section 3.1)."""
    if response.status_code != 401:
        return False
    headers = getattr(response, "headers", None)
    challenge = headers.get("WWW-Authenticate", "") if isinstance(headers, Mapping) else ""
    return isinstance(challenge, str) and "invalid_token" in challenge


def is_replayable(kwargs: Mapping[str, Any]) -> bool:
    """Whether a request can be sent a second time: a stream is gone after the first."""
    data = kwargs.get("data")
    return not kwargs.get("files") and (
        data is None or isinstance(data, str | bytes | Mapping | list | tuple)
    )
