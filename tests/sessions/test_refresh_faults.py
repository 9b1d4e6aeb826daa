"""Renewal when things go wrong: rows R of the table of faults."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InvalidTokenError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TransportError
from tests.helpers.cases import Cases
from tests.helpers.clock import Clock
from tests.helpers.leaks import Watch
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import expired
from tests.sessions._answers import token
from tests.sessions._edges import session_at

NEW = Answer(token("new", expires_in=3600))
DEAD = Answer({"error": "invalid_grant"}, 400)
REFUSED = Answer({}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
OK = Answer({"ok": True})


class Stage:
    """A token endpoint, an API, and a session that holds an expired token."""

    def __init__(self, clock: Clock, watch: Watch) -> None:
        self.clock = clock
        self.watch = watch
        self.told: list[tuple[Any, Any]] = []

    def session(self, *at_token_endpoint: Answer, api: Answer = OK, **kwargs: Any) -> Any:
        rest = list(at_token_endpoint)
        self.token_calls: list[Any] = []

        def answer(request: Any) -> Answer:
            if request.url != TOKEN_URL:
                return api(request) if callable(api) else api
            self.token_calls.append(request)
            return rest.pop(0) if len(rest) > 1 else rest[0]

        self.answers = Answers(answer)
        settings = {
            "token": expired(),
            "token_endpoint": TOKEN_URL,
            "update_token": lambda new, **old: self.told.append((new["access_token"], old)),
            **kwargs,
        }
        return session_at(self.answers, **settings)


cases = Cases()


@cases.row("R04")
def a_token_that_another_process_stored_is_used(stage: Stage) -> None:
    session = stage.session(DEAD, NEW)
    with pytest.raises(TokenRequestError):
        session.get(API_URL)
    # What the application reads again from its store, where another process put a newer one.
    session.token = expired("stored")
    assert session.get(API_URL).status_code == 200
    assert len(stage.token_calls) == 2
    assert stage.answers.forms[1]["refresh_token"] == "refresh-token-stored"


@cases.row("R05")
def a_refusal_for_good_is_not_repeated_with_every_call(stage: Stage) -> None:
    session = stage.session(DEAD, NEW)
    errors = []
    for _ in range(5):
        with pytest.raises(TokenRequestError, match="invalid_grant") as caught:
            session.get(API_URL)
        errors.append(caught.value)
    assert len(stage.token_calls) == 1
    assert len({id(error) for error in errors}) == 5
    # Who asks in so many words is served.
    assert session.refresh_token()["access_token"] == "access-token-new"


@cases.rows("R06", {"absent": {}, "null": {"refresh_token": None}, "empty": {"refresh_token": ""}})
def the_old_refresh_token_is_kept(stage: Stage, fields: Any) -> None:
    session = stage.session(Answer(token("new", expires_in=3600, **fields)))
    assert session.get(API_URL).status_code == 200
    assert session.token["refresh_token"] == "refresh-token-old"
    assert stage.told == [("access-token-new", {"refresh_token": "refresh-token-old"})]


@cases.row("R06-rotated")
def a_new_refresh_token_is_used_from_then_on(stage: Stage) -> None:
    session = stage.session(
        Answer(token("2", expires_in=60, refresh_token="refresh-token-2")),
        Answer(token("3", expires_in=3600)),
    )
    session.refresh_token()
    session.get(API_URL)
    assert [form["refresh_token"] for form in stage.answers.forms[:2]] == [
        "refresh-token-old",
        "refresh-token-2",
    ]


@cases.row("R08")
def a_spent_grant_needs_a_login(stage: Stage) -> None:
    session = stage.session(DEAD)
    with pytest.raises(TokenRequestError) as caught:
        session.get(API_URL)
    assert caught.value.error == "invalid_grant"
    assert caught.value.http_status == 400
    assert "login" in caught.value.description
    assert stage.told == []
    assert [request.url for request in stage.answers.sent] == [TOKEN_URL]


@cases.row("R08-refused-by-the-api")
def a_revoked_grant_needs_a_login(stage: Stage) -> None:
    session = stage.session(
        DEAD, api=REFUSED, token=token("good", refresh_token="refresh-token-good")
    )
    for _ in range(2):
        with pytest.raises(TokenRequestError, match="invalid_grant"):
            session.get(API_URL)
    assert len(stage.token_calls) == 1


@cases.rows("R09", {"503": Answer({}, 503), "500": Answer(text="oops", status=500)})
def a_server_that_is_down_loses_no_token(stage: Stage, down: Answer) -> None:
    session = stage.session(down, NEW)
    with pytest.raises(TransportError, match="provider_unavailable"):
        session.get(API_URL)
    assert dict(session.token) == expired()
    assert stage.told == []
    assert session.get(API_URL).status_code == 200
    assert len(stage.token_calls) == 2


@cases.row("R16")
def a_clock_that_jumps_back_makes_no_storm(stage: Stage) -> None:
    session = stage.session(NEW)
    session.refresh_token()
    stage.clock.advance(-3600)
    for _ in range(5):
        assert session.get(API_URL).status_code == 200
    assert len(stage.token_calls) == 1


@cases.row("R16-refused")
def a_clock_that_jumps_back_does_not_make_a_token_good_for_ever(stage: Stage) -> None:
    good: list[str] = ["Bearer access-token-newer"]

    def api(request: Any) -> Answer:
        return OK if request.headers["Authorization"] in good else REFUSED

    newer = Answer(token("newer", expires_in=3600))
    session = stage.session(NEW, newer, api=api)  # type: ignore[arg-type]
    session.refresh_token()
    stage.clock.advance(-3600)
    for _ in range(5):
        assert session.get(API_URL).status_code == 200
    assert len(stage.token_calls) == 2


@cases.row("R16-forward")
def a_clock_that_jumps_ahead_makes_one_request(stage: Stage) -> None:
    session = stage.session(NEW, token=token("good", expires_in=3600, refresh_token="r" * 20))
    stage.clock.advance(7200)
    for _ in range(5):
        assert session.get(API_URL).status_code == 200
    assert len(stage.token_calls) == 1


EXPIRED = {"zero": 0, "negative": -1, "text-zero": "0", "past": "1000000000", "fraction": 1.5}
GOOD = {"text": "4102444800", "far": 4102444800, "beyond-2038": 2**33, "huge": 1e300}


@cases.rows("R17", EXPIRED)
def a_time_in_the_past_is_expired(stage: Stage, expires_at: Any) -> None:
    session = stage.session(NEW, token=expired(expires_at=expires_at))
    assert session.token.is_expired() is True
    assert session.get(API_URL).status_code == 200
    assert len(stage.token_calls) == 1
    session.token = token("without-refresh", expires_at=expires_at)
    with pytest.raises(InvalidTokenError):
        session.get(API_URL)


@cases.rows("R17-good", GOOD)
def a_time_in_the_future_is_not_expired(stage: Stage, expires_at: Any) -> None:
    session = stage.session(NEW, token=expired(expires_at=expires_at))
    assert session.get(API_URL).status_code == 200
    assert stage.token_calls == []


@cases.rows("R17-unknown", {"word": "soon", "null": None, "list": [1], "true": True})
def a_time_that_is_none_is_unknown(stage: Stage, expires_at: Any) -> None:
    session = stage.session(NEW, token=expired(expires_at=expires_at))
    assert session.token.is_expired() is None
    assert session.get(API_URL).status_code == 200
    assert stage.token_calls == []


WIDER = "wider scope"


@cases.rows("R20", {"text": "a b c", "list": ["a", "b", "c"]})
def a_wider_scope_is_flagged_and_visible(stage: Stage, scope: Any) -> None:
    session = stage.session(
        Answer(token("new", expires_in=3600, scope=scope)), token=expired(scope="a b")
    )
    assert session.get(API_URL).status_code == 200
    assert session.token["scope"] == scope
    assert stage.watch.logged(WIDER)


@cases.rows("R20-not-wider", {"same": "b a", "narrower": "a", "absent": None, "odd": 5})
def another_scope_is_not_flagged(stage: Stage, scope: Any) -> None:
    session = stage.session(
        Answer(token("new", expires_in=3600, scope=scope)), token=expired(scope="a b")
    )
    assert session.get(API_URL).status_code == 200
    assert not stage.watch.logged(WIDER)


@cases.row("R20-narrower-asked")
def a_scope_wider_than_the_call_asked_for_is_flagged(stage: Stage) -> None:
    session = stage.session(
        Answer(token("new", expires_in=3600, scope="a b")), token=expired(scope="a b")
    )
    session.refresh_token(scope=["a"])
    assert stage.watch.logged(WIDER)


@pytest.mark.parametrize("case", cases.params())
def test_renewal(case: Any, clock: Clock, watch: Watch) -> None:
    watch.secret("refresh-token-old", "access-token-old", "the-secret-of-the-client")
    case(Stage(clock, watch))


def test_the_time_of_a_token_is_that_of_its_arrival(clock: Clock) -> None:
    session = session_at(Answers(NEW))
    clock.advance(1000)
    session.fetch_token(TOKEN_URL)
    assert abs(session.token["expires_at"] - time.time() - 3600) < 10


def test_every_failure_of_a_renewal_is_of_one_family() -> None:
    for given in (DEAD, Answer({}, 503), Answer([]), Answer({}, 302), Answer(text="<p>")):
        session = session_at(Answers(given), token=expired(), token_endpoint=TOKEN_URL)
        with pytest.raises(OAuthError):
            session.ensure_active_token()
