"""The people one can sign in as."""

from __future__ import annotations

import dataclasses
import hmac
import typing as t
from collections.abc import Iterable
from collections.abc import Mapping

#: OpenID Connect Core 5.4: which claims a scope asks for.
SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
        "groups",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}

#: What the consent page says about each scope.
SCOPE_TEXTS: Mapping[str, tuple[str, str]] = {
    "openid": ("Sign you in", "A stable identifier for you"),
    "profile": ("Your profile", "Name, username, language, time zone"),
    "email": ("Your email address", "And whether it was verified"),
    "address": ("Your postal address", "As one formatted block"),
    "phone": ("Your phone number", "And whether it was verified"),
    "offline_access": ("Stay connected", "Refresh access while you are away"),
    "api": ("Your notes", "Read and add notes through the example API"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Persona:
    """Somebody who can sign in. ``claims`` are those of OpenID Connect Core 5.1.

    No page asks for the ``password``; the password grant does, and takes any where there is none.
    """

    sub: str
    name: str
    claims: Mapping[str, t.Any] = dataclasses.field(default_factory=dict[str, t.Any])
    password: str | None = dataclasses.field(default=None, repr=False, kw_only=True)

    @property
    def username(self) -> str:
        """What they type in a sign-in form: the ``preferred_username``, or the subject."""
        return str(self.claims.get("preferred_username", self.sub))

    @property
    def subtitle(self) -> str:
        """The second line on the page: the email address, or that there is none."""
        return str(self.claims.get("email") or "no email address")

    @property
    def initials(self) -> str:
        """One or two letters for the round badge."""
        words = self.name.split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()

    def answers_to(self, hint: str) -> bool:
        """Tell whether a ``login_hint`` names this persona.

        :param hint: The hint.
        :returns: Whether it is the subject, username or email address.
        """
        return hint in (self.sub, self.claims.get("preferred_username"), self.claims.get("email"))

    def accepts(self, password: str) -> bool:
        """Compare a password.

        :param password: What was typed.
        :returns: Whether it is right, as every password is where none was set.
        """
        return self.password is None or hmac.compare_digest(
            self.password.encode(), password.encode()
        )

    def claims_for(self, scopes: Iterable[str]) -> dict[str, t.Any]:
        """Collect the claims that scopes ask for (OpenID Connect Core 5.4).

        :param scopes: The granted scopes.
        :returns: ``sub`` and every claim of these scopes that the persona has.
        """
        known = {"name": self.name, **self.claims}
        wanted = [name for scope in scopes for name in SCOPE_CLAIMS.get(scope, ())]
        return {"sub": self.sub, **{name: known[name] for name in wanted if name in known}}


def default_personas() -> tuple[Persona, ...]:
    """Make the ready-made people.

    :returns: A handful that differ in what applications get wrong: somebody with everything,
        with an unverified address, with a name outside ASCII, without an address, with groups.
    """
    return _ALICE, _BOB, _ANH, _DANA, _ERIN


_ALICE = Persona(
    "alice",
    "Alice Example",
    {
        "given_name": "Alice",
        "family_name": "Example",
        "preferred_username": "alice",
        "email": "alice@example.com",
        "email_verified": True,
        "locale": "en-GB",
        "zoneinfo": "Europe/London",
        "updated_at": 1735689600,
        "phone_number": "+44 20 7946 0018",
        "phone_number_verified": True,
        "address": {
            "formatted": "1 Sample Street\nLondon\nN1 9GU\nUnited Kingdom",
            "street_address": "1 Sample Street",
            "locality": "London",
            "postal_code": "N1 9GU",
            "country": "GB",
        },
    },
)
_BOB = Persona(
    "bob",
    "Bob Sample",
    {
        "given_name": "Bob",
        "family_name": "Sample",
        "preferred_username": "bob",
        "email": "bob@example.org",
        "email_verified": False,
        "locale": "en-US",
        "zoneinfo": "America/Chicago",
    },
)
_ANH = Persona(
    "anh",
    "Nguyễn Thị Ánh",
    {
        "given_name": "Ánh",
        "family_name": "Nguyễn",
        "middle_name": "Thị",
        "preferred_username": "ánh.nguyễn",
        "email": "anh@example.net",
        "email_verified": True,
        "locale": "vi-VN",
        "zoneinfo": "Asia/Ho_Chi_Minh",
    },
)
_DANA = Persona(
    "dana",
    "Dana Quiet",
    {"preferred_username": "dana", "locale": "de-DE", "zoneinfo": "Europe/Berlin"},
)
_ERIN = Persona(
    "erin",
    "Erin Operator",
    {
        "given_name": "Erin",
        "family_name": "Operator",
        "preferred_username": "erin",
        "email": "erin@example.com",
        "email_verified": True,
        "groups": ["admins", "on-call"],
        "locale": "en-AU",
        "zoneinfo": "Australia/Sydney",
    },
)
