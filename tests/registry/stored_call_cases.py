"""Rows T and U of the table of faults that are about calls with tokens in a store."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

from flask_oauthclient import LoginRequired
from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.errors import UserInfoError
from flask_oauthclient.testing.provider import WSGIAdapter
from tests.helpers.cases import Cases
from tests.requests_client._answers import API_URL
from tests.requests_client._answers import TOKEN_URL
from tests.requests_client._answers import Answer
from tests.requests_client._answers import expired
from tests.requests_client._answers import token

from ._stored import DEAD
from ._stored import REFUSED
from ._stored import USERINFO_URL
from ._stored import Stage
from ._stored import claims
from ._stored import signed

cases = Cases()

GOOD = token("good", expires_at=9_999_999_999, refresh_token="refresh-token-good")


def _challenge(text: str, status: int = 401) -> Answer:
    return Answer({}, status, {"WWW-Authenticate": text})


# -- what other people's calls leave behind --------------------------------------------------------


class _Baker:
    """A server that answers everything with cookies, and keeps those that it is sent."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.cookies: list[str] = []

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        self.paths.append(environ["PATH_INFO"])
        self.cookies += [environ["HTTP_COOKIE"]] if environ.get("HTTP_COOKIE") else []
        cookies = ("who=alice; Path=/", "all=alice; Path=/; Domain=test; Secure")
        headers = [("Content-Type", "application/json"), *(("Set-Cookie", c) for c in cookies)]
        start_response("200 OK", headers)
        return [json.dumps({**token("new", expires_in=3600), "sub": "alice"}).encode()]


@cases.row("T30")
def cookies_of_one_person_are_not_sent_for_another(stage: Stage) -> None:
    baker = _Baker()
    worker = stage.worker(
        WSGIAdapter(baker), authorize_url="https://op.test/a", userinfo_endpoint=USERINFO_URL
    )
    owners = ("7", "8")
    for owner in owners:
        stage.put(expired(), stage.key._replace(owner=owner))
    for owner in (*owners, *owners):
        with worker.app.app_context():
            assert worker.client(owner).get("user").ok
            assert worker.client(owner).userinfo()["sub"] == "alice"
            assert worker.client(owner).post("notes").ok
    assert baker.paths.count("/token") == 2
    assert len(baker.paths) == 14
    assert baker.cookies == []
    assert len(worker.oauth.demo.session.cookies) == 0


@cases.row("T30-headers")
def headers_of_one_call_are_not_those_of_the_next(stage: Stage) -> None:
    stage.put(GOOD)
    worker = stage.worker()
    worker.get(headers={"X-User": "alice", "Cookie": "who=alice"}, cookies={"a": "b"})
    worker.get()
    assert not {"X-User", "Cookie"} & set(stage.api_calls[1].headers)


@cases.row("two-clients")
def clients_keep_their_secrets_and_tokens_to_themselves(stage: Stage) -> None:
    worker = stage.worker()
    worker.oauth.register(
        "other",
        client_id="the-other-client",
        client_secret="the-secret-of-the-other",
        access_token_url="https://other.test/token",
        api_base_url="https://other.test/api/",
    )
    worker.oauth.other.session.mount("https://", stage.answers)
    stage.put()
    stage.put(expired("theirs"), stage.key._replace(client="other"))
    with worker.app.app_context():
        worker.client().get("user")
        with pytest.raises(OAuthError):  # there is no token endpoint that answers
            worker.oauth.other.for_account("7").get("me")
    ours = [_text(r) for r in stage.answers.sent if r.url.startswith(("https://op", "https://api"))]
    others = [_text(r) for r in stage.answers.sent if r.url.startswith("https://other")]
    assert (len(ours), len(others)) == (2, 1)
    assert "refresh-token-theirs" in others[0]
    assert not [text for text in ours if "theirs" in text or "the-other" in text]
    assert not [text for text in others if "-old" in text or "the-client" in text]


