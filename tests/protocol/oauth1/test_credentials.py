"""Temporary and token credentials (RFC 5849 sections 2.1, 2.3): requests, and row O01."""

from __future__ import annotations

import warnings
from typing import Any
from urllib.parse import parse_qsl

import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingVerifierError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.oauth1 import OAuth1Token
from flask_oauthclient.protocol.oauth1.credentials import check_callback_confirmed
from flask_oauthclient.protocol.oauth1.credentials import temporary_credentials_exchange
from flask_oauthclient.protocol.oauth1.credentials import token_credentials_exchange
from tests.helpers.leaks import Watch
from tests.protocol._answers import answer
from tests.protocol._answers import drive
from tests.protocol.oauth1._signers import FORM
from tests.protocol.oauth1._signers import fields
from tests.protocol.oauth1._signers import sign
from tests.protocol.oauth1._signers import signer

URL = "https://op.test/initiate"
CREDENTIALS = "oauth_token=t&oauth_token_secret=s"
CONFIRMED = answer(f"{CREDENTIALS}&oauth_callback_confirmed=true")


def ask(response: Any = CONFIRMED, **kwargs: Any) -> tuple[OAuth1Token, Any]:
    """Ask for temporary credentials as a client with a callback."""
    auth = kwargs.pop("auth", None) or signer(redirect_uri="https://app.test/cb")
    token, sent = drive(temporary_credentials_exchange(auth, URL, **kwargs), response)
    return token, sent[0]


# -- temporary credentials ---------------------------------------------------------------


def test_request_for_temporary_credentials() -> None:
    token, request = ask()
    sent = fields(request.headers)

    assert token["oauth_token"] == "t"
    assert (request.purpose, request.method, request.url) == (Purpose.TOKEN, "POST", URL)
    assert request.body is None
    assert sent["oauth_callback"] == "https://app.test/cb"
    assert "*/*" in request.headers["Accept"]


def test_token_at_hand_is_no_part_of_it() -> None:
    auth = signer(redirect_uri="https://app.test/cb", verifier="old")
    _, request = ask(auth=auth)
    bare = auth.replaced(token=None, token_secret=None, verifier=None)

    assert fields(request.headers) == sign(bare, URL, "POST")
    assert auth.token == "a-token"


def test_parameters_data_and_headers_of_the_call() -> None:
    _, request = ask(
        params={"scope": ["a", "b"], "no": None},
        data=[("expiration", "never"), ("name", "é 1")],
        headers={"X-Api": "1"},
    )

    assert request.url == f"{URL}?scope=a&scope=b"
    assert request.body == "expiration=never&name=%C3%A9+1"
    assert request.headers["Content-Type"] == FORM
    assert request.headers["X-Api"] == "1"
    signed = sign(
        signer(redirect_uri="https://app.test/cb", token=None, token_secret=None),
        f"{URL}?scope=a&scope=b&expiration=never&name=%C3%A9%201",
        "POST",
    )
    assert fields(request.headers) == signed


def test_query_of_the_endpoint_is_kept_and_signed() -> None:
    auth = signer(token=None, token_secret=None)
    _, sent = drive(temporary_credentials_exchange(auth, f"{URL}?a=1", params={"b": 2}), CONFIRMED)

    assert sent[0].url == f"{URL}?a=1&b=2"
    assert fields(dict(sent[0].headers)) == sign(auth, f"{URL}?a=1&b=2", "POST")


def test_encoded_data_is_a_form() -> None:
    _, request = ask(data="a=1+1")

    assert request.body == "a=1+1"
    assert request.headers["Content-Type"] == FORM


@pytest.mark.parametrize("placement", ["QUERY", "BODY"])
def test_other_placements(placement: str) -> None:
    _, request = ask(auth=signer(signature_type=placement), data={"a": "1"})
    text = request.body if placement == "BODY" else request.url.partition("?")[2]

    assert "Authorization" not in request.headers
    assert dict(parse_qsl(text))["oauth_signature"]
    assert request.body.startswith("a=1")


def test_repr_of_the_request_shows_no_signature() -> None:
    _, request = ask(auth=signer(signature_type="QUERY"))

    assert repr(request) == f"<Request token POST {URL}>"


