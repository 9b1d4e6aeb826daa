"""The objects behind Flask's proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import TypeVar
from typing import cast

from flask import Flask
from flask import Request
from flask import current_app
from flask import request

if TYPE_CHECKING:
    from werkzeug.local import LocalProxy

T = TypeVar("T")


def unproxied(proxy: T) -> T:
    """The object that a proxy stands for at this moment, to be kept, or to be used many times.

    :param proxy: ``current_app``, ``request`` or ``session``, which are typed as what they stand
        for.
    :raises RuntimeError: outside of a context.
    """
    return cast("LocalProxy[T]", proxy)._get_current_object()


def this_request() -> Request:
    """The request itself and no proxy of it, each use of which costs."""
    return unproxied(request)


def this_app() -> Flask:
    """The application itself and no proxy of it: the sender of signals."""
    return unproxied(current_app)