def _text(request: Any) -> str:
    return f"{request.url} {dict(request.headers)} {request.body}"


#: What a refresh response must not be believed, though it says so.
SAYS: dict[str, Any] = {
    "userinfo": {"userinfo": {"sub": "mallory"}},
    "extra": {"extra": {"next": "https://evil.test/"}},
    "client": {"client_id": "another"},
    "issuer": {"iss": "https://evil.test", "issuer": "https://evil.test"},
    "endpoint": {"token_endpoint": "https://evil.test/", "api_base_url": "https://evil.test/"},
    "owner": {"owner": "8", "label": "work"},
}


@cases.rows("T36", SAYS)
def refresh_response_has_no_say_in_anything_else(stage: Stage, fields: Any) -> None:
    stage.put(expired(id_token=signed(), userinfo=claims()))
    stage.answer_with(Answer(token("new", expires_in=60, **fields)))
    worker = stage.openid()
    assert worker.get().ok
    stage.clock.advance(61)
    assert worker.get().ok
    assert {request.url for request in stage.token_calls} == {TOKEN_URL}
    assert {request.url for request in stage.api_calls} == {API_URL}
    assert stage.stored["userinfo"]["sub"] == "alice"
    assert "extra" not in stage.stored
    assert stage.store.list("7") == [stage.key]
    assert stage.store.list("8") == []


# -- userinfo --------------------------------------------------------------------------------------


def _refused_at(stage: Stage, times: int, refusal: Answer = REFUSED) -> Any:
    """Refuse so many calls, and answer from then on."""
    return lambda request: (
        refusal if len(stage.api_calls) <= times else Answer({"sub": "alice", "name": "Alice"})
    )


REFUSALS = {
    "error": 'Bearer error="invalid_token"',
    "realm": 'Bearer realm="op", error="invalid_token", error_description="it has expired"',
    "two": 'Basic realm="x", Bearer error="invalid_token"',
    "unquoted": "Bearer error=invalid_token",
}


@cases.rows("userinfo-refused", REFUSALS)
def userinfo_that_is_refused_is_asked_once_more(stage: Stage, challenge: str) -> None:
    stage.put({**GOOD, "userinfo": claims()})
    stage.at_userinfo = _refused_at(stage, 1, _challenge(challenge))
    assert stage.openid().userinfo()["name"] == "Alice"
    assert len(stage.token_calls) == 1
    sent = [request.headers["Authorization"] for request in stage.api_calls]
    assert sent == ["Bearer access-token-good", "Bearer access-token-new"]


@cases.row("userinfo-refused-twice")
def userinfo_that_is_refused_twice_is_given_up(stage: Stage) -> None:
    stage.put({**GOOD, "userinfo": claims()})
    stage.at_userinfo = REFUSED
    with pytest.raises(UserInfoError):
        stage.openid().userinfo()
    assert (len(stage.token_calls), len(stage.api_calls)) == (1, 2)
    assert stage.stored["access_token"] == "access-token-new"


@cases.row("userinfo-grant-over")
def userinfo_of_a_grant_that_is_over_needs_a_login(stage: Stage) -> None:
    stage.put({**GOOD, "userinfo": claims()})
    stage.answer_with(DEAD)
    stage.at_userinfo = REFUSED
    with pytest.raises(LoginRequired):
        stage.openid().userinfo()
    assert stage.stored is None
    assert len(stage.api_calls) == 1


@cases.row("userinfo-provider-down")
def userinfo_loses_no_token_while_the_provider_cannot_refresh(stage: Stage) -> None:
    stage.put({**GOOD, "userinfo": claims()})
    stage.answer_with(Answer({}, 503))
    stage.at_userinfo = REFUSED
    worker = stage.openid()
    for _ in range(2):
        with pytest.raises(TransportError):
            worker.userinfo()
    assert len(stage.token_calls) == 1
    assert stage.stored == {**GOOD, "userinfo": claims()}


