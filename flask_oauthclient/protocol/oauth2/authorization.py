"""The authorization request (RFC 6749 section 4.1.1)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ..urls import add_params


def scope_to_string(scope: str | Iterable[str] | None) -> str | None:
    """Write a scope as the wire has it: names separated by spaces (RFC 6749 section 3.3)."""
    if scope is None or isinstance(scope, str):
        return scope
    return " ".join(str(name) for name in scope)


def scope_to_list(scope: str | Iterable[str] | None) -> list[str]:
    """Read a scope as a list of names; what a server writes instead of one has none."""
    if not isinstance(scope, str | Iterable):
        return []
    return (scope_to_string(scope) or "").split()


def authorization_url(endpoint: str, params: Mapping[str, Any]) -> str:
    """Build the URL that the browser is sent to.

    :param endpoint: the authorization endpoint; its own query is kept.
    :param params: parameters in the order in which they shall stand. ``None`` is left out, a list
        repeats the parameter (``resource``, RFC 8707), a mapping is sent as JSON (``claims``,
        Core 5.5), a scope may be any iterable of names.
    """
    return add_params(endpoint, _pairs(params))


def _pairs(params: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in params.items():
        if value is None:
            continue
        if name == "scope":
            yield name, scope_to_string(value) or ""
        elif isinstance(value, Mapping):
            yield name, json.dumps(value, separators=(",", ":"))
        elif isinstance(value, list | tuple | set | frozenset):
            yield from ((name, str(item)) for item in value)
        else:
            yield name, str(value)
