"""Programs as users of the established client have them, with another import and nothing else.

Names, order and defaults of arguments are facts of the contract; the programs are our own.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
import requests
from requests.auth import AuthBase

from flask_oauthclient.protocol import add_params_to_uri
from flask_oauthclient.protocol import generate_token
from flask_oauthclient.protocol.oauth2 import ClientSecretJWT
from flask_oauthclient.protocol.oauth2 import OAuth2Error
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from flask_oauthclient.requests_client import AssertionSession
from flask_oauthclient.requests_client import OAuth1Auth
from flask_oauthclient.requests_client import OAuth1Session
from flask_oauthclient.requests_client import OAuth2Auth
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.requests_client import OAuthError
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of
from tests.servers.oauthlib_server import OAuth1Server
from tests.servers.oidc_provider import JWT_BEARER
from tests.servers.oidc_provider import OidcProvider

from ._answers import API_URL
from ._answers import CLIENT_ID
from ._answers import CLIENT_SECRET
from ._answers import TOKEN_URL
from ._answers import form_of

CALLBACK = "http://localhost/callback"

REQUIRED = inspect.Parameter.empty
_OAUTH1 = [
    ("client_id", REQUIRED),
    ("client_secret", None),
    ("token", None),
    ("token_secret", None),
    ("redirect_uri", None),
    ("rsa_key", None),
    ("verifier", None),
    ("signature_method", "HMAC-SHA1"),
    ("signature_type", "HEADER"),
]
_ABOUT_A_TOKEN = [
    ("token", None),
    ("token_type_hint", None),
    ("body", None),
    ("auth", None),
    ("headers", None),
]
ARGUMENTS: dict[str, tuple[Callable[..., Any], list[tuple[str, Any]]]] = {
    "OAuth1Session": (OAuth1Session, [*_OAUTH1, ("force_include_body", False), ("realm", None)]),
    "OAuth1Auth": (OAuth1Auth, [*_OAUTH1, ("realm", None), ("force_include_body", False)]),
    "OAuth2Session": (
        OAuth2Session,
        [
            ("client_id", None),
            ("client_secret", None),
            ("token_endpoint_auth_method", None),
            ("revocation_endpoint_auth_method", None),
            ("scope", None),
            ("state", None),
            ("redirect_uri", None),
            ("token", None),
            ("token_placement", "header"),
            ("update_token", None),
            ("leeway", 60),
            ("default_timeout", None),
        ],
    ),
    "OAuth2Auth": (OAuth2Auth, [("token", REQUIRED), ("token_placement", "header")]),
    "AssertionSession": (
        AssertionSession,
        [
            ("token_endpoint", REQUIRED),
            ("issuer", None),
            ("subject", None),
            ("audience", None),
            ("grant_type", None),
            ("claims", None),
            ("token_placement", "header"),
            ("scope", None),
            ("client_id", None),
            ("default_timeout", None),
            ("leeway", 60),
        ],
    ),
    **{
        cls.__name__: (
            cls,
            [("token_endpoint", None), ("claims", None), ("headers", None), ("alg", None)],
        )
        for cls in (ClientSecretJWT, PrivateKeyJWT)
    },
    "create_authorization_url": (
        OAuth2Session.create_authorization_url,
        [("url", REQUIRED), ("state", None), ("code_verifier", None)],
    ),
    "token_from_fragment": (
        OAuth2Session.token_from_fragment,
        [("authorization_response", REQUIRED), ("state", None)],
    ),
    "refresh_token": (
        OAuth2Session.refresh_token,
        [("url", None), ("refresh_token", None), ("body", ""), ("auth", None), ("headers", None)],
    ),
    "ensure_active_token": (OAuth2Session.ensure_active_token, [("token", None)]),
    "revoke_token": (OAuth2Session.revoke_token, [("url", None), *_ABOUT_A_TOKEN]),
    "introspect_token": (OAuth2Session.introspect_token, [("url", None), *_ABOUT_A_TOKEN]),
    "request": (
        OAuth2Session.request,
        [("method", REQUIRED), ("url", REQUIRED), ("withhold_token", False), ("auth", None)],
    ),
    "request of an AssertionSession": (
        AssertionSession.request,
        [("method", REQUIRED), ("url", REQUIRED), ("withhold_token", False), ("auth", None)],
    ),
    "fetch_access_token of OAuth 1": (
        OAuth1Session.fetch_access_token,
        [("url", REQUIRED), ("verifier", None)],
    ),
    "create_authorization_url of OAuth 1": (
        OAuth1Session.create_authorization_url,
        [("url", REQUIRED), ("request_token", None)],
    ),
}


@pytest.mark.parametrize("what", ARGUMENTS)
def test_arguments_by_position_and_name(what: str) -> None:
    function, documented = ARGUMENTS[what]
    parameters = [
        (name, parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and name != "self"
    ]
    assert parameters[: len(documented)] == documented


# -- doubles ------------------------------------------------------------------------------


def token(name: str = "the-new-token", **more: Any) -> dict[str, Any]:
    return {"access_token": name, "token_type": "Bearer", **more}


@pytest.fixture(autouse=True)
def _secrets_of_the_doubles(watch: Watch) -> None:
    watch.secret(CLIENT_SECRET, "the-old-token", "the-new-token", "the-refresh-token")


class Double:
    """A response of a test suite, with the three things that are documented."""

    def __init__(self, document: Any, status: int = 200) -> None:
        self.status_code = status
        self.text = json.dumps(document)

    def json(self) -> Any:
        return json.loads(self.text)


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``requests.sessions.Session.send``, patched; ``send.side_effect`` is what it answers."""
    with mock.patch("requests.sessions.Session.send", autospec=True) as send:
        send.side_effect = [Double(token(expires_in=3600)), Double({"login": "alice"})]
        yield send


