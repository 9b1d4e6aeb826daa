"""What the keywords and answers of a session's calls mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from ..protocol.errors import InvalidSettingError
from ..protocol.errors import UnknownOptionError
from ..protocol.oauth2.client_auth import AuthMethod

#: Keywords of token requests that belong to the HTTP library.
_TRANSPORT_KEYWORDS = ("timeout", "proxies", "verify", "cert", "cookies", "hooks")
#: Those that change nothing: no redirect is followed, and the answer is read whole.
_WITHOUT_EFFECT = ("allow_redirects", "stream")
#: What a request for OAuth 1.0a credentials is made of, beside its URL.
_PARTS_OF_A_REQUEST = frozenset({"params", "data", "headers", "realm"})


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


def take_signed_settings(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Take the HTTP library's keywords out of those of a request for OAuth 1.0a credentials.

    :raises UnknownOptionError: if there is more left than the parts of a request.
    """
    settings = take_transport_settings(kwargs)
    for name in kwargs.keys() - _PARTS_OF_A_REQUEST:
        raise UnknownOptionError(
            "unknown_option",
            f"A request for credentials has no keyword {name!r}. Parameters go into params (the "
            "query) or data (the form).",
        )
    return settings


def as_auth_method(auth: AuthBase) -> AuthMethod:
    """Use an ``auth`` object of requests, as for a call of an API, to prove who the client is."""

    def method(
        client: object, method: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        prepared = auth(requests.Request(method, uri, headers, data=body).prepare())
        # The length is that of the body, which a compliance hook may still change.
        sent = {k: v for k, v in prepared.headers.items() if k != "Content-Length"}
        changed = prepared.body or ""
        text = changed.decode() if isinstance(changed, bytes) else changed
        return str(prepared.url), sent, text

    return method


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
    data = kwargs.get("data")
    return not kwargs.get("files") and (
        data is None or isinstance(data, str | bytes | Mapping | list | tuple)
    )
