"""Responses as messages, whichever library they are from, and the doubles of test suites.

Doubles have only ``status_code``, ``json()`` and ``text``, and headers if need be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..protocol.messages import Response


def message_of(response: Any, *, is_real: bool) -> Response:
    """Take from a response what the protocol looks at.

    A compliance hook may give a real response a ``json`` of its own, which then is what the server
    has said.

    :param response: the response, whose body was read.
    :param is_real: whether it is the library's own.
    """
    plain = getattr(response, "headers", None)
    headers = {k.lower(): v for k, v in plain.items()} if isinstance(plain, Mapping) else {}
    if not is_real:
        return Response(int(response.status_code), headers, _double_body(response))
    if "json" not in vars(response):
        return Response(response.status_code, headers, response.content or b"")
    headers["content-type"] = "application/json"
    return Response(response.status_code, headers, _double_body(response))


def _double_body(response: Any) -> bytes:
    try:
        return json.dumps(response.json()).encode()
    except (ValueError, TypeError, AttributeError):
        text = getattr(response, "text", "")
        return text.encode() if isinstance(text, str) else b""