def sent(send: Any) -> list[requests.PreparedRequest]:
    return [call.args[1] for call in send.call_args_list]


def test_auth_object_of_the_users_own(send: Any) -> None:
    class KeyAuth(AuthBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["X-Key"] = "the-key-of-this-test"
            return request

    session: Any = OAuth2Session(CLIENT_ID, CLIENT_SECRET)
    session.fetch_token(TOKEN_URL, code="c" * 20, auth=KeyAuth())
    (request,) = sent(send)
    assert request.headers["X-Key"] == "the-key-of-this-test"
    assert "Authorization" not in request.headers
    assert "client_secret" not in form_of(request)


def test_secret_may_be_known_at_the_token_request_only(send: Any) -> None:
    session: Any = OAuth2Session(CLIENT_ID, state="the-state")
    callback = "https://rp.test/callback?code=the-code&state=the-state"
    session.fetch_token(TOKEN_URL, authorization_response=callback, client_secret=CLIENT_SECRET)
    (request,) = sent(send)
    form = form_of(request)
    assert form["client_id"] == CLIENT_ID
    assert form["client_secret"] == CLIENT_SECRET
    assert form["code"] == "the-code"
    assert "Authorization" not in request.headers


def test_method_in_the_uri(send: Any) -> None:
    def in_uri(client: Any, method: str, uri: str, headers: Any, body: str) -> Any:
        known = [("client_id", client.client_id), ("key", "1")]
        return f"{add_params_to_uri(uri, known)}&{body}", headers, ""

    session: Any = OAuth2Session(CLIENT_ID, CLIENT_SECRET, "in_uri")
    session.register_client_auth_method(("in_uri", in_uri))
    session.fetch_token(TOKEN_URL, grant_type="client_credentials")
    (request,) = sent(send)
    query = query_of(str(request.url))
    assert query["client_id"] == [CLIENT_ID]
    assert query["grant_type"] == ["client_credentials"]
    assert not request.body


def test_method_that_is_derived_from_a_built_in_one(send: Any) -> None:
    class Remote(PrivateKeyJWT):
        name = "remote_key"

        def sign(self, auth: Any, token_endpoint: str) -> str:
            return f"signed-elsewhere.{auth.client_id}.{len(token_endpoint)}"

    session: Any = OAuth2Session(CLIENT_ID, token_endpoint_auth_method="remote_key")
    session.register_client_auth_method(Remote(TOKEN_URL))
    session.fetch_token(TOKEN_URL)
    signed = form_of(sent(send)[0])["client_assertion"]
    assert signed == f"signed-elsewhere.{CLIENT_ID}.{len(TOKEN_URL)}"


def test_hook_reads_the_token_of_its_session(send: Any) -> None:
    session: Any = OAuth2Session(CLIENT_ID, token=token("the-old-token"))

    def under_another_name(url: str, headers: Any, data: Any) -> Any:
        del headers["Authorization"]
        headers["X-Token"] = session.token["access_token"]
        return add_params_to_uri(url, [("v", "20200101")]), headers, data

    session.register_compliance_hook("protected_request", under_another_name)
    session.get(API_URL)
    (request,) = sent(send)
    assert request.url == f"{API_URL}?v=20200101"
    assert request.headers["X-Token"] == "the-old-token"
    assert "Authorization" not in request.headers


def test_hook_replaces_the_content_of_a_response(send: Any) -> None:
    answer = requests.Response()
    answer.status_code = 200
    answer._content = b"access_token=the-new-token&expires=100"
    send.side_effect = [answer]

    def read_form(response: requests.Response) -> requests.Response:
        pairs = dict(pair.split("=") for pair in response.text.split("&"))
        fixed = token(pairs["access_token"], expires_in=int(pairs["expires"]))
        response._content = json.dumps(fixed).encode()
        return response

    session: Any = OAuth2Session(CLIENT_ID, CLIENT_SECRET)
    session.register_compliance_hook("access_token_response", read_form)
    assert session.fetch_token(TOKEN_URL, code="c" * 20)["expires_in"] == 100


def test_stored_token_is_renewed_and_stored_again(send: Any) -> None:
    stored = token("the-old-token", refresh_token="the-refresh-token", expires_at=100)
    database = {"the-refresh-token": json.dumps(stored)}

    def update_token(
        token: Any, refresh_token: str | None = None, access_token: str | None = None
    ) -> None:
        assert refresh_token is not None
        assert access_token is None
        row = json.loads(database.pop(refresh_token))
        row |= {name: token[name] for name in ("access_token", "expires_at")}
        database[token.get("refresh_token")] = json.dumps(row)

    session: Any = OAuth2Session(
        CLIENT_ID, CLIENT_SECRET, token_endpoint=TOKEN_URL, update_token=update_token
    )
    session.token = json.loads(database["the-refresh-token"])
    assert session.get(API_URL).json() == {"login": "alice"}
    (text,) = database.values()
    row = json.loads(text)
    assert row["access_token"] == "the-new-token"
    assert row["expires_at"] == pytest.approx(time.time() + 3600, abs=30)
    assert sent(send)[1].headers["Authorization"] == "Bearer the-new-token"


def test_token_that_was_set_on_another_session(send: Any) -> None:
    first: Any = OAuth2Session(CLIENT_ID, CLIENT_SECRET)
    text = json.dumps(first.fetch_token(TOKEN_URL, code="c" * 20))
    second: Any = OAuth2Session(CLIENT_ID, CLIENT_SECRET, token=json.loads(text))
    assert second.token == first.token
    assert not second.token.is_expired()
    with second as session:
        assert session.get(API_URL).status_code == 200


def test_double_without_any_attribute_set() -> None:
    session: Any = OAuth2Session(CLIENT_ID, token=token())
    response = mock.MagicMock()
    session.send = lambda request, **kwargs: response
    assert session.get(API_URL) is response
    assert session.post(API_URL, json={"a": 1}) is response


@pytest.mark.filterwarnings("ignore:The password grant")
def test_double_in_place_of_the_send_of_one_session() -> None:
    answer = mock.MagicMock(status_code=200)
    answer.json = lambda: token("the-old-token")
    session: Any = OAuth2Session(CLIENT_ID, CLIENT_SECRET, scope="read")
    session.send = mock.Mock(return_value=answer)
    assert session.fetch_token(TOKEN_URL, username="u", password="p" * 20) == session.token
    (request,) = session.send.call_args.args
    assert form_of(request)["scope"] == "read"


def test_refusal_is_one_error_for_everybody(send: Any) -> None:
    send.side_effect = lambda *args, **kwargs: Double({"error": "invalid_grant"}, 400)
    session: Any = OAuth2Session(CLIENT_ID, CLIENT_SECRET)
    worker: Any = AssertionSession(TOKEN_URL, "me", "you", alg="HS256", key="k" * 32)
    for call in (lambda: session.fetch_token(TOKEN_URL, code="c" * 20), worker.refresh_token):
        with pytest.raises(OAuthError) as caught:
            call()
        assert caught.value.error == "invalid_grant"
        assert isinstance(caught.value, OAuth2Error)


def test_waiting_for_a_device(send: Any) -> None:
    grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    pending = Double({"error": "authorization_pending"}, 400)
    send.side_effect = [pending, pending, Double(token())]
    session: Any = OAuth2Session(CLIENT_ID)
    errors = []
    while not session.token:
        try:
            session.fetch_token(TOKEN_URL, grant_type=grant_type, device_code="d" * 20)
        except OAuthError as error:
            errors.append(error.error)
    assert errors == ["authorization_pending"] * 2
    assert {form_of(request)["grant_type"] for request in sent(send)} == {grant_type}


# -- a login in two parts -----------------------------------------------------------------


def test_login_with_a_session_before_and_one_after_the_browser(provider_keys: KeyRing) -> None:
    provider = DevelopmentProvider(keys=provider_keys)
    provider.auto_sign_in = "alice"
    with provider.serve():
        issuer = provider.issuer
        client = {"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET}
        before: Any = OAuth2Session(**client, redirect_uri=CALLBACK, scope="openid profile api")
        uri, state = before.create_authorization_url(f"{issuer}/authorize", nonce=generate_token())
        with ScriptedBrowser({issuer: provider.wsgi}) as browser:
            callback = browser.walk(uri, stop_before=CALLBACK).history[-1].url

        after: Any = OAuth2Session(**client, redirect_uri=CALLBACK, state=state)
        kept = json.loads(
            json.dumps(after.fetch_token(f"{issuer}/token", authorization_response=callback))
        )
        assert kept["token_type"].lower() == "bearer"
        assert "id_token" in kept

        with OAuth2Session(**client, token=kept) as later:
            assert later.get(f"{issuer}/userinfo").json()["sub"] == "alice"
        answer = requests.get(f"{issuer}/api/me", auth=OAuth2Auth(kept), timeout=10)
        assert answer.status_code == 200


# -- OAuth 1.0a ---------------------------------------------------------------------------


def test_oauth_1_with_a_session_for_each_step(oauth1_server: OAuth1Server, watch: Watch) -> None:
    watch.secret(oauth1_server.client_secret)
    client = (oauth1_server.client_id, oauth1_server.client_secret)

    first: Any = OAuth1Session(*client)
    first.redirect_uri = CALLBACK
    request_token = first.fetch_request_token(oauth1_server.request_token_url)
    url = first.create_authorization_url(oauth1_server.authorize_url, request_token["oauth_token"])
    verifier = query_of(oauth1_server.allow(url))["oauth_verifier"][0]

    second: Any = OAuth1Session(
        *client,
        token=request_token["oauth_token"],
        token_secret=request_token["oauth_token_secret"],
    )
    access_token = second.fetch_access_token(oauth1_server.access_token_url, verifier)
    watch.secret(access_token["oauth_token_secret"])

    kept = json.loads(json.dumps(access_token))
    third: Any = OAuth1Session(
        *client, token=kept["oauth_token"], token_secret=kept["oauth_token_secret"]
    )
    auth = OAuth1Auth(
        client_id=client[0],
        client_secret=client[1],
        token=kept["oauth_token"],
        token_secret=kept["oauth_token_secret"],
    )
    assert third.get(oauth1_server.echo_url, params={"q": "a b"}).status_code == 200
    assert requests.get(oauth1_server.echo_url, auth=auth, timeout=10).status_code == 200


def test_oauth_1_with_one_session_in_a_terminal(oauth1_server: OAuth1Server, watch: Watch) -> None:
    watch.secret(oauth1_server.client_secret)
    session: Any = OAuth1Session(
        client_id=oauth1_server.client_id,
        client_secret=oauth1_server.client_secret,
        redirect_uri="oob",
    )
    session.fetch_request_token(url=oauth1_server.request_token_url, params={"format": "json"})
    url = session.create_authorization_url(oauth1_server.authorize_url)
    typed_in = oauth1_server.verifier(url)
    watch.secret(typed_in)
    session.fetch_access_token(oauth1_server.access_token_url, verifier=typed_in)
    session.redirect_uri = None
    assert session.get(oauth1_server.echo_url).status_code == 200
    assert session.token["oauth_verifier"] is None
    watch.secret(session.token["oauth_token_secret"])


def test_oauth_1_session_begins_with_its_verifier(
    oauth1_server: OAuth1Server, watch: Watch
) -> None:
    client = (oauth1_server.client_id, oauth1_server.client_secret)
    session: Any = OAuth1Session(*client, redirect_uri=CALLBACK)
    kept = session.fetch_request_token(oauth1_server.request_token_url)
    url = session.create_authorization_url(oauth1_server.authorize_url)
    callback = query_of(oauth1_server.allow(url))
    other: Any = OAuth1Session(
        *client,
        kept["oauth_token"],
        kept["oauth_token_secret"],
        None,
        None,
        *callback["oauth_verifier"],
    )
    token = other.fetch_access_token(oauth1_server.access_token_url)
    watch.secret(*client[1:], token["oauth_token_secret"])
    assert other.token["oauth_token"] == token["oauth_token"]


# -- programs without a user --------------------------------------------------------------


def test_private_key_as_the_third_argument(oidc_provider: OidcProvider, watch: Watch) -> None:
    worker = oidc_provider.add_worker("documented", "private_key_jwt")
    watch.secret(worker.private_key)
    token_url = f"{oidc_provider.issuer}/token"
    with OAuth2Session(
        worker.client_id,
        worker.private_key.encode(),
        PrivateKeyJWT(token_url),
        grant_type="client_credentials",
        token_endpoint=token_url,
    ) as session:
        first = session.fetch_token()
        session.token = {**first, "expires_at": 1}
        assert session.ensure_active_token(session.token)
        assert session.token["access_token"] != first["access_token"]


@pytest.mark.parametrize("register", [True, False])
def test_secret_that_signs(register: bool, oidc_provider: OidcProvider, watch: Watch) -> None:
    worker = oidc_provider.add_worker("documented", "client_secret_jwt")
    watch.secret(worker.client_secret)
    token_url = f"{oidc_provider.issuer}/token"
    method = ClientSecretJWT(token_url)
    with OAuth2Session(
        worker.client_id,
        worker.client_secret,
        token_endpoint_auth_method="client_secret_jwt" if register else method,
    ) as session:
        if register:
            session.register_client_auth_method(method)
        got = session.fetch_token(token_url)
        answer = session.introspect_token(
            f"{oidc_provider.issuer}/token/introspection", token=got["access_token"]
        )
        assert answer.json()["active"] is True
        endpoint = f"{oidc_provider.issuer}/token/revocation"
        answer = session.revoke_token(endpoint, got["access_token"], "access_token")
        assert answer.status_code == 200


def test_service_account_with_a_class_of_its_own(oidc_provider: OidcProvider, watch: Watch) -> None:
    class ServiceAccount(AssertionSession):
        @classmethod
        def from_document(cls, document: dict[str, str], scope: str) -> ServiceAccount:
            return cls(
                grant_type=cls.JWT_BEARER_GRANT_TYPE,
                token_endpoint=document["token_uri"],
                issuer=document["client_email"],
                audience=document["token_uri"],
                claims={"scope": scope},  # where some servers read it, and where others do
                scope=scope,
                subject=document["subject"],
                key=document["private_key"],
                header={"alg": "RS256"},
            )

    worker = oidc_provider.add_worker("documented", "none", algorithm="RS256")
    watch.secret(worker.private_key)
    document = {
        "token_uri": f"{oidc_provider.issuer}/service/token",
        "client_email": worker.client_id,
        "private_key": worker.private_key,
        "subject": "alice",
    }
    assert AssertionSession.JWT_BEARER_GRANT_TYPE == JWT_BEARER
    with ServiceAccount.from_document(document, "openid") as session:
        assert session.get(f"{oidc_provider.issuer}/me").json()["sub"] == "alice"
        watch.secret(session.token["access_token"])