NOT_OF_THE_TOKEN: dict[str, Answer] = {
    "401": Answer({}, 401),
    "401-basic": _challenge("Basic"),
    "403": _challenge('Bearer error="insufficient_scope"', 403),
    "403-invalid-token": _challenge('Bearer error="invalid_token"', 403),
    "400": _challenge('Bearer error="invalid_request"', 400),
    "500": Answer({}, 500),
    "302": Answer({}, 302, {"Location": "https://evil.test/"}),
}


@cases.rows("userinfo-fails-otherwise", NOT_OF_THE_TOKEN)
def userinfo_that_fails_otherwise_costs_no_refresh(stage: Stage, answer: Answer) -> None:
    stage.put({**GOOD, "userinfo": claims()})
    stage.at_userinfo = answer
    with pytest.raises(OAuthError):
        stage.openid().userinfo()
    assert (len(stage.token_calls), len(stage.api_calls)) == (0, 1)


@cases.rows("U01", {"other": "mallory", "case": "Alice", "empty": "", "absent": None})
def userinfo_after_a_refresh_about_somebody_else_is_refused(stage: Stage, sub: Any) -> None:
    stage.put(expired(userinfo=claims()))
    stage.at_userinfo = Answer({} if sub is None else {"sub": sub})
    with pytest.raises(UserInfoError):
        stage.openid().userinfo()
    assert stage.stored["userinfo"]["sub"] == "alice"


# -- calls of the API ------------------------------------------------------------------------------


ELSEWHERE = {
    "host": "https://evil.test/",
    "port": "https://api.test:8443/user",
    "scheme": "http://api.test/user",
    "userinfo": "https://api.test@evil.test/",
    "suffix": "https://api.test.evil.test/",
    "no-scheme": "//evil.test/x",
    "backslash": "https://api.test\\@evil.test/",
    "capitals": "HTTPS://EVIL.TEST/",
    "token-endpoint": TOKEN_URL,
}


@cases.rows("U13", ELSEWHERE)
def url_outside_the_api_costs_no_refresh_and_gets_no_token(stage: Stage, url: str) -> None:
    stage.put()
    with pytest.raises(InsecureTransportError):
        stage.worker().get(url)
    assert stage.answers.sent == []
    assert stage.stored == expired()


@cases.row("U13-nobody")
def url_outside_the_api_is_refused_before_anybody_is_asked_to_sign_in(stage: Stage) -> None:
    with pytest.raises(InsecureTransportError):
        stage.worker().get("https://evil.test/")


@cases.rows("U14", [301, 302, 303, 307, 308])
def redirect_to_another_host_takes_no_credential_along(stage: Stage, status: Any) -> None:
    stage.put()
    away = Answer({}, status, {"Location": "https://evil.test/x"})
    stage.at_api = lambda request: REFUSED if "evil" in request.url else away
    answer = stage.worker().get(headers={"DPoP": "a-proof"})
    assert answer.status_code == 401
    first, second = stage.api_calls
    assert first.headers["Authorization"] == "Bearer access-token-new"
    assert not {"Authorization", "DPoP", "Cookie"} & set(second.headers)
    assert len(stage.token_calls) == 1  # a stranger's refusal is no reason for another token


UNTOUCHED: dict[str, Answer] = {
    "U16": _challenge('Bearer error="insufficient_scope", scope="more"', 403),
    "U16-bare": Answer({}, 403),
    "U17": _challenge('Bearer error="insufficient_user_authentication", acr_values="gold"'),
    "U17-max-age": _challenge('Bearer error="insufficient_user_authentication", max_age="5"'),
    "U18-no-challenge": Answer({}, 401),
    "U18-other-scheme": _challenge('Basic realm="api"'),
    "U18-404": Answer({}, 404),
    "U18-500": Answer({}, 500),
}


