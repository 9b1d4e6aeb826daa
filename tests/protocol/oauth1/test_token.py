"""Answers to requests for credentials: what is read, and what is refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.oauth1 import OAuth1Token
from flask_oauthclient.protocol.oauth1.token import parse_token_response
from tests.helpers.leaks import Watch
from tests.protocol._answers import FORM
from tests.protocol._answers import JSON
from tests.protocol._answers import answer

GOOD = "oauth_token=a-token&oauth_token_secret=a-secret"
TOKEN = {"oauth_token": "a-token", "oauth_token_secret": "a-secret"}


# -- what is read ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("content_type", [FORM, "text/html; charset=utf-8", JSON, None])
def test_form_is_read_whatever_its_type(status: int, content_type: str | None) -> None:
    token = parse_token_response(answer(GOOD, status, content_type))

    assert token == TOKEN
    assert type(token) is OAuth1Token


@pytest.mark.parametrize("content_type", [JSON, FORM, None])
def test_json_is_read_whatever_its_type(content_type: str | None) -> None:
    assert parse_token_response(answer({**TOKEN, "id": 5}, 200, content_type)) == {**TOKEN, "id": 5}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"\n{GOOD}\r\n", TOKEN),
        (f"{GOOD}&", TOKEN),
        (f"{GOOD}&user_id=5&empty=", {**TOKEN, "user_id": "5", "empty": ""}),
        (f"{GOOD}&screen_name=J%C3%B6+x", {**TOKEN, "screen_name": "Jö x"}),
        ("oauth_token=a%2Fb%3D&oauth_token_secret=%20c", {"oauth_token": "a/b="}),
    ],
)
def test_forms(body: str, expected: dict[str, str]) -> None:
    assert expected.items() <= parse_token_response(answer(body)).items()


@pytest.mark.parametrize("body", ["oauth_token=a-token", {"oauth_token": "a-token"}])
def test_absent_secret_is_empty(body: Any) -> None:
    assert parse_token_response(answer(body)) == {
        "oauth_token": "a-token",
        "oauth_token_secret": "",
    }


def test_null_secret_is_empty() -> None:
    token = parse_token_response(answer({"oauth_token": "a", "oauth_token_secret": None}))

    assert token["oauth_token_secret"] == ""


def test_longest_credential_that_is_believed() -> None:
    assert parse_token_response(answer("oauth_token=" + "a" * 2048))["oauth_token"] == "a" * 2048


# -- what makes no sense -----------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        "<html><body>oauth_token=hush</body></html>",
        '["oauth_token", "hush"]',
        '"hush"',
        '{"oauth_token": "hush"',
        '{"oauth_token": "a", "oauth_token": "hush"}',
        '{"oauth_token": NaN}',
        '{"oauth_token": "hush"} x',
        "{" * 100_000,
        "oauth_token=hush&oauth_token=hush",
        "oauth_token=hush&a=1&a=2",
        "oauth_token=hush&a=%zz",
        "oauth_token=hush&a=%FF",
        "oauth_token=hush&a=é",
        "oauth_token=hush\x00",
        b"oauth_token=hush\xff",
        "oauth_token=hush\nx=1",
        "&".join(f"a{n}=hush" for n in range(101)),
    ],
)
def test_answer_that_makes_no_sense(body: Any, watch: Watch) -> None:
    watch.secret("hush")
    with pytest.raises(ProviderResponseError) as caught:
        parse_token_response(answer(body))

    assert caught.value.error == "invalid_response"
    assert isinstance(caught.value, ValueError)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("status", [100, 302, 304])
def test_other_status_is_no_answer(status: int) -> None:
    with pytest.raises(ProviderResponseError):
        parse_token_response(answer(GOOD, status))


@pytest.mark.parametrize(
    "body",
    [
        "a=1",
        "oauth_token=",
        "oauth_token_secret=hush",
        "OAuth_Token=hush",
        "oauth_token=hush%0Ax",
        "oauth_token=hush&oauth_token_secret=hush%00",
        "oauth_token=hush" + "a" * 2048,
        "oauth_token=a&oauth_token_secret=hush" + "a" * 2048,
        {"oauth_token": 5},
        {"oauth_token": None},
        {"oauth_token": ["hush"]},
        {"oauth_token": {"hush": 1}},
        {"oauth_token": "a", "oauth_token_secret": 5},
        {"oauth_token": "a", "oauth_token_secret": False},
        {"oauth_token": "hush\ud800"},
        {},
    ],
)
def test_unusable_credentials(body: Any, watch: Watch) -> None:
    watch.secret("hush")
    with pytest.raises(ProviderResponseError) as caught:
        parse_token_response(answer(body, 200, FORM if isinstance(body, str) else JSON))

    assert caught.value.error == "missing_oauth_token"
    assert caught.value.detail == {"status": 200}


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
@pytest.mark.parametrize("body", [b"", GOOD, "<h1>no</h1>", TOKEN, "[1]", b"\xff"])
def test_refusal_has_one_code(status: int, body: Any, watch: Watch) -> None:
    watch.secret("a-secret", "a-token")
    with pytest.raises(TokenRequestError, match=f"with code {status}") as caught:
        parse_token_response(answer(body, status))

    assert caught.value.error == "fetch_token_denied"
    assert caught.value.detail["status"] == status


@pytest.mark.parametrize(
    ("body", "headers", "problem", "advice"),
    [
        ("oauth_problem=timestamp_refused", {}, "timestamp_refused", ""),
        (
            "oauth_problem=token_expired&oauth_problem_advice=Log+in%0Aagain",
            {},
            "token_expired",
            "Log in again",
        ),
        ({"error": "locked", "error_description": "why"}, {}, "locked", "why"),
        ({"errors": [{"code": 32, "message": "who are you?"}]}, {}, "", "who are you?"),
        ({"errors": []}, {}, "", ""),
        ({"errors": "x", "message": ["x"]}, {}, "", ""),
        (
            b"",
            {"www_authenticate": 'OAuth realm="x", oauth_problem="nonce_used"'},
            "nonce_used",
            "",
        ),
        (
            "oauth_problem=nonce_used",
            {"www_authenticate": 'OAuth oauth_problem="other",oauth_problem_advice="so"'},
            "nonce_used",
            "so",
        ),
        ("oauth_problem=What%20is%20this%3F", {}, "", ""),
        ("Invalid signature. Expected POST&https%3A%2F%2F", {}, "", ""),
        ("oauth_problem=signature_invalid&debug_sbs=hush", {}, "signature_invalid", ""),
    ],
)
def test_refusal_says_why(
    body: Any, headers: dict[str, str], problem: str, advice: str, watch: Watch
) -> None:
    watch.secret("hush")
    with pytest.raises(TokenRequestError) as caught:
        parse_token_response(answer(body, 401, FORM, **headers))

    assert caught.value.detail == {
        "status": 401,
        "oauth_problem": problem,
        "oauth_problem_advice": advice,
    }
    for text in (problem, advice):
        assert not text or text not in str(caught.value)


def test_long_advice_is_cut() -> None:
    with pytest.raises(OAuthError) as caught:
        parse_token_response(answer("oauth_problem_advice=" + "a" * 5000, 400))

    assert len(caught.value.detail["oauth_problem_advice"]) == 200


# -- the token ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate",
    [lambda token: token, copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))],
)
def test_token_shows_no_secret(duplicate: Any) -> None:
    token = duplicate(OAuth1Token({**TOKEN, "oauth_callback_confirmed": "true", "email": "a@b"}))

    assert token == {**TOKEN, "oauth_callback_confirmed": "true", "email": "a@b"}
    assert repr(token) == str(token)
    assert "'oauth_callback_confirmed': 'true'" in repr(token)
    for value in ("a-token", "a-secret", "a@b"):
        assert value not in repr(token)


def test_from_dict_wraps_mappings_only() -> None:
    token = OAuth1Token(TOKEN)

    assert type(OAuth1Token.from_dict(TOKEN)) is OAuth1Token
    assert OAuth1Token.from_dict(token) is token
    assert OAuth1Token.from_dict(None) is None
