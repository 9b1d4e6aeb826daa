"""JSON as RFC 8259 and RFC 7519 section 4 want it: UTF-8, finite numbers, unique names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any
from typing import NoReturn


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member name occurs twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number beyond all measure")
    return number


#: Objects and arrays within each other: more than anybody means, and less than what a copy of
#: the value, which needs more of the stack than the parser, could fail by.
_MAX_DEPTH = 100

_decoder = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_float=_finite, parse_constant=_refuse_constant
)


def loads(data: bytes) -> Any:
    """Parse a JSON document.

    :param data: UTF-8 bytes; other encodings that :func:`json.loads` guesses are refused.
    :returns: the value.
    :raises ValueError: for anything that is not valid JSON, repeats a member name, holds ``NaN``
        or a number that is infinite here, or is nested too deeply to be honest.
    """
    try:
        value = _decoder.decode(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if data.count(b"[") + data.count(b"{") > _MAX_DEPTH:
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise ValueError("nested too deeply")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
