"""ID tokens with a good signature and a claim that does not fit (rows I16-I50, I57)."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import IDTokenError
from tests.protocol._login import ABSENT
from tests.protocol._login import ACCESS_TOKEN
from tests.protocol._login import ALGORITHMS
from tests.protocol._login import CLIENT
from tests.protocol._login import CODE
from tests.protocol._login import ISSUER
from tests.protocol._login import NOW
from tests.protocol._login import STATE
from tests.protocol._login import claims
from tests.protocol._login import left_half
from tests.protocol._login import verify_by

CHECKED = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "HS256")

#: Row, variant -> (claims that change, settings of the login, code, the claim that is named).
REJECTED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {}


def reject(row: str, code: str, claim: str, variants: dict[str, Any], /, **login: Any) -> None:
    """Rows in which one claim has another value."""
    for name, value in variants.items():
        REJECTED[f"{row}-{name}"] = ({claim: value}, login, code, claim)


CONFUSED: dict[str, Any] = {
    "true": True,
    "number": 5,
    "float": 1.5,
    "object": {"a": 1},
    "empty-object": {},
    "nested": [[CLIENT]],
}

reject("I16", "missing_claim", "iss", {"missing": ABSENT, "null": None})
reject(
    "I16",
    "invalid_claim",
    "iss",
    {
        "other": "https://evil.test",
        "prefix": "https://op.tes",
        "substring": "op.test",
        "longer": ISSUER + ".evil.test",
        "slash": ISSUER + "/",
        "port": ISSUER + ":443",
        "case": "https://OP.test",
        "list": [ISSUER],
        "empty": "",
        "surrogate": "\ud800",
        **CONFUSED,
    },
)
reject("I17", "invalid_claim", "aud", {"other": "other", "list": ["other"]})
reject("I17", "missing_claim", "aud", {"missing": ABSENT})
reject("I57", "invalid_claim", "aud", {"same-issuer": "another-client"})
reject("I20", "invalid_claim", "aud", {"foreign": [CLIENT, "other"]})
reject(
    "I21", "invalid_claim", "azp", {"other": "other", "list": [CLIENT], "empty": "", "true": True}
)
reject("I22", "missing_claim", "aud", {"null": None})
reject(
    "I22",
    "invalid_claim",
    "aud",
    {
        "empty-list": [],
        "empty": "",
        "suffix": CLIENT + "1",
        "prefix": "x" + CLIENT,
        "case": CLIENT.upper(),
        "space": f"{CLIENT} other",
        "null-inside": [CLIENT, None],
        "number-inside": [CLIENT, 5],
        "surrogate": "\udc00",
        **CONFUSED,
    },
)
NOT_TIMES: dict[str, Any] = {
    "string": "tomorrow",
    "digits": str(int(NOW) + 300),
    "true": True,
    "false": False,
    "list": [int(NOW) + 300],
    "object": {},
    "1e300": 1e300,
    "minus-1e300": -1e300,
    "thousand-digits": 10**999,
    "two-to-64": 2**64,
}
reject("I24", "missing_claim", "exp", {"missing": ABSENT, "null": None})
reject("I24", "invalid_claim", "exp", NOT_TIMES)
reject("I25", "expired_id_token", "exp", {"100-s": int(NOW) - 100, "zero": 0, "negative": -1})
reject("I25", "expired_id_token", "exp", {"fraction": NOW - 60.5})
reject("I26", "expired_id_token", "exp", {"at-leeway": int(NOW) - 60})
reject("I28", "missing_claim", "iat", {"missing": ABSENT, "null": None})
reject("I29", "invalid_claim", "iat", {"hour": int(NOW) + 3600, "just": int(NOW) + 61, **NOT_TIMES})
reject("I30", "invalid_claim", "iat", {"week": int(NOW) - 7 * 86400})
reject("I30", "invalid_claim", "iat", {"hour": int(NOW) - 3661}, max_token_age=3600)
reject("nbf", "invalid_claim", "nbf", {"hour": int(NOW) + 3600, **NOT_TIMES})
reject("I32", "missing_claim", "nonce", {"missing": ABSENT, "null": None})
reject(
    "I32",
    "invalid_claim",
    "nonce",
    {"other": "another", "empty": "", "case": "NONCE-of-this-login", "surrogate": "\ud800"}
    | CONFUSED,
)
reject("I33", "missing_claim", "sub", {"missing": ABSENT, "null": None})
reject(
    "I33",
    "invalid_claim",
    "sub",
    {"empty": "", "long": "a" * 256, "300": "a" * 300, "surrogate": "\ud800", "umlaut": "älice"}
    | CONFUSED,
)
WRONG_HASHES: dict[str, Any] = {"other": "A" * 22, "empty": "", "surrogate": "\ud800", **CONFUSED}
reject("I34", "invalid_claim", "at_hash", WRONG_HASHES)
reject("c_hash", "invalid_claim", "c_hash", WRONG_HASHES, code=CODE)
reject("I38", "invalid_claim", "s_hash", WRONG_HASHES, state=STATE)
reject("I40", "missing_claim", "auth_time", {"missing": ABSENT, "null": None}, max_age=60)
reject("I41", "invalid_claim", "auth_time", {"old": int(NOW) - 121}, max_age=60)
reject("I41", "invalid_claim", "auth_time", {"zero": int(NOW) - 61}, max_age=0)
reject("I42", "invalid_claim", "auth_time", {"future": int(NOW) + 61, **NOT_TIMES})
reject("I50", "invalid_claim", "events", {"logout": {"x": {}}, "null": None, "empty": {}})
ACR: dict[str, Any] = {"acr_values": ("gold", "silver")}
reject("acr", "invalid_claim", "acr", {"other": "bronze", "list": ["gold"], "empty": ""}, **ACR)
reject("acr", "missing_claim", "acr", {"missing": ABSENT}, acr_essential=True, **ACR)
reject("acr", "missing_claim", "acr", {"any-at-all": ABSENT}, acr_essential=True)


@pytest.mark.parametrize(("changes", "login", "code", "claim"), REJECTED.values(), ids=REJECTED)
def test_claim_is_rejected(
    changes: dict[str, Any], login: dict[str, Any], code: str, claim: str
) -> None:
    with pytest.raises(IDTokenError) as caught:
        verify_by("ES256", payload=claims(**changes), **login)

    assert caught.value.error == code
    assert caught.value.claim == caught.value.detail["claim"] == claim
    assert repr(claim) in caught.value.description or code == "expired_id_token"


@pytest.mark.parametrize(
    ("row", "azp", "aud"),
    [
        ("I18-string", CLIENT, "other"),
        ("I18-list", CLIENT, ["other"]),
        ("I18-trusted", CLIENT, "trusted"),
        ("I18-trusted-list", CLIENT, ["trusted"]),
        ("I20-without-azp", ABSENT, [CLIENT, "trusted"]),
        ("I20-null-azp", None, [CLIENT, "trusted"]),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("I") else "",
)
def test_audience_and_authorized_party_do_not_stand_in_for_each_other(
    row: str, azp: object, aud: object
) -> None:
    with pytest.raises(IDTokenError) as caught:
        verify_by(
            "ES256",
            payload=claims(aud=aud, azp=azp),
            trusted_audiences=frozenset({"trusted"}),
        )

    assert caught.value.claim == ("aud" if row.startswith("I18") else "azp")


ACCEPTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "aud-list": ({"aud": [CLIENT]}, {}),
    "aud-twice": ({"aud": [CLIENT, CLIENT]}, {}),
    "azp": ({"azp": CLIENT}, {}),
    "azp-null": ({"azp": None}, {}),
    "I20-trusted": (
        {"aud": [CLIENT, "trusted"], "azp": CLIENT},
        {"trusted_audiences": frozenset({"trusted"})},
    ),
    "issuer-unknown": ({"iss": "https://whoever.test"}, {"issuer": None}),
    "I26-inside-leeway": ({"exp": int(NOW) - 59}, {}),
    "I26-leeway-set": ({"exp": int(NOW) - 100}, {"leeway": 120}),
    "exp-fraction": ({"exp": NOW + 0.5}, {}),
    "iat-fraction": ({"iat": NOW - 0.5}, {}),
    "iat-at-leeway": ({"iat": int(NOW) + 60}, {}),
    "I30-day": ({"iat": int(NOW) - 86_400}, {}),
    "I30-week-allowed": ({"iat": int(NOW) - 7 * 86_400}, {"max_token_age": None}),
    "nbf-reached": ({"nbf": int(NOW)}, {}),
    "nbf-at-leeway": ({"nbf": int(NOW) + 60}, {}),
    "nbf-null": ({"nbf": None}, {}),
    "nonce-not-sent": ({"nonce": "of somebody"}, {"nonce": None}),
    "nonce-not-supported": ({"nonce_supported": False}, {}),
    "sub-255": ({"sub": "a" * 255}, {}),
    "at-hash-null": ({"at_hash": None}, {}),
    "at-hash-without-token": ({"at_hash": "A" * 22}, {"access_token": None}),
    "I40-max-age": ({"auth_time": int(NOW) - 60}, {"max_age": 60}),
    "I40-max-age-zero": ({"auth_time": int(NOW)}, {"max_age": 0}),
    "auth-time-not-asked": ({"auth_time": 1}, {}),
    "auth-time-null": ({"auth_time": None}, {}),
    "acr": ({"acr": "silver"}, {**ACR, "acr_essential": True}),
    "acr-voluntary-absent": ({}, ACR),
    "acr-essential-any": ({"acr": "whatever"}, {"acr_essential": True}),
    "unknown-claims": ({"_claim_names": {}, "x": [None]}, {}),
}


@pytest.mark.parametrize(("changes", "login"), ACCEPTED.values(), ids=ACCEPTED)
def test_claim_is_accepted(changes: dict[str, Any], login: dict[str, Any]) -> None:
    content = verify_by("ES256", payload=claims(**changes), **login)

    assert content.claims == claims(**changes)
    assert content.header["alg"] == "ES256"


def test_nonce_check_cannot_be_switched_off_by_the_token() -> None:
    with pytest.raises(IDTokenError) as caught:
        verify_by("ES256", payload=claims(nonce=ABSENT, nonce_supported=False))

    assert caught.value.claim == "nonce"


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize(
    ("claim", "value"), [("at_hash", ACCESS_TOKEN), ("c_hash", CODE), ("s_hash", STATE)]
)
def test_hash_binds_by_the_hash_of_the_algorithm(alg: str, claim: str, value: str) -> None:
    good = claims(**{claim: left_half(alg, value)})
    wrong_hash = "RS256" if alg[-3:] != "256" else "RS512"
    bad = claims(**{claim: left_half(wrong_hash, value)})

    verify_by(alg, payload=good, code=CODE, state=STATE)
    with pytest.raises(IDTokenError) as caught:
        verify_by(alg, payload=bad, code=CODE, state=STATE)

    assert caught.value.claim == claim


@pytest.mark.parametrize("alg", CHECKED)
@pytest.mark.parametrize("row", ["I16-other", "I17-other", "I25-100-s", "I32-other", "I33-empty"])
def test_claims_are_checked_whatever_the_algorithm(alg: str, row: str) -> None:
    changes, _, code, claim = REJECTED[row]

    with pytest.raises(IDTokenError) as caught:
        verify_by(alg, payload=claims(**changes))

    assert (caught.value.error, caught.value.claim) == (code, claim)


def test_details_hold_no_text_as_it_came() -> None:
    hostile = {"iss": "https://evil.test/\r\nX: y\x1b[31m" + "a" * 500}

    with pytest.raises(IDTokenError) as caught:
        verify_by("ES256", payload=claims(**hostile))

    received = caught.value.detail["received"]
    assert received.isprintable()
    assert len(received) <= 200


def test_detail_of_acr_is_never_an_object() -> None:
    with pytest.raises(IDTokenError) as caught:
        verify_by("ES256", payload=claims(acr={"deep": ["\n"]}), acr_values=("gold",))

    assert caught.value.detail["received"] == ""