@cases.rows("answer-is-passed-on", UNTOUCHED)
def answer_that_is_not_about_the_token_is_passed_on(stage: Stage, answer: Answer) -> None:
    stage.put(GOOD)
    stage.at_api = answer
    response = stage.worker().get()
    assert response.status_code == answer.status
    assert response.headers.get("WWW-Authenticate") == (answer.headers or {}).get(
        "WWW-Authenticate"
    )
    assert (len(stage.token_calls), len(stage.api_calls)) == (0, 1)
    assert stage.stored == GOOD


MALFORMED = {
    "empty": "",
    "comma": ",,,,",
    "equals": "Bearer ====",
    "quote": 'Bearer error="',
    "escape": 'Bearer error="\\',
    "open": 'Bearer realm="x, error="invalid',
    "many": "Bearer " + 'a="b", ' * 9000,
    "quotes": 'Bearer error="' + '\\"' * 30_000,
    "spaces": "Bearer" + " " * 60_000 + "x",
    "latin": "Bearer error=\xe9\xff",
}


@cases.rows("U18", MALFORMED)
def malformed_challenge_is_ignored_in_no_time(stage: Stage, challenge: str) -> None:
    stage.put({**GOOD, "userinfo": claims()})
    stage.at_api = stage.at_userinfo = _challenge(challenge)
    worker = stage.openid()
    began = time.perf_counter()
    assert worker.get().status_code == 401
    with pytest.raises(UserInfoError):
        worker.userinfo()
    assert time.perf_counter() - began < 2
    assert stage.token_calls == []


@cases.rows("U18-refused", REFUSALS)
def refused_token_is_replaced_once_and_the_call_repeated_once(stage: Stage, text: str) -> None:
    stage.put(GOOD)
    stage.at_api = _refused_at(stage, 1, _challenge(text))
    assert stage.worker().get().ok
    assert (len(stage.token_calls), len(stage.api_calls)) == (1, 2)


@cases.row("U18-twice")
def call_that_is_refused_twice_is_given_up(stage: Stage) -> None:
    stage.put(GOOD)
    stage.at_api = REFUSED
    assert stage.worker().get().status_code == 401
    assert (len(stage.token_calls), len(stage.api_calls)) == (1, 2)


@cases.row("U18-fresh")
def call_with_a_token_that_is_new_is_repeated_once_at_the_most(stage: Stage) -> None:
    stage.put()
    stage.at_api = REFUSED
    assert stage.worker().get().status_code == 401
    assert len(stage.api_calls) == 2
    assert len(stage.token_calls) == 2


@cases.row("U18-stream")
def body_that_is_gone_is_not_sent_again(stage: Stage) -> None:
    stage.put(GOOD)
    stage.at_api = REFUSED
    worker = stage.worker()
    with worker.app.app_context():
        answer = worker.client().post("notes", data=iter([b"a", b"b"]))
    assert answer.status_code == 401
    assert (len(stage.token_calls), len(stage.api_calls)) == (0, 1)


@cases.row("U18-elsewhere")
def token_that_another_worker_has_replaced_is_used_for_the_retry(stage: Stage) -> None:
    stage.put(GOOD)
    newer = {**GOOD, "access_token": "access-token-newer"}

    def api(request: Any) -> Answer:
        stage.store.put(stage.key, newer)
        is_newer = request.headers["Authorization"] == "Bearer access-token-newer"
        return Answer({}) if is_newer else REFUSED

    stage.at_api = api
    assert stage.worker().get().ok
    assert stage.token_calls == []


@cases.row("U18-api-down")
def api_that_fails_costs_no_refresh(stage: Stage) -> None:
    def broken(request: Any) -> Answer:
        raise requests.ConnectionError("broken")

    stage.put(GOOD)
    stage.at_api = broken
    with pytest.raises(requests.ConnectionError):
        stage.worker().get()
    assert stage.token_calls == []
    assert stage.stored == GOOD
