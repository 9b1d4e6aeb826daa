"""How a session proves which client it is."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote_plus

import pytest

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.oauth2.client_auth import ClientAuth
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.sessions._answers import API_URL
from tests.sessions._answers import CLIENT_ID
from tests.sessions._answers import CLIENT_SECRET
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import json_of
from tests.sessions._answers import text_of
from tests.sessions._answers import token
from tests.sessions._edges import Edge
from tests.sessions._edges import current
from tests.sessions._edges import session_at

Call = tuple[str, dict[str, str], str]


@pytest.fixture
def answers() -> Answers:
    """A token endpoint that lets everybody in."""
    return Answers(Answer(token()))


def _basic(header: str | None) -> tuple[str, str]:
    scheme, _, value = str(header).partition(" ")
    assert scheme == "Basic"
    user, _, password = base64.b64decode(value).decode("ascii").partition(":")
    return unquote_plus(user), unquote_plus(password)


@pytest.mark.parametrize("method", [None, "client_secret_basic"])
def test_basic_is_the_default_with_a_secret(method: str | None, answers: Answers) -> None:
    session = session_at(answers, token_endpoint_auth_method=method)
    session.fetch_token(TOKEN_URL, code="c" * 20)
    assert _basic(answers.bearers[0]) == (CLIENT_ID, CLIENT_SECRET)
    assert not {"client_id", "client_secret"} & answers.form.keys()


def test_basic_encodes_id_and_secret_as_a_form(answers: Answers) -> None:
    client_id, secret = "an id:with \u00e4", "p:\u00e4 %+&=/\u2603"
    session = session_at(answers, client_id=client_id, client_secret=secret)
    session.fetch_token(TOKEN_URL, code="c" * 20)
    assert _basic(answers.bearers[0]) == (client_id, secret)


def test_post_puts_id_and_secret_into_the_form(answers: Answers) -> None:
    session = session_at(
        answers, client_secret="p:\u00e4 %+&", token_endpoint_auth_method="client_secret_post"
    )
    session.fetch_token(TOKEN_URL, code="c" * 20)
    assert answers.form["client_id"] == CLIENT_ID
    assert answers.form["client_secret"] == "p:\u00e4 %+&"
    assert answers.bearers == [None]


@pytest.mark.parametrize("kwargs", [{"client_secret": None}, {"client_secret": ""}])
def test_a_public_client_names_itself(kwargs: Any, answers: Answers) -> None:
    session_at(answers, **kwargs).fetch_token(TOKEN_URL, code="c" * 20)
    assert answers.form["client_id"] == CLIENT_ID
    assert "client_secret" not in answers.form
    assert answers.bearers == [None]


def test_none_keeps_a_secret_at_home(answers: Answers) -> None:
    session = session_at(answers, token_endpoint_auth_method="none")
    session.fetch_token(TOKEN_URL, code="c" * 20)
    assert CLIENT_SECRET not in str(answers.form)
    assert answers.bearers == [None]


@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_a_public_client_names_itself_in_the_query_of_a_get(answers: Answers) -> None:
    session = session_at(answers, client_secret=None)
    session.fetch_token(TOKEN_URL, method="GET", code="c" * 20)
    assert answers.form["client_id"] == CLIENT_ID
    assert str(answers.sent[0].url).count("client_id=") == 1


def _own(auth: Any, method: str, uri: str, headers: dict[str, str], body: str) -> Call:
    headers["X-Client"] = f"{auth.client_id} {method}"
    return f"{uri}?own=1", headers, f"{body}&own=2"


class Own:
    """A method as an object with a name."""

    name = "own_object"

    def __call__(
        self, auth: Any, method: str, uri: str, headers: dict[str, str], body: str
    ) -> Call:
        return _own(auth, method, uri, headers, body)


def _check_own(answers: Answers) -> None:
    request = answers.sent[-1]
    assert request.url == f"{TOKEN_URL}?own=1"
    assert request.headers["X-Client"] == f"{CLIENT_ID} POST"
    assert answers.form["own"] == "2"
    assert answers.form["grant_type"] == "authorization_code"
    assert "Authorization" not in request.headers


def test_a_callable_is_a_method(answers: Answers) -> None:
    session = session_at(answers, token_endpoint_auth_method=_own)
    session.fetch_token(TOKEN_URL, code="c" * 20)
    _check_own(answers)


@pytest.mark.parametrize(
    ("name", "method"), [("own", ("own", _own)), ("own_object", Own())], ids=["pair", "object"]
)
def test_a_method_can_be_registered(name: str, method: Any, answers: Answers) -> None:
    session = session_at(answers, token_endpoint_auth_method=name)
    session.register_client_auth_method(method)
    session.fetch_token(TOKEN_URL, code="c" * 20)
    _check_own(answers)


def test_a_registered_method_beats_the_built_in_one(answers: Answers) -> None:
    session = session_at(answers)
    session.register_client_auth_method(("client_secret_basic", _own))
    session.fetch_token(TOKEN_URL, code="c" * 20)
    _check_own(answers)


@pytest.mark.parametrize(
    ("auth", "check"),
    [
        (_own, lambda answers: _check_own(answers)),
        (("other", "secret"), lambda a: _basic(a.bearers[0]) == ("other", "secret")),
        ("client_secret_post", lambda a: a.form["client_secret"] == CLIENT_SECRET),
        (ClientAuth("x", None, "none"), lambda a: a.form["client_id"] == "x"),
    ],
    ids=["callable", "pair", "name", "object"],
)
def test_a_call_brings_its_own_method(auth: Any, check: Any, answers: Answers) -> None:
    session_at(answers).fetch_token(TOKEN_URL, code="c" * 20, auth=auth)
    assert check(answers) is not False


@pytest.mark.parametrize("method", ["private_key", "client_secret_basc", "own"])
def test_an_unknown_method_is_an_error_before_anything_is_sent(
    method: str, answers: Answers
) -> None:
    session = session_at(answers, token_endpoint_auth_method=method)
    with pytest.raises(ConfigurationError, match=method) as caught:
        session.fetch_token(TOKEN_URL, code="c" * 20)
    assert caught.value.error == "unsupported_client_auth"
    assert "client_secret_basic" in str(caught.value)
    assert answers.sent == []


def test_two_methods_are_never_used_at_once(answers: Answers) -> None:
    for method in ("none", "client_secret_basic", "client_secret_post"):
        session = session_at(answers, token_endpoint_auth_method=method)
        session.fetch_token(TOKEN_URL, code="c" * 20)
        in_header = "Authorization" in answers.sent[-1].headers
        in_form = "client_secret" in answers.form
        assert in_header + in_form == (method != "none")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_real_provider_reads_a_difficult_secret(method: str, watch: Any) -> None:
    secret = "p:\u00e4 %+&=/\u2603-of-this-test"
    watch.secret(secret)
    record = ClientRecord("a client", secret, token_endpoint_auth_method=method)
    provider = DevelopmentProvider("https://op.test", clients=[record])
    session = session_at(
        provider.adapter(),
        client_id="a client",
        client_secret=secret,
        token_endpoint_auth_method=method,
    )
    assert session.fetch_token(TOKEN_URL)["token_type"] == "Bearer"


@pytest.mark.parametrize("method", [("name",), ("name", "text"), (1, print), print, "a name", None])
def test_what_is_no_method_cannot_be_registered(method: Any, answers: Answers) -> None:
    with pytest.raises(ConfigurationError, match="pair of name and callable"):
        session_at(answers).register_client_auth_method(method)


# -- for requests of another session ---------------------------------------------------------------


def _elsewhere(answers: Answers) -> Any:
    return current().foreign(answers)


def test_client_auth_is_an_auth_object_with_basic(answers: Answers) -> None:
    auth = session_at(answers).client_auth("client_secret_basic")
    assert isinstance(auth, ClientAuth)
    _elsewhere(answers).post(API_URL, json={"a": "1"}, auth=auth)
    assert _basic(answers.bearers[0]) == (CLIENT_ID, CLIENT_SECRET)
    assert json_of(answers.sent[0]) == {"a": "1"}


@pytest.mark.parametrize("data", [{"a": "1"}, "a=1", b"a=1"], ids=["dict", "text", "octets"])
def test_client_auth_is_an_auth_object_with_post(answers: Answers, data: Any) -> None:
    auth = session_at(answers).client_auth("client_secret_post")
    _elsewhere(answers).post(API_URL, data=data, auth=auth)
    assert answers.form == {"a": "1", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    sent = answers.sent[0]
    assert sent.headers["Content-Length"] == str(len(text_of(sent.body)))
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert answers.bearers == [None]


def test_client_auth_makes_a_form_where_there_is_no_body(answers: Answers) -> None:
    auth = session_at(answers).client_auth("client_secret_post")
    _elsewhere(answers).post(API_URL, auth=auth)
    assert answers.form == {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert answers.sent[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_client_auth_of_a_public_client_names_it_in_the_query(answers: Answers) -> None:
    auth = session_at(answers).client_auth("none")
    _elsewhere(answers).get(API_URL, auth=auth)
    assert answers.sent[0].url == f"{API_URL}?client_id={CLIENT_ID}"
    assert answers.sent[0].body is None


@pytest.mark.parametrize(
    "body",
    [
        lambda edge: {"json": {"a": "1"}},
        lambda edge: {"files": {"a": b"1"}},
        lambda edge: {"data": edge.stream([b"1"])},
        lambda edge: {"data": "\u00e4".encode()},
    ],
    ids=["json", "files", "stream", "octets"],
)
def test_client_auth_writes_no_credential_into_another_body(
    answers: Answers, body: Any, edge: Edge
) -> None:
    auth = session_at(answers).client_auth("client_secret_post")
    with pytest.raises(InvalidSettingError):
        _elsewhere(answers).post(API_URL, auth=auth, **body(edge))
    assert answers.sent == []


def test_client_auth_is_for_https_only(answers: Answers) -> None:
    auth = session_at(answers).client_auth()
    with pytest.raises(InsecureTransportError):
        _elsewhere(answers).post("http://api.test/", auth=auth)


def test_client_auth_can_be_given_to_the_session_too(answers: Answers) -> None:
    session = session_at(answers)
    session.fetch_token(TOKEN_URL, code="c" * 20, auth=session.client_auth("client_secret_post"))
    assert answers.form["client_secret"] == CLIENT_SECRET
    assert answers.bearers == [None]


def test_a_response_that_is_read_by_hand_does_not_show_the_secret_either(
    answers: Answers, edge: Edge
) -> None:
    document = {"error": "x", "error_description": f"{CLIENT_SECRET}!"}
    response = edge.response(Answer(document, 400))
    with pytest.raises(TokenRequestError) as caught:
        session_at(answers).parse_response_token(response)
    assert caught.value.detail["error_description"] == ""
