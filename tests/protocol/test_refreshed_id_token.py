"""The ID token of a refresh, compared with the login's (OpenID Connect Core 12.2)."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InvalidClaimError
from flask_oauthclient.protocol.oidc.refreshed import check_same_login

LOGIN = {
    "iss": "https://op.test",
    "sub": "alice",
    "aud": ["rp", "api"],
    "azp": "rp",
    "auth_time": 5,
    "nonce": "n",
}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in LOGIN.items() if name not in names}


FINE = [LOGIN, without("auth_time", "nonce"), {**LOGIN, "aud": ["api", "rp", "more"]}]
WRONG = [
    ("iss", {**LOGIN, "iss": "https://other.test"}),
    ("sub", {**LOGIN, "sub": "mallory"}),
    ("sub", without("sub")),
    ("aud", {**LOGIN, "aud": "rp"}),
    ("aud", without("aud")),
    ("azp", {**LOGIN, "azp": "other"}),
    ("azp", without("azp")),
    ("auth_time", {**LOGIN, "auth_time": 6}),
    ("nonce", {**LOGIN, "nonce": "m"}),
]


@pytest.mark.parametrize("claims", FINE, ids=range(len(FINE)))
def test_same_login_is_accepted(claims: dict[str, Any]) -> None:
    check_same_login(claims, LOGIN)


@pytest.mark.parametrize(("claim", "claims"), WRONG, ids=range(len(WRONG)))
def test_another_login_is_refused(claim: str, claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidClaimError) as caught:
        check_same_login(claims, LOGIN)
    assert caught.value.detail == {"claim": claim}


def test_azp_that_the_login_did_not_have_is_refused() -> None:
    with pytest.raises(InvalidClaimError) as caught:
        check_same_login(LOGIN, without("azp"))
    assert caught.value.detail == {"claim": "azp"}


def test_what_was_not_kept_of_the_login_is_not_compared() -> None:
    check_same_login(without("azp"), {"sub": "alice"})
