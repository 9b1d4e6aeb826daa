"""Who is signed in in this browser: kept in the Flask session, and believed as long as it holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any
from typing import cast

from flask import Request
from flask import current_app
from flask import g
from flask import has_request_context
from flask import request
from flask import session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.local import LocalProxy

from ..protocol.errors import ConfigurationError
from ..protocol.errors import StateStoreError
from .identity import Identity
from .identity import Kept
from .identity import parse
from .identity import read
from .identity import write
from .mounted import app_state
from .mounted import find_app_state
from .unproxied import unproxied

_log = logging.getLogger(__name__)

KEY = "_oauthclient_identity"
#: What the session keeps of the last demand beyond being signed in; see :mod:`.step_up`.
ASKED = "_oauthclient_asked"
#: Where a request remembers whom it has found, as the session keeps it and as it is given out.
_KEPT = "_oauthclient_kept"
_IDENTITY = "_oauthclient_identity"


@contextmanager
def renewed_session(keep: Iterable[str] = ()) -> Generator[None]:
    """Begin a session for whoever signs in: what it held before may be somebody else's.

    Logins that are pending in other tabs have a cookie each, and go on. If what is done in it
    fails, the session is as it was before.

    :param keep: keys that stay.
    """
    before, current, kept = dict(session), read_identity(), read_kept()
    stays = {"_permanent", ASKED, *keep}
    if app_state().sealer is None:  # without a SECRET_KEY they live in the session alone
        stays |= {name for name in before if str(name).startswith("_state_")}
    after = {name: value for name, value in before.items() if name in stays}
    try:
        _replace(after)
        _remember(None, None)  # from here on it is nobody's
        yield
        _check_size()
    except BaseException:
        _replace(before)
        _remember(current, kept)
        raise
    _renew_id()


def _replace(content: Mapping[str, Any]) -> None:
    session.clear()
    session.update(content)


def _check_size() -> None:
    """Refuse a session that the browser would drop: it would be sent to sign in for ever.

    :raises ConfigurationError: if the application keeps more than a cookie holds.
    """
    app, content = current_app, dict(session)
    limit, interface = app.config["MAX_COOKIE_SIZE"], app.session_interface
    if not limit or not isinstance(interface, SecureCookieSessionInterface):
        return
    if 2 * len(ascii(content)) < limit:  # signed, encoded and packed it is no longer than that
        return
    serializer = interface.get_signing_serializer(app)
    size = len(serializer.dumps(content)) if serializer is not None else 0
    if len(interface.get_cookie_name(app)) + size > limit:
        raise ConfigurationError(
            description="The session does not fit a cookie, so nobody would stay signed in. Keep "
            "less in it, or keep sessions on the server.",
            detail={"size": size, "limit": limit},
        )


def _renew_id() -> None:
    """Give a session that is kept on the server another name (session fixation)."""
    interface = current_app.session_interface
    renew = getattr(interface, "regenerate", None)
    if renew is not None:
        renew(session)
    elif not isinstance(interface, SecureCookieSessionInterface):
        _warn_of_fixed_sessions()


def _warn_of_fixed_sessions() -> None:
    state = find_app_state()
    if state is not None and "sessions" not in state.warned_of:
        state.warned_of.add("sessions")
        _log.warning(
            "the session interface has no regenerate(), so a session keeps its id at a sign-in, "
            "and who has planted it is signed in as well. Flask-Session 0.6 or newer has it"
        )


def sign_in(identity: Identity) -> None:
    """Sign a person in, in a session that was renewed for that.

    :param identity: who.
    :raises StateStoreError: if the cache cannot be asked.
    """
    if identity.issuer is not None and identity.sid is not None:
        # So that a front-channel logout, which anybody can forge, can end what there is only.
        app_state().sign_outs.note(identity.provider, identity.issuer, identity.sid)
    text = write(identity)
    session[KEY] = text
    _remember(identity, parse(text))


def sign_out() -> Identity | None:
    """End the session of this browser, and every copy of its cookie.

    :returns: who was signed in.
    """
    identity = read_identity()
    kept = parse(session.get(KEY))
    if identity is None and kept is not None:  # the cache is down
        identity = read(kept)
    if identity is not None:
        _end_copies(identity)
    _end_session()
    return identity


def _end_copies(identity: Identity) -> None:
    """Let nobody go on with a copy of the cookie; a cookie itself cannot be taken back."""
    try:
        app_state().sign_outs.end_sign_in(identity.sign_in_id, at=time.time())
    except StateStoreError as failure:
        _log.warning("copies of a session that has ended may live on: %s", failure)


def _end_session() -> None:
    session.clear()
    if hasattr(current_app, "login_manager"):
        # Flask-Login lets people in by a cookie of its own, unless it finds this; and whom it has
        # found already in this request.
        session["_remember"] = "clear"
        g.pop("_login_user", None)
    _renew_id()
    _remember(None, None)


def read_identity() -> Identity | None:
    """Who is signed in in this browser, or ``None``."""
    kept = read_kept()
    if kept is None:
        return None
    known: dict[str, Any] = this_request().__dict__
    if _IDENTITY not in known:
        known[_IDENTITY] = read(kept)
    return cast("Identity", known[_IDENTITY])


def read_kept() -> Kept | None:
    """What the session keeps of who is signed in, if that still holds; ``None`` for nobody."""
    if not has_request_context():
        return None
    # On the request, as several requests have one ``g`` where a test holds a context open.
    known: dict[str, Any] = this_request().__dict__
    if _KEPT not in known:
        known[_KEPT] = _find()
    return cast("Kept | None", known[_KEPT])


def this_request() -> Request:
    """The request itself and no proxy of it, each use of which costs."""
    return unproxied(request)


def _remember(identity: Identity | None, kept: Kept | None) -> None:
    """Note who is signed in, for the rest of the request."""
    known: dict[str, Any] = this_request().__dict__
    known[_KEPT] = kept
    known[_IDENTITY] = identity


def _find() -> Kept | None:
    state, kept = find_app_state(), parse(session.get(KEY))
    if state is None or kept is None:
        return None
    try:
        ended = state.sign_outs.ended(
            kept.provider,
            kept.issuer,
            kept.sub,
            kept.sid,
            since=kept.signed_in_at,
            sign_in_id=kept.sign_in_id,
        )
    except StateStoreError as failure:
        # Nobody stays signed in because the cache is down, and nobody is signed out for good.
        _log.warning("whether a session has been ended is unknown: %s", failure)
        return None
    if ended:
        _end_session()
        return None
    return kept


#: The person who is signed in: an :class:`Identity`, false if there is nobody.
current_identity: Identity = cast("Identity", LocalProxy(read_identity))
