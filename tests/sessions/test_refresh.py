"""A token is replaced once, kept whole, and told to whoever wants to know."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from flask_oauthclient.protocol.errors import InvalidTokenError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenRequestError
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import expired
from tests.sessions._answers import json_of
from tests.sessions._answers import token
from tests.sessions._edges import Edge
from tests.sessions._edges import session_at

NEW = Answer(token("new", expires_in=3600))
REFUSED = Answer(
    {}, 401, {"WWW-Authenticate": 'Bearer realm="x", error="invalid_token", error_description="x"'}
)


def _refreshable(answers: Answers, **kwargs: Any) -> Any:
    return session_at(answers, **{"token": expired(), "token_endpoint": TOKEN_URL, **kwargs})


# -- refresh_token ---------------------------------------------------------------------------


def test_a_refresh_sends_the_refresh_token_and_nothing_else() -> None:
    answers = Answers(NEW)
    session = _refreshable(answers, scope="openid email", redirect_uri="https://rp.test/cb")
    got = session.refresh_token(TOKEN_URL)
    assert got is session.token
    assert got["access_token"] == "access-token-new"
    assert answers.form == {"grant_type": "refresh_token", "refresh_token": "refresh-token-old"}


def test_a_scope_is_sent_when_it_is_asked_for() -> None:
    answers = Answers(NEW)
    _refreshable(answers, scope="a b c").refresh_token(TOKEN_URL, scope="a", resource="https://r")
    assert answers.form["scope"] == "a"
    assert answers.form["resource"] == "https://r"


def test_the_arguments_of_the_call_win() -> None:
    answers = Answers(NEW)
    session = _refreshable(answers, token_endpoint="https://op.test/other")
    session.refresh_token(
        TOKEN_URL,
        refresh_token="refresh-token-of-the-call",
        body="x=1&x=2",
        auth=("other-client", "other-secret"),
        headers={"X-Own": "1"},
        timeout=7,
    )
    assert answers.form["refresh_token"] == "refresh-token-of-the-call"
    assert answers.form["x"] == ["1", "2"]
    request = answers.sent[0]
    assert request.url == TOKEN_URL
    assert request.headers["Authorization"] == "Basic b3RoZXItY2xpZW50Om90aGVyLXNlY3JldA=="
    assert request.headers["X-Own"] == "1"
    assert answers.settings[0]["timeout"][1] == 7


def test_what_the_answer_leaves_out_stays() -> None:
    answers = Answers(Answer({"access_token": "access-token-new", "token_type": "Bearer"}))
    old = expired(id_token="the-id-token", scope="a b", expires_in=3600, extra={"x": 1})
    session = _refreshable(answers, token=old)
    session.refresh_token()
    assert dict(session.token) == {
        "access_token": "access-token-new",
        "token_type": "Bearer",
        "refresh_token": "refresh-token-old",
        "id_token": "the-id-token",
        "scope": "a b",
        "extra": {"x": 1},
    }


def test_what_the_answer_brings_is_new() -> None:
    fields = {"refresh_token": "refresh-token-new", "scope": "a", "expires_in": 60}
    answers = Answers(Answer(token("new", **fields)))
    session = _refreshable(answers, token=expired(scope="a b"))
    session.refresh_token()
    assert session.token["refresh_token"] == "refresh-token-new"
    assert session.token["scope"] == "a"
    assert time.time() < session.token["expires_at"] <= time.time() + 60


def test_the_token_of_the_caller_is_not_changed() -> None:
    mine = expired()
    session = _refreshable(Answers(NEW), token=mine)
    session.refresh_token()
    assert mine == expired()


@pytest.mark.parametrize("old", [None, token()])
def test_without_a_refresh_token_there_is_no_request(old: Any) -> None:
    answers = Answers(NEW)
    with pytest.raises(MissingTokenError):
        _refreshable(answers, token=old).refresh_token(TOKEN_URL)
    assert answers.sent == []


def test_a_refusal_keeps_the_old_token() -> None:
    answers = Answers(Answer({"error": "invalid_grant"}, 400))
    told: list[Any] = []
    session = _refreshable(answers, update_token=lambda *args, **kwargs: told.append(args))
    with pytest.raises(TokenRequestError, match="invalid_grant"):
        session.refresh_token()
    assert session.token["access_token"] == "access-token-old"
    assert told == []


# -- update_token -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_update_token_is_told_of_a_refresh(kind: str) -> None:
    told: list[Any] = []

    def update(new: Any, refresh_token: Any = None, access_token: Any = None) -> None:
        told.append((new["access_token"], refresh_token, access_token))

    async def update_async(new: Any, refresh_token: Any = None, access_token: Any = None) -> None:
        await anyio.lowlevel.checkpoint()
        update(new, refresh_token, access_token)

    session = _refreshable(Answers(NEW), update_token=update if kind == "sync" else update_async)
    assert session.ensure_active_token() is True
    assert told == [("access-token-new", "refresh-token-old", None)]


def test_update_token_is_told_of_a_token_of_the_clients_own() -> None:
    told: list[Any] = []
    session = _refreshable(
        Answers(NEW),
        token=token("old", expires_at=1),
        grant_type="client_credentials",
        update_token=lambda new, **old: told.append((new["access_token"], old)),
    )
    assert session.ensure_active_token() is True
    assert told == [("access-token-new", {"access_token": "access-token-old"})]


def test_an_error_of_update_token_reaches_the_caller_and_the_token_is_kept() -> None:
    def update(new: Any, **old: Any) -> None:
        raise LookupError("the database is away")

    session = _refreshable(Answers(NEW), update_token=update)
    with pytest.raises(LookupError, match="the database is away"):
        session.ensure_active_token()
    assert session.token["access_token"] == "access-token-new"


def test_the_first_token_is_not_an_update() -> None:
    told: list[Any] = []
    session = _refreshable(Answers(NEW), update_token=lambda *args, **kwargs: told.append(args))
    session.fetch_token(code="the-code-of-the-login")
    assert told == []


# -- ensure_active_token -------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"expires_in": 3600}, {"expires_at": "no number"}])
def test_a_token_that_has_not_expired_is_active(fields: Any) -> None:
    answers = Answers(NEW)
    session = _refreshable(answers, token=token(refresh_token="r" * 20, **fields))
    assert session.ensure_active_token() is True
    assert answers.sent == []


def test_a_token_is_replaced_before_it_expires() -> None:
    for leeway, expires_in, replaced in [(60, 50, True), (60, 70, False), (0, 50, False)]:
        answers = Answers(NEW)
        fresh = token(refresh_token="r" * 20, expires_in=expires_in)
        session = _refreshable(answers, token=fresh, leeway=leeway)
        assert session.ensure_active_token() is True
        assert bool(answers.sent) is replaced


def test_a_token_of_the_clients_own_is_fetched_again() -> None:
    answers = Answers(Answer(token("a", expires_in=1)), NEW)
    session = session_at(answers, token_endpoint=TOKEN_URL, scope="api")
    session.fetch_token()
    assert session.ensure_active_token() is True
    assert session.token["access_token"] == "access-token-new"
    assert answers.forms == [{"grant_type": "client_credentials", "scope": "api"}] * 2


@pytest.mark.parametrize(
    ("old", "metadata"),
    [
        (token(expires_at=1), {"token_endpoint": TOKEN_URL}),
        (expired(), {}),
        (token(expires_at=0), {"grant_type": "client_credentials"}),
    ],
    ids=["no-refresh-token", "no-endpoint", "no-endpoint-for-credentials"],
)
def test_a_token_that_has_expired_for_good(old: Any, metadata: Any) -> None:
    answers = Answers(NEW)
    session = session_at(answers, token=old, **metadata)
    assert session.ensure_active_token() is None
    with pytest.raises(InvalidTokenError):
        session.get(API_URL)
    assert answers.sent == []


def test_no_token_is_not_active() -> None:
    answers = Answers(NEW)
    session = session_at(answers, token_endpoint=TOKEN_URL)
    assert session.ensure_active_token() is None
    with pytest.raises(MissingTokenError):
        session.get(API_URL)
    assert answers.sent == []


@pytest.mark.parametrize("old", [expired(), token("old", expires_at=1)])
def test_twenty_threads_make_one_token_request(old: Any) -> None:
    answers = Answers(NEW)
    told: list[Any] = []
    session = _refreshable(
        answers,
        token=old,
        grant_type="client_credentials",
        update_token=lambda *args, **kwargs: told.append(args),
    )
    barrier = threading.Barrier(20)

    def ensure(_: int) -> tuple[Any, str]:
        barrier.wait(10)
        return session.ensure_active_token(old), session.token["access_token"]

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(ensure, range(20))) == {(True, "access-token-new")}
    assert len(answers.sent) == len(told) == 1


def test_twenty_calls_of_an_api_make_one_token_request() -> None:
    answers = Answers(lambda request: NEW if request.url == TOKEN_URL else Answer({"a": 1}))
    session = _refreshable(answers)
    with ThreadPoolExecutor(20) as threads:
        responses = list(threads.map(session.get, [API_URL] * 20))
    assert [response.json() for response in responses] == [{"a": 1}] * 20
    urls = [request.url for request in answers.sent]
    assert urls.count(TOKEN_URL) == 1
    calls = [request for request in answers.sent if request.url == API_URL]
    assert {call.headers["Authorization"] for call in calls} == {"Bearer access-token-new"}


# -- calls that are refused ------------------------------------------------------------------------


def _api(*answers: Answer, **kwargs: Any) -> tuple[Any, Answers]:
    server = Answers(*answers)
    good = token("good", refresh_token="refresh-token-good")
    return _refreshable(server, **{"token": good, **kwargs}), server


def test_a_refused_token_is_replaced_and_the_call_sent_once_more() -> None:
    session, server = _api(REFUSED, NEW, Answer({"a": 1}))
    assert session.post(API_URL, json={"b": 2}).json() == {"a": 1}
    assert [request.url for request in server.sent] == [API_URL, TOKEN_URL, API_URL]
    assert server.bearers[0] == "Bearer access-token-good"
    assert server.bearers[2] == "Bearer access-token-new"
    assert server.sent[0].body == server.sent[2].body
    assert json_of(server.sent[0]) == {"b": 2}


def test_a_token_that_was_replaced_just_now_and_is_refused_is_replaced_once_more() -> None:
    newer = Answer(token("newer", refresh_token="refresh-token-newer", expires_in=3600))
    session, server = _api(NEW, REFUSED, newer, Answer({"a": 1}), token=expired())
    assert session.get(API_URL).json() == {"a": 1}
    assert [request.url for request in server.sent] == [TOKEN_URL, API_URL] * 2
    assert server.bearers[1] == "Bearer access-token-new"
    assert server.bearers[3] == "Bearer access-token-newer"


def test_a_token_that_is_refused_again_is_not_replaced_again() -> None:
    session, server = _api(REFUSED, NEW, REFUSED)
    assert session.get(API_URL).status_code == 401
    assert len(server.sent) == 3


@pytest.mark.parametrize(
    "answer",
    [
        Answer({}, 401),
        Answer({}, 401, {"WWW-Authenticate": "Basic realm=x"}),
        Answer({}, 401, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}),
        Answer({}, 403, {"WWW-Authenticate": 'Bearer error="invalid_token"'}),
        Answer({}, 200, {"WWW-Authenticate": 'Bearer error="invalid_token"'}),
    ],
    ids=["bare", "basic", "scope", "403", "200"],
)
def test_other_refusals_are_the_callers_business(answer: Answer) -> None:
    session, server = _api(answer)
    assert session.get(API_URL).status_code == answer.status
    assert len(server.sent) == 1


@pytest.mark.parametrize(
    "kwargs",
    [{"token": token("good")}, {"token_endpoint": None}],
    ids=["no-refresh-token", "no-endpoint"],
)
def test_what_cannot_be_replaced_is_not_tried(kwargs: Any) -> None:
    session, server = _api(REFUSED, **kwargs)
    assert session.get(API_URL).status_code == 401
    assert len(server.sent) == 1


STREAMS: dict[str, Callable[[Edge], Any]] = {
    "generator": lambda edge: {"data": edge.stream([b"a", b"b"])},
    "file": lambda edge: {"data": io.BytesIO(b"content") if edge.blocks else edge.stream([b"c"])},
    "upload": lambda edge: {"files": {"file": io.BytesIO(b"content")}},
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_is_not_sent_twice(kind: str, edge: Edge) -> None:
    session, server = _api(REFUSED)
    assert session.post(API_URL, **STREAMS[kind](edge)).status_code == 401
    assert len(server.sent) == 1


@pytest.mark.parametrize("kwargs", [{"auth": ("user", "password")}, {"withhold_token": True}])
def test_a_call_without_the_token_is_not_sent_twice(kwargs: Any) -> None:
    session, server = _api(REFUSED)
    assert session.get(API_URL, **kwargs).status_code == 401
    assert len(server.sent) == 1


def test_a_refresh_that_is_refused_is_an_error() -> None:
    session, server = _api(REFUSED, Answer({"error": "invalid_grant"}, 400))
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.get(API_URL)
    assert len(server.sent) == 2


def test_threads_that_are_refused_together_refresh_once() -> None:
    together = threading.Barrier(8)

    def answer(request: Any) -> Answer:
        if request.url == TOKEN_URL:
            return NEW
        if request.headers["Authorization"] == "Bearer access-token-new":
            return Answer({"a": 1})
        together.wait(10)
        return REFUSED

    session, server = _api(answer)  # type: ignore[arg-type]
    with ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(session.get, [API_URL] * 8))
    assert {response.status_code for response in responses} == {200}
    assert [request.url for request in server.sent].count(TOKEN_URL) == 1
