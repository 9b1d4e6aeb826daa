"""One session, tokens of several users: nobody gets what belongs to another."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InvalidTokenError
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import expired
from tests.sessions._answers import token
from tests.sessions._edges import current
from tests.sessions._edges import session_at
from tests.sessions._edges import token_auth


def test_a_refresh_of_another_grant_takes_nothing_over() -> None:
    answers = Answers(Answer(token("of-bob")))
    alice = token("of-alice", refresh_token="refresh-token-alice", id_token="id-token-of-alice")
    session = session_at(answers, token=alice, token_endpoint=TOKEN_URL)
    fresh = session.refresh_token(refresh_token="refresh-token-bob")
    assert "id_token" not in fresh
    assert fresh["refresh_token"] == "refresh-token-bob"


def test_a_refresh_with_the_token_kept_elsewhere_takes_the_rest_over() -> None:
    answers = Answers(Answer(token("second")))
    session = session_at(answers, token=token("first", scope="a"), token_endpoint=TOKEN_URL)
    assert session.refresh_token(refresh_token="refresh-token-x")["scope"] == "a"


def applied(auth: Any) -> str:
    answers = Answers()
    current().foreign(answers).get(API_URL, auth=auth)
    return str(answers.bearers[0])


def test_an_expired_token_is_not_replaced_by_that_of_the_session() -> None:
    session = session_at(Answers(), token=token("of-alice"), token_endpoint=TOKEN_URL)
    with pytest.raises(InvalidTokenError):
        applied(token_auth(expired("of-bob"), client=session))


def test_a_token_that_is_good_is_presented_whatever_the_session_holds() -> None:
    session = session_at(Answers(), token=token("of-alice"), token_endpoint=TOKEN_URL)
    assert applied(token_auth(token("of-bob"), client=session)) == "Bearer access-token-of-bob"


def test_a_former_token_of_the_session_is_replaced_by_its_present_one() -> None:
    answers = Answers(Answer(token("new")))
    session = session_at(answers, token=expired("old"), token_endpoint=TOKEN_URL)
    auth = token_auth(expired("old"), client=session)
    session.refresh_token()
    assert applied(auth) == "Bearer access-token-new"


def test_a_session_without_a_token_takes_the_first_for_its_own() -> None:
    session = session_at(Answers(Answer(token("new"))), token_endpoint=TOKEN_URL)
    auth = token_auth(expired("old"), client=session)
    assert applied(auth) == "Bearer access-token-new"
    assert session.token["access_token"] == "access-token-new"


@pytest.mark.edges("requests", "httpx")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_is_forked_during_a_refresh_can_refresh() -> None:
    refreshing, may_end = threading.Event(), threading.Event()
    parent = os.getpid()

    def answer(request: Any) -> Answer:
        if os.getpid() == parent:
            refreshing.set()
            may_end.wait(20)
        return Answer(token("new"))

    session = session_at(Answers(answer), token=expired(), token_endpoint=TOKEN_URL)
    thread = threading.Thread(target=session.ensure_active_token)
    thread.start()
    refreshing.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if session.ensure_active_token() else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    may_end.set()
    thread.join()
    assert status == 0
