"""Token requests and client authentication (rows T03, T24, T29)."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import parse_qsl
from urllib.parse import unquote_plus
from urllib.parse import urlsplit

import pytest

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.protocol.oauth2.client_auth import ClientAuth
from flask_oauthclient.protocol.oauth2.client_auth import choose_method
from flask_oauthclient.protocol.oauth2.grants import client_credentials_exchange
from flask_oauthclient.protocol.oauth2.grants import code_exchange
from flask_oauthclient.protocol.oauth2.grants import form_body
from flask_oauthclient.protocol.oauth2.grants import refresh_exchange
from flask_oauthclient.protocol.oauth2.grants import token_request
from tests.protocol._answers import answer
from tests.protocol._answers import drive

ENDPOINT = "https://op.test/token"
GOOD = answer({"access_token": "a", "token_type": "Bearer"})

#: Credentials that a careless encoder gets wrong.
AWKWARD = [
    "p:ä %+&",
    "plain",
    "with space",
    "a+b",
    "100%25",
    "a:b:c",
    "~-._",
    "é\u20ac\U0001f511",
    "a=b&c=d",
    '"quoted"',
    "/slash\\",
    "tab\tnewline\n",
    "",
]


def form(request: Request) -> dict[str, str]:
    """The form of a request; no name may come twice."""
    pairs = parse_qsl(request.body or "", keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def basic(request: Request) -> tuple[str, str]:
    """Decode a Basic credential as RFC 6749 2.3.1 has it, without forgiving anything."""
    scheme, credential = request.headers["Authorization"].split(" ")
    pair = base64.b64decode(credential, validate=True).decode("ascii")
    client_id, colon, secret = pair.partition(":")
    assert (scheme, colon) == ("Basic", ":")
    for part in (client_id, secret):
        assert re.fullmatch(r"(?:[A-Za-z0-9*._~+-]|%[0-9A-F]{2})*", part), part
    return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")


def methods_used(request: Request) -> list[str]:
    """The ways in which a request authenticates its client."""
    params = {**parse_qs(urlsplit(request.url).query), **parse_qs(request.body or "")}
    names = {name.lower() for name in request.headers}
    return [
        *(["header"] if "authorization" in names else []),
        *(name for name in ("client_secret", "client_assertion") if name in params),
    ]


@pytest.mark.parametrize("secret", AWKWARD)
@pytest.mark.parametrize("client_id", ["me", "p:ä %+&"])
def test_t24_basic_decodes_to_the_same(client_id: str, secret: str) -> None:
    auth = ClientAuth(client_id, secret, "client_secret_basic")

    request = token_request(auth, ENDPOINT, "authorization_code", code="c")

    assert basic(request) == (client_id, secret)
    assert form(request) == {"grant_type": "authorization_code", "code": "c"}


@pytest.mark.parametrize("secret", AWKWARD)
def test_t24_post_decodes_to_the_same(secret: str) -> None:
    auth = ClientAuth("p:ä %+&", secret, "client_secret_post")

    request = token_request(auth, ENDPOINT, "authorization_code", code="c")

    assert form(request)["client_id"] == "p:ä %+&"
    assert form(request)["client_secret"] == secret
    assert "Authorization" not in request.headers


def test_public_client_only_names_itself() -> None:
    request = token_request(ClientAuth("p:ä"), ENDPOINT, "authorization_code", code="c")

    assert form(request) == {"grant_type": "authorization_code", "code": "c", "client_id": "p:ä"}
    assert methods_used(request) == []


@pytest.mark.parametrize(
    ("method", "used"),
    [
        (None, ["header"]),
        ("client_secret_basic", ["header"]),
        ("client_secret_post", ["client_secret"]),
        ("none", []),
    ],
)
def test_t29_one_method_is_used(method: str | None, used: list[str]) -> None:
    auth = ClientAuth("me", "a secret", method)

    request = token_request(auth, ENDPOINT, "refresh_token", refresh_token="r")

    assert methods_used(request) == used


@pytest.mark.parametrize(
    ("method", "used"), [(None, ["header"]), ("client_secret_basic", ["header"]), ("none", [])]
)
@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_t29_one_method_is_used_with_get(method: str | None, used: list[str]) -> None:
    auth = ClientAuth("me", "a secret", method)

    request = token_request(auth, ENDPOINT, "refresh_token", method="GET", refresh_token="r")

    assert methods_used(request) == used


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
@pytest.mark.parametrize(
    ("verb", "param"),
    [("POST", "client_secret"), ("POST", "client_assertion"), ("GET", "client_assertion")],
)
@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_t29_call_may_bring_its_own_credential(method: str, param: str, verb: str) -> None:
    auth = ClientAuth("me", "a secret", method)

    request = token_request(auth, ENDPOINT, "refresh_token", method=verb, **{param: "x"})

    named = {"client_id": ["me"]} if param == "client_secret" else {}
    sent = parse_qs(request.body if verb == "POST" else urlsplit(request.url).query)
    assert sent == {"grant_type": ["refresh_token"], param: ["x"], **named}
    assert methods_used(request) == [param]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
@pytest.mark.parametrize(
    "more",
    [
        {"client_assertion": "x", "client_secret": "y"},
        {"client_secret": ["x", "y"]},
        {"client_secret": "x", "headers": {"authorization": "Basic eDp5"}},
    ],
    ids=["both", "twice", "header"],
)
def test_t29_call_cannot_bring_two_credentials(method: str, more: Any) -> None:
    auth = ClientAuth("me", "a secret", method)

    with pytest.raises(ConfigurationError) as caught:
        token_request(auth, ENDPOINT, "refresh_token", **more)

    assert caught.value.error == "invalid_configuration"


def test_t29_client_without_a_method_may_bring_its_own() -> None:
    auth = ClientAuth("me", None, "none")
    params = {"client_assertion": "jwt", "client_assertion_type": "urn:x", "client_id": "me"}

    request = token_request(auth, ENDPOINT, "refresh_token", **params)

    assert methods_used(request) == ["client_assertion"]
    assert form(request) == {"grant_type": "refresh_token", **params}


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("client_secret_post", "POST"),
        ("none", "POST"),
        ("none", "GET"),
        ("client_secret_basic", "POST"),
        ("client_secret_basic", "GET"),
    ],
)
@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_client_id_is_never_sent_twice(method: str, verb: str) -> None:
    auth = ClientAuth("me", "a secret", method)

    request = token_request(auth, ENDPOINT, "x", method=verb, client_id="given")

    sent = parse_qs(request.body if verb == "POST" else urlsplit(request.url).query)
    assert sent["client_id"] == ["given"]


@pytest.mark.parametrize("name", ["client_secret_jws", "private_key", "basic", "CLIENT_SECRET"])
def test_unknown_method_is_an_error_that_names_those_known(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ClientAuth("me", "a secret", name, {"mine": lambda *args: args[2:]})

    assert caught.value.error == "unsupported_client_auth"
    for known in ("client_secret_basic", "client_secret_post", "mine", "none"):
        assert known in caught.value.description


@pytest.mark.parametrize("registered", [True, False])
def test_callable_is_a_method(registered: bool) -> None:
    def sign(auth: Any, method: str, uri: str, headers: Any, body: str) -> Any:
        assert (auth.client_id, auth.client_secret, method) == ("me", "a secret", "POST")
        return uri + "?signed", {**headers, "X-Signed": "1"}, body + "&signed=1"

    auth = ClientAuth("me", "a secret", "mine" if registered else sign, {"mine": sign})

    request = token_request(auth, ENDPOINT, "x")

    assert request.url == ENDPOINT + "?signed"
    assert request.headers["X-Signed"] == "1"
    assert request.body == "grant_type=x&signed=1"


@pytest.mark.parametrize(
    ("secret", "supported", "method"),
    [
        (None, None, "none"),
        ("", ["client_secret_post"], "none"),
        ("s", None, "client_secret_basic"),
        ("s", [], "client_secret_basic"),
        ("s", ["client_secret_post"], "client_secret_post"),
        ("s", ["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        ("s", ["private_key_jwt"], "client_secret_basic"),
        ("s", ["none", "client_secret_post", "private_key_jwt"], "client_secret_post"),
    ],
)
def test_method_follows_from_secret_and_metadata(
    secret: str | None, supported: list[str] | None, method: str
) -> None:
    assert choose_method(secret, supported) == method


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://op.test/token",
        "http://localhost:80@attacker.test/token",
        "http://localhost.attacker.test/token",
        "http://127.0.0.1.attacker.test/token",
        "http://[::ffff:8.8.8.8]/token",
        "ftp://op.test/token",
        "javascript:alert(1)",
        "//op.test/token",
        "/token",
        "op.test/token",
        "https:/token",
        "https://",
        "",
    ],
)
def test_t03_code_and_secret_travel_over_tls_only(endpoint: str) -> None:
    with pytest.raises(InsecureTransportError) as caught:
        token_request(ClientAuth("me", "a secret"), endpoint, "x", code="c")

    assert caught.value.error == "insecure_transport"


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:5001/token", "http://localhost/token", "http://[::1]:1/token"]
)
def test_t03_loopback_is_exempt(endpoint: str) -> None:
    assert token_request(ClientAuth("me"), endpoint, "x").url == endpoint


def test_t03_switch_allows_plain_http() -> None:
    url = "http://op.test/token"

    assert token_request(ClientAuth("me"), url, "x", insecure_http=True).url == url


def test_request_is_a_form_post() -> None:
    request = token_request(ClientAuth("me"), ENDPOINT, "x", headers={"X-Mine": "1"})

    assert (request.purpose, request.method, request.url) == (Purpose.TOKEN, "POST", ENDPOINT)
    assert request.headers == {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
        "X-Mine": "1",
    }


def test_headers_of_the_call_win() -> None:
    request = token_request(ClientAuth("me"), ENDPOINT, "x", headers={"Accept": "text/plain"})

    assert request.headers["Accept"] == "text/plain"


@pytest.mark.parametrize(
    ("endpoint", "own"),
    [
        (ENDPOINT, {}),
        (ENDPOINT + "?", {}),
        (ENDPOINT + "?tenant=a", {"tenant": "a"}),
        (ENDPOINT + "?tenant=a#part", {"tenant": "a"}),
        (ENDPOINT + "#part?", {}),
    ],
)
def test_get_puts_the_form_into_the_query(endpoint: str, own: dict[str, str]) -> None:
    auth = ClientAuth("me", "a secret")

    with pytest.warns(UserWarning, match="into the URL") as warned:
        request = token_request(auth, endpoint, "x", method="GET", code="c d")

    parts = urlsplit(request.url)
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    assert query == {**own, "grant_type": "x", "code": "c d"}
    assert parts.fragment == endpoint.partition("#")[2]
    assert "c d" not in str(warned[0].message)
    assert request.body is None
    assert "Content-Type" not in request.headers


@pytest.mark.parametrize("own", [{}, {"client_secret": "another"}])
@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_the_secret_of_a_client_is_never_put_into_a_query(own: dict[str, str]) -> None:
    auth = ClientAuth("me", "a-secret", "none" if own else "client_secret_post")

    with pytest.raises(ConfigurationError) as caught:
        token_request(auth, ENDPOINT, "x", method="GET", **own)

    assert caught.value.error == "invalid_configuration"


@pytest.mark.filterwarnings("ignore:GET puts:UserWarning")
def test_repr_of_request_and_client_show_no_secret() -> None:
    auth = ClientAuth("me", "a-secret")
    posted = token_request(auth, ENDPOINT, "x", code="the-code")
    got = token_request(auth, ENDPOINT, "x", method="GET", code="the-code")

    assert repr(posted) == f"<Request token POST {ENDPOINT}>"
    assert repr(got) == f"<Request token GET {ENDPOINT}>"
    assert repr(auth) == "<ClientAuth 'me'>"


@pytest.mark.parametrize(
    ("params", "body"),
    [
        ({}, ""),
        ({"a": None, "b": "", "c": [], "d": ()}, ""),
        ({"a": 0, "b": False}, "a=0&b=False"),
        ({"resource": ["x", "y"]}, "resource=x&resource=y"),
        ({"scope": ["a", "b"]}, "scope=a+b"),
        ({"scope": "a b"}, "scope=a+b"),
        ({"x": "ä &="}, "x=%C3%A4+%26%3D"),
        ({"x": "\ud800"}, "x=%3F"),
        ({"a b": "c"}, "a+b=c"),
    ],
)
def test_form_body(params: dict[str, Any], body: str) -> None:
    assert form_body(params) == body


def test_code_exchange() -> None:
    token, sent = drive(
        code_exchange(
            ClientAuth("me", "a secret"),
            ENDPOINT,
            code="c",
            redirect_uri="https://rp.test/cb?x=1&y=ä",
            code_verifier="v",
            resource=["a", "b"],
        ),
        GOOD,
    )

    assert token["access_token"] == "a"
    assert sent[0].body == (
        "grant_type=authorization_code&code=c"
        "&redirect_uri=https%3A%2F%2Frp.test%2Fcb%3Fx%3D1%26y%3D%C3%A4"
        "&code_verifier=v&resource=a&resource=b"
    )
    assert len(sent) == 1


def test_code_exchange_may_name_another_grant() -> None:
    exchange = code_exchange(
        ClientAuth("me"), ENDPOINT, code="c", redirect_uri=None, code_verifier=None, grant_type="g"
    )
    _, (request,) = drive(exchange, GOOD)

    assert form(request) == {"grant_type": "g", "code": "c", "client_id": "me"}


def test_refresh_exchange_sends_no_scope_of_its_own() -> None:
    _, (request,) = drive(refresh_exchange(ClientAuth("me"), ENDPOINT, refresh_token="r"), GOOD)

    assert form(request) == {"grant_type": "refresh_token", "refresh_token": "r", "client_id": "me"}


def test_client_credentials_exchange() -> None:
    exchange = client_credentials_exchange(ClientAuth("me", "s"), ENDPOINT, scope=["a", "b"])
    _, (request,) = drive(exchange, GOOD)

    assert form(request) == {"grant_type": "client_credentials", "scope": "a b"}
    assert basic(request) == ("me", "s")


@pytest.mark.parametrize("failing", [answer({"error": "invalid_grant"}, 400), answer(b"", 503)])
def test_t22_exchange_is_never_repeated(failing: Any) -> None:
    exchange = code_exchange(
        ClientAuth("me"), ENDPOINT, code="c", redirect_uri=None, code_verifier=None
    )
    next(exchange)

    with pytest.raises(OAuthError):
        exchange.send(failing)
    with pytest.raises(StopIteration):
        next(exchange)


def test_insecure_endpoint_ends_an_exchange_before_any_request() -> None:
    exchange = refresh_exchange(ClientAuth("me"), "http://op.test/token", refresh_token="r")

    with pytest.raises(InsecureTransportError):
        next(exchange)
