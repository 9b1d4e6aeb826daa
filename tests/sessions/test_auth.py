"""``OAuth2Auth``: a token as an auth object, alone and on other sessions."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import InvalidTokenError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import UnsupportedTokenTypeError
from flask_oauthclient.protocol.oauth2.bearer import TokenAuth
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import expired
from tests.sessions._answers import form_of
from tests.sessions._answers import json_of
from tests.sessions._answers import token
from tests.sessions._edges import Edge
from tests.sessions._edges import current
from tests.sessions._edges import session_at
from tests.sessions._edges import token_auth


@pytest.fixture
def answers() -> Answers:
    """An API."""
    return Answers()


@pytest.fixture
def foreign(answers: Answers, edge: Edge) -> Any:
    """A session of the library that knows nothing of tokens."""
    return edge.foreign(answers)


def _placed(placement: str, value: Any = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return token_auth(value or token(), placement)


def test_it_is_usable_alone(foreign: Any, answers: Answers) -> None:
    foreign.get(API_URL, auth=token_auth(token()))
    foreign.post(API_URL, auth=token_auth(token("second")), json={"a": 1})
    assert answers.bearers == ["Bearer access-token-first", "Bearer access-token-second"]
    assert json_of(answers.sent[1]) == {"a": 1}


def test_it_is_an_auth_object_of_the_library(edge: Edge) -> None:
    auth = token_auth(token())
    assert isinstance(auth, edge.OAuth2.http_auth_class)
    assert isinstance(auth, TokenAuth)
    assert "access-token" not in repr(auth)


def test_the_token_of_an_auth_object_can_be_set(foreign: Any, answers: Answers) -> None:
    auth = token_auth(None)
    with pytest.raises(MissingTokenError):
        foreign.get(API_URL, auth=auth)
    auth.set_token(token("set"))
    foreign.get(API_URL, auth=auth)
    assert answers.bearers == ["Bearer access-token-set"]


@pytest.mark.parametrize("empty", [None, {}, {"access_token": ""}, {"token_type": "Bearer"}])
def test_no_token_is_an_error(empty: Any, foreign: Any, answers: Answers) -> None:
    with pytest.raises(MissingTokenError):
        foreign.get(API_URL, auth=token_auth(empty))
    assert answers.sent == []


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER", None])
def test_bearer_is_known_in_any_case(
    token_type: str | None, foreign: Any, answers: Answers
) -> None:
    foreign.get(API_URL, auth=token_auth(token(token_type=token_type)))
    assert answers.bearers == ["Bearer access-token-first"]


@pytest.mark.parametrize("token_type", ["mac", "DPoP", "N_A"])
def test_another_token_type_is_an_error(token_type: str, foreign: Any, answers: Answers) -> None:
    with pytest.raises(UnsupportedTokenTypeError):
        foreign.get(API_URL, auth=token_auth(token(token_type=token_type)))
    assert answers.sent == []


def test_a_token_type_can_be_taught(foreign: Any, answers: Answers) -> None:
    def sign(value: str, uri: str, headers: Any, body: Any, placement: str) -> Any:
        return uri, {**headers, "X-Token": value}, body

    class Taught(current().library.OAuth2Auth):  # type: ignore[name-defined,misc]
        SIGN_METHODS = {**TokenAuth.SIGN_METHODS, "own": sign}  # noqa: RUF012

    foreign.get(API_URL, auth=Taught(token(token_type="Own")))
    assert answers.sent[0].headers["X-Token"] == "access-token-first"
    assert answers.bearers == [None]


# -- where the token goes ------------------------------------------------------------------------


@pytest.mark.parametrize("placement", ["header", "headers"])
def test_the_header_is_the_usual_place(placement: str, foreign: Any, answers: Answers) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        auth = token_auth(token(), placement)
    foreign.get(API_URL, auth=auth)
    assert answers.bearers == ["Bearer access-token-first"]
    assert answers.sent[0].url == API_URL


@pytest.mark.parametrize("placement", ["body", "uri", "url", "query"])
def test_other_places_are_warned_about(placement: str) -> None:
    with pytest.warns(UserWarning, match="token_placement"):
        token_auth(token(), placement)


@pytest.mark.parametrize("placement", ["uri", "url", "query"])
def test_the_token_in_the_query(placement: str, foreign: Any, answers: Answers) -> None:
    foreign.get(f"{API_URL}?a=b", auth=_placed(placement))
    assert answers.sent[0].url == f"{API_URL}?a=b&access_token=access-token-first"
    assert answers.bearers == [None]


@pytest.mark.parametrize("data", [None, {"a": "b"}, "a=b", b"a=b"])
def test_the_token_in_the_body(data: Any, foreign: Any, answers: Answers) -> None:
    foreign.post(API_URL, data=data, auth=_placed("body"))
    request = answers.sent[0]
    expected = {"access_token": "access-token-first", **({"a": "b"} if data else {})}
    assert form_of(request) == expected
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Content-Length"] == str(len(request.body or ""))
    assert answers.bearers == [None]


def test_another_place_is_an_error(foreign: Any, answers: Answers) -> None:
    with pytest.raises(InvalidSettingError, match="token_placement"):
        foreign.get(API_URL, auth=_placed("cookie"))
    assert answers.sent == []


# -- where it does not go -------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://api.test/", "http://localhost.evil.test/"])
@pytest.mark.parametrize("placement", ["header", "uri", "body"])
def test_a_token_does_not_travel_in_the_clear(
    placement: str, url: str, foreign: Any, answers: Answers
) -> None:
    with pytest.raises(InsecureTransportError):
        foreign.get(url, auth=_placed(placement))
    assert answers.sent == []


def test_loopback_is_no_network(foreign: Any, answers: Answers) -> None:
    foreign.get("http://127.0.0.1:5000/", auth=token_auth(token()))
    assert answers.bearers == ["Bearer access-token-first"]


# -- bound to a client ----------------------------------------------------------------------------


def test_the_auth_object_of_a_session_refreshes_through_its_client(
    foreign: Any, answers: Answers
) -> None:
    server = Answers(Answer(token("new", expires_in=3600)))
    session = session_at(server, token=expired(), token_endpoint=TOKEN_URL)
    for _ in range(2):
        foreign.get(API_URL, auth=session.token_auth)
    assert answers.bearers == ["Bearer access-token-new"] * 2
    assert [request.url for request in server.sent] == [TOKEN_URL]
    assert session.token["access_token"] == "access-token-new"


def test_an_auth_object_of_its_own_follows_its_client(foreign: Any, answers: Answers) -> None:
    server = Answers(Answer(token("new", expires_in=3600)))
    session = session_at(server, token=expired(), token_endpoint=TOKEN_URL)
    auth = token_auth(expired(), client=session)
    for _ in range(2):
        foreign.get(API_URL, auth=auth)
    assert answers.bearers == ["Bearer access-token-new"] * 2
    assert len(server.sent) == 1


def test_a_token_that_cannot_be_replaced_is_an_error(foreign: Any, answers: Answers) -> None:
    session = session_at(Answers(), token=token(expires_at=1))
    with pytest.raises(InvalidTokenError):
        foreign.get(API_URL, auth=session.token_auth)
    session.token = None
    with pytest.raises(MissingTokenError):
        foreign.get(API_URL, auth=session.token_auth)
    assert answers.sent == []


def test_for_another_token_the_way_is_the_same(foreign: Any, answers: Answers) -> None:
    session = session_at(Answers(), token=expired(), token_endpoint=TOKEN_URL)
    session.register_compliance_hook(
        "protected_request", lambda url, headers, body: (url, {**headers, "X-Own": "1"}, body)
    )
    foreign.get(API_URL, auth=session.token_auth.for_token(token("other")))
    assert answers.bearers == ["Bearer access-token-other"]
    assert answers.sent[0].headers["X-Own"] == "1"
    assert session.token["access_token"] == "access-token-old"
