"""Claims about the user, and an application's own demands on them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidClaimError
from ..errors import MissingClaimError
from ..oauth2.authorization import scope_to_list

#: The claims that each scope stands for (Core 5.4).
SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "openid": ("sub",),
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
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}

REGISTERED_CLAIMS = frozenset(claim for claims in SCOPE_CLAIMS.values() for claim in claims)

#: Language, script, region, variants, extensions and private use, or private use alone.
_LANGUAGE_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+",
    re.IGNORECASE | re.ASCII,
)


class UserInfo(dict[str, Any]):
    """Claims about a user; the standard ones (Core 5.1) are attributes too.

    ``email_verified`` and ``phone_number_verified`` are real booleans: a server that writes
    ``"false"`` does not make an address verified.
    """

    REGISTERED_CLAIMS = sorted(REGISTERED_CLAIMS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("email_verified", "phone_number_verified"):
            if name in self:
                self[name] = _is_true(self[name])

    def __getattr__(self, name: str) -> Any:
        if name in REGISTERED_CLAIMS:
            return self.get(name)
        raise AttributeError(name)

    def validate_locale(self) -> None:
        """Check that ``locale`` has the form of a language tag (BCP 47, RFC 5646 section 2.1).

        :raises ValueError: if it is there and has not.
        """
        locale = self.get("locale")
        if locale is not None and not (isinstance(locale, str) and _LANGUAGE_TAG.fullmatch(locale)):
            raise ValueError('"locale" is not a BCP 47 language tag')

    def filter(self, scope: str | Iterable[str]) -> UserInfo:
        """Keep the claims that a scope stands for (Core 5.4).

        :param scope: scope names, as a string or a list.
        """
        wanted = {claim for name in scope_to_list(scope) for claim in SCOPE_CLAIMS.get(name, ())}
        return UserInfo({name: value for name, value in self.items() if name in wanted})


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def check_claims_options(
    claims: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]]
) -> None:
    """Check an application's own demands, on top of the default checks.

    :param claims: verified claims.
    :param options: ``{claim: {"essential", "allow_blank", "value", "values", "validate"}}``;
        ``validate`` is called with the claims and the value.
    :raises MissingClaimError: if an essential claim is absent or blank.
    :raises InvalidClaimError: if a claim has another value.
    """
    for name, demand in options.items():
        value = claims.get(name)
        if _absent(value, demand):
            if demand.get("essential"):
                raise _refuse(MissingClaimError, "missing_claim", name)
            continue
        if not _acceptable(claims, value, demand):
            raise _refuse(InvalidClaimError, "invalid_claim", name)


def _absent(value: object, demand: Mapping[str, Any]) -> bool:
    return value is None or (not value and not demand.get("allow_blank") and value in ("", [], {}))


def _acceptable(claims: Mapping[str, Any], value: Any, demand: Mapping[str, Any]) -> bool:
    have = value if isinstance(value, list) else [value]
    if demand.get("value") is not None and demand["value"] not in [value, *have]:
        return False
    if demand.get("values") is not None and not any(item in demand["values"] for item in have):
        return False
    validate = demand.get("validate")
    return validate is None or bool(validate(claims, value))


def _refuse(
    kind: type[MissingClaimError] | type[InvalidClaimError], code: str, claim: str
) -> MissingClaimError | InvalidClaimError:
    return kind(
        code,
        f"The claim {claim!r} does not meet this application's claims_options.",
        detail={"claim": claim},
    )
