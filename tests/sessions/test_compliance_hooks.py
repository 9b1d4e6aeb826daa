"""Hooks adapt to servers outside the standard."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import TokenRequestError
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import expired
from tests.sessions._answers import text_of
from tests.sessions._answers import token
from tests.sessions._edges import Edge
from tests.sessions._edges import session_at


def _adds(name: str) -> Any:
    def hook(url: str, headers: Any, body: Any) -> Any:
        return f"{url}?{name}=1", {**headers, f"X-{name}": "1"}, f"{text_of(body)}&{name}=2"

    return hook


def _changes(**fields: Any) -> Any:
    def hook(response: Any) -> Any:
        response._content = json.dumps({**response.json(), **fields}).encode()
        return response

    return hook


def _session(answers: Answers, **kwargs: Any) -> Any:
    return session_at(answers, token_endpoint=TOKEN_URL, **kwargs)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_request_hook_changes_everything_that_is_sent(kind: str) -> None:
    answers = Answers(Answer(token("new")))
    session = _session(answers, token=expired())
    session.register_compliance_hook(f"{kind}_request", _adds("own"))
    if kind == "access_token":
        session.fetch_token(code="c" * 20)
    else:
        session.refresh_token()
    request = answers.sent[0]
    assert request.url == f"{TOKEN_URL}?own=1"
    assert request.headers["X-own"] == "1"
    assert answers.form["own"] == "2"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_response_hook_changes_what_comes_back(kind: str) -> None:
    answers = Answers(Answer({"accessToken": "x"}))
    session = _session(answers, token=expired())
    session.register_compliance_hook(
        f"{kind}_response", _changes(access_token="access-token-hooked", extra=5)
    )
    got = session.fetch_token(code="c" * 20) if kind == "access_token" else session.refresh_token()
    assert got["access_token"] == "access-token-hooked"
    assert got["extra"] == 5


def test_each_kind_concerns_its_own_requests() -> None:
    answers = Answers(Answer(token("new", refresh_token="r" * 20, expires_in=1)))
    session = _session(answers)
    called: list[str] = []

    def noting(kind: str) -> Any:
        def hook(*given: Any) -> Any:
            called.append(kind)
            return given if len(given) > 1 else given[0]

        return hook

    for kind in (
        "access_token_request",
        "access_token_response",
        "refresh_token_request",
        "refresh_token_response",
        "revoke_token_request",
        "introspect_token_request",
        "protected_request",
    ):
        session.register_compliance_hook(kind, noting(kind))
    session.fetch_token(code="c" * 20)
    assert called == ["access_token_request", "access_token_response"]
    called.clear()
    session.refresh_token()
    assert called == ["refresh_token_request", "refresh_token_response"]
    called.clear()
    session.leeway = -100
    session.get(API_URL)
    assert called == ["protected_request"]


def test_a_protected_request_hook_changes_every_api_call() -> None:
    answers = Answers()
    session = _session(answers, token=token())
    session.register_compliance_hook("protected_request", _adds("own"))
    session.post(API_URL, data="a=b")
    session.get(API_URL, withhold_token=True)
    request = answers.sent[0]
    assert request.url == f"{API_URL}?own=1"
    assert request.headers["X-own"] == "1"
    assert answers.forms[0] == {"a": "b", "own": "2"}
    assert answers.bearers == ["Bearer access-token-first", None]
    assert answers.sent[1].url == API_URL


def test_hooks_run_in_the_order_of_their_registration_and_once() -> None:
    answers = Answers(Answer(token()))
    session = _session(answers)
    first, second = _changes(order="first"), _changes(order="second")
    for hook in (first, second, first):
        session.register_compliance_hook("access_token_response", hook)
    assert session.fetch_token(code="c" * 20)["order"] == "second"


def test_an_error_that_a_hook_makes_visible_is_an_error() -> None:
    answers = Answers(Answer({"ok": False, "problem": "bad code"}))
    session = _session(answers)
    session.register_compliance_hook("access_token_response", _changes(error="invalid_grant"))
    with pytest.raises(TokenRequestError, match="invalid_grant"):
        session.fetch_token(code="c" * 20)


def test_a_hook_sees_the_answer_of_the_library(edge: Edge) -> None:
    seen: list[Any] = []
    session = _session(Answers(Answer(token(), 200, {"X-Own": "1"})))
    session.register_compliance_hook("access_token_response", seen.append)
    session.fetch_token(code="c" * 20)
    [response] = seen
    assert isinstance(response, edge.Response)
    assert response.headers["X-Own"] == "1"
    assert response.json()["access_token"] == "access-token-first"


@pytest.mark.parametrize("kind", ["access_token", "protected", "", "token_response"])
def test_an_unknown_hook_type_is_an_error(kind: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _session(Answers()).register_compliance_hook(kind, _adds("own"))
    assert isinstance(caught.value, ValueError)


# -- every hook: arguments, order, number of calls -------------------------------------------------

REQUEST_HOOKS = {
    "access_token_request": lambda session: session.fetch_token(code="c" * 20),
    "refresh_token_request": lambda session: session.refresh_token(),
    "revoke_token_request": lambda session: session.revoke_token(),
    "introspect_token_request": lambda session: session.introspect_token(),
    "protected_request": lambda session: session.post(API_URL, data="a=b"),
}
RESPONSE_HOOKS = {
    "access_token_response": lambda session: session.fetch_token(code="c" * 20),
    "refresh_token_response": lambda session: session.refresh_token(),
}


def _with_endpoints(answers: Answers) -> Any:
    return _session(
        answers,
        token=token("held", refresh_token="refresh-token-held"),
        revocation_endpoint=TOKEN_URL,
        introspection_endpoint=TOKEN_URL,
    )


@pytest.mark.parametrize("kind", REQUEST_HOOKS)
def test_request_hooks_are_called_in_order_each_with_what_the_last_one_made(kind: str) -> None:
    answers, calls = Answers(Answer(token())), []

    def noting(name: str) -> Any:
        def hook(url: str, headers: Any, body: Any) -> Any:
            calls.append((name, url, dict(headers), body))
            return f"{url}{name}", {**headers, "X-Last": name}, body

        return hook

    session = _with_endpoints(answers)
    for name in ("/a", "/b", "/c"):
        session.register_compliance_hook(kind, noting(name))
    REQUEST_HOOKS[kind](session)
    [request] = answers.sent
    base = str(request.url).removesuffix("/a/b/c")
    assert [call[:2] for call in calls] == [
        ("/a", base),
        ("/b", f"{base}/a"),
        ("/c", f"{base}/a/b"),
    ]
    assert [call[2].get("X-Last") for call in calls] == [None, "/a", "/b"]
    assert {text_of(call[3]) for call in calls} == {text_of(request.body)}
    assert request.headers["X-Last"] == "/c"
    # The client's credential, or the token, is there already: a hook can sign what is sent.
    assert {call[2]["Authorization"] for call in calls} == {request.headers["Authorization"]}


@pytest.mark.parametrize("kind", RESPONSE_HOOKS)
def test_response_hooks_are_called_in_order_each_with_what_the_last_one_made(
    kind: str, edge: Edge
) -> None:
    seen: list[Any] = []

    def replacing(name: str) -> Any:
        def hook(response: Any) -> Any:
            seen.append(response.json()["access_token"])
            return edge.response(Answer(token(name)))

        return hook

    session = _with_endpoints(Answers(Answer(token("0"))))
    for name in ("1", "2", "3"):
        session.register_compliance_hook(kind, replacing(name))
    got = RESPONSE_HOOKS[kind](session)
    assert seen == ["access-token-0", "access-token-1", "access-token-2"]
    assert got["access_token"] == "access-token-3"


def test_a_response_hook_that_gives_nothing_back_changes_nothing() -> None:
    session = _session(Answers(Answer(token())))
    seen: list[Any] = []
    session.register_compliance_hook("access_token_response", lambda response: seen.append(1))
    session.register_compliance_hook("access_token_response", seen.append)
    assert session.fetch_token(code="c" * 20)["access_token"] == "access-token-first"
    assert seen[1].status_code == 200


def test_a_response_hook_sees_refusals_too() -> None:
    session = _session(Answers(Answer({"oops": "x"}, 400)))
    session.register_compliance_hook("access_token_response", _changes(error="invalid_client"))
    with pytest.raises(TokenRequestError, match="invalid_client"):
        session.fetch_token(code="c" * 20)


@pytest.mark.parametrize("kind", REQUEST_HOOKS)
def test_a_hook_is_called_once_for_each_request(kind: str) -> None:
    answers, calls = Answers(Answer(token())), []

    def hook(url: str, headers: Any, body: Any) -> Any:
        calls.append(url)
        return url, headers, body

    session = _with_endpoints(answers)
    for _ in range(3):
        session.register_compliance_hook(kind, hook)
    REQUEST_HOOKS[kind](session)
    REQUEST_HOOKS[kind](session)
    assert len(calls) == len(answers.sent) == 2


def test_a_hook_is_called_for_automatic_refreshes_and_for_second_tries() -> None:
    refused = Answer({}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    answers, calls = Answers(refused, Answer(token("new")), Answer({})), []
    session = _with_endpoints(answers)

    def noting(kind: str) -> Any:
        def hook(*given: Any) -> Any:
            calls.append(kind)
            return given

        return hook

    for kind in REQUEST_HOOKS:
        session.register_compliance_hook(kind, noting(kind))
    session.get(API_URL)
    assert calls == ["protected_request", "refresh_token_request", "protected_request"]


def test_a_hook_of_one_session_is_none_of_another() -> None:
    def fail(*given: Any) -> Any:
        raise AssertionError("the hook of another session")

    answers = Answers(Answer(token()))
    first = _with_endpoints(answers)
    for kind in REQUEST_HOOKS:
        first.register_compliance_hook(kind, fail)
    for use in REQUEST_HOOKS.values():
        use(_with_endpoints(answers))
    assert len(answers.sent) == len(REQUEST_HOOKS)


def test_a_hook_may_move_a_request_only_to_where_credentials_may_go() -> None:
    answers = Answers(Answer(token()))
    session = _session(answers)
    session.register_compliance_hook(
        "access_token_request", lambda url, headers, body: ("http://op.test/", headers, body)
    )
    with pytest.raises(ConfigurationError, match="insecure_transport"):
        session.fetch_token(code="c" * 20)
    assert answers.sent == []


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    "answer",
    [
        Answer({"data": token("inner")}),
        Answer(text="access_token=form", headers={"Content-Type": "text/plain"}),
        Answer(text="a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}),
        Answer(text="<p>access-token</p>"),
    ],
    ids=["json", "text", "form", "page"],
)
def test_a_response_hook_may_give_a_response_another_json(kind: str, answer: Answer) -> None:
    def hook(response: Any) -> Any:
        response.json = lambda: token("hooked", extra=5)
        return response

    session = _session(Answers(answer), token=expired())
    session.register_compliance_hook(f"{kind}_response", hook)
    got = session.fetch_token(code="c" * 20) if kind == "access_token" else session.refresh_token()
    assert (got["access_token"], got["extra"]) == ("access-token-hooked", 5)


def test_another_json_does_not_hide_the_status() -> None:
    def hook(response: Any) -> Any:
        response.json = lambda: {"error": "invalid_grant"}

    session = _session(Answers(Answer({}, 400)))
    session.register_compliance_hook("access_token_response", hook)
    with pytest.raises(TokenRequestError) as caught:
        session.fetch_token(code="c" * 20)
    assert (caught.value.error, caught.value.detail["status"]) == ("invalid_grant", 400)


def test_hooks_are_kept_like_a_set_in_order() -> None:
    first, second = _adds("first"), _adds("second")
    session = _session(Answers(Answer(token("new"))), token=token())
    for hooks in (session.compliance_hook["access_token_request"], session.token_auth.hooks):
        hooks.add(first)
        hooks.add(second)
        hooks.add(first)
        assert list(hooks) == [first, second]
        hooks.discard(first)
        hooks.discard(first)
        assert first not in hooks
        assert second in hooks
        assert len(hooks) == 1


def test_what_is_added_to_the_containers_is_used() -> None:
    answers = Answers(Answer(token("new")))
    session = _session(answers, token=token())
    session.compliance_hook["access_token_request"].add(_adds("asked"))
    session.token_auth.hooks.add(_adds("called"))
    session.fetch_token(code="c" * 20)
    session.get(API_URL)
    assert [str(request.url) for request in answers.sent] == [
        f"{TOKEN_URL}?asked=1",
        f"{API_URL}?called=1",
    ]


def test_a_hook_for_api_calls_is_registered_on_the_token_auth() -> None:
    session, hook = _session(Answers(Answer(token("new"))), token=token()), _adds("called")
    session.register_compliance_hook("protected_request", hook)
    assert hook in session.token_auth.hooks
