"""What the browser brings back (rows C01-C14, C18-C21)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.protocol.error_codes import REFUSALS
from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import MissingCodeError
from flask_oauthclient.protocol.oauth2.callback import AuthorizationResponse
from flask_oauthclient.protocol.oauth2.callback import check_callback
from flask_oauthclient.protocol.oauth2.callback import parse_callback

ISSUER = "https://op.test"


def parse(query: str) -> AuthorizationResponse:
    """Parse a query."""
    return parse_callback(parse_qsl(query, keep_blank_values=True))


def check(query: str, issuer: str | None = ISSUER, iss_required: bool = False) -> str:
    """Parse and judge a query."""
    return check_callback(parse(query), issuer=issuer, iss_required=iss_required)


REFUSED: dict[str, tuple[str, dict[str, Any], type[CallbackError], str]] = {
    "C01": ("error=access_denied&state=s", {}, AuthorizationError, "access_denied"),
    "C01-empty": ("error=&state=s", {}, AuthorizationError, "authorization_error"),
    "C01-unknown": ("error=new_one&state=s", {}, AuthorizationError, "new_one"),
    "C01-no-code": ("error=What%20is%20this%3F", {}, AuthorizationError, "authorization_error"),
    "C01-long": ("error=" + "a" * 65, {}, AuthorizationError, "authorization_error"),
    "C01-newline": ("error=a%0Ab", {}, AuthorizationError, "authorization_error"),
    "C03-wrong-iss": (
        "error=access_denied&iss=https://evil.test",
        {},
        CallbackError,
        "mismatching_iss",
    ),
    "C03-missing-iss": (
        "error=access_denied",
        {"iss_required": True},
        CallbackError,
        "missing_iss",
    ),
    "C06-code": ("code=a&code=b", {}, CallbackError, "invalid_callback"),
    "C06-code-the-same": ("code=a&code=a", {}, CallbackError, "invalid_callback"),
    "C06-code-empty": ("code=&code=a", {}, CallbackError, "invalid_callback"),
    "C06-state": ("code=a&state=s&state=s", {}, CallbackError, "invalid_callback"),
    "C06-iss": (f"code=a&iss={ISSUER}&iss={ISSUER}", {}, CallbackError, "invalid_callback"),
    "C06-error": ("error=a&error=b", {}, CallbackError, "invalid_callback"),
    "C06-description": (
        "error=a&error_description=b&error_description=c",
        {},
        CallbackError,
        "invalid_callback",
    ),
    "C06-response": ("response=a&response=b", {}, CallbackError, "invalid_callback"),
    "C08": ("code=a&error=access_denied", {}, AuthorizationError, "access_denied"),
    "C08-empty-error": ("code=a&error=", {}, AuthorizationError, "authorization_error"),
    "C09": ("state=s", {}, MissingCodeError, "missing_code"),
    "C09-empty": ("state=s&code=", {}, MissingCodeError, "missing_code"),
    "C09-nothing": ("", {}, MissingCodeError, "missing_code"),
    "C09-case": ("CODE=a", {}, MissingCodeError, "missing_code"),
    "C10": ("code=a", {"iss_required": True}, CallbackError, "missing_iss"),
    "C10-issuer-unknown": (
        "code=a",
        {"iss_required": True, "issuer": None},
        CallbackError,
        "missing_iss",
    ),
    "C11": (
        "code=a&iss=https://evil.test",
        {"iss_required": True},
        CallbackError,
        "mismatching_iss",
    ),
    "C11-empty": ("code=a&iss=", {"iss_required": True}, CallbackError, "mismatching_iss"),
    "C12-slash": (f"code=a&iss={ISSUER}/", {}, CallbackError, "mismatching_iss"),
    "C12-case": ("code=a&iss=https://OP.test", {}, CallbackError, "mismatching_iss"),
    "C12-scheme-case": ("code=a&iss=HTTPS://op.test", {}, CallbackError, "mismatching_iss"),
    "C12-port": (f"code=a&iss={ISSUER}:443", {}, CallbackError, "mismatching_iss"),
    "C12-space": (f"code=a&iss={ISSUER}+", {}, CallbackError, "mismatching_iss"),
    "C12-encoded": ("code=a&iss=https%253A%252F%252Fop.test", {}, CallbackError, "mismatching_iss"),
    "C13": ("code=a&iss=https://evil.test", {}, CallbackError, "mismatching_iss"),
    "C14": ("response=jwt&code=a", {}, CallbackError, "wrong_response_mode"),
    "C14-alone": ("response=jwt", {}, CallbackError, "wrong_response_mode"),
    "C14-empty": ("response=&code=a", {}, CallbackError, "wrong_response_mode"),
    "C14-error": ("response=jwt&error=a", {}, CallbackError, "wrong_response_mode"),
}


@pytest.mark.parametrize(("query", "server", "kind", "code"), REFUSED.values(), ids=REFUSED)
def test_callback_is_refused(
    query: str, server: dict[str, Any], kind: type[CallbackError], code: str
) -> None:
    with pytest.raises(CallbackError) as caught:
        check(query, **server)

    assert type(caught.value) is kind
    assert caught.value.error == code
    assert caught.value.http_status == 400
    assert caught.value.description


ACCEPTED: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("code=a&state=s", {}),
    "C10-with-iss": (f"code=a&iss={ISSUER}", {"iss_required": True}),
    "C13-right": (f"code=a&iss={ISSUER}", {}),
    "issuer-unknown": ("code=a&iss=https://whoever.test", {"issuer": None}),
    "C18-tokens": ("code=a&id_token=x&access_token=y&token_type=z", {}),
    "C20-extra": ("code=a&session_state=x&session_state=y&scope=z&authuser=0", {}),
}


@pytest.mark.parametrize(("query", "server"), ACCEPTED.values(), ids=ACCEPTED)
def test_callback_is_accepted(query: str, server: dict[str, Any]) -> None:
    assert check(query, **server) == "a"


@pytest.mark.parametrize("code", ["x" * 8192, "a\r\nb", "ä%&+ =", "\ud800"])
def test_c21_code_is_kept_as_it_is(code: str) -> None:
    assert check_callback(parse_callback([("code", code)]), issuer=None, iss_required=False) == code


def test_c18_front_channel_tokens_are_no_part_of_the_answer() -> None:
    response = parse("code=a&id_token=secret1&access_token=secret2")

    assert not hasattr(response, "id_token")
    assert "secret" not in repr(response)


def test_repr_shows_neither_code_nor_response() -> None:
    text = repr(parse("code=the-code&response=the-jwt&state=s"))

    assert "the-code" not in text
    assert "the-jwt" not in text


def test_first_value_is_kept_and_repetition_noted() -> None:
    response = parse("state=a&x=1&x=2&state=b&code=c")

    assert response.state == "a"
    assert response.repeated == frozenset({"state"})


def test_names_of_the_class_cannot_be_set_from_outside() -> None:
    assert parse("repeated=state&self=x&code=a") == AuthorizationResponse(code="a")


def test_repetition_is_named_without_values() -> None:
    with pytest.raises(CallbackError) as caught:
        check("code=secret1&code=secret2&iss=a&iss=b")

    assert "code, iss" in caught.value.description
    assert "secret" not in repr(vars(caught.value))


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "a\r\nSet-Cookie: x=1", "\x1b[31mred", "a" * 5000, "\u2028x"],
)
def test_c04_c05_text_of_the_provider_stands_cleaned_in_the_detail_only(text: str) -> None:
    response = AuthorizationResponse(error="x", error_description=text, error_uri=text)
    with pytest.raises(AuthorizationError) as caught:
        check_callback(response, issuer=None, iss_required=False)

    assert str(caught.value) == "x: The provider did not grant the login."
    for value in caught.value.detail.values():
        assert value.isprintable()
        assert len(value) <= 200


@pytest.mark.parametrize("code", [*REFUSALS, *CODES])
def test_code_of_the_provider_is_passed_on(code: str) -> None:
    """Also one that means something else when it is ours."""
    with pytest.raises(AuthorizationError) as caught:
        check(f"error={code}&error_description=so+it+says")

    assert caught.value.error == code
    assert caught.value.http_status == 400
    assert caught.value.description == REFUSALS.get(code, "The provider did not grant the login.")


def test_mismatching_iss_names_both() -> None:
    with pytest.raises(CallbackError) as caught:
        check("code=a&iss=https://evil.test%0Ax")

    assert caught.value.detail == {"expected": ISSUER, "received": "https://evil.test x"}
