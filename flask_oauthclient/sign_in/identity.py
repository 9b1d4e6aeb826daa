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
from dataclasses import replace
from functools import lru_cache
from typing import Any
from typing import NamedTuple

from ..protocol.errors import MissingConfigurationError
from ..protocol.oauth2.authorization import scope_to_list
from ..protocol.random import generate_token
from .login_result import LoginResult

_ID_LENGTH = 22
#: Characters that one value of the provider's choice may have.
_MAX_VALUE = 255
#: Bytes that an identity may take in the session.
MAX_BYTES = 1000

#: Texts that are not read anew.
_REMEMBERED = 256
_json = json.JSONEncoder(separators=(",", ":")).encode

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

    @property
    def owner(self) -> str:
        """Whose tokens these are in a store: the application's own key, else issuer and subject."""
        return " ".join(self.key) if self.user is None else str(self.user)

    def __bool__(self) -> bool:
        """True, so that type checkers let ``if current_identity`` pass."""
        return True


class Kept(NamedTuple):
    """An identity as the session keeps it: what each request needs, and the rest unread."""

    provider: str
    issuer: str | None
    sub: str
    sid: str | None
    sign_in_id: str
    signed_in_at: float
    rest: str = "{}"


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
    needed = Identity(
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
    room = MAX_BYTES - len(write(needed)) - len(_json({"scopes": "", "claims": {}}))
    scopes, room = _fitting_scopes(scope_to_list(result.token.get("scope")), room)
    return replace(needed, scopes=scopes, claims=_fitting_claims(claims, room))


def is_key(value: object) -> bool:
    """Whether a value can be an application's key of a person: a text, or a whole number."""
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _short(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= _MAX_VALUE else None


def _fitting_scopes(scopes: list[str], room: int) -> tuple[tuple[str, ...], int]:
    """The scopes that there is room for; one that is missing is asked for, and so refused."""
    kept: list[str] = []
    for name in scopes:
        room -= len(_json(name)) - 1  # two quotes less, one space more
        if room < 0:
            break
        kept.append(name)
    return tuple(kept), room


def _fitting_claims(claims: Mapping[str, Any], room: int) -> dict[str, Any]:
    """The claims that there is room for beside what is needed."""
    wanted = {
        name: claims[name] for name in KEPT_CLAIMS if isinstance(claims.get(name), str | bool)
    }
    if len(_json(wanted)) <= room:
        return wanted
    kept: dict[str, Any] = {}
    for name, value in wanted.items():
        size = len(_json({name: value}))
        if size <= room:
            kept[name] = value
            room -= size
    return kept


# -- in the session ----------------------------------------------------------------------------


def write(identity: Identity) -> str:
    """What the session keeps of an identity: one text in two lines.

    Flask walks through every list and mapping of a session on each request; a text it passes by.
    """
    head = [getattr(identity, name) for name in Kept._fields[:-1]]
    rest = {
        "user": identity.user,
        "auth_time": identity.auth_time,
        "acr": identity.acr,
        "scopes": " ".join(identity.scopes),
        "claims": dict(identity.claims),
    }
    present = {name: value for name, value in rest.items() if value not in (None, "", {})}
    return f"{_json(head)}\n{_json(present)}"


def parse(text: object) -> Kept | None:
    """Read what each request needs; ``None`` for anything that was not written here."""
    return _parse(text) if isinstance(text, str) else None


@lru_cache(maxsize=_REMEMBERED)  # a page makes many requests in a row
def _parse(text: str) -> Kept | None:
    head, _, rest = text.partition("\n")
    try:
        provider, issuer, sub, sid, sign_in_id, at, *_ = json.loads(head)  # and what is yet to come
    except (ValueError, TypeError):
        return None
    texts = provider, issuer or "", sub, sid or "", sign_in_id
    if not all(isinstance(text, str) for text in texts) or not isinstance(at, int | float):
        return None
    if not rest.startswith("{"):
        return None
    return Kept(provider, issuer, sub, sid, sign_in_id, at, rest)


def read(kept: Kept) -> Identity:
    """Read the rest as well."""
    rest: dict[str, Any] = json.loads(kept.rest)
    return Identity(
        provider=kept.provider,
        issuer=kept.issuer,
        sub=kept.sub,
        sid=kept.sid,
        sign_in_id=kept.sign_in_id,
        signed_in_at=kept.signed_in_at,
        user=rest.get("user"),
        auth_time=rest.get("auth_time"),
        acr=rest.get("acr"),
        scopes=tuple(rest.get("scopes", "").split()),
        claims=rest.get("claims", {}),
    )
