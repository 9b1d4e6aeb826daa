"""What code for the established client relies on, name by name."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingRequestTokenError
from flask_oauthclient.requests_client import SIGNATURE_HMAC_SHA1
from flask_oauthclient.requests_client import SIGNATURE_PLAINTEXT
from flask_oauthclient.requests_client import SIGNATURE_RSA_SHA1
from flask_oauthclient.requests_client import SIGNATURE_TYPE_BODY
from flask_oauthclient.requests_client import SIGNATURE_TYPE_HEADER
from flask_oauthclient.requests_client import SIGNATURE_TYPE_QUERY
from flask_oauthclient.requests_client import OAuth1Auth
from flask_oauthclient.requests_client import OAuth1Session
from flask_oauthclient.requests_client import OAuthError

from .._answers import Answers
from .._edges import Edge
from ._signed import API_URL
from ._signed import CLIENT_ID
from ._signed import CLIENT_SECRET
from ._signed import TOKEN
from ._signed import TOKEN_SECRET
from ._signed import VERIFIER
from ._signed import protocol_params
from ._signed import session_at

CALLBACK = "https://rp.test/callback?keep=this"


def names_and_defaults(function: Any) -> dict[str, Any]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    }


# -- the constructor ---------------------------------------------------------------------


@pytest.mark.edges("requests")
def test_the_constructor_has_the_documented_order_and_defaults() -> None:
    found = names_and_defaults(OAuth1Session)
    assert list(found.items()) == [
        ("client_id", inspect.Parameter.empty),
        ("client_secret", None),
        ("token", None),
        ("token_secret", None),
        ("redirect_uri", None),
        ("rsa_key", None),
        ("verifier", None),
        ("signature_method", "HMAC-SHA1"),
        ("signature_type", "HEADER"),
        ("force_include_body", False),
        ("realm", None),
    ]


def test_the_constants_have_the_documented_values() -> None:
    assert (SIGNATURE_HMAC_SHA1, SIGNATURE_RSA_SHA1) == ("HMAC-SHA1", "RSA-SHA1")
    assert SIGNATURE_PLAINTEXT == "PLAINTEXT"
    assert (SIGNATURE_TYPE_HEADER, SIGNATURE_TYPE_QUERY) == ("HEADER", "QUERY")
    assert SIGNATURE_TYPE_BODY == "BODY"


@pytest.mark.parametrize("client_id", ["", None])
def test_an_empty_client_id_is_a_value_error(client_id: Any, edge: Edge) -> None:
    with pytest.raises(ValueError, match='Missing "client_id"') as caught:
        edge.OAuth1(client_id)
    assert isinstance(caught.value, OAuthError)


@pytest.mark.edges("requests")
def test_session_auth_is_the_signer_with_all_settings() -> None:
    key = rsa.generate_private_key(65537, 2048)
    session = OAuth1Session(
        CLIENT_ID, CLIENT_SECRET, TOKEN, TOKEN_SECRET, CALLBACK, key, VERIFIER, "RSA-SHA1", "QUERY",
        True, "photos",
    )  # fmt: skip
    signer: Any = session.auth
    assert isinstance(signer, OAuth1Auth)
    assert isinstance(session, requests.Session)
    assert (signer.client_id, signer.client_secret) == (CLIENT_ID, CLIENT_SECRET)
    assert (signer.token, signer.token_secret) == (TOKEN, TOKEN_SECRET)
    assert (signer.redirect_uri, signer.verifier) == (CALLBACK, VERIFIER)
    assert (signer.signature_method, signer.signature_type) == ("RSA-SHA1", "QUERY")
    assert (signer.rsa_key, signer.realm, signer.force_include_body) == (key, "photos", True)


@pytest.mark.edges("requests")
def test_the_settings_of_requests_are_taken_and_others_refused() -> None:
    session = OAuth1Session(CLIENT_ID, verify="/ca.pem", proxies={"https": "http://proxy.test"})
    assert (session.verify, session.proxies) == ("/ca.pem", {"https": "http://proxy.test"})
    with pytest.raises(TypeError, match="signature_metod"):
        OAuth1Session(CLIENT_ID, signature_metod="PLAINTEXT")


def test_neither_session_nor_signer_show_a_secret() -> None:
    session = session_at(Answers())
    shown = f"{session!r} {session.auth!r} {session.auth} {session.token!r}"
    assert CLIENT_SECRET[:10] not in shown
    assert TOKEN_SECRET[:10] not in shown


def bare_session() -> Any:
    return session_at(Answers(), client_secret=None, token=None, token_secret=None)


# -- redirect_uri and token --------------------------------------------------------------


def test_redirect_uri_is_a_property_of_the_signer() -> None:
    session = bare_session()
    assert session.redirect_uri is None
    session.redirect_uri = CALLBACK
    assert session.auth.redirect_uri == CALLBACK
    session.auth.redirect_uri = "oob"
    assert session.redirect_uri == "oob"


def test_the_callback_is_sent_in_every_signed_request_while_it_is_set() -> None:
    answers = Answers()
    session = session_at(answers, redirect_uri=CALLBACK)
    session.get(API_URL)
    session.redirect_uri = None
    session.get(API_URL)
    sent = [protocol_params(request).get("oauth_callback") for request in answers.sent]
    assert sent == [CALLBACK, None]


def test_the_token_is_always_a_dict_of_three() -> None:
    assert bare_session().token == {
        "oauth_token": None,
        "oauth_token_secret": None,
        "oauth_verifier": None,
    }
    assert session_at(Answers(), verifier=VERIFIER).token == {
        "oauth_token": TOKEN,
        "oauth_token_secret": TOKEN_SECRET,
        "oauth_verifier": VERIFIER,
    }


def test_none_clears_all_three() -> None:
    session = session_at(Answers(), verifier=VERIFIER)
    session.token = None
    assert set(session.token.values()) == {None}


def test_a_dict_with_a_token_updates_what_it_has() -> None:
    session = session_at(Answers(), verifier=VERIFIER)
    session.token = {"oauth_token": "other"}
    assert session.token == {
        "oauth_token": "other",
        "oauth_token_secret": TOKEN_SECRET,
        "oauth_verifier": VERIFIER,
    }
    session.token = {"oauth_token": "third", "oauth_token_secret": "s", "oauth_verifier": "v"}
    assert list(session.token.values()) == ["third", "s", "v"]


@pytest.mark.parametrize("token", [{}, {"oauth_token_secret": "s"}, {"access_token": "bearer"}])
def test_another_dict_is_a_missing_token(token: Any) -> None:
    session = session_at(Answers())
    with pytest.raises(OAuthError) as caught:
        session.token = token
    assert caught.value.error == "missing_token"
    assert session.token["oauth_token"] == TOKEN


# -- the authorization -------------------------------------------------------------------


def test_the_authorization_url_names_token_callback_and_what_is_added() -> None:
    session = session_at(Answers(), redirect_uri=CALLBACK)
    url = session.create_authorization_url("https://op.test/authorize?lang=de", perms="read")
    assert url == (
        "https://op.test/authorize?lang=de&perms=read&oauth_token=the-token"
        "&oauth_callback=https%3A%2F%2Frp.test%2Fcallback%3Fkeep%3Dthis"
    )


def test_the_authorization_url_takes_a_request_token() -> None:
    session = bare_session()
    assert session.create_authorization_url("https://op.test/authorize", "given") == (
        "https://op.test/authorize?oauth_token=given"
    )
    with pytest.raises(MissingRequestTokenError):
        session.create_authorization_url("https://op.test/authorize")


def test_an_authorization_response_is_read_and_its_token_taken() -> None:
    session = session_at(Answers())
    url = f"https://rp.test/callback?keep=this&oauth_token={TOKEN}&oauth_verifier=v%C3%BC"
    assert session.parse_authorization_response(url) == {
        "keep": "this",
        "oauth_token": TOKEN,
        "oauth_verifier": "vü",
    }
    assert session.token == {
        "oauth_token": TOKEN,
        "oauth_token_secret": TOKEN_SECRET,
        "oauth_verifier": "vü",
    }


def test_a_session_that_has_no_token_yet_takes_that_of_the_response() -> None:
    session = bare_session()
    session.parse_authorization_response("https://rp.test/?oauth_token=a&oauth_verifier=b")
    assert (session.token["oauth_token"], session.token["oauth_verifier"]) == ("a", "b")


@pytest.mark.parametrize("query", ["", "oauth_verifier=v", "code=abc&state=xyz"])
def test_a_response_without_a_token_is_a_missing_token(query: str) -> None:
    session = session_at(Answers())
    with pytest.raises(OAuthError) as caught:
        session.parse_authorization_response(f"https://rp.test/callback?{query}")
    assert caught.value.error == "missing_token"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("denied=the-token", "access_denied"),
        ("oauth_problem=user_refused", "access_denied"),
        ("oauth_problem=permission_denied&oauth_token=the-token", "access_denied"),
        ("error=access_denied&oauth_token=the-token&oauth_verifier=v", "access_denied"),
        ("oauth_token=the-token&oauth_verifier=v&denied=other", "access_denied"),
        ("error=server_error&error_description=down&oauth_token=the-token", "server_error"),
    ],
)
def test_a_refusal_is_raised_whatever_else_the_response_carries(query: str, error: str) -> None:
    session = session_at(Answers())
    with pytest.raises(AuthorizationError) as caught:
        session.parse_authorization_response(f"https://rp.test/callback?{query}")
    assert caught.value.error == error
    assert session.token["oauth_verifier"] is None


@pytest.mark.parametrize("url", ["https://[rp.test/?oauth_token=a", "https://rp.test:x/?denied=a"])
def test_an_unreadable_response_is_a_callback_error(url: str) -> None:
    with pytest.raises(CallbackError):
        session_at(Answers()).parse_authorization_response(url)


def test_a_response_about_another_token_is_refused() -> None:
    session = session_at(Answers())
    with pytest.raises(MismatchingStateError):
        session.parse_authorization_response("https://rp.test/?oauth_token=hers&oauth_verifier=v")
    assert session.token["oauth_token"] == TOKEN
    assert session.token["oauth_verifier"] is None


@pytest.mark.parametrize("text", ["oauth_token=a&x=1", '{"oauth_token": "a", "x": "1"}'])
def test_a_token_response_can_be_parsed(text: str) -> None:
    session = session_at(Answers())
    before = session.token
    credentials = session.parse_response_token(200, text)
    assert credentials == {"oauth_token": "a", "x": "1", "oauth_token_secret": ""}
    assert session.token == before


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [(401, "oauth_problem=x", "fetch_token_denied"), (200, "\u00e4", "invalid_response")],
)
def test_a_response_without_a_token_is_an_error(status: int, text: str, code: str) -> None:
    with pytest.raises(OAuthError) as caught:
        session_at(Answers()).parse_response_token(status, text)
    assert caught.value.error == code
