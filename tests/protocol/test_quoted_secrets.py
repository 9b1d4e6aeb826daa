"""A server that quotes the request does not write its secrets into our errors (row T32)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from urllib.parse import quote_plus

import pytest

from flask_oauthclient.protocol.error_codes import clean_code
from flask_oauthclient.protocol.error_codes import clean_text
from flask_oauthclient.protocol.error_codes import quotes
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import UnsupportedTokenTypeError
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.protocol.oauth2.assertion import assertion_exchange
from flask_oauthclient.protocol.oauth2.client import OAuth2Client
from flask_oauthclient.protocol.oauth2.client_auth import ClientAuth
from flask_oauthclient.protocol.oauth2.grants import client_credentials_exchange
from flask_oauthclient.protocol.oauth2.grants import code_exchange
from flask_oauthclient.protocol.oauth2.grants import refresh_exchange
from tests.protocol._answers import answer

ENDPOINT = "https://op.test/token"
SECRET = "the secret/of+the~client"
METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")


def _code(auth: ClientAuth) -> Any:
    return code_exchange(
        auth, ENDPOINT, code="hidden-code", redirect_uri="https://rp.test", code_verifier="hidden-v"
    )


def _refresh(auth: ClientAuth) -> Any:
    return refresh_exchange(auth, ENDPOINT, refresh_token="hidden token", scope="a-scope")


def _own(auth: ClientAuth) -> Any:
    return client_credentials_exchange(auth, ENDPOINT, scope="a-scope")


def _password(auth: ClientAuth) -> Any:
    params: Any = {"username": "a-user", "password": "hidden&word"}
    return OAuth2Client("client").token_exchange(ENDPOINT, "password", auth=auth, **params)


def _assertion(auth: ClientAuth) -> Any:
    return assertion_exchange(ENDPOINT, "urn:x", "hidden.jwt.assertion", auth=auth)


EXCHANGES = {
    "code": _code,
    "refresh": _refresh,
    "own": _own,
    "password": _password,
    "assertion": _assertion,
}


def refusal(exchange: Any, say: Callable[[Request], Any], status: int = 400) -> OAuthError:
    """The error of an exchange with a server that answers what ``say`` makes of the request."""
    request = next(exchange)
    with pytest.raises(OAuthError) as caught:
        exchange.send(answer(say(request), status))
    error = caught.value
    everything = f"{error!r} {error} {error.detail}"
    for shown in ("hidden", SECRET, quote(SECRET, safe=""), quote_plus(SECRET)):
        assert shown not in everything
    credential = request.headers.get("Authorization", "").partition(" ")[2]
    assert not credential or credential not in everything
    return error


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("exchange", EXCHANGES.values(), ids=[f"T32-{name}" for name in EXCHANGES])
@pytest.mark.parametrize("member", ["error_description", "error_uri"])
def test_a_server_that_quotes_the_whole_request(
    member: str, exchange: Callable[[ClientAuth], Any], method: str
) -> None:
    def say(request: Request) -> Any:
        return {"error": "invalid_grant", member: f"got {request.headers} {request.body}"}

    error = refusal(exchange(ClientAuth("client", SECRET, method)), say)

    assert isinstance(error, TokenRequestError)
    assert (error.error, error.detail[member]) == ("invalid_grant", "")


@pytest.mark.parametrize("method", METHODS)
def test_a_server_that_shows_the_secret_it_expected(method: str) -> None:
    exchange = _own(ClientAuth("client", SECRET, method))

    error = refusal(
        exchange, lambda _: {"error": "invalid_client", "error_description": f"not {SECRET}"}
    )

    assert error.detail["error_description"] == ""


def test_a_code_that_is_the_secret() -> None:
    secret = "a.secret/that-looks_like:a.code"

    error = refusal(_own(ClientAuth("client", secret)), lambda _: {"error": secret})

    assert error.error == "invalid_response"
    assert secret not in f"{error} {error!r} {error.detail}"


def test_a_token_type_that_is_the_secret() -> None:
    say = {"access_token": "a", "token_type": SECRET}

    error = refusal(_own(ClientAuth("client", SECRET)), lambda _: say, 200)

    assert isinstance(error, UnsupportedTokenTypeError)
    assert error.detail == {"token_type": ""}


def test_what_is_no_secret_is_kept() -> None:
    said = "a-scope is not known to https://rp.test"

    error = refusal(
        _refresh(ClientAuth("client", SECRET)),
        lambda _: {"error": "invalid_scope", "error_description": said},
    )

    assert (error.error, error.detail["error_description"]) == ("invalid_scope", said)


def test_a_registered_code_is_no_secret_whatever_the_secret_is() -> None:
    assert clean_code("invalid_client", "invalid_response", secrets=["client"]) == "invalid_client"
    assert clean_code("bad_client", "invalid_response", secrets=["client"]) == "invalid_response"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote(quote(SECRET, safe=""), safe=""),
        quote_plus(SECRET),
        quote(quote_plus(SECRET), safe=""),
    ],
)
def test_a_secret_in_whatever_form(written: str) -> None:
    assert quotes(f"client_secret={written}&x", [SECRET])
    assert clean_text(f"client_secret={written}&x", secrets=[SECRET]) == ""


@pytest.mark.parametrize("secrets", [[], [""], ["other"]])
def test_a_text_without_a_secret(secrets: list[str]) -> None:
    assert clean_text("100% wrong\n", secrets=secrets) == "100% wrong "


def test_a_secret_beyond_what_is_kept_of_a_text() -> None:
    assert clean_text("x" * 300 + SECRET, secrets=[SECRET]) == ""
