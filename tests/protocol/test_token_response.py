"""Answers of the token endpoint (rows T08-T21, T32, T36)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.protocol.error_codes import REFUSALS
from flask_oauthclient.protocol.errors import MissingAccessTokenError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.errors import UnsupportedTokenTypeError
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.protocol.oauth2.token import MAX_LIFETIME
from flask_oauthclient.protocol.oauth2.token import OAuth2Token
from flask_oauthclient.protocol.oauth2.token import parse_token_response
from tests.protocol._answers import FORM
from tests.protocol._answers import answer

NOW = 1_760_000_000
GOOD = {"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 3600}
SURROGATE = json.dumps("\ud800")


def refused(response: Response) -> OAuthError:
    """The error with which an answer is refused."""
    with pytest.raises(OAuthError) as caught:
        parse_token_response(response, now=NOW)
    return caught.value


REFUSED: dict[str, tuple[Response, type[OAuthError], str]] = {}


def reject(row: str, kind: type[OAuthError], code: str, answers: dict[str, Response]) -> None:
    """Rows with one kind of outcome."""
    for name, response in answers.items():
        REFUSED[f"{row}-{name}"] = (response, kind, code)


reject(
    "T08",
    ProviderResponseError,
    "invalid_response",
    {
        "html": answer("<html>an-access-token</html>", 200, "text/html; charset=utf-8"),
        "xhtml": answer(GOOD, 200, "application/xhtml+xml"),
        "json-that-says-html": answer(GOOD, 200, "text/html"),
        "html-that-says-json": answer("<html>"),
        "404": answer("not found", 404, "text/plain"),
        "404-html": answer("<html>", 404, "text/html"),
        "empty": answer(b""),
        "nothing": answer(b"", 200, None),
        "204": answer(b"", 204, None),
        "302": answer(b"", 302, "text/html", location="https://evil.test/"),
        "400-without-error": answer({"message": "no"}, 400),
        "400-with-a-token": answer(GOOD, 400),
        "401-with-a-token": answer(GOOD, 401),
        "403-empty": answer(b"", 403),
    },
)
reject(
    "T09",
    ProviderResponseError,
    "invalid_response",
    {
        "array": answer([GOOD]),
        "string": answer('"an-access-token"'),
        "null": answer("null"),
        "number": answer("5"),
        "true": answer("true"),
        "nested": answer("[" * 100_000),
        "nested-inside": answer('{"x":' * 50_000),
        "cut": answer(json.dumps(GOOD)[:-1]),
        "twice": answer('{"access_token":"a","access_token":"b"}'),
        "nan": answer('{"access_token":"a","expires_in":NaN}'),
        "infinity": answer('{"access_token":"a","expires_in":-Infinity}'),
        "1e400": answer('{"access_token":"a","expires_in":1e400}'),
        "utf16": answer(json.dumps(GOOD).encode("utf-16")),
        "not-utf8": answer(b'{"access_token":"\xff"}'),
        "control-character": answer('{"access_token":"a\n"}'),
        "json-lines": answer(json.dumps(GOOD) + "\n" + json.dumps(GOOD)),
    },
)
reject(
    "T10",
    MissingAccessTokenError,
    "missing_access_token",
    {
        "missing": answer({"token_type": "Bearer"}),
        "empty-object": answer({}),
        "empty": answer({**GOOD, "access_token": ""}),
        "null": answer({**GOOD, "access_token": None}),
        "number": answer({**GOOD, "access_token": 5}),
        "object": answer({**GOOD, "access_token": {}}),
        "list": answer({**GOOD, "access_token": ["a"]}),
        "true": answer({**GOOD, "access_token": True}),
        "surrogate": answer(f'{{"access_token":{SURROGATE}}}'),
        "newline": answer({**GOOD, "access_token": "a\r\nX-Injected: 1"}),
        "nul": answer({**GOOD, "access_token": "a\0"}),
        "delete": answer({**GOOD, "access_token": "a\x7f"}),
        "not-ascii": answer({**GOOD, "access_token": "tököl"}),
        "other-name": answer({"accessToken": "a", "token": "b"}),
    },
)
reject(
    "T12",
    UnsupportedTokenTypeError,
    "unsupported_token_type",
    {
        "mac": answer({**GOOD, "token_type": "mac"}),
        "dpop": answer({**GOOD, "token_type": "DPoP"}),
        "n_a": answer({**GOOD, "token_type": "N_A"}),
        "number": answer({**GOOD, "token_type": 5}),
        "true": answer({**GOOD, "token_type": True}),
        "list": answer({**GOOD, "token_type": ["Bearer"]}),
        "object": answer({**GOOD, "token_type": {"Bearer": 1}}),
        "space": answer({**GOOD, "token_type": "Bearer "}),
        "prefix": answer({**GOOD, "token_type": "bearerish"}),
        "surrogate": answer(f'{{"access_token":"a","token_type":{SURROGATE}}}'),
        "form": answer("access_token=a&token_type=mac", 200, FORM),
    },
)
reject(
    "T20",
    TokenRequestError,
    "invalid_grant",
    {
        "200": answer({"error": "invalid_grant"}),
        "200-beside-a-token": answer({**GOOD, "error": "invalid_grant"}),
        "400": answer({"error": "invalid_grant"}, 400),
        "401": answer({"error": "invalid_grant"}, 401),
        "401-with-challenge": answer(
            {"error": "invalid_grant"}, 401, www_authenticate="Basic realm=x"
        ),
        "404": answer({"error": "invalid_grant"}, 404),
        "form": answer("error=invalid_grant", 400, FORM),
        "form-beside-a-token": answer("access_token=a&error=invalid_grant", 200, FORM),
    },
)
reject(
    "T20",
    TokenRequestError,
    "invalid_response",
    {
        "null": answer({**GOOD, "error": None}),
        "empty": answer({**GOOD, "error": ""}),
        "object": answer({"error": {"message": "no", "code": 190}}, 400),
        "list": answer({"error": ["invalid_grant"]}, 400),
        "number": answer({"error": 5}, 400),
        "text": answer({"error": "The code is not valid!"}, 400),
        "newline": answer({"error": "invalid_grant\n"}, 400),
        "surrogate": answer(f'{{"error":{SURROGATE}}}', 400),
        "long": answer({"error": "a" * 65}, 400),
        "form-empty": answer("access_token=a&error=", 200, FORM),
    },
)
CHALLENGE = {"www_authenticate": "Basic realm=x"}
reject(
    "T21",
    TokenRequestError,
    "invalid_client",
    {
        "named": answer({"error": "invalid_client"}, 401, **CHALLENGE),
        "empty": answer(b"", 401, None, **CHALLENGE),
        "text": answer("Unauthorized", 401, "text/plain", **CHALLENGE),
        "html": answer("<html>", 401, "text/html", **CHALLENGE),
        "json-without-error": answer({"message": "no"}, 401, **CHALLENGE),
        "json-list": answer([], 401, **CHALLENGE),
        "json-empty": answer(b"", 401, **CHALLENGE),
        "form-empty": answer(b"", 401, FORM, **CHALLENGE),
        "a-token-all-the-same": answer(GOOD, 401, **CHALLENGE),
        "malformed-challenge": answer(b"", 401, None, www_authenticate='Basic realm="\x00' * 500),
        "empty-challenge": answer(b"", 401, None, www_authenticate=""),
    },
)
reject(
    "T22",
    TransportError,
    "provider_unavailable",
    {
        "503": answer(b"", 503),
        "500-html": answer("<html>", 500, "text/html"),
        "500-with-error": answer({"error": "server_error"}, 500),
        "502-with-a-token": answer(GOOD, 502),
        "599": answer(b"", 599, None),
    },
)
reject(
    "T32",
    ProviderResponseError,
    "invalid_response",
    {
        "form-as-json": answer("access_token=a&token_type=bearer"),
        "form-as-text": answer("access_token=a&token_type=bearer", 200, "text/plain"),
        "form-without-type": answer("access_token=a&token_type=bearer", 200, None),
        "empty": answer(b"", 200, FORM),
        "twice": answer("access_token=a&access_token=b", 200, FORM),
        "twice-the-same": answer("access_token=a&x=1&x=1", 200, FORM),
        "many-fields": answer("&".join(f"f{n}=1" for n in range(101)), 200, FORM),
        "very-many-fields": answer("a=1&" * 60_000, 200, FORM),
        "not-utf8": answer(b"access_token=\xff", 200, FORM),
        "400-without-error": answer("message=no", 400, FORM),
    },
)
reject(
    "T32",
    MissingAccessTokenError,
    "missing_access_token",
    {
        "json": answer(GOOD, 200, FORM),
        "missing": answer("token_type=bearer", 200, FORM),
        "blank": answer("access_token=&token_type=bearer", 200, FORM),
        "percent-garbage": answer("access_token=%FF%FE", 200, FORM),
        "newline": answer("access_token=a%0D%0Ab", 200, FORM),
    },
)


@pytest.mark.parametrize(("response", "kind", "code"), REFUSED.values(), ids=REFUSED)
def test_answer_is_refused(response: Response, kind: type[OAuthError], code: str) -> None:
    error = refused(response)

    assert type(error) is kind
    assert error.error == code
    assert 400 <= error.http_status < 600
    assert error.description
    assert "an-access-token" not in repr(vars(error))


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER", "bEARER", None, "", "absent"])
def test_t13_type_is_compared_without_case(token_type: str | None) -> None:
    body = {**GOOD, "token_type": token_type}
    if token_type == "absent":
        del body["token_type"]

    assert parse_token_response(answer(body), now=NOW)["access_token"] == "an-access-token"


def test_types_that_the_caller_can_present_are_accepted() -> None:
    response = answer({**GOOD, "token_type": "DPoP"})

    token = parse_token_response(response, now=NOW, token_types=frozenset({"dpop"}))

    assert token["token_type"] == "DPoP"


@pytest.mark.parametrize("status", [200, 201, 203])
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json;charset=UTF-8", "Application/JSON", "text/plain", None],
)
def test_json_is_read_whatever_it_calls_itself(status: int, content_type: str | None) -> None:
    token = parse_token_response(answer(GOOD, status, content_type), now=NOW)

    assert token == {**GOOD, "expires_at": NOW + 3600}
    assert isinstance(token, OAuth2Token)


@pytest.mark.parametrize("content_type", [FORM, FORM + "; charset=utf-8", FORM.upper()])
def test_t32_form_is_read_if_it_calls_itself_so(content_type: str) -> None:
    body = "access_token=a%20b%2B&token_type=bearer&expires_in=60&scope=a+b&x="

    token = parse_token_response(answer(body, 200, content_type), now=NOW)

    assert token == {
        "access_token": "a b+",
        "token_type": "bearer",
        "expires_in": "60",
        "expires_at": NOW + 60,
        "scope": "a b",
        "x": "",
    }


EXPIRES_IN: dict[str, tuple[Any, int | None]] = {
    "number": (3600, 3600),
    "string": ("3600", 3600),
    "fraction": (3600.5, 3600),
    "string-fraction": ("3600.5", 3600),
    "spaces": (" 3600 ", 3600),
    "small-fraction": (0.5, 0),
    "zero-as-text": ("0", 0),
    "zero": (0, None),
    "negative": (-1, None),
    "negative-text": ("-30", None),
    "true": (True, None),
    "false": (False, None),
    "null": (None, None),
    "text": ("abc", None),
    "empty": ("", None),
    "nan-text": ("NaN", None),
    "infinity-text": ("Infinity", None),
    "hex": ("0x10", None),
    "list": ([3600], None),
    "object": ({}, None),
    "1e300": (1e300, MAX_LIFETIME),
    "1e300-text": ("1e300", MAX_LIFETIME),
    "2-to-31": (2**31, MAX_LIFETIME),
    "2-to-63": (2**63, MAX_LIFETIME),
    "400-digits": (10**400, None),
    "ten-years": (MAX_LIFETIME, MAX_LIFETIME),
}


@pytest.mark.parametrize(("value", "lifetime"), EXPIRES_IN.values(), ids=EXPIRES_IN)
def test_t16_lifetime(value: Any, lifetime: int | None) -> None:
    token = parse_token_response(answer({**GOOD, "expires_in": value}), now=NOW + 0.9)

    assert token.get("expires_at") == (None if lifetime is None else NOW + lifetime)
    assert token["expires_in"] == value


def test_t18_scope_of_the_answer_is_visible() -> None:
    assert parse_token_response(answer({**GOOD, "scope": "b"}))["scope"] == "b"


def test_t36_who_the_answer_says_it_is_for_is_left_alone() -> None:
    extra = {"client_id": "another", "issuer": "https://evil.test", "iss": "x"}

    assert parse_token_response(answer({**GOOD, **extra}), now=NOW).items() >= extra.items()


@pytest.mark.parametrize("code", [*REFUSALS, "something_new", "urn:x:y", *CODES])
def test_code_of_the_provider_is_passed_on_with_our_words(code: str) -> None:
    body = {"error": code, "error_description": "so says the provider", "error_uri": "https://u"}
    error = refused(answer(body, 400))

    assert error.error == code
    assert error.description == REFUSALS.get(code, "The provider refused the token request.")
    assert error.http_status == (400 if code == "invalid_grant" else 502)
    assert error.detail == {
        "status": 400,
        "error_description": "so says the provider",
        "error_uri": "https://u",
    }


@pytest.mark.parametrize(
    "value", ["a\r\nb", "a\x1b[31mb", "a\u2028b", 5, None, ["x"], {"x": 1}, "so it goes on " * 700]
)
def test_description_is_cleaned(value: Any) -> None:
    detail = refused(
        answer({"error": "x", "error_description": value, "error_uri": value}, 400)
    ).detail

    for name in ("error_description", "error_uri"):
        assert isinstance(detail[name], str)
        assert len(detail[name]) <= 200
        assert detail[name].isprintable()
        assert not isinstance(value, str) or detail[name].startswith(value[0])
