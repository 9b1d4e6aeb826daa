"""Who is signed in: kept in the Flask session, in at most a kilobyte.

A person is known by issuer and subject, or by provider and subject where there is no issuer; an
address is no identifier, since it can change hands.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import replace
from typing import Any
from typing import cast

from flask import Request
from flask import current_app
from flask import has_request_context
from flask import request
from flask import session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.local import LocalProxy

from ..protocol.errors import ConfigurationError
from ..protocol.errors import MissingConfigurationError
from ..protocol.errors import StateStoreError
from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.random import generate_token
from .login_result import LoginResult
from .mounted import app_state
from .mounted import find_app_state
from .mounted import sign_outs

_log = logging.getLogger(__name__)

KEY = "_oauthclient_identity"
#: What the session keeps of the last demand beyond being signed in; see :mod:`.step_up`.
ASKED = "_oauthclient_asked"
_ID_LENGTH = 22
#: Characters that one value of the provider's choice may have.
_MAX_VALUE = 255
#: Bytes that an identity may take in the session.
MAX_BYTES = 1000
#: Where a request remembers whom it has found, as the session keeps it and as it is given out.
_KEPT = "_oauthclient_kept"
_IDENTITY = "_oauthclient_identity"

#: Claims that are kept, the first ones first, as far as there is room.
KEPT_CLAIMS = (
    "name",
    "email",
    "email_verified",
    "preferred_username",
    "given_name",
    "family_name",
    "locale",
    "picture",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person who is signed in.

    :param provider: name of the client at which the person signed in.
    :param issuer: issuer of the ID token, or ``None``.
    :param sub: the person's identifier there, unique only together with issuer or provider;
        empty if the provider tells none and the application has its own.
    :param user: the application's own key of the person, if ``on_login`` gave one.
    :param claims: some claims, for display.
    :param signed_in_at: when, in seconds since the epoch.
    :param auth_time: when the person last proved who it is, if the provider says so.
    :param acr: how, if the provider says so.
    :param scopes: what was granted, as far as there is room.
    :param sid: the provider's name of the session there, if it has said one.
    :param sign_in_id: a random name of this sign-in.
    """

    provider: str
    issuer: str | None
    sub: str
    user: str | int | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    signed_in_at: float = 0.0
    auth_time: int | None = None
    acr: str | None = None
    scopes: tuple[str, ...] = ()
    sid: str | None = field(default=None, repr=False)
    sign_in_id: str = field(default="", repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the person: issuer, or provider, and subject."""
        return self.issuer or self.provider, self.sub

    def __bool__(self) -> bool:
        """True, so that type checkers let ``if current_identity`` pass."""
        return True


_FIELDS = frozenset(one.name for one in fields(Identity))


def identity_of(result: LoginResult, user: str | int | None = None) -> Identity:
    """The identity that a login proves.

    :param result: the login.
    :param user: the application's own key.
    :raises MissingConfigurationError: if nobody says who signed in.
    """
    claims = result.about_the_person()
    sub = claims.get("sub")
    if (not isinstance(sub, str) or not sub) and user is None:
        raise MissingConfigurationError(
            "missing_configuration",
            f"The client {result.name!r} says nothing about who signed in. Ask for the scope "
            "openid, or give on_login and return the application's key of the person.",
        )
    auth_time = result.claims.get("auth_time")
    identity = Identity(
        provider=result.name,
        issuer=result.claims.get("iss"),
        sub=sub if isinstance(sub, str) else "",
        user=user,
        signed_in_at=round(time.time(), 3),
        auth_time=int(auth_time) if isinstance(auth_time, int | float) else None,
        acr=_short(result.claims.get("acr")),
        sid=_short(result.claims.get("sid")),
        sign_in_id=generate_token(_ID_LENGTH),
    )
    return _with_claims(_with_scopes(identity, result.token.get("scope")), claims)


def _short(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= _MAX_VALUE else None


def _with_scopes(identity: Identity, scope: Any) -> Identity:
    """Add the scopes that there is room for; one that is missing is asked for, and so refused."""
    room = MAX_BYTES - len(json.dumps({**_written(identity), "scopes": "", "claims": {}}))
    kept: list[str] = []
    for name in scope_to_list(scope):
        room -= len(json.dumps(name)) - 1  # two quotes less, one space more
        if room < 0:
            break
        kept.append(name)
    return replace(identity, scopes=tuple(kept))


def _with_claims(identity: Identity, claims: Mapping[str, Any]) -> Identity:
    """Add the claims that there is room for beside what is needed."""
    room = MAX_BYTES - len(json.dumps({**_written(identity), "claims": {}})) + len("{}")
    kept: dict[str, Any] = {}
    for name in KEPT_CLAIMS:
        value = claims.get(name)
        size = len(json.dumps({name: value})) if isinstance(value, str | bool) else room + 1
        if size <= room:
            kept[name] = value
            room -= size
    return replace(identity, claims=kept)


# -- the session -----------------------------------------------------------------------------


@contextmanager
def renewed_session(keep: Iterable[str] = ()) -> Generator[None]:
    """Begin a session for whoever signs in: what it held before may be somebody else's.

    Logins that are pending in other tabs have a cookie each, and go on. If what is done in it
    fails, the session is as it was before.

    :param keep: keys that stay.
    """
    before, current = dict(session), read_identity()
    stays = {"_permanent", ASKED, *keep}
    if app_state().sealer is None:  # without a SECRET_KEY they live in the session alone
        stays |= {name for name in before if str(name).startswith("_state_")}
    after = {name: value for name, value in before.items() if name in stays}
    try:
        _replace(after)
        _remember(None)  # from here on it is nobody's
        yield
        _check_size()
    except BaseException:
        _replace(before)
        _remember(current)
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
    renew = getattr(current_app.session_interface, "regenerate", None)
    if renew is not None:
        renew(session)


def sign_in(identity: Identity) -> None:
    """Sign a person in, in a session that was renewed for that.

    :param identity: who.
    :raises StateStoreError: if the cache cannot be asked.
    """
    if identity.issuer is not None and identity.sid is not None:
        # So that a front-channel logout, which anybody can forge, can end what there is only.
        sign_outs().note(identity.provider, identity.issuer, identity.sid)
    session[KEY] = _written(identity)
    _remember(identity)


def sign_out() -> Identity | None:
    """End the session of this browser.

    :returns: who was signed in.
    """
    identity = read_identity()
    _end_session()
    return identity


def _end_session() -> None:
    session.clear()
    if hasattr(current_app, "login_manager"):
        # Flask-Login lets people in by a cookie of its own, unless it finds this.
        session["_remember"] = "clear"
    _renew_id()
    _remember(None)


def _written(identity: Identity) -> dict[str, Any]:
    values = {name: getattr(identity, name) for name in _FIELDS}
    values["scopes"] = " ".join(identity.scopes)
    return {name: value for name, value in values.items() if value not in (None, "", {})}


def read_identity() -> Identity | None:
    """Who is signed in in this browser, or ``None``."""
    kept = read_kept()
    if kept is None:
        return None
    known: dict[str, Any] = this_request().__dict__
    if _IDENTITY not in known:
        known[_IDENTITY] = _read(kept)
    return cast("Identity", known[_IDENTITY])


def read_kept() -> Mapping[str, Any] | None:
    """What the session keeps of who is signed in, if that still holds; ``None`` for nobody."""
    if not has_request_context():
        return None
    # On the request, as several requests have one ``g`` where a test holds a context open.
    known: dict[str, Any] = this_request().__dict__
    if _KEPT not in known:
        known[_KEPT] = _find()
    return cast("Mapping[str, Any] | None", known[_KEPT])


def this_request() -> Request:
    """The request itself and no proxy of it, each use of which costs."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # typed as that
    return asked


def _remember(identity: Identity | None) -> None:
    """Note who is signed in, for the rest of the request."""
    known: dict[str, Any] = this_request().__dict__
    known[_KEPT] = None if identity is None else _written(identity)
    known[_IDENTITY] = identity


def _find() -> Mapping[str, Any] | None:
    kept, state = session.get(KEY), find_app_state()
    if state is None or not isinstance(kept, dict):
        return None
    provider, issuer, sub, sid = (kept.get(name) for name in ("provider", "issuer", "sub", "sid"))
    since = kept.get("signed_in_at")
    if not isinstance(provider, str) or not isinstance(since, int | float):
        return None
    if not isinstance(issuer, str):  # only an OpenID provider can end a session from afar
        return kept
    try:
        ended = state.sign_outs.ended(provider, issuer, str(sub or ""), sid, since=since)
    except StateStoreError as failure:
        # Nobody stays signed in because the cache is down, and nobody is signed out for good.
        _log.warning("whether %r has ended the session is unknown: %s", provider, failure)
        return None
    if ended:
        _end_session()
        return None
    return kept


def _read(kept: Mapping[str, Any]) -> Identity:
    known = {name: value for name, value in kept.items() if name in _FIELDS}
    scopes = tuple(scope_to_list(known.get("scopes")))
    return Identity(**{"issuer": None, "sub": "", **known, "scopes": scopes})


#: The person who is signed in: an :class:`Identity`, false if there is nobody.
current_identity: Identity = cast("Identity", LocalProxy(read_identity))
