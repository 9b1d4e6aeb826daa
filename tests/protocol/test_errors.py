"""The error tree (CONTRACT: errors): codes, twin types, what they carry and what they don't."""

from __future__ import annotations

import copy
import inspect
import pickle
import traceback
from typing import Any

import joserfc.errors as jose
import pytest

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol import errors
from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.protocol.error_codes import REFUSALS
from flask_oauthclient.protocol.error_codes import clean_code
from flask_oauthclient.protocol.error_codes import clean_text

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.OAuthError)
]
CONCRETE = [kind for kind in CLASSES if kind.error in CODES]

TWINS = {
    errors.MissingConfigurationError: [RuntimeError],
    errors.MissingEndpointError: [RuntimeError, KeyError],
    errors.InvalidSettingError: [ValueError],
    errors.UnknownOptionError: [TypeError],
    errors.ProviderResponseError: [ValueError],
    errors.MalformedIDTokenError: [jose.DecodeError, jose.JoseError],
    errors.UnsupportedAlgError: [jose.UnsupportedAlgorithmError],
    errors.UnknownKeyError: [jose.InvalidKeyIdError],
    errors.BadSignatureError: [jose.BadSignatureError],
    errors.MissingClaimError: [jose.MissingClaimError],
    errors.InvalidClaimError: [jose.InvalidClaimError],
    errors.ExpiredIDTokenError: [jose.ExpiredTokenError],
}
CONTRACT_CODES = {
    errors.MissingRequestTokenError: "missing_request_token",
    errors.MissingTokenError: "missing_token",
    errors.TokenExpiredError: "token_expired",
    errors.InvalidTokenError: "token_invalid",
    errors.UnsupportedTokenTypeError: "unsupported_token_type",
    errors.MismatchingStateError: "mismatching_state",
    errors.MissingCodeError: "missing_code",
}


def test_the_root_is_public() -> None:
    assert OAuthError is errors.OAuthError


@pytest.mark.parametrize("kind", TWINS, ids=lambda kind: kind.__name__)
def test_twin_types(kind: type[OAuthError]) -> None:
    for twin in TWINS[kind]:
        with pytest.raises(twin) as caught:
            raise kind
        assert isinstance(caught.value, OAuthError)


@pytest.mark.parametrize(("kind", "code"), CONTRACT_CODES.items())
def test_codes_that_callers_know(kind: type[OAuthError], code: str) -> None:
    assert kind().error == code
    assert kind.error == code


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_error_without_arguments_says_what_to_do(kind: type[OAuthError]) -> None:
    error = kind()

    assert error.error == kind.error
    assert 400 <= error.http_status < 600
    assert error.detail == {}
    assert error.uri is None
    if error.error in CODES:
        assert error.description == CODES[error.error].message
        assert error.http_status == CODES[error.error].http_status
        assert str(error) == f"{error.error}: {error.description}"
    assert repr(error) == f"<{kind.__name__} {str(error)!r}>"
    assert error.docs == f"errors.html#{error.error.replace('_', '-')}"


def test_error_without_any_words() -> None:
    assert str(OAuthError()) == "oauth_error"
    assert OAuthError("unheard_of").http_status == 500


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("description", ["What happened.", "{0} {x} { %s %d", "ä\u20ac"])
def test_everything_given_is_kept(kind: type[OAuthError], description: str) -> None:
    given: dict[str, Any] = {"uri": "https://u", "detail": {"claim": "c"}, "http_status": 418}
    error = kind("a_code", description, **given)

    assert (error.error, error.description) == ("a_code", description)
    assert (error.uri, error.detail, error.http_status) == ("https://u", {"claim": "c"}, 418)
    assert str(error) == f"a_code: {description}"
    assert error.args == (f"a_code: {description}",)


def facts(error: OAuthError) -> tuple[Any, ...]:
    """What an error is about."""
    attributes = (error.error, error.description, error.uri, error.detail, error.http_status)
    return type(error), *attributes, getattr(error, "claim", None), str(error), error.args


def twins(error: OAuthError) -> list[OAuthError]:
    """The error in other processes and threads."""
    return [
        error.again(),
        copy.copy(error),
        *(pickle.loads(pickle.dumps(error, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
    ]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_error_can_be_pickled_and_raised_again(kind: type[OAuthError]) -> None:
    plain = kind()
    full = kind("a_code", "{What} happened.", "https://u", detail={"claim": "c"}, http_status=418)

    for error in (plain, full):
        for twin in twins(error):
            assert facts(twin) == facts(error)
            assert twin is not error


def test_raising_again_has_a_traceback_of_its_own() -> None:
    try:
        raise errors.TransportError("provider_timeout")
    except errors.TransportError as failure:
        first = failure

    again = first.again()

    assert again.__traceback__ is None
    with pytest.raises(errors.TransportError):
        raise again
    assert len(traceback.extract_tb(first.__traceback__)) == 1


def test_detail_is_a_copy() -> None:
    detail = {"a": 1}
    error = OAuthError(detail=detail)
    detail["a"] = 2

    assert error.detail == {"a": 1}


@pytest.mark.parametrize("kind", [k for k in CLASSES if issubclass(k, errors.IDTokenError)])
def test_claim_of_an_id_token_error(kind: type[errors.IDTokenError]) -> None:
    assert kind().claim == ""
    assert kind(detail={"claim": "aud"}).claim == "aud"


@pytest.mark.parametrize("code", CODES)
def test_codes_are_described(code: str) -> None:
    status, message = CODES[code]

    assert code == clean_code(code, "not a code")
    assert code.islower()
    assert 400 <= status < 600
    assert message[0].isupper()
    assert message.endswith(".")
    assert len(message) > 20


@pytest.mark.parametrize("code", REFUSALS)
def test_refusals_are_described(code: str) -> None:
    assert code == clean_code(code, "not a code")
    assert REFUSALS[code].endswith(".")


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("plain", "plain"),
        ("ä\u20ac\U0001f511", "ä\u20ac\U0001f511"),
        ("a\r\nb", "a b"),
        ("a\x00\x1b[31m\x7f\x85b", "a [31m b"),
        ("a\u2028\u2029b", "a b"),
        ("a\ud800b", "a b"),
        ("a" * 300, "a" * 200),
        ("", ""),
        (None, ""),
        (5, ""),
        (b"bytes", ""),
        (["list"], ""),
    ],
)
def test_text_from_outside_is_cleaned(value: object, clean: str) -> None:
    assert clean_text(value) == clean


def test_length_of_text_from_outside() -> None:
    assert clean_text("abcdef", 3) == "abc"


@pytest.mark.parametrize(
    ("value", "good"),
    [("invalid_grant", True), ("urn:x/y.z-1", True), ("A" * 64, True), ("0", True)]
    + [(v, False) for v in ("", "a b", "a\n", "ä", "a" * 65, "<x>", None, 5, ["a"], {"a": 1})],
)
def test_codes_from_outside(value: object, good: bool) -> None:
    assert clean_code(value, "default") == (value if good else "default")
