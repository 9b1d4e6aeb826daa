"""Refusing a keyword that does not exist: a typing error never means "off"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .errors import UnknownOptionError


def unknown_option(where: str, keyword: str, known: Iterable[str]) -> UnknownOptionError:
    """Make the error for a keyword that does not exist, naming the nearest that does.

    :param where: what was given the keyword.
    :param keyword: the keyword.
    :param known: those that exist.
    """
    near = difflib.get_close_matches(str(keyword).lower(), list(known), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else " See the configuration table."
    return UnknownOptionError("unknown_option", f"{where} has no option {keyword!r}.{hint}")
