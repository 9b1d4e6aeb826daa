"""The keywords of requests in calls that get a token, and what requests does with them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.requests_client import AssertionSession
from tests.requests_client._answers import API_URL
from tests.requests_client._answers import TOKEN_URL
from tests.requests_client._answers import Answer
from tests.requests_client._answers import Answers
from tests.requests_client._answers import session_at
from tests.requests_client._answers import token

CODE = "the-code-of-the-login"
URL = "https://op.test/about"
REFUSED = Answer({}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def test_the_transports_keywords_do_not_reach_the_form() -> None:
    answers = Answers(Answer(token()))
    seen: list[int] = []
    session_at(answers).fetch_token(
        TOKEN_URL,
        code=CODE,
        timeout=7,
        verify="/ca.pem",
        cert=("/cert.pem", "/key.pem"),
        proxies={"https": "http://proxy.test"},
        cookies={"a": "cookie"},
        hooks={"response": lambda response, **kwargs: seen.append(response.status_code)},
        allow_redirects=True,
        stream=True,
        files=None,
        json=None,
    )
    assert answers.form == {"grant_type": "authorization_code", "code": CODE}
    [settings] = answers.settings
    assert settings["timeout"] == (3, 7)
    assert settings["verify"] == "/ca.pem"
    assert settings["cert"] == ("/cert.pem", "/key.pem")
    assert settings["proxies"] == {"https": "http://proxy.test"}
    assert answers.sent[0].headers["Cookie"] == "a=cookie"
    assert seen == [200]


@pytest.mark.parametrize("method", ["revoke_token", "introspect_token"])
def test_the_keywords_of_the_transport_count_for_the_call(method: str) -> None:
    answers = Answers()
    seen: list[int] = []
    session = session_at(answers, token=token(), default_timeout=9)
    getattr(session, method)(
        URL,
        timeout=7,
        verify="/ca.pem",
        cert="/cert.pem",
        proxies={"https": "http://proxy.test"},
        hooks={"response": lambda response, **kwargs: seen.append(response.status_code)},
        audience="x",
    )
    [settings] = answers.settings
    assert settings["timeout"] == (3, 7)
    assert settings["verify"] == "/ca.pem"
    assert settings["cert"] == "/cert.pem"
    assert settings["proxies"] == {"https": "http://proxy.test"}
    assert seen == [200]
    assert answers.form == {"token": "access-token-first", "audience": "x"}
    with pytest.raises(InvalidSettingError, match="json"):
        getattr(session, method)(URL, json={})


def test_settings_of_requests_are_those_of_an_assertion_session() -> None:
    answers = Answers(Answer(token()))
    session: Any = AssertionSession(
        TOKEN_URL,
        "issuer",
        assertion="an-assertion",
        default_timeout=4,
        verify="/ca.pem",
        proxies={"https": "http://p.test"},
        trust_env=False,
    )
    session.mount("https://", answers)
    session.get(API_URL)
    session.get(API_URL, timeout=2)
    limits = answers.time_limits
    assert limits == [(3, 4), (3, 4), (2, 2)]
    assert {settings["verify"] for settings in answers.settings} == {"/ca.pem"}
    assert answers.settings[0]["proxies"] == {"https": "http://p.test"}


def test_a_streamed_refusal_is_closed_before_the_second_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[int] = []
    close = requests.Response.close

    def closing(self: requests.Response) -> None:
        closed.append(self.status_code)
        close(self)

    monkeypatch.setattr(requests.Response, "close", closing)
    session = session_at(
        Answers(REFUSED, Answer(token("new")), Answer({"a": 1})),
        token=token(refresh_token="refresh-token-first"),
        token_endpoint=TOKEN_URL,
    )
    with session.get(API_URL, stream=True) as response:
        assert closed == [401]
        assert response.json() == {"a": 1}
