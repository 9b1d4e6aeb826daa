"""Asking for temporary and token credentials (RFC 5849 sections 2.1, 2.3)."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.requests_client import OAuthError

from .._answers import Answer
from .._answers import Answers
from .._answers import text_of
from ._signed import API_URL
from ._signed import FORM
from ._signed import INITIATE_URL
from ._signed import TOKEN
from ._signed import TOKEN_SECRET
from ._signed import TOKEN_URL
from ._signed import VERIFIER
from ._signed import check_signature
from ._signed import credentials
from ._signed import in_form
from ._signed import in_query
from ._signed import protocol_params
from ._signed import session_at

CALLBACK = "https://rp.test/callback?keep=this"
CONFIRMED = "&oauth_callback_confirmed=true"
NEW_SECRET = "new-secret-of-a-token"


def test_a_request_token_is_asked_for_with_the_clients_secret_alone() -> None:
    answers = Answers(credentials(more=CONFIRMED + "&expires=60"))
    session = session_at(answers, redirect_uri=CALLBACK, verifier=VERIFIER)
    token = session.fetch_request_token(INITIATE_URL)
    assert dict(token) == {
        "oauth_token": "new-token",
        "oauth_token_secret": NEW_SECRET,
        "oauth_callback_confirmed": "true",
        "expires": "60",
    }
    request = answers.sent[0]
    assert (request.method, request.url, request.body) == ("POST", INITIATE_URL, None)
    found = protocol_params(request)
    assert found["oauth_callback"] == CALLBACK
    assert not {"oauth_token", "oauth_verifier"} & found.keys()
    check_signature(request, token_secret="")
    assert session.token == {
        "oauth_token": "new-token",
        "oauth_token_secret": NEW_SECRET,
        "oauth_verifier": None,
    }


def test_an_access_token_is_asked_for_with_token_and_verifier() -> None:
    answers = Answers(credentials(more="&user_id=7"))
    session = session_at(answers)
    token = session.fetch_access_token(TOKEN_URL, VERIFIER)
    assert token["user_id"] == "7"
    request = answers.sent[0]
    found = protocol_params(request)
    assert (found["oauth_token"], found["oauth_verifier"]) == (TOKEN, VERIFIER)
    check_signature(request)
    assert session.token == {
        "oauth_token": "new-token",
        "oauth_token_secret": NEW_SECRET,
        "oauth_verifier": None,
    }


@pytest.mark.parametrize(
    "prepare",
    [
        lambda session: session.fetch_access_token(TOKEN_URL, verifier=VERIFIER),
        lambda session: setattr(session.auth, "verifier", VERIFIER),
        lambda session: session.parse_authorization_response(
            f"https://rp.test/?oauth_token={TOKEN}&oauth_verifier={VERIFIER}"
        ),
    ],
    ids=["argument", "attribute", "response"],
)
def test_the_verifier_is_used_once(prepare: Any) -> None:
    answers = Answers(credentials())
    session = session_at(answers)
    prepare(session)
    if not answers.sent:
        session.fetch_access_token(TOKEN_URL)
    session.get(API_URL)
    verifiers = [protocol_params(request).get("oauth_verifier") for request in answers.sent]
    assert verifiers == [VERIFIER, None]
    with pytest.raises(OAuthError, match="verifier"):
        session.fetch_access_token(TOKEN_URL)


def test_without_a_verifier_nothing_is_asked() -> None:
    answers = Answers(credentials())
    with pytest.raises(OAuthError) as caught:
        session_at(answers).fetch_access_token(TOKEN_URL)
    assert str(caught.value) == 'missing_verifier: Missing "verifier" value'
    assert answers.sent == []


def test_what_is_given_for_one_request_is_sent_and_signed() -> None:
    answers = Answers(credentials())
    session = session_at(answers)
    session.fetch_request_token(
        f"{INITIATE_URL}?own=1",
        params={"scope": ["a b", "c"], "empty": ""},
        data={"xoauth_name": "grüße & +~"},
        headers={"X-Own": "yes"},
    )
    request = answers.sent[0]
    assert in_query(request) == [("own", "1"), ("scope", "a b"), ("scope", "c"), ("empty", "")]
    assert in_form(request) == [("xoauth_name", "grüße & +~")]
    assert (request.headers["X-Own"], request.headers["Content-Type"]) == ("yes", FORM)
    check_signature(request, token_secret="")


@pytest.mark.parametrize("kind", ["fetch_request_token", "fetch_access_token"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"params": "a=1&a=&b=%C3%BC"},
        {"params": b"a=1&a=&b=%C3%BC"},
        {"params": [("a", "1"), ("a", ""), ("b", "ü")]},
        {"data": "a=1&a=&b=%C3%BC"},
        {"data": b"a=1&a=&b=%C3%BC"},
        {"data": [("a", "1"), ("a", ""), ("b", "ü")]},
    ],
    ids=lambda kwargs: "-".join(f"{name}-{type(value).__name__}" for name, value in kwargs.items()),
)
def test_parameters_come_in_every_form_that_requests_takes(kind: str, kwargs: Any) -> None:
    answers = Answers(credentials())
    getattr(session_at(answers, verifier=VERIFIER), kind)(INITIATE_URL, **kwargs)
    request = answers.sent[0]
    place = in_query(request) if "params" in kwargs else in_form(request)
    assert place == [("a", "1"), ("a", ""), ("b", "ü")]
    check_signature(request, TOKEN_SECRET if kind == "fetch_access_token" else "")


def test_the_parameters_of_the_session_are_signed_too() -> None:
    answers = Answers(credentials())
    session = session_at(answers, verifier=VERIFIER)
    session.params = {"format": "form", "lang": "de"}
    session.fetch_request_token(INITIATE_URL, params={"lang": "fr"})
    session.token = {"oauth_token": TOKEN, "oauth_token_secret": TOKEN_SECRET}
    session.fetch_access_token(TOKEN_URL, VERIFIER)
    assert [sorted(in_query(request)) for request in answers.sent] == [
        [("format", "form"), ("lang", "fr")],
        [("format", "form"), ("lang", "de")],
    ]
    check_signature(answers.sent[0], token_secret="")
    check_signature(answers.sent[1])


def test_a_host_with_an_umlaut_is_signed_as_it_is_sent() -> None:
    answers = Answers(credentials())
    session_at(answers).fetch_request_token("https://bücher.test")
    assert answers.sent[0].url == "https://xn--bcher-kva.test/"
    check_signature(answers.sent[0], token_secret="")


@pytest.mark.parametrize("url", ["initiate", "", "https://", "https://*ü/", "mailto:a@b", "ü:1"])
def test_an_endpoint_that_is_no_url_is_an_oauth_error(url: str) -> None:
    with pytest.raises(OAuthError):
        session_at(Answers(credentials())).fetch_request_token(url)


@pytest.mark.edges("requests")
def test_the_settings_of_a_call_reach_the_wire() -> None:
    answers = Answers(credentials())
    session = session_at(answers)
    session.fetch_request_token(INITIATE_URL, timeout=2, verify="/ca.pem", cert="/cert.pem")
    settings = answers.settings[0]
    assert tuple(settings["timeout"]) == (2, 2)
    assert (settings["verify"], settings["cert"]) == ("/ca.pem", "/cert.pem")


def test_a_misspelled_keyword_is_an_error() -> None:
    answers = Answers(credentials())
    with pytest.raises(TypeError, match="oauth_calback"):
        session_at(answers).fetch_request_token(INITIATE_URL, oauth_calback="x")
    with pytest.raises(TypeError, match="timeuot"):
        session_at(answers, verifier="v").fetch_access_token(TOKEN_URL, timeuot=1)
    assert answers.sent == []


@pytest.mark.parametrize(
    ("given", "header"),
    [("photos", 'realm="photos"'), (["a", "b"], 'realm="a b"'), (("a", "b"), 'realm="a b"')],
)
def test_a_realm_can_be_given_for_one_request(given: Any, header: str) -> None:
    answers = Answers(credentials())
    session = session_at(answers, realm="always")
    session.fetch_request_token(INITIATE_URL, given)
    session.fetch_request_token(INITIATE_URL)
    first, second = (text_of(request.headers["Authorization"]) for request in answers.sent)
    assert first.startswith(f"OAuth {header}, oauth_nonce=")
    assert second.startswith('OAuth realm="always", oauth_nonce=')
    check_signature(answers.sent[0], token_secret="")


@pytest.mark.parametrize("status", [200, 201])
def test_credentials_may_be_json_and_created(status: int) -> None:
    answers = Answers(
        Answer({"oauth_token": "t", "oauth_token_secret": NEW_SECRET, "n": 1}, status)
    )
    token = session_at(answers).fetch_request_token(INITIATE_URL)
    assert dict(token) == {"oauth_token": "t", "oauth_token_secret": NEW_SECRET, "n": 1}
