"""Answers that come in a redirect: fragments, errors, and both beside each other."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingAccessTokenError
from flask_oauthclient.protocol.errors import MissingCodeError
from flask_oauthclient.protocol.errors import MissingTokenTypeError
from flask_oauthclient.protocol.errors import OAuthError
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import token
from tests.sessions._edges import session_at

HOME = "https://rp.test/cb"
CODE = "code=the-code-of-the-login"
TOKEN = "access_token=implicit-token&token_type=Bearer"
ERROR = "error=access_denied&error_description=no%20way"


def _session(**kwargs: Any) -> tuple[Any, Answers]:
    answers = Answers(Answer(token()))
    return session_at(answers, token=token("before"), **kwargs), answers


def _fails(session: Any, answers: Answers, kind: type[OAuthError], url: str, **kwargs: Any) -> Any:
    with pytest.raises(kind) as caught:
        session.fetch_token(TOKEN_URL, authorization_response=url, **kwargs)
    assert answers.sent == []
    assert session.token["access_token"] == "access-token-before"
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        f"{HOME}?{ERROR}&state=s",
        f"{HOME}?{ERROR}&{CODE}&state=s",
        f"{HOME}?{CODE}&{ERROR}&state=s#_=_",
        f"{HOME}?{ERROR}&state=s#{TOKEN}&state=s",
        f"{HOME}?{CODE}&state=s#{ERROR}&state=s",
        f"{HOME}#{ERROR}&state=s",
        f"{HOME}#{TOKEN}&{ERROR}&state=s",
        f"{HOME}#{ERROR}&{TOKEN}&{CODE}&state=s",
    ],
    ids=[
        "query",
        "query-and-code",
        "query-and-code-and-empty-fragment",
        "query-and-token-in-fragment",
        "fragment-and-code-in-query",
        "fragment",
        "fragment-and-token",
        "fragment-and-everything",
    ],
)
def test_an_error_raises_whatever_else_is_there(url: str) -> None:
    session, answers = _session(state="s")
    error = _fails(session, answers, AuthorizationError, url)
    assert error.error == "access_denied"
    assert error.detail["error_description"] == "no way"
    assert "no way" not in str(error)
    assert "implicit-token" not in repr(vars(error))
    _fails(session, answers, AuthorizationError, url, grant_type="client_credentials")
    _fails(session, answers, AuthorizationError, url, code="the-code-of-the-caller")


def test_an_error_in_the_query_counts_for_a_fragment_that_is_read_on_its_own() -> None:
    session, _ = _session(state="s")
    with pytest.raises(AuthorizationError, match="access_denied"):
        session.token_from_fragment(f"{HOME}?{ERROR}&state=s#{TOKEN}&state=s")
    assert session.token["access_token"] == "access-token-before"


@pytest.mark.parametrize(
    "url",
    [
        f"{HOME}?{ERROR}&state=evil#{TOKEN}&state=s",
        f"{HOME}#{ERROR}&state=evil",
        f"{HOME}#{TOKEN}&state=evil",
        f"{HOME}#{TOKEN}",
        f"{HOME}?{CODE}&state=evil#_=_",
    ],
)
def test_what_comes_with_another_state_is_not_believed(url: str) -> None:
    for by_session, by_call in (({"state": "s"}, {}), ({}, {"state": "s"})):
        session, answers = _session(**by_session)
        _fails(session, answers, MismatchingStateError, url, **by_call)


@pytest.mark.parametrize("url", ["", HOME, f"{HOME}?", f"{HOME}?state=s", f"{HOME}?code=&state=s"])
def test_a_redirect_without_an_answer_leads_to_no_other_grant(url: str) -> None:
    session, answers = _session()
    _fails(session, answers, MissingCodeError, url)
    _fails(session, answers, MissingCodeError, url, username="alice", password="wonderland-2")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://[/cb?code=x", CallbackError),
        (f"{HOME}?{CODE}&{CODE}", CallbackError),
        (f"{HOME}#{TOKEN}&{TOKEN}", CallbackError),
        (f"{HOME}#token_type=Bearer", MissingAccessTokenError),
        (f"{HOME}#access_token=x", MissingTokenTypeError),
        (f"{HOME}#{CODE}", MissingAccessTokenError),
    ],
    ids=["no-url", "two-codes", "two-tokens", "no-token", "no-type", "code-in-fragment"],
)
def test_a_malformed_redirect_is_an_error(url: str, kind: type[OAuthError]) -> None:
    session, answers = _session()
    _fails(session, answers, kind, url)


def test_a_missing_type_has_a_code_of_its_own() -> None:
    session, answers = _session()
    error = _fails(session, answers, MissingTokenTypeError, f"{HOME}#access_token=x")
    assert error.error == "missing_token_type"


def test_the_state_of_the_call_beats_that_of_the_session() -> None:
    session, answers = _session(state="other")
    got = session.token_from_fragment(f"{HOME}#{TOKEN}&state=s&scope=a%20b&expires_in=60", "s")
    assert got is session.token
    assert (got["scope"], got.is_expired(0)) == ("a b", False)
    session.fetch_token(authorization_response=f"{HOME}#{TOKEN}&state=s2", state="s2")
    assert answers.sent == []


def test_a_token_of_a_fragment_is_presented() -> None:
    session, answers = _session()
    session.fetch_token(authorization_response=f"{HOME}#{TOKEN}")
    session.get("https://api.test/")
    assert answers.bearers == ["Bearer implicit-token"]
