"""The classes of ID token claims that applications derive from."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Callable
from typing import Any

import joserfc.errors as jose
import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient import OAuth
from flask_oauthclient.protocol.errors import ExpiredIDTokenError
from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.errors import InvalidClaimError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.oidc import CodeIDToken
from flask_oauthclient.protocol.oidc import HybridIDToken
from flask_oauthclient.protocol.oidc import IDToken
from flask_oauthclient.protocol.oidc import ImplicitIDToken
from flask_oauthclient.protocol.oidc import get_claim_cls_by_response_type
from tests.helpers.site import Site
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.protocol._login import ABSENT
from tests.protocol._login import ACCESS_TOKEN
from tests.protocol._login import CLIENT
from tests.protocol._login import CODE
from tests.protocol._login import NONCE
from tests.protocol._login import NOW
from tests.protocol._login import claims
from tests.protocol._login import left_half

HEADER = {"alg": "RS256"}
PARAMS = {"client_id": CLIENT, "nonce": NONCE}
HASHES = {"at_hash": left_half("RS256", ACCESS_TOKEN), "c_hash": left_half("RS256", CODE)}
KINDS = (IDToken, CodeIDToken, ImplicitIDToken, HybridIDToken)


def check(
    kind: type[IDToken] = CodeIDToken,
    params: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    leeway: float = 0,
    **changes: Any,
) -> IDToken:
    """Validate good claims with some changes."""
    token = kind(claims(**changes), HEADER, options, PARAMS if params is None else params)
    token.validate(now=NOW, leeway=leeway)
    return token


def refusal(kind: type[IDToken], params: dict[str, Any], **changes: Any) -> IDTokenError | None:
    """Why claims are refused, or ``None``."""
    try:
        check(kind, params, **changes)
    except IDTokenError as error:
        return error
    return None


# -- the object ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_claims_are_a_dict_with_attributes(kind: type[IDToken]) -> None:
    token = kind(claims(acr="gold"), HEADER, {"acr": {}}, PARAMS)

    assert token == claims(acr="gold")
    assert (token.header, token.options, token.params) == (HEADER, {"acr": {}}, PARAMS)
    assert (token.sub, token.acr, token.azp, token.c_hash) == ("alice", "gold", None, None)
    with pytest.raises(AttributeError, match="email"):
        token.email  # noqa: B018
    assert not hasattr(token, "nonsense")


def test_options_and_params_may_be_left_out() -> None:
    token = IDToken(claims(), HEADER)

    assert (token.options, token.params) == ({}, {})
    token.validate(NOW)


def test_caller_keeps_what_it_gave() -> None:
    def validate(claims: Any, value: Any) -> bool:
        return True

    given = claims(extra=1)
    options = {"extra": {"essential": True, "validate": validate}}
    params = {**PARAMS, "access_token": ACCESS_TOKEN}
    token = CodeIDToken(given, HEADER, options, params)
    token.validate(NOW)
    token["sub"], token.options["x"], token.params["y"], token.header["z"] = "mallory", {}, 1, 2

    assert given == claims(extra=1)
    assert options == {"extra": {"essential": True, "validate": validate}}
    assert params == {**PARAMS, "access_token": ACCESS_TOKEN}
    assert HEADER == {"alg": "RS256"}


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
)
def test_copies_are_equal(twin: Callable[[IDToken], IDToken]) -> None:
    token = ImplicitIDToken(claims(), HEADER, None, PARAMS)
    other = twin(token)

    assert type(other) is ImplicitIDToken
    assert (other, other.params) == (token, token.params)
    other.validate(NOW)


def test_repr_shows_no_param() -> None:
    token = CodeIDToken(claims(), HEADER, None, {"access_token": ACCESS_TOKEN, "code": CODE})

    assert ACCESS_TOKEN not in repr(token)
    assert CODE not in repr(token)


@pytest.mark.parametrize(
    ("response_type", "kind"),
    [
        ("code", CodeIDToken),
        ("id_token", ImplicitIDToken),
        ("id_token token", ImplicitIDToken),
        ("token id_token", ImplicitIDToken),
        ("code id_token", HybridIDToken),
        ("code token", HybridIDToken),
        ("code id_token token", HybridIDToken),
        ("token code id_token", HybridIDToken),
        ("token", None),
        ("none", None),
        ("code code", None),
        ("", None),
    ],
)
def test_class_for_a_response_type(response_type: str, kind: type[IDToken] | None) -> None:
    assert get_claim_cls_by_response_type(response_type) is kind


# -- the checks ---------------------------------------------------------------------------------

ACCEPTED: dict[str, dict[str, Any]] = {
    "plain": {},
    "aud-list": {"aud": [CLIENT]},
    "aud-more-with-azp": {"aud": [CLIENT, "other"], "azp": CLIENT},
    "amr": {"amr": ["pwd", "otp"]},
    "amr-null": {"amr": None},
    "azp": {"azp": CLIENT},
    "auth-time": {"auth_time": int(NOW) - 9},
    "nbf": {"nbf": int(NOW)},
    "at-hash-without-token": {"at_hash": "A" * 22},
    "acr-number": {"acr": 1},
}
REJECTED: dict[str, tuple[dict[str, Any], str, str]] = {
    **{f"no-{c}": ({c: ABSENT}, "missing_claim", c) for c in IDToken.ESSENTIAL_CLAIMS},
    **{f"null-{c}": ({c: None}, "missing_claim", c) for c in IDToken.ESSENTIAL_CLAIMS},
    "no-nonce": ({"nonce": ABSENT}, "missing_claim", "nonce"),
    "nonce": ({"nonce": "another"}, "invalid_claim", "nonce"),
    "nonce-not-supported": (
        {"nonce": ABSENT, "nonce_supported": False},
        "missing_claim",
        "nonce",
    ),
    "iss-list": ({"iss": ["x"]}, "invalid_claim", "iss"),
    "sub-number": ({"sub": 5}, "invalid_claim", "sub"),
    "aud-other": ({"aud": "other"}, "invalid_claim", "aud"),
    "aud-other-azp-ours": ({"aud": ["other"], "azp": CLIENT}, "invalid_claim", "aud"),
    "aud-object": ({"aud": {CLIENT: 1}}, "invalid_claim", "aud"),
    "aud-nested": ({"aud": [[CLIENT]]}, "invalid_claim", "aud"),
    "aud-more": ({"aud": [CLIENT, "other"]}, "missing_claim", "azp"),
    "azp-other": ({"azp": "other"}, "invalid_claim", "azp"),
    "exp": ({"exp": int(NOW) - 1}, "expired_id_token", "exp"),
    "exp-string": ({"exp": str(int(NOW) + 9)}, "invalid_claim", "exp"),
    "iat-future": ({"iat": int(NOW) + 9}, "invalid_claim", "iat"),
    "nbf-future": ({"nbf": int(NOW) + 9}, "invalid_claim", "nbf"),
    "auth-time-string": ({"auth_time": "now"}, "invalid_claim", "auth_time"),
    "auth-time-future": ({"auth_time": int(NOW) + 9}, "invalid_claim", "auth_time"),
    "amr-string": ({"amr": "pwd"}, "invalid_claim", "amr"),
    "amr-numbers": ({"amr": [1]}, "invalid_claim", "amr"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_claims_that_fit(kind: type[IDToken], changes: dict[str, Any]) -> None:
    assert check(kind, **changes) == claims(**changes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("changes", "code", "claim"), REJECTED.values(), ids=REJECTED)
def test_claims_that_do_not_fit(
    kind: type[IDToken], changes: dict[str, Any], code: str, claim: str
) -> None:
    with pytest.raises(IDTokenError) as caught:
        check(kind, **changes)

    assert (caught.value.error, caught.value.claim) == (code, claim)


@pytest.mark.parametrize(
    ("changes", "twin"),
    [
        ({"sub": ABSENT}, jose.MissingClaimError),
        ({"nonce": "another"}, jose.InvalidClaimError),
        ({"exp": 1}, jose.ExpiredTokenError),
        ({"iat": int(NOW) + 9}, jose.InvalidTokenError),
        ({"nbf": int(NOW) + 9}, jose.InvalidTokenError),
    ],
)
def test_errors_are_those_of_the_jose_library_too(
    changes: dict[str, Any], twin: type[Exception]
) -> None:
    with pytest.raises(twin) as caught:
        check(**changes)

    assert isinstance(caught.value, OAuthError)


@pytest.mark.parametrize(
    "changes", [{"exp": int(NOW) - 9}, {"iat": int(NOW) + 9}, {"nbf": int(NOW) + 9}]
)
def test_leeway_goes_both_ways(changes: dict[str, Any]) -> None:
    with pytest.raises(IDTokenError):
        check(**changes)

    check(leeway=10, **changes)


def test_default_moment_is_now() -> None:
    good = {"exp": int(time.time()) + 99, "iat": int(time.time())}

    CodeIDToken(claims(**good), HEADER, None, PARAMS).validate()
    with pytest.raises(ExpiredIDTokenError):
        CodeIDToken(claims(), HEADER, None, PARAMS).validate()


def test_without_params_nothing_is_compared() -> None:
    check(params={}, aud="other", azp="third", nonce="another")


def test_azp_is_not_asked_for_without_client_id() -> None:
    check(params={}, aud=["one", "two"])


@pytest.mark.parametrize("kind", [IDToken, CodeIDToken, ImplicitIDToken, HybridIDToken])
def test_nonce_is_essential_where_no_code_is_exchanged(kind: type[IDToken]) -> None:
    demands = issubclass(kind, ImplicitIDToken)
    if not demands:
        check(kind, params={}, nonce=ABSENT)
        return
    with pytest.raises(IDTokenError) as caught:
        check(kind, params={}, nonce=ABSENT)
    assert caught.value.claim == "nonce"


@pytest.mark.parametrize("kind", KINDS)
def test_at_hash_belongs_to_the_access_token(kind: type[IDToken]) -> None:
    params = {**PARAMS, "access_token": ACCESS_TOKEN}

    check(kind, params, at_hash=HASHES["at_hash"])
    for wrong in ("A" * 22, "", 5, HASHES["c_hash"]):
        with pytest.raises(IDTokenError) as caught:
            check(kind, params, at_hash=wrong)
        assert (caught.value.error, caught.value.claim) == ("invalid_claim", "at_hash")


def test_at_hash_is_required_in_the_implicit_flow_only() -> None:
    params = {**PARAMS, "access_token": ACCESS_TOKEN}

    check(CodeIDToken, params)
    for kind in (ImplicitIDToken, HybridIDToken):
        with pytest.raises(IDTokenError) as caught:
            check(kind, params)
        assert (caught.value.error, caught.value.claim) == ("missing_claim", "at_hash")


def test_c_hash_belongs_to_the_code() -> None:
    params = {**PARAMS, "code": CODE}

    check(HybridIDToken, params, c_hash=HASHES["c_hash"])
    check(HybridIDToken, c_hash="without a code nobody looks")
    check(ImplicitIDToken, params)
    with pytest.raises(IDTokenError) as caught:
        check(HybridIDToken, params)
    assert (caught.value.error, caught.value.claim) == ("missing_claim", "c_hash")
    with pytest.raises(IDTokenError) as caught:
        check(HybridIDToken, params, c_hash=HASHES["at_hash"])
    assert (caught.value.error, caught.value.claim) == ("invalid_claim", "c_hash")


@pytest.mark.parametrize("header", [{}, {"alg": "none"}, {"alg": None}, {"alg": "XS999"}])
def test_hash_of_an_unknown_algorithm_fails_closed(header: dict[str, Any]) -> None:
    params = {"access_token": ACCESS_TOKEN}

    with pytest.raises(InvalidClaimError):
        CodeIDToken(claims(at_hash=HASHES["at_hash"]), header, None, params).validate(NOW)


def test_max_age_is_enforced() -> None:
    for max_age in (60, "60", 60.0):
        params = {**PARAMS, "max_age": max_age}
        check(params=params, auth_time=int(NOW) - 60)
        check(params=params, auth_time=int(NOW) - 70, leeway=10)
        with pytest.raises(IDTokenError) as caught:
            check(params=params, auth_time=int(NOW) - 61)
        assert caught.value.claim == "auth_time"


@pytest.mark.parametrize("max_age", [0, 60])
def test_max_age_demands_auth_time(max_age: int) -> None:
    with pytest.raises(IDTokenError) as caught:
        check(params={"max_age": max_age})

    assert (caught.value.error, caught.value.claim) == ("missing_claim", "auth_time")


@pytest.mark.parametrize("max_age", ["soon", -1, True, []])
def test_max_age_that_means_nothing_is_not_ignored(max_age: Any) -> None:
    with pytest.raises(InvalidSettingError, match="max_age"):
        check(params={"max_age": max_age}, auth_time=int(NOW))


def test_options_add_to_the_checks() -> None:
    seen: list[Any] = []
    options = {
        "iss": {"values": [claims()["iss"]]},
        "email": {"essential": True, "validate": lambda claims, value: seen.append(value) or True},
    }

    for _ in range(2):
        check(options=options, email="a@b.test")
    assert seen == ["a@b.test"] * 2
    for changes in ({}, {"email": ""}, {"email": "a@b.test", "iss": "https://evil.test"}):
        with pytest.raises(IDTokenError):
            check(options=options, **changes)
    with pytest.raises(IDTokenError) as caught:
        check(options=options, email="a@b.test", exp=1)
    assert caught.value.claim == "exp"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(IDToken.REGISTERED_CLAIMS), VALUES),
    st.booleans(),
)
def test_whatever_the_claims_are_the_errors_are_ours(
    kind: type[IDToken], changes: dict[str, Any], known: bool
) -> None:
    secrets = {"access_token": ACCESS_TOKEN, "code": CODE, "max_age": 60}
    error = refusal(kind, {**PARAMS, **secrets} if known else {}, **changes)

    assert error is None or error.claim in IDToken.REGISTERED_CLAIMS


# -- subclasses ---------------------------------------------------------------------------------


class Staff(CodeIDToken):
    """Claims of an application's own."""

    ESSENTIAL_CLAIMS = (*CodeIDToken.ESSENTIAL_CLAIMS, "email")
    REGISTERED_CLAIMS = (*CodeIDToken.REGISTERED_CLAIMS, "email")

    def validate(self, now: float | None = None, leeway: float = 0) -> None:
        super().validate(now, leeway)
        if not self.email.endswith("@example.com"):
            raise InvalidClaimError("invalid_claim", detail={"claim": "email"})


