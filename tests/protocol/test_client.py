"""The part of a session that needs no HTTP library (CONTRACT: client core)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import pytest

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingCodeError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import UnsupportedTokenTypeError
from flask_oauthclient.protocol.oauth2.client import HOOK_TYPES
from flask_oauthclient.protocol.oauth2.client import OAuth2Client
from flask_oauthclient.protocol.oauth2.pkce import create_s256_code_challenge
from tests.protocol._answers import answer
from tests.protocol._answers import drive

AUTHORIZE = "https://op.test/authorize"
CALLBACK = "https://rp.test/cb"
VERIFIER = "v" * 43
CHALLENGE = ("code_challenge", create_s256_code_challenge(VERIFIER))
S256 = ("code_challenge_method", "S256")


def query(url: str) -> list[tuple[str, str]]:
    """The query of a URL."""
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def test_parameters_in_order() -> None:
    client = OAuth2Client("me", scope=["a", "b"], redirect_uri=CALLBACK)

    url, state = client.create_authorization_url(AUTHORIZE, state="s", x="1")

    assert state == "s"
    assert query(url) == [
        ("response_type", "code"),
        ("client_id", "me"),
        ("redirect_uri", CALLBACK),
        ("scope", "a b"),
        ("state", "s"),
        ("x", "1"),
    ]


def test_state_is_made_up_and_not_remembered() -> None:
    client = OAuth2Client("me")

    first, second = (client.create_authorization_url(AUTHORIZE)[1] for _ in range(2))

    assert len(first) == 30
    assert first != second
    assert client.state is None


@pytest.mark.parametrize(
    ("settings", "call", "expected"),
    [
        ({}, {}, []),
        ({"code_challenge_method": "S256"}, {}, []),
        ({"code_challenge_method": "S256"}, {"code_verifier": VERIFIER}, [CHALLENGE, S256]),
        ({}, {"code_verifier": VERIFIER}, []),
        (
            {"code_challenge_method": "S256"},
            {"code_verifier": VERIFIER, "response_type": "code id_token"},
            [CHALLENGE, S256],
        ),
        (
            {"code_challenge_method": "S256"},
            {"code_verifier": VERIFIER, "response_type": "token"},
            [],
        ),
    ],
)
def test_challenge(
    settings: dict[str, Any], call: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    url, _ = OAuth2Client("me", **settings).create_authorization_url(AUTHORIZE, **call)

    assert [pair for pair in query(url) if pair[0].startswith("code_")] == expected


@pytest.mark.parametrize("method", ["plain", "s256", "none"])
def test_unknown_challenge_method_is_an_error(method: str) -> None:
    with pytest.raises(ConfigurationError):
        OAuth2Client("me", code_challenge_method=method)


@pytest.mark.parametrize("name", OAuth2Client.EXTRA_AUTHORIZE_PARAMS)
def test_parameters_of_the_session_and_of_the_call(name: str) -> None:
    client = OAuth2Client("me", **{name: "of-the-session"})

    assert (name, "of-the-session") in query(client.create_authorization_url(AUTHORIZE)[0])
    of_call = client.create_authorization_url(AUTHORIZE, **{name: "of-the-call"})[0]
    assert [pair for pair in query(of_call) if pair[0] == name] == [(name, "of-the-call")]


def test_call_wins_over_the_session() -> None:
    client = OAuth2Client("me", scope="a", redirect_uri=CALLBACK, response_type="token")

    url, _ = client.create_authorization_url(
        AUTHORIZE, scope="b", redirect_uri=None, response_type="code", resource=["x", "y"], z=0
    )

    assert dict(query(url)).items() >= {"scope": "b", "response_type": "code", "z": "0"}.items()
    assert "redirect_uri" not in dict(query(url))
    assert [value for name, value in query(url) if name == "resource"] == ["x", "y"]


ANSWERS: dict[str, tuple[str, str | None, type[OAuthError], str]] = {
    "other-state": ("?code=a&state=b", "s", MismatchingStateError, "mismatching_state"),
    "no-state": ("?code=a", "s", MismatchingStateError, "mismatching_state"),
    "other-state-and-error": ("?error=a&state=b", "s", MismatchingStateError, "mismatching_state"),
    "error": ("?error=access_denied&state=s", "s", AuthorizationError, "access_denied"),
    "error-beside-a-code": ("?code=a&error=x", None, AuthorizationError, "x"),
    "nothing": ("", None, MissingCodeError, "missing_code"),
    "empty-code": ("?code=&state=s", "s", MissingCodeError, "missing_code"),
    "code-in-the-fragment": ("#code=a", None, MissingCodeError, "missing_code"),
    "C06-code-twice": ("?code=a&code=b", None, CallbackError, "invalid_callback"),
    "C06-state-twice": ("?code=a&state=s&state=t", "s", CallbackError, "invalid_callback"),
}


@pytest.mark.parametrize(("rest", "state", "kind", "code"), ANSWERS.values(), ids=ANSWERS)
def test_authorization_response_is_refused(
    rest: str, state: str | None, kind: type[OAuthError], code: str
) -> None:
    with pytest.raises(OAuthError) as caught:
        OAuth2Client("me").read_authorization_response(CALLBACK + rest, state)

    assert type(caught.value) is kind
    assert caught.value.error == code


@pytest.mark.parametrize("url", ["http://[", "https://[::1", "//[x?code=a", "https://[u:pw@h/#a=b"])
def test_url_that_cannot_be_read_is_a_typed_error(url: str) -> None:
    for read in (OAuth2Client.read_authorization_response, OAuth2Client.read_fragment):
        with pytest.raises(CallbackError) as caught:
            read(OAuth2Client("me"), url, None)
        assert caught.value.error == "invalid_callback"
        assert caught.value.__context__ is None


@pytest.mark.parametrize("state", ["s", None])
def test_code_is_read(state: str | None) -> None:
    client = OAuth2Client("me")

    assert client.read_authorization_response(f"{CALLBACK}?state=s&code=a%20b", state) == "a b"


FRAGMENTS: dict[str, tuple[str, type[OAuthError]]] = {
    "error": ("error=access_denied&state=s", AuthorizationError),
    "other-state": ("access_token=a&token_type=bearer&state=t", MismatchingStateError),
    "no-token": ("token_type=bearer&state=s", ProviderResponseError),
    "no-type": ("access_token=a&state=s", ProviderResponseError),
    "other-type": ("access_token=a&token_type=mac&state=s", UnsupportedTokenTypeError),
    "state-twice": ("access_token=a&token_type=bearer&state=s&state=s", CallbackError),
    "token-twice": ("access_token=a&access_token=b&token_type=bearer&state=s", CallbackError),
    "unprintable": ("access_token=a%0Ab&token_type=bearer&state=s", ProviderResponseError),
}


@pytest.mark.parametrize(("fragment", "kind"), FRAGMENTS.values(), ids=FRAGMENTS)
def test_fragment_is_refused(fragment: str, kind: type[OAuthError]) -> None:
    with pytest.raises(OAuthError) as caught:
        OAuth2Client("me").read_fragment(f"{CALLBACK}#{fragment}", "s")

    assert isinstance(caught.value, kind)


def test_fragment_is_read() -> None:
    url = f"{CALLBACK}#access_token=a&token_type=Bearer&expires_in=60&state=s"

    token = OAuth2Client("me").read_fragment(url, "s")

    assert token["access_token"] == "a"
    assert token.is_expired(leeway=0) is False


@pytest.mark.parametrize(
    ("settings", "params", "grant"),
    [
        ({}, {"code": "c"}, "authorization_code"),
        ({}, {"username": "u", "password": "p"}, "password"),
        ({}, {"username": "u"}, "client_credentials"),
        ({}, {}, "client_credentials"),
        ({"grant_type": "g"}, {"code": "c"}, "g"),
        ({"grant_type": "g"}, {"username": "u", "password": "p"}, "g"),
        ({"grant_type": "client_credentials"}, {"username": "u", "password": "p"}, "password"),
        ({"grant_type": "refresh_token"}, {"username": "u", "password": "p"}, "password"),
        ({"grant_type": "authorization_code"}, {"username": "u", "password": "p"}, "password"),
        ({"grant_type": "client_credentials"}, {"code": "c"}, "authorization_code"),
        ({"grant_type": "password"}, {"code": "c"}, "authorization_code"),
        ({"grant_type": "password"}, {"username": "u"}, "password"),
        ({"grant_type": "authorization_code"}, {}, "authorization_code"),
    ],
)
def test_grant_type_is_guessed(settings: Any, params: Any, grant: str) -> None:
    assert OAuth2Client("me", **settings).guess_grant_type(params) == grant


@pytest.mark.parametrize(
    ("secret", "given", "method"),
    [
        (None, None, "none"),
        ("s", None, "client_secret_basic"),
        ("s", "client_secret_post", "client_secret_post"),
        ("s", "none", "none"),
    ],
)
def test_authentication_methods(secret: str | None, given: str | None, method: str) -> None:
    client = OAuth2Client("me", secret, given, given)

    assert client.token_endpoint_auth_method == client.revocation_endpoint_auth_method == method


class Signer:
    """An authentication method as an object."""

    name = "mine"

    def __call__(self, auth: Any, method: str, uri: str, headers: Any, body: str) -> Any:
        return uri, {**headers, "X-Signed": auth.client_id}, body


@pytest.mark.parametrize("method", [Signer(), ("mine", Signer())])
@pytest.mark.parametrize("by_name", [True, False])
def test_method_can_be_registered(method: Any, by_name: bool) -> None:
    client = OAuth2Client("me", "s", token_endpoint_auth_method="mine" if by_name else None)
    client.register_client_auth_method(method)

    exchange = client.token_exchange(
        "https://op.test/token", "x", auth=client.client_auth(None if by_name else "mine")
    )
    _, (request,) = drive(exchange, answer({"access_token": "a"}))

    assert request.headers["X-Signed"] == "me"
    assert "Authorization" not in request.headers


def test_unknown_method_fails_when_it_is_used() -> None:
    client = OAuth2Client("me", "s", token_endpoint_auth_method="private_key")

    with pytest.raises(ConfigurationError) as caught:
        client.client_auth()
    assert caught.value.error == "unsupported_client_auth"


@pytest.mark.parametrize("hook_type", HOOK_TYPES)
def test_hook_is_registered_once(hook_type: str) -> None:
    client = OAuth2Client("me")

    for _ in range(2):
        client.register_compliance_hook(hook_type, print)

    assert client.compliance_hooks[hook_type] == [print]


@pytest.mark.parametrize("hook_type", ["access_token", "protected_request", "", "x"])
def test_unknown_hook_is_a_value_error(hook_type: str) -> None:
    with pytest.raises(ValueError, match="compliance hook"):
        OAuth2Client("me").register_compliance_hook(hook_type, print)


def test_token_exchange() -> None:
    client = OAuth2Client("me", "s")
    exchange = client.token_exchange(
        "https://op.test/token", "authorization_code", headers={"X": "1"}, code="c"
    )

    token, (request,) = drive(exchange, answer({"access_token": "a"}))

    assert token == {"access_token": "a"}
    assert request.body == "grant_type=authorization_code&code=c"
    assert request.headers["X"] == "1"


def test_token_exchange_needs_tls() -> None:
    with pytest.raises(InsecureTransportError):
        next(OAuth2Client("me").token_exchange("http://op.test/token", "x"))
    plain = OAuth2Client("me").token_exchange("http://op.test/token", "x", insecure_http=True)
    assert next(plain).url == "http://op.test/token"
