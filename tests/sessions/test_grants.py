"""What goes into a token request, for each grant and by each way to say it."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenRequestError
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import basic
from tests.sessions._answers import expired
from tests.sessions._answers import text_of
from tests.sessions._answers import token
from tests.sessions._edges import Edge
from tests.sessions._edges import session_at

CODE = "the-code-of-the-login"


@pytest.fixture
def answers() -> Answers:
    """A token endpoint that lets everybody in."""
    return Answers(Answer(token()))


@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_the_arguments_stand_in_the_documented_order(answers: Answers) -> None:
    session = session_at(answers)
    auth = ("user", "the-password-of-the-user")
    session.fetch_token(TOKEN_URL, "a=b", "GET", {"X-Own": "1"}, auth, "own", "the-state", c="d")
    [request] = answers.sent
    assert request.method == "GET"
    assert request.headers["X-Own"] == "1"
    assert answers.bearers == [basic(*auth)]
    assert answers.form == {"grant_type": "own", "a": "b", "c": "d"}
    session.token = expired()
    session.refresh_token(TOKEN_URL, "the-refresh-token", "a=b", auth, {"X-Own": "2"}, c="d")
    assert answers.form == {
        "grant_type": "refresh_token",
        "a": "b",
        "refresh_token": "the-refresh-token",
        "c": "d",
    }
    assert answers.sent[1].headers["X-Own"] == "2"


# -- which grant -----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["client_credentials", "password", None])
def test_a_code_is_not_spent_on_the_grant_of_another_login(
    before: str | None, answers: Answers
) -> None:
    session = session_at(answers, **({"grant_type": before} if before else {}))
    session.fetch_token(TOKEN_URL, code=CODE)
    assert answers.form == {"grant_type": "authorization_code", "code": CODE}
    session.metadata["grant_type"] = before
    session.fetch_token(TOKEN_URL, authorization_response=f"https://rp.test/?code={CODE}")
    assert answers.form == {"grant_type": "authorization_code", "code": CODE}


def test_a_grant_of_its_own_may_take_a_code(answers: Answers) -> None:
    session_at(answers, grant_type="urn:own").fetch_token(TOKEN_URL, code=CODE)
    assert answers.form == {"grant_type": "urn:own", "code": CODE}
    session_at(answers).fetch_token(TOKEN_URL, code=CODE, grant_type="client_credentials")
    assert answers.form["grant_type"] == "client_credentials"


@pytest.mark.parametrize(
    "grant_type",
    [
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "fb_exchange_token",
    ],
)
def test_any_grant_can_be_named(grant_type: str, answers: Answers) -> None:
    session = session_at(answers, scope=["a", "b"])
    session.fetch_token(TOKEN_URL, grant_type=grant_type, device_code="d" * 20, numbers=[1, 2])
    assert answers.form == {
        "grant_type": grant_type,
        "device_code": "d" * 20,
        "numbers": ["1", "2"],
        "scope": "a b",
    }
    assert session.metadata["grant_type"] == grant_type


# -- scope, redirect_uri, body ---------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["a b", ["a", "b"], ("a", "b")], ids=["str", "list", "tuple"])
def test_a_scope_may_be_a_list(scope: Any, answers: Answers) -> None:
    session_at(answers, scope=scope).fetch_token(TOKEN_URL)
    session_at(answers).fetch_token(TOKEN_URL, scope=scope)
    session_at(answers, token=expired()).refresh_token(TOKEN_URL, scope=scope)
    assert [form["scope"] for form in answers.forms] == ["a b"] * 3


def test_a_scope_may_be_a_set(answers: Answers) -> None:
    session_at(answers, scope={"a", "b"}).fetch_token(TOKEN_URL)
    assert set(answers.form["scope"].split()) == {"a", "b"}


def test_the_body_of_the_call_beats_the_session_and_a_keyword_beats_the_body(
    answers: Answers,
) -> None:
    session = session_at(answers, scope="session", redirect_uri="https://rp.test/session")
    session.fetch_token(TOKEN_URL, body="scope=body")
    assert answers.form["scope"] == "body"
    session.fetch_token(TOKEN_URL, body="scope=body", scope="keyword")
    assert answers.form["scope"] == "keyword"
    session.fetch_token(TOKEN_URL, body="redirect_uri=https%3A%2F%2Frp.test%2Fbody", code=CODE)
    assert answers.form["redirect_uri"] == "https://rp.test/body"
    session.fetch_token(TOKEN_URL, redirect_uri="https://rp.test/keyword", code=CODE)
    assert answers.form["redirect_uri"] == "https://rp.test/keyword"
    assert "scope" not in answers.form


def test_values_are_encoded_as_a_form(answers: Answers) -> None:
    value = "\u00e4 %+&=/\u2603"
    session_at(answers).fetch_token(TOKEN_URL, grant_type="own", assertion=value, body="x=%C3%A4")
    assert answers.form == {"grant_type": "own", "assertion": value, "x": "\u00e4"}
    assert text_of(answers.sent[0].body).isascii()


@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_get_leaves_no_body_and_is_not_repeated() -> None:
    answers = Answers(Answer({"error": "invalid_request"}, 400))
    with pytest.raises(TokenRequestError):
        session_at(answers).fetch_token(TOKEN_URL, method="GET", code=CODE)
    [request] = answers.sent
    assert request.body is None
    assert "Content-Length" not in request.headers
    assert answers.form == {"grant_type": "authorization_code", "code": CODE}


# -- the password grant ----------------------------------------------------------------------------


@pytest.mark.edges("requests")  # tests call the others through a helper
def test_the_password_grant_warns_at_the_line_of_the_caller(answers: Answers) -> None:
    with pytest.warns(UserWarning, match=r"RFC 9700 section 2\.4") as warned:
        session_at(answers).fetch_token(TOKEN_URL, username="alice", password="wonderland-2")
    [warning] = warned
    assert warning.filename == __file__
    assert "wonderland" not in str(warning.message)


@pytest.mark.parametrize("kwargs", [{"grant_type": "password"}, {"body": "grant_type=password"}])
def test_the_password_grant_warns_however_it_is_named(kwargs: Any, answers: Answers) -> None:
    with pytest.warns(UserWarning, match="password grant"):
        session_at(answers).fetch_token(TOKEN_URL, username="alice", **kwargs)
    assert answers.form == {"grant_type": "password", "username": "alice"}


@pytest.mark.parametrize("grant_type", ["client_credentials", "authorization_code"])
def test_a_password_is_not_spent_on_the_grant_of_an_earlier_call(
    grant_type: str, answers: Answers
) -> None:
    session = session_at(answers)
    session.fetch_token(TOKEN_URL, grant_type=grant_type, code=CODE)
    with pytest.warns(UserWarning, match="password grant"):
        session.fetch_token(TOKEN_URL, username="alice", password="wonderland-2")
    assert answers.form["grant_type"] == "password"


# -- who asks --------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_an_auth_object_of_the_library_proves_who_the_client_is(
    answers: Answers, edge: Edge
) -> None:
    session = session_at(answers, token=expired())
    auth = edge.basic("user", "password")
    session.fetch_token(TOKEN_URL, code=CODE, auth=auth)
    session.refresh_token(TOKEN_URL, auth=auth, refresh_token="the-refresh-token")
    session.fetch_token(TOKEN_URL, method="GET", code=CODE, auth=auth)
    assert answers.bearers == ["Basic dXNlcjpwYXNzd29yZA=="] * 3
    assert answers.forms[0] == answers.forms[2]
    assert answers.forms[0] == {"grant_type": "authorization_code", "code": CODE}
    for request in answers.sent[:2]:
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded;charset=UTF-8"
        assert request.headers["Content-Length"] == str(len(text_of(request.body)))


def test_an_auth_object_of_the_library_may_change_url_and_body(
    answers: Answers, edge: Edge
) -> None:
    def change(request: Any) -> Any:
        request.url += "?own=1"
        request.body = f"{text_of(request.body)}&own=2".encode()
        return request

    session_at(answers).fetch_token(TOKEN_URL, code=CODE, auth=edge.own_auth(change))
    assert answers.sent[0].url == f"{TOKEN_URL}?own=1"
    assert answers.form["own"] == "2"


# -- classes of one's own --------------------------------------------------------------------------


def test_the_classes_of_a_session_can_be_replaced(answers: Answers, edge: Edge) -> None:
    class OwnClientAuth(edge.OAuth2.client_auth_class):  # type: ignore[name-defined,misc]
        """With a header."""

        def prepare(self, method: str, uri: str, headers: Any, body: str) -> Any:
            uri, headers, body = super().prepare(method, uri, headers, body)
            return uri, {**headers, "X-Client": self.client_id}, body

    class OwnTokenAuth(edge.library.OAuth2Auth):  # type: ignore[name-defined,misc]
        """With a header."""

        def prepare(self, uri: str, headers: Any, body: Any, **settings: Any) -> Any:
            uri, headers, body = super().prepare(uri, headers, body, **settings)
            return uri, {**headers, "X-Token": "own"}, body

    class Own(edge.OAuth2):  # type: ignore[name-defined,misc]
        client_auth_class = OwnClientAuth
        token_auth_class = OwnTokenAuth
        EXTRA_AUTHORIZE_PARAMS = ("ui_locales",)

    session = edge.session(
        answers, Own, "own-client", "the-secret-of-the-client", ui_locales="de", nonce="n"
    )
    url, _ = session.create_authorization_url("https://op.test/authorize")
    assert "ui_locales=de" in url
    assert "nonce" not in url
    session.fetch_token(TOKEN_URL)
    session.get(API_URL)
    assert answers.sent[0].headers["X-Client"] == "own-client"
    assert answers.sent[1].headers["X-Token"] == "own"
    assert isinstance(session.token_auth, OwnTokenAuth)


@pytest.mark.parametrize("kind", ["fetch", "refresh", "read"])
def test_refusals_are_of_the_class_that_the_session_names(kind: str, edge: Edge) -> None:
    class OwnError(OAuthError):
        pass

    class Own(edge.OAuth2):  # type: ignore[name-defined,misc]
        oauth_error_class = OwnError

    answers = Answers(
        Answer({"error": "invalid_grant", "error_description": "the words of the provider"}, 400)
    )
    session = edge.session(answers, Own, "c", "the-secret-of-the-client", token=expired())
    response = session.post(TOKEN_URL, withhold_token=True)
    ways = {
        "fetch": lambda: session.fetch_token(TOKEN_URL, code=CODE),
        "refresh": lambda: session.refresh_token(TOKEN_URL),
        "read": lambda: session.parse_response_token(response),
    }
    with pytest.raises(OwnError) as caught:
        ways[kind]()
    assert caught.value.error == "invalid_grant"
    assert "words of the provider" not in str(caught.value)


def test_the_hooks_have_the_name_that_users_know() -> None:
    session = session_at(Answers())
    assert session.compliance_hook is session.compliance_hooks
    assert "access_token_response" in session.compliance_hook
