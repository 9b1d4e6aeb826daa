"""Who somebody is, in at most a kilobyte.

A person is known by issuer and subject, or by provider and subject where there is no issuer; an
address is no identifier, since it can change hands.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import replace
from typing import Any

from ..protocol.errors import MissingConfigurationError
from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.random import generate_token
from .login_result import LoginResult

_ID_LENGTH = 22
#: Characters that one value of the provider's choice may have.
_MAX_VALUE = 255
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
    room = MAX_BYTES - len(json.dumps({**written(identity), "scopes": "", "claims": {}}))
    kept: list[str] = []
    for name in scope_to_list(scope):
        room -= len(json.dumps(name)) - 1  # two quotes less, one space more
        if room < 0:
            break
        kept.append(name)
    return replace(identity, scopes=tuple(kept))


def _with_claims(identity: Identity, claims: Mapping[str, Any]) -> Identity:
    """Add the claims that there is room for beside what is needed."""
    room = MAX_BYTES - len(json.dumps({**written(identity), "claims": {}})) + len("{}")
    kept: dict[str, Any] = {}
    for name in KEPT_CLAIMS:
        value = claims.get(name)
        size = len(json.dumps({name: value})) if isinstance(value, str | bool) else room + 1
        if size <= room:
            kept[name] = value
            room -= size
    return replace(identity, claims=kept)


def written(identity: Identity) -> dict[str, Any]:
    """What the session keeps of an identity."""
    values = {name: getattr(identity, name) for name in _FIELDS}
    values["scopes"] = " ".join(identity.scopes)
    return {name: value for name, value in values.items() if value not in (None, "", {})}


def read(kept: Mapping[str, Any]) -> Identity:
    """The identity that was kept."""
    known = {name: value for name, value in kept.items() if name in _FIELDS}
    scopes = tuple(scope_to_list(known.get("scopes")))
    return Identity(**{"issuer": None, "sub": "", **known, "scopes": scopes})
