"""The userinfo endpoint (rows U01-U09, U18)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import IDTokenError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import UserInfoError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Response
from flask_oauthclient.protocol.oidc.claims import UserInfo
from flask_oauthclient.protocol.oidc.userinfo import check_response_issuer
from flask_oauthclient.protocol.oidc.userinfo import parse_userinfo
from flask_oauthclient.protocol.oidc.userinfo import subject_of
from flask_oauthclient.protocol.oidc.userinfo import userinfo_request
from tests.protocol._answers import answer
from tests.protocol._keys import compact
from tests.protocol._keys import make_key

JWT = "application/jwt"
GOOD = {"sub": "alice", "name": "Alice"}


def unverifiable(token: str) -> Mapping[str, Any]:
    """Whatever is not JSON must be handed to the verification."""
    raise IDTokenError("bad_signature")


def read(response: Response, **settings: Any) -> UserInfo:
    """Read an answer of an OpenID Connect login by Alice."""
    defaults: dict[str, Any] = {"sub": "alice", "openid": True, "verify_jwt": unverifiable}
    return parse_userinfo(response, **{**defaults, **settings})


def refused(response: Response, **settings: Any) -> OAuthError:
    """The error with which an answer is refused."""
    with pytest.raises(OAuthError) as caught:
        read(response, **settings)
    return caught.value


REFUSED: dict[str, tuple[Response, dict[str, Any], str]] = {
    "U01-other": (answer({"sub": "mallory"}), {}, "userinfo_sub_mismatch"),
    "U01-case": (answer({"sub": "Alice"}), {}, "userinfo_sub_mismatch"),
    "U01-space": (answer({"sub": "alice "}), {}, "userinfo_sub_mismatch"),
    "U01-surrogate": (answer('{"sub":"\\ud800"}'), {}, "userinfo_sub_mismatch"),
    "U01-without-openid": (
        answer({"sub": "mallory"}),
        {"openid": False},
        "userinfo_sub_mismatch",
    ),
    "U02-missing": (answer({"name": "Alice"}), {}, "invalid_userinfo"),
    "U02-empty": (answer({"sub": ""}), {}, "invalid_userinfo"),
    "U02-null": (answer({"sub": None}), {}, "invalid_userinfo"),
    "U02-number": (answer({"sub": 5}), {}, "invalid_userinfo"),
    "U02-list": (answer({"sub": ["alice"]}), {}, "invalid_userinfo"),
    "U02-object": (answer({"sub": {"alice": 1}}), {}, "invalid_userinfo"),
    "U02-no-id-token": (answer({"name": "Alice"}), {"sub": None}, "invalid_userinfo"),
    "U04-not-verified": (answer("a.b.c", 200, JWT), {}, "bad_signature"),
    "U04-json-in-it": (answer(GOOD, 200, JWT), {}, "bad_signature"),
    "U04-not-ascii": (answer(b"\xff\xfe", 200, JWT + "; charset=utf-16"), {}, "bad_signature"),
    "U05-json": (answer(GOOD), {"signed": True}, "invalid_userinfo"),
    "U05-jwt-as-json": (answer("a.b.c"), {"signed": True}, "invalid_userinfo"),
    "U06-jwt-as-json": (answer("a.b.c"), {}, "invalid_response"),
    "U06-jwt-as-text": (answer("a.b.c", 200, "text/plain"), {}, "invalid_response"),
    "array": (answer([GOOD]), {}, "invalid_response"),
    "null": (answer("null"), {}, "invalid_response"),
    "html": (answer("<html>", 200, "text/html"), {}, "invalid_response"),
    "empty": (answer(b""), {}, "invalid_response"),
    "twice": (answer('{"sub":"alice","sub":"alice"}'), {}, "invalid_response"),
    "nested": (answer("[" * 100_000), {}, "invalid_response"),
    "204": (answer(b"", 204), {}, "invalid_userinfo"),
    "206": (answer(GOOD, 206), {}, "invalid_userinfo"),
    "302": (answer(b"", 302, None, location="https://evil.test/"), {}, "invalid_userinfo"),
    "404": (answer(GOOD, 404), {}, "invalid_userinfo"),
    "500": (answer(GOOD, 500), {}, "invalid_userinfo"),
}


@pytest.mark.parametrize(("response", "settings", "code"), REFUSED.values(), ids=REFUSED)
def test_answer_is_refused(response: Response, settings: dict[str, Any], code: str) -> None:
    error = refused(response, **settings)

    assert error.error == code
    assert error.http_status == 502
    assert "mallory" not in repr(vars(error))


@pytest.mark.parametrize(
    "challenge",
    [None, "", "Bearer", 'Bearer error="invalid_token"', 'Bearer "' * 10_000, "\x00\xff=,,=\\"],
)
@pytest.mark.parametrize("status", [401, 403])
def test_u18_refused_token_is_told_whatever_the_challenge(
    status: int, challenge: str | None
) -> None:
    headers = {} if challenge is None else {"www_authenticate": challenge}

    error = refused(answer(b"", status, None, **headers))

    assert error.error == "invalid_userinfo"
    assert error.http_status == 401
    assert error.detail == {"status": status}


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        ({}, GOOD),
        ({"sub": None}, GOOD),
        ({"sub": None, "openid": False}, {"login": "alice", "id": 5}),
        ({"sub": None, "openid": False}, {"sub": 5}),
        ({"openid": False}, GOOD),
    ],
    ids=["openid", "no-id-token", "plain-oauth", "plain-oauth-odd-sub", "id-token-all-the-same"],
)
def test_answer_is_accepted(settings: dict[str, Any], body: dict[str, Any]) -> None:
    info = read(answer(body), **settings)

    assert info == body
    assert type(info) is UserInfo


@pytest.mark.parametrize("content_type", [JWT, "Application/JWT; charset=us-ascii"])
@pytest.mark.parametrize("signed", [True, False])
def test_u04_signed_answer_is_verified(content_type: str, signed: bool) -> None:
    seen: list[str] = []

    def verify(token: str) -> Mapping[str, Any]:
        seen.append(token)
        return {**GOOD, "iss": "https://op.test"}

    info = read(answer(" a.b.c\n", 200, content_type), verify_jwt=verify, signed=signed)

    assert info == GOOD
    assert seen == ["a.b.c"]


def test_u04_signed_answer_about_another_user_is_refused() -> None:
    error = refused(answer("a.b.c", 200, JWT), verify_jwt=lambda _: {"sub": "mallory"})

    assert error.error == "userinfo_sub_mismatch"


def test_u09_claims_of_the_id_token_are_left_out() -> None:
    own = dict.fromkeys(
        ["iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "jti"],
        "from userinfo",
    )

    assert read(answer({**GOOD, **own})) == GOOD


ISSUERS: dict[str, tuple[dict[str, Any], bool]] = {
    "both": ({"iss": "https://op.test", "aud": "me"}, True),
    "neither": ({}, True),
    "several-audiences": ({"aud": ["other", "me"]}, True),
    "iss-other": ({"iss": "https://evil.test", "aud": "me"}, False),
    "iss-slash": ({"iss": "https://op.test/"}, False),
    "iss-null": ({"iss": None}, False),
    "iss-list": ({"iss": ["https://op.test"]}, False),
    "aud-other": ({"iss": "https://op.test", "aud": "other"}, False),
    "aud-longer": ({"aud": "me1"}, False),
    "aud-null": ({"aud": None}, False),
    "aud-empty": ({"aud": []}, False),
    "aud-nested": ({"aud": [["me"]]}, False),
    "aud-object": ({"aud": {"me": 1}}, False),
    "aud-number": ({"aud": 5}, False),
}


@pytest.mark.parametrize(("claims", "good"), ISSUERS.values(), ids=ISSUERS)
def test_u04_issuer_and_audience(claims: dict[str, Any], good: bool) -> None:
    if good:
        check_response_issuer(claims, "https://op.test", "me")
        return
    with pytest.raises(UserInfoError) as caught:
        check_response_issuer(claims, "https://op.test", "me")
    assert caught.value.error == "invalid_userinfo"


def test_request_carries_the_token_in_the_header_only() -> None:
    request = userinfo_request("https://op.test/userinfo?x=1", "the-token")

    assert (request.purpose, request.method) == (Purpose.USERINFO, "GET")
    assert request.url == "https://op.test/userinfo?x=1"
    assert request.headers["Authorization"] == "Bearer the-token"
    assert request.body is None
    assert "the-token" not in repr(request)


@pytest.mark.parametrize("url", ["http://op.test/u", "http://localhost:1@op.test/u", "", "/u"])
def test_token_does_not_travel_in_the_clear(url: str) -> None:
    with pytest.raises(InsecureTransportError):
        userinfo_request(url, "the-token")


def test_plain_http_can_be_allowed() -> None:
    assert userinfo_request("http://op.test/u", "t", insecure_http=True).url == "http://op.test/u"


@pytest.mark.parametrize(
    ("payload", "subject"), [({"sub": "alice"}, "alice"), ({"sub": 5}, None), ({}, None)]
)
def test_subject_of_an_id_token(payload: dict[str, Any], subject: str | None) -> None:
    token = compact({"alg": "RS256"}, payload, make_key("RS256"))

    assert subject_of(token) == subject


@pytest.mark.parametrize("token", [None, 5, b"a.b.c", ["a"]])
def test_no_id_token_no_subject(token: object) -> None:
    assert subject_of(token) is None


@pytest.mark.parametrize("token", ["", "a.b.c", json.dumps(GOOD)])
def test_subject_of_something_else_is_a_typed_error(token: str) -> None:
    with pytest.raises(IDTokenError):
        subject_of(token)
