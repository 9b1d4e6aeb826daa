"""Claims as the application sees them, and its own demands on them (row I58)."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.errors import InvalidClaimError
from flask_oauthclient.protocol.errors import MissingClaimError
from flask_oauthclient.protocol.oidc.claims import REGISTERED_CLAIMS
from flask_oauthclient.protocol.oidc.claims import SCOPE_CLAIMS
from flask_oauthclient.protocol.oidc.claims import UserInfo
from flask_oauthclient.protocol.oidc.claims import check_claims_options

#: The standard claims of OpenID Connect Core 5.1.
STANDARD = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
]


def test_registered_claims_are_those_of_the_standard() -> None:
    assert set(STANDARD) == REGISTERED_CLAIMS == set(UserInfo.REGISTERED_CLAIMS)


@pytest.mark.parametrize("name", STANDARD)
def test_standard_claims_are_attributes(name: str) -> None:
    assert getattr(UserInfo(), name) is None
    value: object = True if name.endswith("_verified") else "a value"
    assert getattr(UserInfo({name: value}), name) == value


@pytest.mark.parametrize("name", ["iss", "groups", "emial", "__deepcopy__", "_x"])
def test_other_attributes_do_not_exist(name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(UserInfo({name: 1}), name)


def test_userinfo_can_be_stored() -> None:
    info = UserInfo({"sub": "alice", "email_verified": "false"})

    for twin in (pickle.loads(pickle.dumps(info)), copy.copy(info), copy.deepcopy(info)):
        assert (type(twin), twin) == (UserInfo, info)


@pytest.mark.parametrize("name", ["email_verified", "phone_number_verified"])
@pytest.mark.parametrize(
    ("value", "verified"),
    [
        (True, True),
        ("true", True),
        ("True", True),
        ("false", False),
        ("False", False),
        (False, False),
        (None, False),
        ("", False),
        ("yes", False),
        ("1", False),
        (1, False),
        (0, False),
        (["true"], False),
        ({"true": 1}, False),
    ],
)
def test_i58_verified_means_verified(name: str, value: Any, verified: bool) -> None:
    assert UserInfo({name: value})[name] is verified


def test_i58_absent_stays_absent() -> None:
    assert "email_verified" not in UserInfo(email="a@b.test")


ALL = UserInfo({name: name for name in STANDARD} | {"groups": ["x"], "iss": "y"})


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", ["sub"]),
        ("email", ["email", "email_verified"]),
        ("openid  email", ["sub", "email", "email_verified"]),
        (["openid", "phone"], ["sub", "phone_number", "phone_number_verified"]),
        ("address", ["address"]),
        ("profile", list(SCOPE_CLAIMS["profile"])),
        ("groups", []),
        ("", []),
        ("openid profile email address phone", STANDARD),
    ],
)
def test_filter_by_scope(scope: Any, names: list[str]) -> None:
    filtered = ALL.filter(scope)

    assert set(filtered) == set(names)
    assert type(filtered) is UserInfo


@pytest.mark.parametrize(
    "locale",
    [
        "en",
        "en-GB",
        "de-CH-1901",
        "zh-Hant-TW",
        "sl-rozaj-biske",
        "es-419",
        "x-private",
        "ast",
        "en-US-u-ca-gregory",
        "de-DE-x-a",
        "zh-cmn-Hans-CN",
        "EN-gb",
        None,
    ],
)
def test_locale_is_a_language_tag(locale: str | None) -> None:
    UserInfo({} if locale is None else {"locale": locale}).validate_locale()


@pytest.mark.parametrize(
    "locale",
    [
        "",
        "e",
        "en_GB",
        "english!",
        "en-",
        "-en",
        "en--GB",
        "en-GB-",
        "123",
        "en GB",
        "en-GB\n",
        "de-ää",
        "toolongtag",
        "a-" * 5000,
        5,
        ["en"],
        {},
        False,
    ],
)
def test_locale_is_no_language_tag(locale: Any) -> None:
    with pytest.raises(ValueError, match="BCP 47"):
        UserInfo({"locale": locale}).validate_locale()


CLAIMS = {"a": "x", "list": ["x", "y"], "blank": "", "none": None, "zero": 0, "false": False}

MET: dict[str, dict[str, dict[str, Any]]] = {
    "nothing": {},
    "no-demand": {"a": {}},
    "absent-voluntary": {"missing": {"value": "x"}},
    "essential": {"a": {"essential": True}},
    "value": {"a": {"value": "x"}},
    "value-of-a-list": {"list": {"value": "y"}},
    "value-is-the-list": {"list": {"value": ["x", "y"]}},
    "values": {"a": {"values": ["w", "x"]}},
    "values-meet-the-list": {"list": {"values": ["y", "z"]}},
    "values-set": {"a": {"values": {"x"}}},
    "validate": {"a": {"validate": lambda claims, value: claims["a"] == value == "x"}},
    "zero-is-there": {"zero": {"essential": True, "value": 0}},
    "false-is-there": {"false": {"essential": True}},
    "blank-allowed": {"blank": {"essential": True, "allow_blank": True}},
    "blank-voluntary": {"blank": {"value": "x"}},
    "null-values": {"a": {"value": None, "values": None, "validate": None}},
}

UNMET: dict[str, tuple[str, dict[str, Any], type[IDTokenError]]] = {
    "missing": ("missing", {"essential": True}, MissingClaimError),
    "null": ("none", {"essential": True}, MissingClaimError),
    "null-blank-allowed": ("none", {"essential": True, "allow_blank": True}, MissingClaimError),
    "blank": ("blank", {"essential": True}, MissingClaimError),
    "blank-allowed-wrong": ("blank", {"allow_blank": True, "value": "x"}, InvalidClaimError),
    "value": ("a", {"value": "y"}, InvalidClaimError),
    "value-case": ("a", {"value": "X"}, InvalidClaimError),
    "value-of-a-list": ("list", {"value": "z"}, InvalidClaimError),
    "values": ("a", {"values": ["y"]}, InvalidClaimError),
    "values-empty": ("a", {"values": []}, InvalidClaimError),
    "values-of-a-list": ("list", {"values": ["z"]}, InvalidClaimError),
    "value-and-values": ("a", {"value": "x", "values": ["y"]}, InvalidClaimError),
    "validate": ("a", {"validate": lambda claims, value: False}, InvalidClaimError),
    "validate-none": ("a", {"validate": lambda claims, value: None}, InvalidClaimError),
}


@pytest.mark.parametrize("options", MET.values(), ids=MET)
def test_demands_that_are_met(options: dict[str, dict[str, Any]]) -> None:
    before = {name: dict(demand) for name, demand in options.items()}

    check_claims_options(CLAIMS, options)
    check_claims_options(CLAIMS, options)

    assert options == before


@pytest.mark.parametrize(("claim", "demand", "kind"), UNMET.values(), ids=UNMET)
def test_demands_that_are_not_met(
    claim: str, demand: dict[str, Any], kind: type[IDTokenError]
) -> None:
    for _ in range(2):  # a hook runs at every login, not at the first only
        with pytest.raises(IDTokenError) as caught:
            check_claims_options(CLAIMS, {"a": {"essential": True}, claim: demand})

        assert type(caught.value) is kind
        assert caught.value.claim == caught.value.detail["claim"] == claim


@pytest.mark.parametrize("claim", ["{0}", "{", "a{b}c", "%s", "'"])
def test_demand_on_a_claim_of_a_strange_name(claim: str) -> None:
    with pytest.raises(MissingClaimError) as caught:
        check_claims_options({}, {claim: {"essential": True}})

    assert caught.value.claim == claim
