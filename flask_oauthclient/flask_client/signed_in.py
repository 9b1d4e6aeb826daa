"""Who is signed in in this browser, as Flask's session keeps it."""

from __future__ import annotations

from typing import Any
from typing import cast

from werkzeug.local import LocalProxy

from ..sign_in import signed_in
from ..sign_in.identity import Identity
from ..sign_in.identity import Kept
from ..sign_in.signed_in import KEPT
from ..sign_in.signed_in import find_kept
from .mounted import find_app_state
from .site import FlaskSite
from .unproxied import this_request

_ANYWHERE = FlaskSite()


def read_identity() -> Identity | None:
    """Who is signed in in this browser, or ``None``."""
    return None if read_kept() is None else signed_in.read_identity(_ANYWHERE)


def read_kept() -> Kept | None:
    """What the session keeps of who is signed in, if that still holds; ``None`` for nobody."""
    try:
        known: dict[str, Any] = this_request().__dict__
    except RuntimeError:  # there is none
        return None
    if KEPT not in known:
        state = find_app_state()
        known[KEPT] = None if state is None else find_kept(_ANYWHERE, state)
    return cast("Kept | None", known[KEPT])


#: The person who is signed in: an :class:`Identity`, false if there is nobody.
current_identity: Identity = cast("Identity", LocalProxy(read_identity))
