"""Requests about a token: revocation (RFC 7009) and introspection (RFC 7662)."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import MissingEndpointError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.oauth2.client_auth import ClientAuth
from tests.sessions._answers import CLIENT_ID
from tests.sessions._answers import CLIENT_SECRET
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import basic
from tests.sessions._answers import text_of
from tests.sessions._answers import token
from tests.sessions._edges import Edge
from tests.sessions._edges import session_at

#: The method of the session, its endpoint in the metadata, and the type of its hooks.
BOTH = [
    pytest.param("revoke_token", "revocation_endpoint", "revoke_token_request", id="revoke"),
    pytest.param(
        "introspect_token", "introspection_endpoint", "introspect_token_request", id="introspect"
    ),
]
URL = "https://op.test/about"
BASIC = basic(CLIENT_ID, CLIENT_SECRET)
both = pytest.mark.parametrize(("method", "endpoint", "hook"), BOTH)


def _ask(session: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(session, method)(*args, **kwargs)


@both
def test_the_arguments_stand_in_the_documented_order(method: str, endpoint: str, hook: str) -> None:
    answers = Answers(Answer({"active": True}))
    session = session_at(answers, token=token())
    headers = {"X-Own": "1"}
    auth = ("other", "the-other-secret-of-the-call")
    _ask(session, method, URL, "the-token-to-name", "access_token", "a=b&c=d", auth, headers)
    request = answers.sent[0]
    assert (request.method, request.url) == ("POST", URL)
    assert answers.form == {
        "token": "the-token-to-name",
        "token_type_hint": "access_token",
        "a": "b",
        "c": "d",
    }
    assert request.headers["X-Own"] == "1"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert answers.bearers == [basic(*auth)]


@both
def test_the_endpoint_of_the_metadata_is_the_default(method: str, endpoint: str, hook: str) -> None:
    answers = Answers()
    _ask(session_at(answers, token=token(), **{endpoint: URL}), method)
    assert answers.sent[0].url == URL


@both
def test_without_an_endpoint_there_is_no_request(method: str, endpoint: str, hook: str) -> None:
    answers = Answers()
    with pytest.raises(MissingEndpointError, match=endpoint):
        _ask(session_at(answers, token=token()), method)
    assert answers.sent == []


@both
@pytest.mark.parametrize(
    ("held", "hint", "named"),
    [
        (token(refresh_token="refresh-token-first"), None, "refresh-token-first"),
        (token(refresh_token="refresh-token-first"), "refresh_token", "refresh-token-first"),
        (token(refresh_token="refresh-token-first"), "access_token", "access-token-first"),
        (token(refresh_token="refresh-token-first"), "token_type", "refresh-token-first"),
        (token(), None, "access-token-first"),
        (token(), "refresh_token", "access-token-first"),
    ],
)
def test_the_default_token_is_the_one_of_the_session(
    method: str, endpoint: str, hook: str, held: Any, hint: str | None, named: str
) -> None:
    answers = Answers()
    _ask(session_at(answers, token=held), method, URL, token_type_hint=hint)
    assert answers.form["token"] == named
    assert answers.form.get("token_type_hint") == hint


@both
def test_a_token_response_may_be_given(method: str, endpoint: str, hook: str) -> None:
    answers = Answers()
    _ask(session_at(answers), method, URL, token("other"))
    assert answers.form == {"token": "access-token-other"}


@both
@pytest.mark.parametrize("given", [None, "", {}], ids=["none", "empty", "empty-dict"])
def test_without_a_token_there_is_no_request(
    method: str, endpoint: str, hook: str, given: Any
) -> None:
    answers = Answers()
    session = session_at(answers, token=None if given is None else token())
    with pytest.raises(MissingTokenError):
        _ask(session, method, URL, given)
    assert answers.sent == []


@both
@pytest.mark.parametrize("status", [200, 400, 401, 404, 503])
def test_the_response_is_given_back_whatever_its_status(
    method: str, endpoint: str, hook: str, status: int, edge: Edge
) -> None:
    answers = Answers(Answer({"active": False}, status, {"X-Own": "1"}))
    response = _ask(session_at(answers, token=token()), method, URL)
    assert isinstance(response, edge.Response)
    assert response.status_code == status
    assert response.headers["X-Own"] == "1"
    assert response.json() == {"active": False}
    assert len(answers.sent) == 1


@both
def test_a_redirect_is_not_followed(method: str, endpoint: str, hook: str) -> None:
    answers = Answers(Answer({}, 307, {"Location": "https://evil.test/"}))
    with pytest.raises(TransportError, match="redirect_refused"):
        _ask(session_at(answers, token=token()), method, URL)
    assert len(answers.sent) == 1


@both
def test_nothing_is_sent_in_the_clear(method: str, endpoint: str, hook: str) -> None:
    answers = Answers()
    session = session_at(answers, token=token())
    with pytest.raises(InsecureTransportError):
        _ask(session, method, "http://op.test/about")
    assert answers.sent == []


@both
def test_the_token_of_the_session_does_not_authenticate(
    method: str, endpoint: str, hook: str
) -> None:
    answers = Answers()
    _ask(session_at(answers, token=token()), method, URL)
    assert answers.bearers == [BASIC]


# -- which client it is ----------------------------------------------------------------------------


def test_revocation_has_a_method_of_its_own() -> None:
    answers = Answers()
    session = session_at(
        answers,
        token=token(),
        token_endpoint_auth_method="client_secret_basic",
        revocation_endpoint_auth_method="client_secret_post",
    )
    session.revoke_token(URL)
    assert answers.form["client_secret"] == CLIENT_SECRET
    assert answers.bearers == [None]
    session.introspect_token(URL)
    assert "client_secret" not in answers.form
    assert answers.bearers[1] == BASIC


def test_introspection_authenticates_as_at_the_token_endpoint() -> None:
    answers = Answers()
    session = session_at(
        answers,
        token=token(),
        token_endpoint_auth_method="client_secret_post",
        revocation_endpoint_auth_method="client_secret_basic",
    )
    session.introspect_token(URL)
    assert answers.form["client_secret"] == CLIENT_SECRET
    session.revoke_token(URL)
    assert answers.bearers == [None, BASIC]


@both
def test_a_public_client_names_itself(method: str, endpoint: str, hook: str) -> None:
    answers = Answers()
    _ask(session_at(answers, client_secret=None, token=token()), method, URL)
    assert answers.form == {"token": "access-token-first", "client_id": CLIENT_ID}
    assert answers.bearers == [None]


@both
def test_a_method_of_its_own_can_be_registered(method: str, endpoint: str, hook: str) -> None:
    def own(auth: Any, verb: str, uri: str, headers: Any, body: str) -> Any:
        return uri, {**headers, "X-Client": auth.client_id}, body

    answers = Answers()
    session = session_at(
        answers,
        token=token(),
        token_endpoint_auth_method="own",
        revocation_endpoint_auth_method="own",
    )
    session.register_client_auth_method(("own", own))
    _ask(session, method, URL)
    assert answers.sent[0].headers["X-Client"] == CLIENT_ID


@both
@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (lambda edge: edge.basic("user", "password"), "Basic dXNlcjpwYXNzd29yZA=="),
        (lambda edge: ("user", "password"), "Basic dXNlcjpwYXNzd29yZA=="),
        (
            lambda edge: edge.library.OAuth2Auth(token("of-the-server")),
            "Bearer access-token-of-the-server",
        ),
        (lambda edge: ClientAuth("user", "password"), "Basic dXNlcjpwYXNzd29yZA=="),
    ],
    ids=["library", "pair", "bearer", "client-auth"],
)
def test_a_call_brings_its_own_auth(
    method: str, endpoint: str, hook: str, auth: Any, header: str, edge: Edge
) -> None:
    answers = Answers()
    _ask(session_at(answers, token=token()), method, URL, auth=auth(edge))
    assert answers.bearers == [header]
    assert answers.form == {"token": "access-token-first"}
    assert answers.sent[0].headers["Content-Length"] == str(len(text_of(answers.sent[0].body)))


# -- hooks -----------------------------------------------------------------------------------------


@both
def test_a_hook_changes_everything_that_is_sent(method: str, endpoint: str, hook: str) -> None:
    answers, calls = Answers(), []

    def change(url: str, headers: Any, body: str) -> Any:
        calls.append((url, dict(headers), body))
        return f"{url}?own=1", {**headers, "X-Own": "1"}, f"{body}&own=2"

    session = session_at(answers, token=token())
    session.register_compliance_hook(hook, change)
    _ask(session, method, URL)
    [(url, headers, body)] = calls
    assert url == URL
    assert headers["Authorization"] == BASIC
    assert body == "token=access-token-first"
    request = answers.sent[0]
    assert request.url == f"{URL}?own=1"
    assert request.headers["X-Own"] == "1"
    assert answers.form == {"token": "access-token-first", "own": "2"}
    assert request.headers["Content-Length"] == str(len(text_of(request.body)))


@both
def test_the_hooks_of_other_requests_are_not_called(method: str, endpoint: str, hook: str) -> None:
    session = session_at(Answers(), token=token())

    def fail(*given: Any) -> Any:
        raise AssertionError("the hook of another request")

    for other in session.compliance_hooks.keys() - {hook}:
        session.register_compliance_hook(other, fail)
    session.register_compliance_hook("protected_request", fail)
    assert _ask(session, method, URL).status_code == 200
