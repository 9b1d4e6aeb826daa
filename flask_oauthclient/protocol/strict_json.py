"""JSON as RFC 8259 and RFC 7519 section 4 want it: UTF-8, finite numbers, unique names."""

from __future__ import annotations

import json
from typing import Any
from typing import NoReturn


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member name occurs twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError("not a JSON number")


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_constant=_refuse_constant, strict=True
)


def loads(data: bytes) -> Any:
    """Parse a JSON document.

    :param data: UTF-8 bytes; other encodings that :func:`json.loads` guesses are refused.
    :returns: the value.
    :raises ValueError: for anything that is not valid JSON, repeats a member name, holds ``NaN``
        or ``Infinity``, or is nested too deeply to be honest.
    """
    try:
        return _decoder.decode(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
