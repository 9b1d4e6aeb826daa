"""The core of a session: settings, token, authorization, exchanges."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingRequestTokenError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import MissingVerifierError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.oauth1 import ClientAuth
from flask_oauthclient.protocol.oauth1 import OAuth1Client
from flask_oauthclient.protocol.oauth1 import OAuth1Token
from tests.helpers.leaks import Watch
from tests.protocol._answers import answer
from tests.protocol._answers import drive
from tests.protocol.oauth1._signers import fields
from tests.protocol.oauth1._signers import sign

URL = "https://op.test/token"
AUTHORIZE = "https://op.test/authorize"
CALLBACK = "https://app.test/cb"
CONFIRMED = answer("oauth_token=rt&oauth_token_secret=rs&oauth_callback_confirmed=true")
ACCESS = answer("oauth_token=at&oauth_token_secret=as&user_id=5", 201)


def client(**kwargs: Any) -> OAuth1Client:
    """A client."""
    return OAuth1Client("a-client", "a-client-secret", **kwargs)


def with_token(*values: str | None) -> dict[str, str | None]:
    """What ``token`` gives."""
    return dict(zip(("oauth_token", "oauth_token_secret", "oauth_verifier"), values, strict=True))


# -- settings ----------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["", None])
def test_client_id_is_needed(client_id: Any) -> None:
    with pytest.raises(InvalidSettingError) as caught:
        OAuth1Client(client_id)

    assert isinstance(caught.value, ValueError)
    assert caught.value.description == 'Missing "client_id"'


def test_settings_are_the_signer_s() -> None:
    settings = {
        "client_secret": "s",
        "token": "t",
        "token_secret": "ts",
        "redirect_uri": CALLBACK,
        "rsa_key": "k",
        "verifier": "v",
        "signature_method": "HMAC-SHA256",
        "signature_type": "QUERY",
        "force_include_body": True,
        "realm": "r",
    }
    auth = OAuth1Client("c", **settings).auth

    assert {name: getattr(auth, name) for name in settings} == settings
    assert auth.client_id == "c"


def test_redirect_uri_is_the_signer_s() -> None:
    made = client(redirect_uri=CALLBACK)
    made.redirect_uri = "oob"

    assert made.auth.redirect_uri == made.redirect_uri == "oob"
    assert sign(made.auth)["oauth_callback"] == "oob"


def test_registration_of_a_method_goes_to_the_signer_s_class() -> None:
    class Auth(ClientAuth):
        """A signer."""

    class Client(OAuth1Client):
        """A client that has it."""

        auth_class = Auth

    Client.register_signature_method("MINE", lambda client, request: "signed")

    assert sign(Client("c", signature_method="MINE").auth)["oauth_signature"] == "signed"
    with pytest.raises(InvalidSettingError):
        client(signature_method="MINE")


# -- the token ---------------------------------------------------------------------------


def test_token_is_always_a_dict_of_three() -> None:
    made = client(token="t", token_secret="s", verifier="v")

    assert made.token == with_token("t", "s", "v")
    assert client().token == with_token(None, None, None)
    assert "'t'" not in repr(made.token)


def test_setting_none_clears_all_three() -> None:
    made = client(token="t", token_secret="s", verifier="v")
    made.token = None

    assert made.token == with_token(None, None, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"oauth_token": "n"}, with_token("n", "s", "v")),
        ({"oauth_token": "n", "oauth_token_secret": ""}, with_token("n", "", "v")),
        ({"oauth_token": "n", "oauth_verifier": "w", "x": 1}, with_token("n", "s", "w")),
        (with_token("n", None, None), with_token("n", None, None)),
    ],
)
def test_setting_a_token_updates_what_it_has(given: Any, expected: dict[str, Any]) -> None:
    made = client(token="t", token_secret="s", verifier="v")
    made.token = given

    assert made.token == expected


@pytest.mark.parametrize("token", [{}, {"access_token": "hush"}])
def test_setting_something_else_is_refused(token: dict[str, str], watch: Watch) -> None:
    watch.secret("hush")
    made = client(token="t")
    with pytest.raises(MissingTokenError) as caught:
        made.token = token

    assert caught.value.error == "missing_token"
    assert made.token["oauth_token"] == "t"


# -- the authorization -------------------------------------------------------------------


def test_authorization_url() -> None:
    made = client(token="t w")

    assert made.create_authorization_url(AUTHORIZE) == f"{AUTHORIZE}?oauth_token=t%20w"
    assert made.create_authorization_url(f"{AUTHORIZE}?a=1", "r", perms=["x", "y"], no=None) == (
        f"{AUTHORIZE}?a=1&perms=x&perms=y&oauth_token=r"
    )


def test_authorization_url_with_a_redirect_uri() -> None:
    made = client(redirect_uri=CALLBACK)

    assert made.create_authorization_url(AUTHORIZE, "r") == (
        f"{AUTHORIZE}?oauth_token=r&oauth_callback=https%3A%2F%2Fapp.test%2Fcb"
    )


def test_authorization_url_needs_a_request_token() -> None:
    with pytest.raises(MissingRequestTokenError):
        client().create_authorization_url(AUTHORIZE)


def test_authorization_response_is_taken_over() -> None:
    made = client(token="rt", token_secret="rs")
    found = made.parse_authorization_response(f"{CALLBACK}?oauth_token=rt&oauth_verifier=v&x=1")

    assert found == {"oauth_token": "rt", "oauth_verifier": "v", "x": "1"}
    assert type(found) is OAuth1Token
    assert made.token == with_token("rt", "rs", "v")


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("oauth_token=rt&oauth_verifier=v&denied=rt", AuthorizationError),
        ("oauth_token=rt&oauth_verifier=v&oauth_problem=user_refused", AuthorizationError),
        ("oauth_token=rt&oauth_verifier=v&error=x", AuthorizationError),
        ("oauth_token=rt&oauth_verifier=v&oauth_verifier=w", CallbackError),
        ("oauth_verifier=v", MissingTokenError),
        ("", MissingTokenError),
    ],
)
def test_authorization_response_is_refused(query: str, kind: type[OAuthError]) -> None:
    made = client(token="rt", token_secret="rs")
    with pytest.raises(kind):
        made.parse_authorization_response(f"{CALLBACK}?{query}")

    assert made.token == with_token("rt", "rs", None)


def test_o02_authorization_of_another_request_token_is_refused() -> None:
    """Row O02: somebody else's authorization must not become this user's."""
    made = client(token="rt", token_secret="rs")
    with pytest.raises(MismatchingStateError):
        made.parse_authorization_response(f"{CALLBACK}?oauth_token=other&oauth_verifier=v")

    assert made.token == with_token("rt", "rs", None)


def test_unreadable_url_is_a_callback_error() -> None:
    with pytest.raises(CallbackError) as caught:
        client().parse_authorization_response("https://[x/?oauth_token=hush")

    assert caught.value.__context__ is None


# -- the exchanges -----------------------------------------------------------------------


def test_whole_dance() -> None:
    made = client(redirect_uri=CALLBACK)
    request_token, _ = drive(made.request_token_exchange(URL), CONFIRMED)
    assert request_token["oauth_token"] == "rt"
    assert made.token == with_token("rt", "rs", None)

    made.parse_authorization_response(f"{CALLBACK}?oauth_token=rt&oauth_verifier=v")
    token, sent = drive(made.access_token_exchange(URL), ACCESS)

    assert fields(dict(sent[0].headers))["oauth_verifier"] == "v"
    assert token == {"oauth_token": "at", "oauth_token_secret": "as", "user_id": "5"}
    assert made.token == with_token("at", "as", None)


def test_verifier_may_be_passed() -> None:
    made = client(token="rt", token_secret="rs")
    _, sent = drive(made.access_token_exchange(URL, "v"), ACCESS)

    assert fields(dict(sent[0].headers))["oauth_verifier"] == "v"
    assert made.auth.verifier is None


def test_verifier_is_mandatory() -> None:
    with pytest.raises(MissingVerifierError):
        drive(client(token="rt").access_token_exchange(URL))


@pytest.mark.parametrize("realm", ["a b", ["a", "b"], ("a", "b")])
def test_realm_is_for_one_request(realm: Any) -> None:
    made = client(realm="usual", verifier="v")
    _, first = drive(made.request_token_exchange(URL, realm), CONFIRMED)
    _, second = drive(made.access_token_exchange(URL, "v", realm=realm), ACCESS)
    _, third = drive(made.request_token_exchange(URL), CONFIRMED)

    assert [fields(dict(sent[0].headers))["realm"] for sent in (first, second, third)] == [
        "a b",
        "a b",
        "usual",
    ]
    assert made.auth.realm == "usual"


def test_failed_request_changes_nothing() -> None:
    made = client(token="rt", token_secret="rs", verifier="v")
    with pytest.raises(OAuthError):
        drive(made.access_token_exchange(URL), answer("no", 401))

    assert made.token == with_token("rt", "rs", "v")


def test_token_without_a_secret_leaves_no_old_secret() -> None:
    made = client(token="rt", token_secret="rs", verifier="v")
    drive(made.access_token_exchange(URL), answer("oauth_token=at"))

    assert made.token == with_token("at", "", None)


@pytest.mark.parametrize("kwargs", [{"require_callback_confirmed": True}, {}])
def test_confirmation_may_be_required_for_all_requests_or_one(kwargs: dict[str, bool]) -> None:
    made = client(redirect_uri=CALLBACK, **({} if kwargs else {"require_callback_confirmed": True}))
    with pytest.raises(ProviderResponseError, match="callback_not_confirmed"):
        drive(made.request_token_exchange(URL, **kwargs), answer("oauth_token=rt"))

    assert made.token == with_token(None, None, None)


def test_a_callback_cannot_choose_the_secret() -> None:
    client = OAuth1Client("c", "s", token="t", token_secret="the-secret-of-t")
    client.parse_authorization_response(
        "https://app.test/cb?oauth_token=t&oauth_verifier=v&oauth_token_secret=another"
    )
    assert client.token == {
        "oauth_token": "t",
        "oauth_token_secret": "the-secret-of-t",
        "oauth_verifier": "v",
    }


@pytest.mark.parametrize("query", ["oauth_token=", "oauth_verifier=v", ""])
def test_a_callback_names_a_token(query: str) -> None:
    with pytest.raises(MissingTokenError):
        OAuth1Client("c", "s").parse_authorization_response(f"https://app.test/cb?{query}")
