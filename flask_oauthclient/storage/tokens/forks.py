"""Connections in a forked process: they are its parent's, and to be left alone.

A server that loads the application before it forks its workers has them all inherit what was
connected by then. Two who use one connection get answers that were meant for each other.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any
from typing import TypeVar

T = TypeVar("T")

_renewals: weakref.WeakKeyDictionary[Any, Callable[[Any], object]] = weakref.WeakKeyDictionary()


def after_fork(owner: T, renew: Callable[[T], object]) -> None:
    """Let each child of this process begin with connections of its own.

    :param owner: what has connections.
    :param renew: called with it in the child, before anything else.
    """
    _renewals[owner] = renew


def _renew_all() -> None:
    for owner, renew in list(_renewals.items()):
        renew(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
