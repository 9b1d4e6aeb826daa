"""Headers that can be sent (RFC 9110 section 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..protocol.error_codes import clean_text
from ..protocol.errors import InvalidSettingError

_is_name = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
# Octets as Python's HTTP library encodes them, without those that end a line or a header.
_is_value = re.compile(r"[^\r\n\0\u0100-\U0010ffff]*").fullmatch


def check_headers(headers: Mapping[Any, Any] | None) -> None:
    """Refuse a header before the HTTP library does, whose message shows the value.

    Values that a user passes are checked by requests; those of client authentication, of
    signatures and of hooks come later.

    :raises InvalidSettingError: for a name or value that cannot be sent, naming the header only.
    """
    for name, value in (headers or {}).items():
        if not _is_name(_text(name)) or not (_is_plain(value) or _is_value(_text(value))):
            raise InvalidSettingError(
                "invalid_configuration",
                f"The header {clean_text(_text(name), 50)!r} is not text that can be sent.",
            )


def _is_plain(value: object) -> bool:
    """Whether this is what nearly all values are, told at a tenth of the cost."""
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _text(value: object) -> str:
    """Text or octets; a line break, which is refused, in place of anything else."""
    if isinstance(value, str):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else "\n"
