"""Who is signed in: kept in the Flask session, in at most a kilobyte.

A person is known by issuer and subject, or by provider and subject where there is no issuer; an
address is no identifier, since it can change hands.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import cast

from flask import g
from flask import has_request_context
from flask import session
from werkzeug.local import LocalProxy

from ..protocol.errors import MissingConfigurationError
from ..protocol.oauth2.authorization import scope_to_list
from .login_result import LoginResult

KEY = "_oauthclient_identity"
#: Bytes that an identity may take in the session.
MAX_BYTES = 1000

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
    :param sub: the person's identifier there; unique only together with issuer or provider.
    :param user: the application's own key of the person, if ``on_login`` gave one.
    :param claims: some claims, for display.
    :param signed_in_at: when, in seconds since the epoch.
    :param auth_time: when the person last proved who it is, if the provider says so.
    :param acr: how, if the provider says so.
    :param scopes: what was granted.
    """

    provider: str
    issuer: str | None
    sub: str
    user: str | int | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    signed_in_at: int = 0
    auth_time: int | None = None
    acr: str | None = None
    scopes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the person: issuer, or provider, and subject."""
        return self.issuer or self.provider, self.sub


def identity_of(result: LoginResult, user: str | int | None = None) -> Identity:
    """The identity that a login proves.

    :param result: the login.
    :param user: the application's own key.
    :raises MissingConfigurationError: if neither ID token nor userinfo have a subject.
    """
    claims = result.claims if result.claims.get("sub") else result.userinfo
    sub = claims.get("sub")
    if not isinstance(sub, str) or not sub:
        raise MissingConfigurationError(
            "missing_configuration",
            f"The client {result.name!r} says nothing about who signed in. Ask for the scope "
            "openid, or give on_login and tell there.",
        )
    auth_time, acr = claims.get("auth_time"), claims.get("acr")
    return Identity(
        provider=result.name,
        issuer=claims.get("iss"),
        sub=sub,
        user=user,
        claims=_kept(claims),
        signed_in_at=int(time.time()),
        auth_time=int(auth_time) if isinstance(auth_time, int | float) else None,
        acr=acr if isinstance(acr, str) else None,
        scopes=tuple(scope_to_list(result.token.get("scope"))),
    )


def _kept(claims: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in KEPT_CLAIMS:
        more = {**kept, name: claims.get(name)}
        if isinstance(more[name], str | bool) and len(json.dumps(more)) <= MAX_BYTES // 2:
            kept = more
    return kept


def sign_in(identity: Identity) -> None:
    """Begin a session for a person: whatever the session held before is somebody else's.

    Logins that are pending in other tabs stay.
    """
    pending = {k: v for k, v in session.items() if isinstance(k, str) and k.startswith("_state_")}
    session.clear()
    session.update(pending)
    session[KEY] = _written(identity)
    _renew_id()
    g._oauthclient_identity = identity


def sign_out() -> Identity | None:
    """End the session of this browser.

    :returns: who was signed in.
    """
    identity = read_identity()
    session.clear()
    _renew_id()
    g.pop("_oauthclient_identity", None)
    return identity


def _renew_id() -> None:
    """Give a session that is kept on the server another name (session fixation)."""
    from flask import current_app

    renew = getattr(current_app.session_interface, "regenerate", None)
    if renew is not None:
        renew(session)


def _written(identity: Identity) -> dict[str, Any]:
    values = {name: getattr(identity, name) for name in Identity.__dataclass_fields__}
    return {name: value for name, value in values.items() if value not in (None, (), {})}


def read_identity() -> Identity | None:
    """Who is signed in in this browser, or ``None``."""
    if not has_request_context():
        return None
    if "_oauthclient_identity" not in g:
        g._oauthclient_identity = _read(session.get(KEY))
    return cast("Identity | None", g._oauthclient_identity)


def _read(kept: Any) -> Identity | None:
    if not isinstance(kept, dict):
        return None
    known = {k: v for k, v in kept.items() if k in Identity.__dataclass_fields__}
    if not isinstance(known.get("sub"), str) or not isinstance(known.get("provider"), str):
        return None
    return Identity(**{"issuer": None, **known, "scopes": tuple(known.get("scopes", ()))})


#: The person who is signed in: an :class:`Identity`, false if there is nobody.
current_identity: Identity = cast("Identity", LocalProxy(read_identity))
