"""Logout tokens: what one is, and everything that is none (Back-Channel Logout 1.0, rows L)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.errors import LogoutTokenError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.jose import ASYMMETRIC
from flask_oauthclient.protocol.oidc.id_token import Expected
from flask_oauthclient.protocol.oidc.jwks import JWKSet
from flask_oauthclient.protocol.oidc.logout_token import EVENT
from flask_oauthclient.protocol.oidc.logout_token import LogoutToken
from flask_oauthclient.protocol.oidc.logout_token import verify_logout_token
from tests.protocol._keys import SECRET
from tests.protocol._keys import b64
from tests.protocol._keys import compact
from tests.protocol._keys import make_key
from tests.protocol._login import ABSENT
from tests.protocol._login import ALGORITHMS
from tests.protocol._login import CLIENT
from tests.protocol._login import ISSUER
from tests.protocol._login import NONCE
from tests.protocol._login import NOW
from tests.protocol._login import claims as id_token_claims
from tests.protocol._login import edit
from tests.protocol._login import key_set
from tests.protocol._login import verify as verify_id_token

KEY = make_key("ES256")
KEYS = key_set(KEY)
OTHER_EVENT = "http://schemas.openid.net/event/foobar"


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good logout token."""
    good = {
        "iss": ISSUER,
        "aud": CLIENT,
        "iat": int(NOW),
        "exp": int(NOW) + 120,
        "jti": "this-token",
        "events": {EVENT: {}},
        "sub": "alice",
        "sid": "session-of-alice",
    }
    return edit(good, **changes)


def logout_token(header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A signed logout token."""
    good = {"alg": "ES256", "kid": "key-1", "typ": "logout+jwt"}
    return compact(edit(good, **(header or {})), claims(**changes), KEY)


def verify(token: object, keys: JWKSet = KEYS, now: float = NOW, **changes: Any) -> LogoutToken:
    """Verify as this client does."""
    expected = Expected(**{"client_id": CLIENT, "issuer": ISSUER, **changes})
    return verify_logout_token(token, keys, expected, now)


def refusal(token: object, keys: JWKSet = KEYS, now: float = NOW, **changes: Any) -> dict[str, Any]:
    """Why a token is refused: the detail of the error, which is the logout token's own."""
    with pytest.raises(LogoutTokenError) as caught:
        verify(token, keys, now, **changes)
    error = caught.value
    assert not isinstance(error, IDTokenError)
    assert (error.error, error.http_status) == ("invalid_logout_token", 400)
    assert "ID token" not in error.description
    assert error.__cause__ is None
    return error.detail


# -- good ones ---------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sub", "sid"),
    [
        ({}, "alice", "session-of-alice"),
        ({"sub": ABSENT}, None, "session-of-alice"),
        ({"sid": ABSENT}, "alice", None),
        ({"sid": None}, "alice", None),
        ({"sub": None}, None, "session-of-alice"),
    ],
    ids=["oidcc-client-test-rp-backchannel-rpinitlogout", "L01-sid", "L02-sub", "null", "no-sub"],
)
def test_a_logout_token_says_whose_sessions_end(
    changes: dict[str, Any], sub: str | None, sid: str | None
) -> None:
    assert verify(logout_token(**changes)) == LogoutToken(
        issuer=ISSUER,
        sub=sub,
        sid=sid,
        jti="this-token",
        issued_at=NOW,
        acceptable_until=NOW + 120 + 60,
    )


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_algorithms_are_those_of_id_tokens(alg: str) -> None:
    key = make_key(alg)
    token = compact({"alg": alg, "kid": key.kid, "typ": "logout+jwt"}, claims(), key)
    keys = JWKSet.from_secret(SECRET) if alg.startswith("HS") else key_set(key)

    assert verify(token, keys, algs=ASYMMETRIC | {alg}).sub == "alice"


@pytest.mark.parametrize(
    "typ", [ABSENT, None, "logout+jwt", "LOGOUT+JWT", "JWT", "jwt", "application/logout+jwt"]
)
def test_typ_is_the_own_one_or_says_nothing(typ: Any) -> None:
    assert verify(logout_token({"typ": typ})).jti == "this-token"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT]},
        {"events": {EVENT: {"more": 1}, OTHER_EVENT: {}}},
        {"trace_id": "ignored", "azp": "ignored", "auth_time": "ignored", "at_hash": 5},
        {"iat": NOW - 600, "exp": NOW + 1},
        {"iat": NOW + 60},
        {"exp": NOW - 59.5},
        {"nbf": NOW + 60},
        {"sid": "\u2603" * 200, "jti": "\ud800"},
    ],
    ids=["list", "more-events", "unknown-claims", "old", "ahead", "just-over", "nbf", "odd-text"],
)
def test_what_is_within_the_rules_is_accepted(changes: dict[str, Any]) -> None:
    assert verify(logout_token(**changes)).sub == "alice"


