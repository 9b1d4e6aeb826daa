"""What a redirect to somebody else must not take along, and must not bring about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import token
from tests.sessions._edges import session_at

ELSEWHERE = "https://evil.test/in"
REFUSED = Answer({}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def redirect(location: str, status: int = 303) -> Answer:
    return Answer({}, status, {"Location": location})


def signed_in(answers: Answers, **kwargs: Any) -> Any:
    with_refresh = token(refresh_token="refresh-token-1")
    return session_at(answers, token=with_refresh, token_endpoint=TOKEN_URL, **kwargs)


@pytest.mark.parametrize("status", [302, 303, 307])
def test_who_is_redirected_to_cannot_make_a_call_be_sent_twice(status: int) -> None:
    answers = Answers(redirect(ELSEWHERE, status), REFUSED)
    response = signed_in(answers).post(API_URL, json={"pay": 100})
    assert response.status_code == 401
    assert [request.url for request in answers.sent] == [API_URL, ELSEWHERE]


@pytest.mark.filterwarnings("ignore:token_placement")
def test_a_token_in_the_query_is_not_taken_along() -> None:
    where = f"{ELSEWHERE}?a=1&access_token=access-token-first&b=access_token%3D#f"
    answers = Answers(redirect(where), Answer({}))
    signed_in(answers, token_placement="uri").get(API_URL)
    assert answers.sent[1].url == f"{ELSEWHERE}?a=1&b=access_token%3D#f"


@pytest.mark.filterwarnings("ignore:token_placement")
def test_a_query_of_the_server_s_own_is_left_alone() -> None:
    where = f"{ELSEWHERE}?access_token=another"
    answers = Answers(redirect(where), Answer({}))
    signed_in(answers, token_placement="uri").get(API_URL)
    assert answers.sent[1].url == where


def with_own_header(url: str, headers: dict[str, str], body: Any) -> Any:
    return url, {**headers, "X-Token": "access-token-first"}, body


@pytest.mark.parametrize("hops", [[ELSEWHERE], [f"{API_URL}/2", ELSEWHERE]])
def test_headers_of_a_hook_are_not_taken_along(hops: list[str]) -> None:
    answers = Answers(*map(redirect, hops), Answer({}))
    session = signed_in(answers)
    session.register_compliance_hook("protected_request", with_own_header)
    session.get(API_URL, headers={"X-Mine": "stays"})
    *at_home, elsewhere = answers.sent
    assert {request.headers.get("X-Token") for request in at_home} == {"access-token-first"}
    assert "X-Token" not in elsewhere.headers
    assert "Authorization" not in elsewhere.headers
    assert elsewhere.headers["X-Mine"] == "stays"
