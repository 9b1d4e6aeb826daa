"""Who is signed in in this browser: kept in the session, and believed as long as it holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

from ..protocol.errors import StateStoreError
from .identity import Identity
from .identity import Kept
from .identity import parse
from .identity import read
from .identity import write

if TYPE_CHECKING:
    from ..registry.app_state import AppState
    from .site import Site

_log = logging.getLogger(__name__)

KEY = "_oauthclient_identity"
#: What the session keeps of the last demand beyond being signed in; see :mod:`.step_up`.
ASKED = "_oauthclient_asked"
#: Where a request remembers whom it has found, as the session keeps it and as it is given out.
KEPT = "_oauthclient_kept"
IDENTITY = "_oauthclient_identity"


@contextmanager
def renewed_session(site: Site, keep: Iterable[str] = ()) -> Generator[None]:
    """Begin a session for whoever signs in: what it held before may be somebody else's.

    Logins that are pending in other tabs have a cookie each, and go on. If what is done in it
    fails, the session is as it was before.

    :param site: the visit.
    :param keep: keys that stay.
    """
    before, current, kept = dict(site.session), read_identity(site), read_kept(site)
    stays = {*site.pinned, ASKED, *keep}
    if site.state.sealer is None:  # without a secret they live in the session alone
        stays |= {name for name in before if str(name).startswith("_state_")}
    after = {name: value for name, value in before.items() if name in stays}
    try:
        _replace(site.session, after)
        _remember(site, None, None)  # from here on it is nobody's
        yield
        site.check_session()
    except BaseException:
        _replace(site.session, before)
        _remember(site, current, kept)
        raise
    site.renew_session_id()


def _replace(session: MutableMapping[str, Any], content: Mapping[str, Any]) -> None:
    session.clear()
    session.update(content)


def sign_in(site: Site, identity: Identity) -> None:
    """Sign a person in, in a session that was renewed for that.

    :param site: the visit.
    :param identity: who.
    :raises StateStoreError: if the cache cannot be asked.
    """
    if identity.issuer is not None and identity.sid is not None:
        # So that a front-channel logout, which anybody can forge, can end what there is only.
        site.state.sign_outs.note(identity.provider, identity.issuer, identity.sid)
    text = write(identity)
    site.session[KEY] = text
    _remember(site, identity, parse(text))


def sign_out(site: Site) -> Identity | None:
    """End the session of this browser, and every copy of its cookie.

    :returns: who was signed in.
    """
    identity = read_identity(site)
    kept = parse(site.session.get(KEY))
    if identity is None and kept is not None:  # the cache is down
        identity = read(kept)
    if identity is not None:
        _end_copies(site, identity)
    site.end_session()
    _remember(site, None, None)
    return identity


def _end_copies(site: Site, identity: Identity) -> None:
    """Let nobody go on with a copy of the cookie; a cookie itself cannot be taken back."""
    try:
        site.state.sign_outs.end_sign_in(identity.sign_in_id, at=time.time())
    except StateStoreError as failure:
        _log.warning("copies of a session that has ended may live on: %s", failure)


def read_identity(site: Site) -> Identity | None:
    """Who is signed in in this browser, or ``None``."""
    kept, known = read_kept(site), site.memo
    if kept is None:
        return None
    if IDENTITY not in known:
        known[IDENTITY] = read(kept)
    return cast("Identity", known[IDENTITY])


def read_kept(site: Site) -> Kept | None:
    """What the session keeps of who is signed in, if that still holds; ``None`` for nobody."""
    known = site.memo
    if KEPT not in known:
        known[KEPT] = find_kept(site, site.state)
    return cast("Kept | None", known[KEPT])


def find_kept(site: Site, state: AppState) -> Kept | None:
    """The same, for the first time in a request: who was ended is signed out.

    :param site: the visit.
    :param state: what the registry keeps for the application.
    """
    kept = parse(site.session.get(KEY))
    ended = _is_ended(state, kept) if kept is not None else None
    if ended:
        site.end_session()
    return kept if ended is False else None


def _is_ended(state: AppState, kept: Kept) -> bool | None:
    """Whether a sign-in was ended; ``None`` if that is not known."""
    try:
        return state.sign_outs.ended(
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


def believe_in_nobody(site: Site) -> None:
    """Take whoever asks for nobody, for the rest of the request; the session stays as it is."""
    _remember(site, None, None)


def _remember(site: Site, identity: Identity | None, kept: Kept | None) -> None:
    """Note who is signed in, for the rest of the request."""
    known = site.memo
    known[KEPT] = kept
    known[IDENTITY] = identity
