"""An ``OAuth2Session`` is a session of requests, with what it adds to one."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from flask_oauthclient import OAuthError as RootError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.oauth2.token import OAuth2Token
from flask_oauthclient.requests_client import OAuth2Auth
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.requests_client import OAuthError
from tests.requests_client._answers import API_URL
from tests.requests_client._answers import TOKEN_URL
from tests.requests_client._answers import Answer
from tests.requests_client._answers import Answers
from tests.requests_client._answers import form_of
from tests.requests_client._answers import session_at
from tests.requests_client._answers import token


def test_the_arguments_stand_in_the_documented_order() -> None:
    names = list(inspect.signature(OAuth2Session).parameters)
    assert names[:12] == [
        "client_id",
        "client_secret",
        "token_endpoint_auth_method",
        "revocation_endpoint_auth_method",
        "scope",
        "state",
        "redirect_uri",
        "token",
        "token_placement",
        "update_token",
        "leeway",
        "default_timeout",
    ]


def test_the_documented_attributes_are_there() -> None:
    session = OAuth2Session(
        "client", "the-secret-of-the-client", scope="a", state="s", redirect_uri="https://rp.test"
    )
    assert isinstance(session, requests.Session)
    assert (session.client_id, session.client_secret) == ("client", "the-secret-of-the-client")
    assert (session.scope, session.state) == ("a", "s")
    assert session.redirect_uri == "https://rp.test"
    assert session.token_endpoint_auth_method == "client_secret_basic"
    assert session.revocation_endpoint_auth_method == "client_secret_basic"
    assert session.code_challenge_method is None
    assert session.update_token is None
    assert session.leeway == 60
    assert session.default_timeout is None
    assert session.metadata == {}
    assert isinstance(session.token_auth, OAuth2Auth)
    assert OAuth2Session("public").token_endpoint_auth_method == "none"
    assert OAuth2Session("public").revocation_endpoint_auth_method == "none"
    assert OAuth2Session.oauth_error_class is OAuthError is RootError
    assert OAuth2Session.token_auth_class is OAuth2Auth
    assert OAuth2Session.EXTRA_AUTHORIZE_PARAMS[0] == "response_mode"


def test_everything_without_arguments() -> None:
    session = OAuth2Session()
    assert session.client_id is None
    assert session.token is None


def test_what_is_no_setting_is_metadata() -> None:
    session = OAuth2Session("c", token_endpoint=TOKEN_URL, anything="else")
    assert session.metadata == {"token_endpoint": TOKEN_URL, "anything": "else"}


def test_the_attributes_of_requests_are_set() -> None:
    def hook(response: requests.Response, **kwargs: Any) -> None:
        """Nothing."""

    session = OAuth2Session(
        "c",
        proxies={"https": "http://proxy.test"},
        hooks={"response": [hook]},
        stream=True,
        verify="/ca.pem",
        cert="/cert.pem",
        max_redirects=3,
        trust_env=False,
    )
    assert session.proxies == {"https": "http://proxy.test"}
    assert session.hooks == {"response": [hook]}
    assert session.stream is True
    assert (session.verify, session.cert) == ("/ca.pem", "/cert.pem")
    assert session.max_redirects == 3
    assert session.trust_env is False
    assert session.metadata == {}


def test_the_settings_of_the_session_reach_the_wire() -> None:
    answers = Answers(Answer(token()))
    session = session_at(answers, verify="/ca.pem", proxies={"https": "http://proxy.test"})
    session.fetch_token(TOKEN_URL)
    session.get(API_URL)
    for settings in answers.settings:
        assert settings["verify"] == "/ca.pem"
        assert settings["proxies"] == {"https": "http://proxy.test"}


def test_the_old_name_of_update_token_is_an_error() -> None:
    with pytest.raises(ValueError, match="update_token"):
        OAuth2Session("c", token_updater=lambda token: None)


# -- the token ------------------------------------------------------------------------------


def test_a_token_is_wrapped_and_hides_its_secrets() -> None:
    session = OAuth2Session("c", token=token(expires_in=60))
    assert isinstance(session.token, OAuth2Token)
    assert session.token["expires_at"] > 0
    assert "access-token" not in repr(session.token)
    session.token = token("second")
    assert session.token["access_token"] == "access-token-second"
    assert session.token_auth.token is session.token
    session.token = None
    assert session.token is None


def test_the_dict_of_the_caller_is_not_changed() -> None:
    mine = token(expires_in=60)
    OAuth2Session("c", token=mine)
    assert mine == token(expires_in=60)


def test_without_a_token_there_is_no_call() -> None:
    answers = Answers()
    session = session_at(answers)
    with pytest.raises(MissingTokenError):
        session.get(API_URL)
    assert answers.sent == []


@pytest.mark.parametrize("method", ["get", "options", "head", "post", "put", "patch", "delete"])
def test_every_method_sends_the_token(method: str) -> None:
    answers = Answers()
    session = session_at(answers, token=token())
    assert getattr(session, method)(API_URL).status_code == 200
    assert answers.sent[0].method == method.upper()
    assert answers.bearers == ["Bearer access-token-first"]
    assert session.request(method, API_URL).status_code == 200
    assert answers.sent[1].method == method.upper()


def test_a_token_can_be_withheld() -> None:
    answers = Answers()
    for session in (session_at(answers, token=token()), session_at(answers)):
        session.get(API_URL, withhold_token=True)
    assert answers.bearers == [None, None]


def test_a_call_brings_its_own_auth() -> None:
    answers = Answers()
    session = session_at(answers, token=token())
    session.get(API_URL, auth=("user", "password"))
    session.get(API_URL, auth=OAuth2Auth(token("other")))
    session_at(answers).get(API_URL, auth=OAuth2Auth(token("third")))
    assert answers.bearers == [
        "Basic dXNlcjpwYXNzd29yZA==",
        "Bearer access-token-other",
        "Bearer access-token-third",
    ]


@pytest.mark.parametrize("placement", ["uri", "body"])
def test_the_placement_of_the_session_counts(placement: str) -> None:
    answers = Answers()
    with pytest.warns(UserWarning, match="token_placement"):
        session = session_at(answers, token=token(), token_placement=placement)
    session.post(API_URL)
    assert form_of(answers.sent[0]) == {"access_token": "access-token-first"}
    assert answers.bearers == [None]


def test_the_usual_session_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        OAuth2Session("c", "s" * 20, token=token())


def test_a_token_is_not_sent_in_the_clear() -> None:
    answers = Answers()
    session = session_at(answers, token=token())
    session.mount("http://", answers)
    with pytest.raises(InsecureTransportError):
        session.get("http://api.test/")
    assert answers.sent == []
    session.get("http://api.test/", withhold_token=True)
    insecure = session_at(answers, token=token(), insecure_http=True)
    insecure.mount("http://", answers)
    insecure.get("http://api.test/")
    assert answers.bearers == [None, "Bearer access-token-first"]


# -- time limits ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kwargs", "limits"),
    [
        ({}, (3, 10)),
        ({"timeout": 5}, (3, 5)),
        ({"default_timeout": 5}, (3, 5)),
        ({"default_timeout": 4, "timeout": 5}, (3, 4)),
        ({"default_timeout": (1, 2)}, (1, 2)),
    ],
)
def test_there_is_always_a_time_limit(kwargs: Any, limits: Any) -> None:
    answers = Answers(Answer(token()))
    session = session_at(answers, **kwargs)
    session.fetch_token(TOKEN_URL)
    session.get(API_URL)
    session.get(API_URL, withhold_token=True)
    session.fetch_token(TOKEN_URL, timeout=2)
    session.get(API_URL, timeout=(1, 60))
    session.get(API_URL, timeout=None)
    found = [tuple(settings["timeout"]) for settings in answers.settings]
    assert found == [limits, limits, limits, (2, 2), (1, 60), limits]
    assert session.metadata == {"grant_type": "client_credentials", "token_endpoint": TOKEN_URL}


# -- as a session of requests -------------------------------------------------------------------


def test_a_session_is_closed_at_the_end_of_a_with_block() -> None:
    closed: list[bool] = []

    class Closing(HTTPAdapter):
        def close(self) -> None:
            closed.append(True)
            super().close()

    with OAuth2Session("c") as session:
        session.mount("https://", Closing())
    assert closed == [True]


def test_headers_and_parameters_of_the_session_are_sent() -> None:
    answers = Answers()
    session = session_at(answers, token=token())
    session.headers["User-Agent"] = "own/1.0"
    session.params = {"a": "b"}
    session.get(API_URL, params={"c": "d"}, headers={"X-Own": "1"})
    request = answers.sent[0]
    assert request.headers["User-Agent"] == "own/1.0"
    assert request.headers["X-Own"] == "1"
    assert sorted(str(request.url).partition("?")[2].split("&")) == ["a=b", "c=d"]


def test_a_redirect_can_be_refused_for_a_call() -> None:
    answers = Answers(Answer({}, 302, {"Location": "/elsewhere"}))
    response = session_at(answers, token=token()).get(API_URL, allow_redirects=False)
    assert response.status_code == 302
    assert len(answers.sent) == 1


def test_an_unknown_keyword_is_an_error() -> None:
    with pytest.raises(TypeError, match="timeuot"):
        session_at(Answers(), token=token()).get(API_URL, timeuot=5)


def test_cookies_are_kept_as_in_requests() -> None:
    answers = Answers()
    session = session_at(answers, token=token())
    session.cookies.set("own", "cookie", domain="api.test")
    session.get(API_URL, cookies={"call": "cookie"})
    session.get(API_URL)
    sent = [request.headers["Cookie"] for request in answers.sent]
    assert sorted(sent[0].split("; ")) == ["call=cookie", "own=cookie"]
    assert sent[1] == "own=cookie"
