"""What the browser brings back (RFC 5849 section 2.2)."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.oauth1.callback import AuthorizationResponse
from flask_oauthclient.protocol.oauth1.callback import check_callback
from flask_oauthclient.protocol.oauth1.callback import parse_callback

GOOD = "oauth_token=hh5s93j4hdidpola&oauth_verifier=hfdp7dh39dks9884"


def parse(query: str) -> AuthorizationResponse:
    """Parse a query."""
    return parse_callback(parse_qsl(query, keep_blank_values=True))


def test_callback_of_section_1_2() -> None:
    response = parse(f"{GOOD}&a=1&a=2&user=x")
    check_callback(response)
    assert (response.oauth_token, response.oauth_verifier) == (
        "hh5s93j4hdidpola",
        "hfdp7dh39dks9884",
    )


@pytest.mark.parametrize(
    ("query", "kind", "code"),
    [
        ("denied=hh5s93j4hdidpola", AuthorizationError, "access_denied"),
        ("denied=", AuthorizationError, "access_denied"),
        (f"{GOOD}&denied=x", AuthorizationError, "access_denied"),
        (f"{GOOD}&oauth_problem=user_refused", AuthorizationError, "access_denied"),
        (f"{GOOD}&oauth_problem=permission_denied", AuthorizationError, "access_denied"),
        ("error=access_denied", AuthorizationError, "access_denied"),
        ("oauth_problem=permission_unknown", AuthorizationError, "permission_unknown"),
        ("oauth_problem=x&error=access_denied", AuthorizationError, "x"),
        (f"{GOOD}&error=", AuthorizationError, "authorization_error"),
        ("error=What%20is%20this%3F", AuthorizationError, "authorization_error"),
        ("error=a%0Ab", AuthorizationError, "authorization_error"),
        (f"{GOOD}&oauth_token=x", CallbackError, "invalid_callback"),
        (f"{GOOD}&{GOOD}", CallbackError, "invalid_callback"),
        (f"{GOOD}&oauth_verifier=", CallbackError, "invalid_callback"),
        ("denied=a&denied=b", CallbackError, "invalid_callback"),
        ("oauth_problem=a&oauth_problem=a", CallbackError, "invalid_callback"),
    ],
)
def test_callback_is_refused(query: str, kind: type[CallbackError], code: str) -> None:
    with pytest.raises(kind) as caught:
        check_callback(parse(query))

    assert type(caught.value) is kind
    assert caught.value.error == code
    assert caught.value.http_status == 400
    assert caught.value.description


def test_provider_text_stands_cleaned_in_the_detail_only() -> None:
    query = "oauth_problem=user_refused&oauth_problem_advice=No%0D%0Athanks"
    with pytest.raises(AuthorizationError) as caught:
        check_callback(parse(query))

    assert caught.value.detail == {
        "oauth_problem": "user_refused",
        "oauth_problem_advice": "No thanks",
    }
    assert "thanks" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "expected"),
    [(GOOD, "hh5s93j4hdidpola"), ("denied=t", "t"), ("oauth_token=&denied=", None), ("", None)],
)
def test_request_token_that_the_callback_is_about(query: str, expected: str | None) -> None:
    assert parse(query).request_token == expected


def test_response_shows_no_credential() -> None:
    shown = repr(parse(f"{GOOD}&denied=d-token&oauth_problem=p"))

    assert "problem='p'" in shown
    for secret in ("hh5s93j4hdidpola", "hfdp7dh39dks9884", "d-token"):
        assert secret not in shown
