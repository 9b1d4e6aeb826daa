"""What a claim means, in words, and its value in a form a person can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import times

#: OpenID Connect Core 5.1: the person.
ABOUT_YOU = {
    "sub": "Your permanent identifier at this provider. Never reused, unlike an e-mail address.",
    "name": "Your full name, ready to show.",
    "given_name": "First name or names.",
    "family_name": "Last name or names.",
    "middle_name": "Middle name or names.",
    "nickname": "The casual form of your name.",
    "preferred_username": "What you like to be called. Not unique, so never a key.",
    "profile": "Address of your profile page.",
    "picture": "Address of your picture.",
    "website": "Your web page or blog.",
    "email": "Your preferred e-mail address.",
    "email_verified": "Whether the provider checked that the address is yours.",
    "gender": "Your gender, in your words.",
    "birthdate": "Your birthday; the year 0000 means it is withheld.",
    "zoneinfo": "Your time zone.",
    "locale": "Your language and region.",
    "phone_number": "Your preferred telephone number.",
    "phone_number_verified": "Whether the provider checked that the number is yours.",
    "address": "Your postal address.",
    "updated_at": "When these details last changed.",
}

#: OpenID Connect Core 2 and the logout specifications: this one sign-in.
ABOUT_SIGN_IN = {
    "iss": "The issuer: which provider says all this.",
    "aud": "The audience: the client this was issued to. It has to be this app.",
    "azp": "The authorized party: the client that asked for the token.",
    "iat": "Issued at: when the provider signed the ID token.",
    "nbf": "Not before: the token is not valid earlier.",
    "exp": "Expires: the ID token is not accepted later. It says nothing about your session here.",
    "auth_time": "When you last proved who you are.",
    "nonce": "The random value this app sent along, so that no other sign-in can be passed off.",
    "at_hash": "Ties the access token to this ID token.",
    "c_hash": "Ties the authorization code to this ID token.",
    "acr": "How strongly you were authenticated, as a class.",
    "amr": "How you were authenticated: password, passkey, one-time code ...",
    "sid": "Your session at the provider. Sign-out messages refer to it.",
    "jti": "The serial number of this ID token.",
}

_UNKNOWN = "This provider's own; no specification defines it."
_TIMES = frozenset({"iat", "nbf", "exp", "auth_time", "updated_at"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the claims table."""

    name: str
    value: str
    meaning: str
    source: str


def about_you(signed: Mapping[str, Any], *, userinfo: Mapping[str, Any]) -> list[Row]:
    """Rows on the person: the standard claims in the order of the specification, then the rest.

    :param signed: claims of the ID token; they win.
    :param userinfo: claims of the userinfo endpoint.
    """
    known = {**userinfo, **signed}
    rest = (name for name in sorted(known) if name not in ABOUT_YOU and name not in ABOUT_SIGN_IN)
    names = [*(name for name in ABOUT_YOU if name in known), *rest]
    return [_row(n, known[n], "ID token" if n in signed else "userinfo") for n in names]


def about_sign_in(signed: Mapping[str, Any]) -> list[Row]:
    """Rows on this sign-in, in a fixed order.

    :param signed: claims of the ID token.
    """
    return [_row(name, signed[name], "ID token") for name in ABOUT_SIGN_IN if name in signed]


def _row(name: str, value: Any, source: str) -> Row:
    meaning = ABOUT_YOU.get(name) or ABOUT_SIGN_IN.get(name) or _UNKNOWN
    return Row(name, readable(name, value), meaning, source)


def readable(name: str, value: Any) -> str:
    """A claim's value for the table: dates in words, lists in a row, the rest as JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in _TIMES and isinstance(value, int | float):
        return times.moment(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if name == "address" and isinstance(value, dict) and isinstance(value.get("formatted"), str):
        return str(value["formatted"])
    return json.dumps(value, ensure_ascii=False)


def display_name(claims: Mapping[str, Any]) -> str:
    """The best name there is for a greeting."""
    for name in ("name", "preferred_username", "nickname", "email", "sub"):
        if isinstance(claims.get(name), str) and claims[name].strip():
            return str(claims[name]).strip()
    return "?"


def initials(name: str) -> str:
    """One or two letters for the round badge."""
    words = [word for word in name.split() if word[0].isalnum()]
    picked = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in picked).upper() or "?"