def test_further_audiences_are_accepted_where_they_are_trusted() -> None:
    token = logout_token(aud=[CLIENT, "sister"])

    assert verify(token, trusted_audiences=frozenset({"sister"})).sub == "alice"
    assert refusal(token)["claim"] == "aud"


def test_what_belongs_to_a_login_is_not_looked_at() -> None:
    login = {"nonce": NONCE, "access_token": "a", "max_age": 1, "acr_essential": True}

    assert verify(logout_token(), max_token_age=1, **login).sub == "alice"


# -- bad ones ---------------------------------------------

BAD_CLAIMS: dict[str, tuple[str, dict[str, Any]]] = {
    "oidcc-client-test-rp-backchannel-rpinitlogout-no-event": ("events", {"events": ABSENT}),
    "oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce": ("nonce", {"nonce": NONCE}),
    "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud": ("aud", {"aud": CLIENT + "x"}),
    "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event": (
        "events",
        {"events": {OTHER_EVENT: {}}},
    ),
    "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss": ("iss", {"iss": ISSUER + "/"}),
    "L04-events-null": ("events", {"events": None}),
    "L04-events-list": ("events", {"events": [EVENT]}),
    "L04-events-string": ("events", {"events": EVENT}),
    "L04-events-empty": ("events", {"events": {}}),
    "L04-event-null": ("events", {"events": {EVENT: None}}),
    "L04-event-true": ("events", {"events": {EVENT: True}}),
    "L04-event-list": ("events", {"events": {EVENT: []}}),
    "L04-event-string": ("events", {"events": {EVENT: "{}"}}),
    "L04-event-case": ("events", {"events": {EVENT.upper(): {}}}),
    "L05-nonce-null": ("nonce", {"nonce": None}),
    "L05-nonce-empty": ("nonce", {"nonce": ""}),
    "L06-no-iat": ("iat", {"iat": ABSENT}),
    "L06-iat-string": ("iat", {"iat": str(int(NOW))}),
    "L06-iat-true": ("iat", {"iat": True}),
    "L06-iat-ahead": ("iat", {"iat": NOW + 61}),
    "L06-iat-long-ago": ("iat", {"iat": NOW - 660}),
    "L06-iat-milliseconds": ("iat", {"iat": NOW * 1000}),
    "L06-no-exp": ("exp", {"exp": ABSENT}),
    "L06-exp-past": ("exp", {"exp": NOW - 60}),
    "L06-exp-string": ("exp", {"exp": str(int(NOW) + 120)}),
    "L06-no-jti": ("jti", {"jti": ABSENT}),
    "L06-jti-empty": ("jti", {"jti": ""}),
    "L06-jti-number": ("jti", {"jti": 5}),
    "L06-jti-list": ("jti", {"jti": ["a"]}),
    "L06-neither": ("sid", {"sub": ABSENT, "sid": ABSENT}),
    "L06-both-null": ("sid", {"sub": None, "sid": None}),
    "L06-sub-empty": ("sub", {"sub": ""}),
    "L06-sub-number": ("sub", {"sub": 5}),
    "L06-sub-long": ("sub", {"sub": "a" * 256}),
    "L06-sub-not-ascii": ("sub", {"sub": "\u00e4"}),
    "L06-sid-empty": ("sid", {"sid": ""}),
    "L06-sid-number": ("sid", {"sid": 5, "sub": ABSENT}),
    "L06-sid-false": ("sid", {"sid": False}),
    "L06-nbf-ahead": ("nbf", {"nbf": NOW + 61}),
    "L06-no-iss": ("iss", {"iss": ABSENT}),
    "L06-no-aud": ("aud", {"aud": ABSENT}),
    "L06-aud-empty": ("aud", {"aud": []}),
    "L06-aud-object": ("aud", {"aud": {CLIENT: 1}}),
}


