"""The ID token of a refresh: about the same login as the first one (OpenID Connect Core 12.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidClaimError

#: Claims that a refreshed ID token may leave out; if it has them, they are those of the login.
_IF_PRESENT = ("auth_time", "nonce")


def check_same_login(claims: Mapping[str, Any], first: Mapping[str, Any]) -> None:
    """Compare a refreshed ID token, which is verified, with the login's.

    :param claims: its claims.
    :param first: the claims of the ID token of the login, or as much as was kept of them.
    :raises InvalidClaimError: if it is another user's, another login's or for somebody else.
    """
    for name in ("iss", "sub"):
        _check(name, fits=name not in first or claims.get(name) == first[name])
    _check("aud", fits=_audiences(first) <= _audiences(claims))
    # One MUST NOT be present where the first had none; that is known if all of it was kept.
    if "azp" in first or "aud" in first:
        _check("azp", fits=claims.get("azp") == first.get("azp"))
    for name in _IF_PRESENT:
        is_known = first.get(name) is not None and name in claims
        _check(name, fits=not is_known or claims[name] == first[name])


def _audiences(claims: Mapping[str, Any]) -> set[str]:
    audience = claims.get("aud", [])
    return set(audience) if isinstance(audience, list | tuple) else {audience}


def _check(name: str, *, fits: bool) -> None:
    if not fits:
        raise InvalidClaimError(
            "invalid_claim",
            f"The refreshed ID token has another {name!r} than the login's.",
            detail={"claim": name},
        )
