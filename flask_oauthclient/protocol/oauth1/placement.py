"""Where the protocol parameters stand in a request (RFC 5849 section 3.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from typing import TypeAlias
from urllib.parse import unquote

from ..errors import InvalidSettingError
from ..urls import add_query
from .signature import Pairs
from .signature import escape
from .signature import escaped_pairs

SIGNATURE_TYPE_HEADER = "HEADER"
SIGNATURE_TYPE_QUERY = "QUERY"
SIGNATURE_TYPE_BODY = "BODY"

#: One realm, or several.
Realm: TypeAlias = str | list[str] | tuple[str, ...] | None

SIGNATURE_TYPES = (SIGNATURE_TYPE_HEADER, SIGNATURE_TYPE_QUERY, SIGNATURE_TYPE_BODY)

FORM = "application/x-www-form-urlencoded"

# What may stand between quotes without being escaped (RFC 7230 section 3.2.6).
_REALM = re.compile(r"[ !#-\[\]-~]*")
# What encoders of forms write, old and careless ones too; a web page or JSON has more.
_ENCODED = re.compile(r"(?:[A-Za-z0-9_.~=&;:+,*@!()/?'$-]++|%[0-9A-Fa-f]{2})++")


# -- reading -----------------------------------------------------------------------------


def header(headers: Mapping[str, Any], lower_name: str) -> Any:
    """The value of a header, whatever case its name is written in."""
    for name, value in headers.items():
        if name.lower() == lower_name:
            return value
    return None


def drop_header(headers: dict[str, str], lower_name: str) -> None:
    """Take out a header, whatever case its name is written in."""
    for name in [name for name in headers if name.lower() == lower_name]:
        del headers[name]


def media_type(content_type: str | bytes | None) -> str:
    """The media type of a Content-Type header, without parameters; empty if there is none."""
    text = content_type.decode("latin-1") if isinstance(content_type, bytes) else content_type
    return (text or "").partition(";")[0].strip().lower()


def form_of(body: Any, content_type: str) -> str | None:
    """The body as a form whose parameters are signed, or ``None`` if it is none.

    :param body: the body of the request.
    :param content_type: its media type; if there is none, a body that reads as a form is one.
    """
    if not body:
        return "" if content_type in ("", FORM) else None
    if content_type not in ("", FORM) or not isinstance(body, str | bytes):
        return None
    text = body.decode("utf-8", "surrogateescape") if isinstance(body, bytes) else body
    return text if content_type or is_form_encoded(text) else None


def is_form_encoded(text: str) -> bool:
    """Whether a text can be the output of an encoder of forms (HTML 4.01 section 17.13.4)."""
    return _ENCODED.fullmatch(text) is not None


def check_not_repeated(text: str, names: list[str]) -> None:
    """A protocol parameter MUST NOT appear more than once in a request (section 3.1).

    :param text: a query or form that the caller brought.
    :param names: the protocol parameters that are about to be added.
    """
    if "oauth_" not in unquote(text):
        return
    brought = {name for name, _ in escaped_pairs(text)}
    twice = sorted(brought.intersection(names))
    if twice:
        raise InvalidSettingError(
            "invalid_configuration",
            f"The request carries {', '.join(twice)} already; a protocol parameter must not be "
            "sent twice (RFC 5849 section 3.1).",
        )


def octets(body: Any) -> bytes:
    """The octets of a body that is hashed.

    :raises InvalidSettingError: for a stream.
    """
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    try:
        encoded = body.encode("utf-8") if isinstance(body, str) else None
    except UnicodeEncodeError:
        encoded = None
    if encoded is None:
        raise InvalidSettingError(
            "invalid_configuration",
            "force_include_body needs a body of text or bytes: a stream cannot be hashed before "
            "it is sent.",
        )
    return encoded


# -- writing -----------------------------------------------------------------------------


def authorization_header(oauth_params: Pairs, realm: Realm) -> str:
    """The Authorization header (section 3.5.1).

    :param oauth_params: the protocol parameters, in the order in which they are sent.
    :param realm: not encoded, so what could end its quotes or the line is refused.
    """
    fields = ", ".join([f'{name}="{escape(value)}"' for name, value in oauth_params])
    if not realm:
        return f"OAuth {fields}"
    return f'OAuth realm="{_realm_text(realm)}", {fields}'


def _realm_text(realm: Realm) -> str:
    text = " ".join(map(str, realm)) if isinstance(realm, list | tuple) else realm
    if not isinstance(text, str) or not _REALM.fullmatch(text):
        raise InvalidSettingError(
            "invalid_configuration",
            "realm is printable ASCII text without quotes and backslashes.",
        )
    return text


def append_to_query(uri: str, oauth_params: Pairs) -> str:
    """Append to the query of a URL (section 3.5.3)."""
    return add_query(uri, _encoded(oauth_params))


def append_to_form(body: str | bytes | None, oauth_params: Pairs) -> str | bytes:
    """Append to a form, text or bytes as it is (section 3.5.2)."""
    added = _encoded(oauth_params)
    if not body:
        return added
    if isinstance(body, bytes):
        return body.rstrip(b"&") + b"&" + added.encode("ascii")
    return f"{body.rstrip('&')}&{added}"


def _encoded(oauth_params: Pairs) -> str:
    return "&".join([f"{name}={escape(value)}" for name, value in oauth_params])


def force_form(headers: dict[str, str], body: Any, form: str | None) -> str:
    """Only a form can carry the parameters in the body (RFC 5849 section 3.5.2)."""
    if form is None and body:
        raise InvalidSettingError(
            "invalid_configuration",
            "signature_type BODY needs a form as the body (RFC 5849 section 3.5.2); use HEADER "
            "for other content.",
        )
    if media_type(header(headers, "content-type")) != FORM:
        drop_header(headers, "content-type")
        headers["Content-Type"] = FORM
    return form or ""