@pytest.mark.parametrize(("claim", "changes"), BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_a_claim_that_does_not_fit_is_refused(claim: str, changes: dict[str, Any]) -> None:
    detail = refusal(logout_token(**changes))

    assert detail["claim"] == claim
    assert detail["reason"] in ("missing_claim", "invalid_claim", "expired_id_token")


@pytest.mark.parametrize(
    "typ",
    [
        *("at+jwt", "dpop+jwt", "token-introspection+jwt", "secevent+jwt", "id_token+jwt"),
        *("", "logout", "logout+jwt ", "JOSE", "application/at+jwt", 5, True, ["logout+jwt"], {}),
    ],
)
def test_a_token_for_another_purpose_is_refused(typ: Any) -> None:
    assert refusal(logout_token({"typ": typ}))["reason"] == "invalid_id_token"


@pytest.mark.parametrize("typ", [ABSENT, "JWT", "logout+jwt"])
def test_l08_an_id_token_is_no_logout_token(typ: Any) -> None:
    """Not even one without a nonce, with a ``jti`` and a ``sid``."""
    content = id_token_claims(nonce=ABSENT, jti="an-id", sid="session-of-alice")
    token = compact(edit({"alg": "ES256", "kid": "key-1"}, typ=typ), content, KEY)

    assert refusal(token)["claim"] == "events"


def test_i50_a_logout_token_is_no_id_token() -> None:
    for typ in (ABSENT, "JWT", "logout+jwt"):
        with pytest.raises(IDTokenError):
            verify_id_token(logout_token({"typ": typ}), KEYS, nonce=None)


def test_a_token_of_one_type_does_not_make_its_header_good_for_the_other() -> None:
    """Headers are remembered; the two kinds of token do not share what is remembered."""
    header = {"alg": "ES256", "kid": "key-1", "typ": "logout+jwt"}
    assert verify(compact(header, claims(), KEY)).sub == "alice"
    with pytest.raises(IDTokenError):
        verify_id_token(compact(header, id_token_claims(), KEY), KEYS)

    header = {"alg": "ES256", "kid": "key-1", "typ": "another"}
    assert verify_id_token(compact(header, id_token_claims(), KEY), KEYS).claims["sub"] == "alice"
    assert refusal(compact(header, claims(), KEY))["reason"] == "invalid_id_token"


HEADER, PAYLOAD, SIGNATURE = logout_token().split(".")
NONE = b64(json.dumps({"alg": "none"}))
BAD_FORMS: dict[str, tuple[str, object]] = {
    "oidcc-client-test-rp-backchannel-rpinitlogout-alg-none": (
        "unsupported_alg",
        f"{NONE}.{PAYLOAD}.",
    ),
    "alg-none-signed": ("unsupported_alg", f"{NONE}.{PAYLOAD}.{SIGNATURE}"),
    "no-alg": ("unsupported_alg", logout_token({"alg": ABSENT})),
    "alg-list": ("unsupported_alg", logout_token({"alg": ["ES256"]})),
    "crit": ("invalid_id_token", logout_token({"crit": ["exp"]})),
    "other-key": (
        "bad_signature",
        compact({"alg": "ES256", "kid": "key-1"}, claims(), make_key("ES256", "mallory")),
    ),
    "unknown-kid": ("unknown_key", logout_token({"kid": "key-2"})),
    "kid-object": ("unknown_key", logout_token({"kid": {}})),
    "changed": ("bad_signature", f"{HEADER}.{b64(json.dumps(claims(sub='bob')))}.{SIGNATURE}"),
    "unsigned": ("invalid_id_token", f"{HEADER}.{PAYLOAD}."),
    "encrypted": ("invalid_id_token", f"{HEADER}..{PAYLOAD}.{SIGNATURE}.AAAA"),
    "newline": ("invalid_id_token", logout_token() + "\n"),
    "empty": ("invalid_id_token", ""),
    "nothing": ("invalid_id_token", None),
    "bytes": ("invalid_id_token", logout_token().encode()),
    "list": ("invalid_id_token", compact({"alg": "ES256"}, [claims()], KEY)),
    "twice": (
        "invalid_id_token",
        compact({"alg": "ES256"}, json.dumps(claims())[:-1] + ', "sub": "bob"}', KEY),
    ),
}


@pytest.mark.parametrize(("reason", "token"), BAD_FORMS.values(), ids=BAD_FORMS)
def test_a_token_of_the_wrong_form_is_refused(reason: str, token: object) -> None:
    assert refusal(token)["reason"] == reason


@pytest.mark.parametrize(
    "registered",
    ["RS256", "HS256"],
    ids=["oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg", "secret"],
)
def test_another_algorithm_than_the_registered_one_is_refused(registered: str) -> None:
    detail = refusal(logout_token(), algs=frozenset({registered}))

    assert detail["reason"] == "unsupported_alg"


def test_a_public_key_is_no_secret() -> None:
    """Signed with HMAC and the published key as the secret (RFC 8725 section 2.1)."""
    forged = compact({"alg": "HS256", "kid": "key-1"}, claims(), make_key("HS256"))

    assert refusal(forged)["reason"] == "unsupported_alg"
    assert refusal(forged, algs=ASYMMETRIC | {"HS256"})["reason"] == "unknown_key"


def test_nothing_of_the_payload_is_used_before_the_signature_is_good() -> None:
    token = f"{HEADER}.{b64('not json')}.{SIGNATURE}"

    assert refusal(token)["reason"] == "bad_signature"


@pytest.mark.parametrize("leeway", [0, 60, 300])
def test_a_token_can_be_replayed_until_the_time_that_it_tells(leeway: int) -> None:
    for changes in ({}, {"exp": NOW + 86_400}, {"iat": NOW + leeway, "exp": NOW + 86_400}):
        token = logout_token(**changes)
        last = verify(token, leeway=leeway).acceptable_until

        assert verify(token, now=last - 0.5, leeway=leeway).jti == "this-token"
        refusal(token, now=last, leeway=leeway)
        assert last <= NOW + 600 + 2 * leeway


def test_the_message_is_about_logout_tokens_and_repeats_nothing_of_them() -> None:
    with pytest.raises(LogoutTokenError) as caught:
        verify(logout_token(iss="https://evil.test/\n"))

    assert str(caught.value) == (
        "invalid_logout_token: The logout token's claim 'iss' is not acceptable: "
        "it is another issuer."
    )
    assert caught.value.detail == {
        "reason": "invalid_claim",
        "claim": "iss",
        "expected": ISSUER,
        "received": "https://evil.test/ ",
    }


def test_a_replayed_token_has_a_code_of_its_own() -> None:
    error = LogoutTokenError("logout_token_replayed")

    assert (error.http_status, error.description) == CODES["logout_token_replayed"]
    assert error.http_status == 400


# -- anything ---------------------------------------------

properties = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
text = st.text(st.characters(exclude_categories=[]), max_size=60)
numbers = st.one_of(
    st.integers(), st.floats(), st.sampled_from([10**300, 10**4000, 2**53, 1e300, NOW, NOW + 1])
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, text),
    lambda v: st.one_of(st.lists(v, max_size=4), st.dictionaries(text, v, max_size=4)),
    max_leaves=12,
)
NAMES = ("iss", "sub", "sid", "aud", "exp", "iat", "nbf", "jti", "events", "nonce")
changed_claims = st.dictionaries(
    st.sampled_from(NAMES), values | st.builds(lambda v: {EVENT: v}, values), max_size=len(NAMES)
)
headers = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "jku", "x5c", "b64", "enc", "zip"]), values
)


