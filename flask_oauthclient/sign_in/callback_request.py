"""The request at a redirect URI: whether it is one, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..protocol.errors import CallbackError
from ..registry.framework import CallbackRequest
from .form_post import FORM
from .form_post import HANDLE
from .form_post import MAX_FORM_BYTES
from .form_post import read_handle
from .visit import Headers
from .visit import is_prefetch
from .visit import mimetype

if TYPE_CHECKING:
    from ..storage.sealing import Sealer

#: Names and values of a query or a form, in order.
Params = Iterable[tuple[str, str]]


def read_callback(
    method: str,
    path: str,
    headers: Headers,
    *,
    query: Callable[[], Params],
    form: Callable[[], Params],
    sealer: Sealer | None,
) -> CallbackRequest:
    """Read a request that a browser makes to complete a login.

    :param method: of the request.
    :param path: its path, without where the application is mounted.
    :param headers: by names in any case.
    :param query: reads the query.
    :param form: reads the posted form; asked for no other body, and for none that is large.
    :param sealer: what has sealed the form that a redirect carries; see :mod:`.form_post`.
    :raises CallbackError: for another method, a prefetch, or a body that is no small form. No
        pending login is used up by these.
    """
    if method not in ("GET", "POST"):
        raise CallbackError("method_not_allowed")
    if is_prefetch(headers):
        raise CallbackError("prefetch")
    if method == "GET":
        return _read_query(list(query()), path, sealer)
    if mimetype(headers) != FORM:
        raise CallbackError(
            "invalid_callback", "A posted callback is a form; this request has another body."
        )
    if not _is_small(headers.get("Content-Length", "")):
        raise CallbackError("callback_too_large")
    return CallbackRequest("POST", form())


def _read_query(params: list[tuple[str, str]], path: str, sealer: Sealer | None) -> CallbackRequest:
    handle = next((value for name, value in params if name == HANDLE), None)
    if handle is None:
        return CallbackRequest("GET", params)
    posted = read_handle(sealer, path, handle)
    if posted is None:
        raise CallbackError("invalid_callback")
    return CallbackRequest("POST", posted)


def _is_small(length: str) -> bool:
    # Without a length, as in chunks, nobody knows how much is to come.
    return length.isascii() and length.isdigit() and int(length) <= MAX_FORM_BYTES
