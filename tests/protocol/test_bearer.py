"""Presenting a bearer token (CONTRACT: token object and token placement)."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidTokenError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import UnsupportedTokenTypeError
from flask_oauthclient.protocol.oauth2.bearer import TokenAuth
from flask_oauthclient.protocol.oauth2.bearer import add_bearer_token
from flask_oauthclient.protocol.oauth2.token import OAuth2Token

URL = "https://api.test/x?y=1"


@pytest.mark.parametrize("placement", ["header", "headers"])
def test_in_the_header(placement: str) -> None:
    auth = TokenAuth({"access_token": "t"}, placement)

    assert auth.prepare(URL, {"A": "1"}, b"body") == (
        URL,
        {"A": "1", "Authorization": "Bearer t"},
        b"body",
    )


@pytest.mark.parametrize("placement", ["uri", "url", "query"])
def test_in_the_query(placement: str) -> None:
    with pytest.warns(UserWarning, match="RFC 6750"):
        auth = TokenAuth({"access_token": "a b"}, placement)

    assert auth.prepare(URL, {"A": "1"}, None) == (f"{URL}&access_token=a%20b", {"A": "1"}, None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a=b", "a=b&access_token=t"),
        (b"a=b", "a=b&access_token=t"),
        ("", "access_token=t"),
        (None, "access_token=t"),
    ],
)
def test_in_the_body(body: Any, expected: str) -> None:
    with pytest.warns(UserWarning, match="RFC 6750"):
        auth = TokenAuth({"access_token": "t"}, "body")

    assert auth.prepare(URL, {}, body) == (URL, {}, expected)


def test_headers_of_the_request_are_not_changed() -> None:
    headers: dict[str, str] = {}
    TokenAuth({"access_token": "t"}).prepare(URL, headers, None)

    assert headers == {}


@pytest.mark.parametrize("placement", ["cookie", "", "Header"])
def test_unknown_placement(placement: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        add_bearer_token("t", URL, {}, None, placement)

    assert caught.value.error == "invalid_configuration"


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER", None, "", "absent"])
def test_bearer_by_whatever_case(token_type: str | None) -> None:
    token = {"access_token": "t", "token_type": token_type}
    if token_type == "absent":
        del token["token_type"]

    _, headers, _ = TokenAuth(token).prepare(URL, {}, None)

    assert headers == {"Authorization": "Bearer t"}


@pytest.mark.parametrize("token_type", ["mac", "DPoP", 5, ["bearer"], "bearer\n"])
def test_other_types_cannot_be_presented(token_type: Any) -> None:
    with pytest.raises(UnsupportedTokenTypeError) as caught:
        TokenAuth({"access_token": "the-token", "token_type": token_type}).prepare(URL, {}, None)

    assert "the-token" not in repr(vars(caught.value))


@pytest.mark.parametrize("token", [None, {}, {"access_token": ""}, {"access_token": None}])
def test_no_token(token: Any) -> None:
    with pytest.raises(MissingTokenError):
        TokenAuth(token).prepare(URL, {}, None)


@pytest.mark.parametrize(
    "url", ["http://api.test/", "http://localhost:80@api.test/", "ftp://api.test", "", "/x"]
)
def test_token_travels_over_tls_only(url: str) -> None:
    auth = TokenAuth({"access_token": "t"})

    with pytest.raises(InsecureTransportError):
        auth.prepare(url, {}, None)


def test_any_http_url_on_demand_but_no_other() -> None:
    auth = TokenAuth({"access_token": "t"})
    url = "http://api.test/?a=b#c"

    assert auth.prepare(url, {}, None, insecure_http=True)[0] == url
    for other in ("http://localhost:80@api.test/", "ftp://api.test", "", "/x", "http://api.test/ "):
        with pytest.raises(InsecureTransportError):
            auth.prepare(other, {}, None, insecure_http=True)


def test_loopback_is_exempt() -> None:
    url = "http://127.0.0.1:5001/"

    assert TokenAuth({"access_token": "t"}).prepare(url, {}, None)[0] == url


def test_sign_methods_can_be_extended(monkeypatch: pytest.MonkeyPatch) -> None:
    def sign(token: str, uri: str, headers: Any, body: Any, placement: str) -> Any:
        return uri, {**headers, "X-Token": f"{placement} {token}"}, body

    monkeypatch.setitem(TokenAuth.SIGN_METHODS, "mac", sign)

    _, headers, _ = TokenAuth({"access_token": "t", "token_type": "MAC"}).prepare(URL, {}, None)

    assert headers == {"X-Token": "header t"}


def test_hooks_see_the_signed_request() -> None:
    auth = TokenAuth({"access_token": "t"})
    auth.hooks.add(
        lambda url, headers, body: (url + "&hooked", {**headers, "Seen": str(len(headers))}, body)
    )

    assert auth.prepare(URL, {}, None)[0:2] == (
        f"{URL}&hooked",
        {"Authorization": "Bearer t", "Seen": "1"},
    )


def test_token_can_be_replaced() -> None:
    auth = TokenAuth(None)
    auth.set_token({"access_token": "t"})

    assert type(auth.token) is OAuth2Token
    assert auth.prepare(URL, {}, None)[1] == {"Authorization": "Bearer t"}


def test_repr_shows_no_token() -> None:
    assert repr(TokenAuth({"access_token": "the-token"})) == "<TokenAuth header>"


@pytest.mark.parametrize("placement", ["header", "body", "uri"])
@pytest.mark.parametrize(
    "token", ["the-token\n", "the-tok\r\nX: y", "the-tok\u2603en", "the-tok\0en", 12345, b"bytes"]
)
@pytest.mark.filterwarnings("ignore:token_placement:UserWarning")
def test_a_token_that_is_not_printable_ascii(token: Any, placement: str) -> None:
    auth = TokenAuth({"access_token": token}, placement)

    with pytest.raises(InvalidTokenError) as caught:
        auth.prepare(URL, {}, None)

    assert caught.value.error == "token_invalid"
    assert "the-tok" not in repr(caught.value)
    assert caught.value.__context__ is None
