"""Getting a token: every grant, every form of the callback, every refusal."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingCodeError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.errors import UnsupportedTokenTypeError
from flask_oauthclient.protocol.oauth2.token import OAuth2Token
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import token
from tests.sessions._edges import session_at

CODE = "the-code-of-the-login"
VERIFIER = "verifier-verifier-verifier-verifier-verifier"
CALLBACK = f"https://rp.test/cb?code={CODE}&state=the-state"


def _answers(**fields: Any) -> Answers:
    return Answers(Answer(token(**fields)))


# -- by a code ---------------------------------------------


def test_a_code_is_traded_for_a_token() -> None:
    answers = _answers(expires_in=3600)
    session = session_at(answers, redirect_uri="https://rp.test/cb", scope="openid")
    got = session.fetch_token(TOKEN_URL, code=CODE, code_verifier=VERIFIER)
    assert isinstance(got, OAuth2Token)
    assert got is session.token
    assert got["access_token"] == "access-token-first"
    assert abs(got["expires_at"] - time.time() - 3600) < 10
    assert answers.form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "code_verifier": VERIFIER,
        "redirect_uri": "https://rp.test/cb",
    }
    request = answers.sent[0]
    assert request.method == "POST"
    assert request.headers["Accept"] == "application/json"
    content_type = request.headers["Content-Type"]
    assert content_type == "application/x-www-form-urlencoded;charset=UTF-8"


def test_the_endpoint_of_the_session_is_the_default() -> None:
    answers = _answers()
    session_at(answers, token_endpoint=TOKEN_URL).fetch_token(code=CODE)
    assert answers.sent[0].url == TOKEN_URL


def test_without_an_endpoint_there_is_no_request() -> None:
    answers = _answers()
    with pytest.raises(RuntimeError, match="token_endpoint"):
        session_at(answers).fetch_token(code=CODE)
    assert answers.sent == []


def test_fetch_access_token_is_the_same() -> None:
    answers = _answers()
    session = session_at(answers)
    assert session.fetch_access_token(TOKEN_URL, code=CODE) is session.token


@pytest.mark.parametrize(
    "callback",
    [CALLBACK, CALLBACK + "&session_state=x", CALLBACK + "#_=_", CALLBACK + "#"],
    ids=["plain", "extra", "facebook", "empty-fragment"],
)
def test_a_callback_is_taken_apart(callback: str) -> None:
    answers = _answers()
    session = session_at(answers, state="the-state")
    session.fetch_token(TOKEN_URL, authorization_response=callback)
    assert answers.form["code"] == CODE
    assert answers.form["grant_type"] == "authorization_code"


@pytest.mark.parametrize("known_by", ["session", "call"])
def test_a_callback_with_another_state_is_refused(known_by: str) -> None:
    answers = _answers()
    by_session = {"state": "another"} if known_by == "session" else {}
    by_call = {"state": "another"} if known_by == "call" else {}
    session = session_at(answers, **by_session)
    with pytest.raises(MismatchingStateError):
        session.fetch_token(TOKEN_URL, authorization_response=CALLBACK, **by_call)
    with pytest.raises(MismatchingStateError):
        session.fetch_token(
            TOKEN_URL, authorization_response=f"https://rp.test/cb?code={CODE}", **by_call
        )
    assert answers.sent == []


def test_the_state_of_the_call_beats_that_of_the_session() -> None:
    answers = _answers()
    session = session_at(answers, state="another")
    session.fetch_token(TOKEN_URL, authorization_response=CALLBACK, state="the-state")
    assert len(answers.sent) == 1


def test_without_a_known_state_none_is_compared() -> None:
    answers = _answers()
    session_at(answers).fetch_token(TOKEN_URL, authorization_response=CALLBACK)
    assert len(answers.sent) == 1


def test_a_callback_without_a_code_is_refused() -> None:
    answers = _answers()
    with pytest.raises(MissingCodeError):
        session_at(answers).fetch_token(
            TOKEN_URL, authorization_response="https://rp.test/cb?state=the-state"
        )
    assert answers.sent == []


@pytest.mark.parametrize(
    "callback",
    [
        "https://rp.test/cb?error=access_denied&error_description=no%20way&state=the-state",
        f"https://rp.test/cb?error=access_denied&code={CODE}&state=the-state",
        "https://rp.test/cb#error=access_denied&state=the-state",
    ],
)
def test_an_error_redirect_raises_and_leads_to_no_other_grant(callback: str) -> None:
    answers = _answers()
    session = session_at(answers, state="the-state")
    with pytest.raises(AuthorizationError) as caught:
        session.fetch_token(TOKEN_URL, authorization_response=callback)
    assert caught.value.error == "access_denied"
    assert "no way" not in str(caught.value)
    assert answers.sent == []


def test_an_error_redirect_with_another_state_is_not_believed() -> None:
    answers = _answers()
    with pytest.raises(MismatchingStateError):
        session_at(answers, state="the-state").fetch_token(
            TOKEN_URL, authorization_response="https://rp.test/cb?error=access_denied&state=evil"
        )


# -- by a fragment ---------------------------------------------

FRAGMENT = "https://rp.test/cb#access_token=implicit-token&token_type=Bearer&expires_in=60&state=s"


def test_a_fragment_carries_a_token() -> None:
    answers = _answers()
    session = session_at(answers, state="s")
    got = session.fetch_token(TOKEN_URL, authorization_response=FRAGMENT)
    assert got is session.token
    assert got["access_token"] == "implicit-token"
    assert got["expires_at"] > time.time()
    assert answers.sent == []
    session.token = None
    assert session.token_from_fragment(FRAGMENT)["access_token"] == "implicit-token"
    assert session.token["access_token"] == "implicit-token"


@pytest.mark.parametrize(
    ("fragment", "error"),
    [
        ("token_type=Bearer&state=s", ProviderResponseError),
        ("access_token=x&state=s", ProviderResponseError),
        ("access_token=&token_type=Bearer&state=s", ProviderResponseError),
        ("access_token=x&token_type=mac&state=s", UnsupportedTokenTypeError),
        ("access_token=x&token_type=Bearer&state=other", MismatchingStateError),
        ("access_token=x&token_type=Bearer", MismatchingStateError),
        ("error=access_denied&state=s", AuthorizationError),
    ],
)
def test_a_fragment_that_carries_no_token(fragment: str, error: type[OAuthError]) -> None:
    session = session_at(_answers(), token=token("before"))
    with pytest.raises(error):
        session.token_from_fragment(f"https://rp.test/cb#{fragment}", "s")
    assert session.token["access_token"] == "access-token-before"


# -- other grants ---------------------------------------------


def test_client_credentials_are_the_default_grant() -> None:
    answers = _answers()
    session = session_at(answers, scope=["a", "b"], redirect_uri="https://rp.test/cb")
    session.fetch_token(TOKEN_URL)
    assert answers.form == {"grant_type": "client_credentials", "scope": "a b"}


def test_a_password_is_a_grant_too() -> None:
    answers = _answers()
    with pytest.warns(UserWarning, match="RFC 9700"):
        session_at(answers).fetch_token(TOKEN_URL, username="alice", password="wonderland-2")
    assert answers.form == {
        "grant_type": "password",
        "username": "alice",
        "password": "wonderland-2",
    }


def test_another_grant_is_named() -> None:
    answers = _answers()
    grant = "urn:ietf:params:oauth:grant-type:token-exchange"
    session_at(answers).fetch_token(
        TOKEN_URL, grant_type=grant, subject_token="s" * 20, resource=["https://a", "https://b"]
    )
    assert answers.form == {
        "grant_type": grant,
        "subject_token": "s" * 20,
        "resource": ["https://a", "https://b"],
    }


def test_the_grant_of_the_session_is_the_default_and_a_grant_is_remembered() -> None:
    answers = _answers()
    session = session_at(answers, grant_type="password")
    with pytest.warns(UserWarning, match="RFC 9700"):
        session.fetch_token(TOKEN_URL, username="alice", password="wonderland-2")
    session.fetch_token(TOKEN_URL, grant_type="client_credentials")
    session.fetch_token(TOKEN_URL)
    grants = [form["grant_type"] for form in answers.forms]
    assert grants == ["password", "client_credentials", "client_credentials"]


def test_the_scope_of_the_call_beats_that_of_the_session() -> None:
    answers = _answers()
    session = session_at(answers, scope="session")
    session.fetch_token(TOKEN_URL, scope="call")
    session.fetch_token(TOKEN_URL, scope=["c", "d"])
    assert [form["scope"] for form in answers.forms] == ["call", "c d"]


@pytest.mark.parametrize("nothing", [None, "", []])
def test_empty_parameters_are_left_out(nothing: Any) -> None:
    answers = _answers()
    session_at(answers).fetch_token(TOKEN_URL, code=CODE, audience=nothing)
    assert answers.form == {"grant_type": "authorization_code", "code": CODE}


def test_a_body_is_added() -> None:
    answers = _answers()
    session_at(answers).fetch_token(TOKEN_URL, body="a=b&c=d&c=e", f="g")
    assert answers.form == {
        "grant_type": "client_credentials",
        "a": "b",
        "c": ["d", "e"],
        "f": "g",
    }


def test_a_body_may_name_the_grant() -> None:
    answers = _answers()
    session_at(answers).fetch_token(TOKEN_URL, body="grant_type=client_credentials&username=alice")
    assert answers.form == {"grant_type": "client_credentials", "username": "alice"}
    session_at(answers).fetch_token(TOKEN_URL, body="grant_type=a", grant_type="b")
    assert answers.form == {"grant_type": "b"}


def test_get_puts_everything_into_the_query() -> None:
    answers = _answers()
    session = session_at(answers)
    with pytest.warns(UserWarning, match="into the URL"):
        session.fetch_token(f"{TOKEN_URL}?tenant=a", method="GET", code=CODE)
    request = answers.sent[0]
    assert request.method == "GET"
    assert request.body is None
    assert str(request.url).startswith(f"{TOKEN_URL}?tenant=a&")
    assert answers.form == {
        "tenant": "a",
        "grant_type": "authorization_code",
        "code": CODE,
    }
    assert "Content-Type" not in request.headers


@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_get_does_not_put_the_secret_into_the_query() -> None:
    answers = _answers()
    session = session_at(answers, token_endpoint_auth_method="client_secret_post")
    with pytest.raises(InvalidSettingError, match="stand in the URL"):
        session.fetch_token(TOKEN_URL, method="GET", code=CODE)
    assert answers.sent == []


def test_headers_are_added() -> None:
    answers = _answers()
    session_at(answers).fetch_token(TOKEN_URL, headers={"X-Own": "1", "Accept": "x/y"})
    assert answers.sent[0].headers["X-Own"] == "1"
    assert answers.sent[0].headers["Accept"] == "x/y"


# -- keywords of the HTTP library ---------------------------------------------


@pytest.mark.parametrize("keyword", ["json", "files"])
def test_a_token_request_is_a_form(keyword: str) -> None:
    answers = _answers()
    with pytest.raises(InvalidSettingError, match=keyword):
        session_at(answers).fetch_token(TOKEN_URL, code=CODE, **{keyword: {"a": "b"}})
    assert answers.sent == []


# -- what comes back ---------------------------------------------


def _fails(answer: Answer, error: type[OAuthError], code: str) -> OAuthError:
    answers = Answers(answer)
    session = session_at(answers, token=token("before"))
    with pytest.raises(error) as caught:
        session.fetch_token(TOKEN_URL, code=CODE)
    assert caught.value.error == code
    assert session.token["access_token"] == "access-token-before"
    assert len(answers.sent) == 1
    return caught.value


@pytest.mark.parametrize("status", [200, 400, 401])
def test_an_error_is_an_error_whatever_the_status(status: int) -> None:
    document = {"error": "invalid_grant", "error_description": "the words of the provider"}
    error = _fails(Answer(document, status), TokenRequestError, "invalid_grant")
    assert "the words" not in str(error)
    assert error.detail["error_description"] == "the words of the provider"
    assert error.detail["status"] == status


@pytest.mark.parametrize("document", [{}, {"access_token": ""}, {"access_token": 5}])
def test_no_access_token_is_an_error(document: Any) -> None:
    _fails(Answer(document), ProviderResponseError, "missing_access_token")


def test_an_unknown_token_type_is_an_error() -> None:
    answer = Answer(token(token_type="mac"))
    _fails(answer, UnsupportedTokenTypeError, "unsupported_token_type")


@pytest.mark.parametrize("token_type", ["bearer", "BEARER", "bEARER", None])
def test_the_type_is_compared_without_case(token_type: str | None) -> None:
    answers = Answers(Answer(token(token_type=token_type)))
    assert session_at(answers).fetch_token(TOKEN_URL, code=CODE)


@pytest.mark.parametrize("document", [[], "text", None, 5])
def test_what_is_no_object_is_an_error(document: Any) -> None:
    error = _fails(Answer(document), ProviderResponseError, "invalid_response")
    assert isinstance(error, ValueError)


def test_a_page_is_an_error_and_not_shown() -> None:
    error = _fails(Answer(text="<p>secret page</p>"), ProviderResponseError, "invalid_response")
    assert "secret page" not in repr(vars(error))


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_out_of_order_is_an_error(status: int) -> None:
    _fails(Answer(token(), status), TransportError, "provider_unavailable")


@pytest.mark.parametrize("url", ["http://op.test/token", "http://localhost@evil.test/token"])
def test_no_secret_is_sent_in_the_clear(url: str) -> None:
    answers = _answers()
    session = session_at(answers)
    with pytest.raises(InsecureTransportError):
        session.fetch_token(url, code=CODE)
    assert answers.sent == []
    insecure = session_at(answers, insecure_http=True)
    assert insecure.fetch_token("http://op.test/token", code=CODE)


def test_the_answer_can_be_read_on_its_own() -> None:
    answers = Answers(Answer(token()), Answer({"error": "invalid_grant"}, 400))
    session = session_at(answers)
    response = session.post(TOKEN_URL, withhold_token=True)
    assert session.parse_response_token(response)["access_token"] == "access-token-first"
    with pytest.raises(TokenRequestError):
        session.parse_response_token(session.post(TOKEN_URL, withhold_token=True))