def only_our_errors(token: Any) -> LogoutToken | None:
    """Verify, and let nothing but our own error with its status pass for a refusal."""
    try:
        return verify(token)
    except OAuthError as error:
        refused = error
    assert (type(refused), refused.http_status) == (LogoutTokenError, 400)
    assert "\n" not in str(refused)
    return None


@properties
@given(token=st.one_of(text, st.binary(max_size=40), values))
def test_anything_as_a_logout_token(token: Any) -> None:
    assert only_our_errors(token) is None


@properties
@given(header=headers)
def test_anything_in_a_header_that_is_not_signed(header: dict[str, Any]) -> None:
    assert only_our_errors(f"{b64(json.dumps(header))}.{PAYLOAD}.{SIGNATURE}") is None


@properties
@given(header=headers, changes=changed_claims)
def test_anything_that_is_signed(header: dict[str, Any], changes: dict[str, Any]) -> None:
    good = {"alg": "ES256", "kid": "key-1"}
    try:
        token = compact({**good, **header}, {**claims(), **changes}, KEY)
    except ValueError:  # an integer that JSON does not write
        assume(False)

    content = only_our_errors(token)
    if content is not None:
        assert content.issuer == ISSUER
        assert content.jti
        assert content.sub or content.sid
        assert "nonce" not in changes
        assert NOW - 660 < content.issued_at <= NOW + 60
        assert NOW < content.acceptable_until <= NOW + 720


@properties
@given(payload=st.binary(max_size=200))
def test_any_bytes_that_are_signed(payload: bytes) -> None:
    assert only_our_errors(compact({"alg": "ES256", "kid": "key-1"}, payload, KEY)) is None


LONG = 65_536
LONG_TOKENS = {
    **{repr(filler): (filler * LONG)[:LONG] for filler in ("A", ".", "A.", "\0", "eyJ", "=")},
    "nested": logout_token(x=json.loads("[" * 400 + "]" * 400), y="a" * 45_000),
    "deep": compact({"alg": "ES256"}, "[" * 48_000, KEY),
    "events": logout_token(events={str(n): {} for n in range(4_000)}),
    "audiences": logout_token(aud=[str(n) for n in range(7_000)]),
    "header": f"{b64(json.dumps({'alg': 'ES256', 'x': 'a' * 48_000}))}.{PAYLOAD}.{SIGNATURE}",
    "digits": compact({"alg": "ES256"}, '{"iat":' + "9" * 48_000 + "}", KEY),
}


@pytest.mark.parametrize("token", LONG_TOKENS.values(), ids=LONG_TOKENS)
def test_64_kilobytes_cost_less_than_50_milliseconds(token: str) -> None:
    spent = []
    for _ in range(5):  # of the process, and the least: others work on this machine too
        start = time.process_time()
        only_our_errors(token)
        spent.append(time.process_time() - start)

    assert min(spent) < 0.05