class AnyAudience(CodeIDToken):
    """Switches one check off."""

    def validate_aud(self) -> None:
        return

    def validate_azp(self) -> None:
        return


def test_subclass_may_demand_more() -> None:
    assert check(Staff, email="bob@example.com").email == "bob@example.com"
    for changes in ({}, {"email": "bob@evil.test"}):
        with pytest.raises(IDTokenError) as caught:
            check(Staff, **changes)
        assert caught.value.claim == "email"


def test_subclass_may_replace_one_check() -> None:
    check(AnyAudience, aud=["other", {"odd": 1}], azp="third")
    with pytest.raises(IDTokenError) as caught:
        check(AnyAudience, aud="other", nonce="another")
    assert caught.value.claim == "nonce"


# -- in a login ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [IDToken, CodeIDToken, Staff])
def test_class_of_claims_in_a_login(kind: type[IDToken], site: Site) -> None:
    response = site.finish(site.begin(), claims_cls=kind)

    assert response.status_code == 200
    assert site.token["userinfo"].email == "alice@example.com"


@pytest.mark.parametrize("kind", [ImplicitIDToken, CodeIDToken])
def test_class_of_claims_for_a_token_from_elsewhere(
    kind: type[IDToken],
) -> None:
    key, now = make_key("RS256"), int(time.time())
    oauth = OAuth(Flask(__name__))
    oauth.register(
        "demo",
        client_id=CLIENT,
        server_metadata={"issuer": claims()["iss"]},
        jwks={"keys": [key.jwk]},
    )
    good = claims(iat=now, exp=now + 99, at_hash=HASHES["at_hash"])
    token = {
        "id_token": compact({"alg": "RS256", "kid": key.kid}, good, key),
        "access_token": ACCESS_TOKEN,
    }

    user = oauth.demo.parse_id_token(token, nonce=NONCE, claims_cls=kind)

    assert user.sub == "alice"