def test_refusal_is_raised() -> None:
    with pytest.raises(TokenRequestError):
        ask(answer("oauth_problem=consumer_key_unknown", 401))


@pytest.mark.parametrize(
    "quoted", ["a-client%26secret", "a-client%2526secret", "a-client%252526secret"]
)
def test_secret_that_a_server_quotes_is_not_passed_on(quoted: str, watch: Watch) -> None:
    watch.secret("a-client&secret", "a-client%26secret", "a-client%2526secret")
    auth = signer("a-client", "a-client&secret")
    refused = answer(f"oauth_problem=signature_invalid&oauth_problem_advice=key+{quoted}%26", 401)
    with pytest.raises(TokenRequestError) as caught:
        ask(refused, auth=auth)

    assert caught.value.detail == {
        "status": 401,
        "oauth_problem": "signature_invalid",
        "oauth_problem_advice": "",
    }


def test_http_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InsecureTransportError):
        next(temporary_credentials_exchange(signer(), "http://op.test/initiate"))
    assert next(
        temporary_credentials_exchange(signer(), "http://op.test/initiate", insecure_http=True)
    )


def test_protocol_parameter_of_the_call_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="oauth_callback"):
        ask(data={"oauth_callback": "https://other.test/"})


# -- O01: oauth_callback_confirmed -------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("false", id="O01-false"),
        pytest.param("", id="O01-empty"),
        pytest.param("1", id="O01-one"),
        pytest.param("truer", id="O01-truer"),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_callback_that_is_not_confirmed(value: str, required: bool) -> None:
    response = answer(f"{CREDENTIALS}&oauth_callback_confirmed={value}")
    with pytest.raises(ProviderResponseError) as caught:
        ask(response, require_callback_confirmed=required)

    assert caught.value.error == "callback_not_confirmed"


@pytest.mark.parametrize(
    "value", [pytest.param(v, id=f"O01-json-{v}") for v in (False, 0, 1, [], "no")]
)
def test_json_that_does_not_confirm(value: Any) -> None:
    with pytest.raises(ProviderResponseError):
        check_callback_confirmed({"oauth_callback_confirmed": value}, required=False)


@pytest.mark.parametrize("value", ["true", "True", "TRUE", True])
@pytest.mark.parametrize("required", [True, False])
def test_callback_that_is_confirmed(value: Any, required: bool) -> None:
    with warnings.catch_warnings(record=True) as warned:
        check_callback_confirmed({"oauth_callback_confirmed": value}, required=required)

    assert warned == []


@pytest.mark.parametrize("body", [CREDENTIALS])
def test_o01_absent_confirmation_warns_once(body: str) -> None:
    with pytest.warns(UserWarning, match="does not confirm the callback") as warned:
        token, _ = ask(answer(body))

    assert len(warned) == 1
    assert token["oauth_token"] == "t"


def test_o01_absent_confirmation_may_be_refused() -> None:
    with pytest.raises(ProviderResponseError) as caught:
        ask(answer(CREDENTIALS), require_callback_confirmed=True)

    assert caught.value.error == "callback_not_confirmed"


@pytest.mark.parametrize("answered", ["", "&oauth_callback_confirmed=false"])
def test_nothing_is_to_be_confirmed_without_a_callback(answered: str) -> None:
    token, _ = ask(answer(CREDENTIALS + answered), auth=signer(), require_callback_confirmed=True)

    assert token["oauth_token"] == "t"


# -- token credentials -------------------------------------------------------------------


def test_request_for_token_credentials() -> None:
    auth = signer(verifier="v")
    token, sent = drive(token_credentials_exchange(auth, URL), answer(CREDENTIALS))

    assert token == {"oauth_token": "t", "oauth_token_secret": "s"}
    assert fields(dict(sent[0].headers)) == sign(auth, URL, "POST")
    assert fields(dict(sent[0].headers))["oauth_verifier"] == "v"


@pytest.mark.parametrize("verifier", [None, ""])
def test_verifier_is_mandatory(verifier: str | None) -> None:
    with pytest.raises(MissingVerifierError) as caught:
        next(token_credentials_exchange(signer(verifier=verifier), URL))

    assert caught.value.error == "missing_verifier"
    assert caught.value.description == 'Missing "verifier" value'
