"""The registry: registrations, settings, classes, functions of the project, signals."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from typing import ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.dispatch import Signal
from django.http import HttpRequest
from django.test import RequestFactory
from django.test import override_settings

from flask_oauthclient.django_client import DjangoIntegration
from flask_oauthclient.django_client import DjangoOAuth1App
from flask_oauthclient.django_client import DjangoOAuth2App
from flask_oauthclient.django_client import DjangoRemoteApp
from flask_oauthclient.django_client import OAuth
from flask_oauthclient.django_client import token_refresh_failed
from flask_oauthclient.django_client import token_refreshed
from flask_oauthclient.django_client import token_update
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import LoginRequired
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import MissingTokenError
from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.requests_client import OAuth1Session
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.storage.tokens.key import TokenKey
from flask_oauthclient.storage.tokens.memory import MemoryTokenStore
from tests.login._authlib_style import CLIENT
from tests.login._authlib_style import TOKEN
from tests.login._authlib_style import Double
from tests.login._authlib_style import mocked
from tests.login._authlib_style import sending

EXPIRED = {**TOKEN, "expires_at": 1}
OAUTH1 = {"request_token_url": "https://provider.test/initiate"}


@pytest.fixture
def store() -> MemoryTokenStore:
    return MemoryTokenStore()


def request_of(user: Any = None) -> HttpRequest:
    """A request as a view gets it."""
    request = RequestFactory().get("/", secure=True)
    request.session = SessionStore()
    request.user = AnonymousUser() if user is None else user
    return request


def authorization_of_a_call(oauth: OAuth, **kwargs: Any) -> str:
    with sending(lambda request: Double({})) as sent:
        oauth.dev.get("user", **kwargs)
    return str(sent[-1].headers["Authorization"])


def answer_refresh(request: Any) -> Any:
    fresh = {"access_token": "fresh", "token_type": "Bearer", "expires_in": 60}
    return mocked(fresh if request.url.endswith("/token") else {})


# -- registering and finding --------------------------------------------------------------


def test_attributes_of_an_empty_registry() -> None:
    oauth = OAuth()
    assert (oauth.cache, oauth.fetch_token, oauth.update_token) == (None,) * 3
    assert oauth.names() == []


def test_arguments_become_attributes() -> None:
    cache = SimpleNamespace()
    oauth = OAuth(cache, print, repr)
    assert (oauth.cache, oauth.fetch_token, oauth.update_token) == (cache, print, repr)


def test_a_client_by_its_name() -> None:
    oauth = OAuth()
    client = oauth.register("dev", **CLIENT)
    assert isinstance(client, DjangoOAuth2App)
    assert oauth.dev is client
    assert oauth.create_client("dev") is client
    assert oauth.create_client("other") is None
    with pytest.raises(AttributeError, match="No such client: other"):
        oauth.other  # noqa: B018


def test_a_client_that_is_registered_again_is_replaced() -> None:
    oauth = OAuth()
    first = oauth.register("dev", **CLIENT)
    second = oauth.register("dev", **{**CLIENT, "client_id": "other"})
    assert oauth.dev is second is not first
    assert (first.client_id, second.client_id) == ("dev", "other")


def test_a_keyword_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(UnknownOptionError, match="Did you mean 'client_secret'"):
        OAuth().register("dev", client_sekret="x")


def test_a_client_has_no_token_of_everybody() -> None:
    client = OAuth(fetch_token=lambda name, request: TOKEN).register("dev", **CLIENT)
    assert client.token is None
    assert client.at(HttpRequest()).token["access_token"] == TOKEN["access_token"]


# -- settings -----------------------------------------------------------------------------


@override_settings(OAUTHCLIENT_CLIENTS={"dev": {**CLIENT, "client_kwargs": {"scope": "user"}}})
def test_options_in_the_settings() -> None:
    client = OAuth().register("dev")
    assert (client.client_id, client.client_kwargs) == ("dev", {"scope": "user"})
    assert client.api_base_url == CLIENT["api_base_url"]


@override_settings(AUTHLIB_OAUTH_CLIENTS={"dev": CLIENT, "both": CLIENT})
def test_options_in_the_setting_of_the_established_client() -> None:
    assert OAuth().register("dev").client_id == "dev"


@override_settings(
    AUTHLIB_OAUTH_CLIENTS={"dev": {"client_id": "old", "client_secret": "the-old-secret"}},
    OAUTHCLIENT_CLIENTS={"dev": {"client_id": "new"}},
)
def test_of_two_settings_ours_wins_as_a_whole() -> None:
    client = OAuth().register("dev")
    assert (client.client_id, client.client_secret) == ("new", None)


@pytest.mark.parametrize(
    ("overwrite", "client_id", "scopes"), [(False, "in-code", "c"), (True, "in-settings", "s")]
)
@override_settings(
    OAUTHCLIENT_CLIENTS={"dev": {"client_id": "in-settings", "client_kwargs": {"scope": "s"}}}
)
def test_code_wins_unless_it_says_otherwise(overwrite: bool, client_id: str, scopes: str) -> None:
    kwargs = {"scope": "c", "timeout": 3}
    client = OAuth().register("dev", overwrite, client_id="in-code", client_kwargs=kwargs)
    assert client.client_id == client_id
    assert client.client_kwargs == {"scope": scopes, "timeout": 3}
    assert kwargs == {"scope": "c", "timeout": 3}


@override_settings(OAUTHCLIENT_CLIENTS={"dev": {"CLIENT_ID": "dev"}})
def test_keys_in_capitals_are_no_options() -> None:
    client = OAuth().register("dev")  # modules can be imported; `check` has said it
    with pytest.raises(UnknownOptionError, match="Did you mean 'client_id'"):
        client.client_id  # noqa: B018


@pytest.mark.parametrize("clients", [["dev"], {"dev": "an-id"}, "dev"])
def test_settings_that_are_no_dict_of_dicts(clients: Any) -> None:
    with override_settings(OAUTHCLIENT_CLIENTS=clients):
        client = OAuth().register("dev")
        with pytest.raises(InvalidSettingError, match="is no dict"):
            client.client_id  # noqa: B018


def test_two_clients_with_one_redirect_uri_are_not_used() -> None:
    oauth = OAuth()
    first = oauth.register("one", **CLIENT, redirect_uri="https://rp.test/callback")
    second = oauth.register("two", **CLIENT, redirect_uri="https://rp.test/callback")
    assert first.client_id == "dev"
    with pytest.raises(InvalidSettingError, match="share a redirect_uri"):
        second.client_id  # noqa: B018


def test_a_test_may_replace_settings() -> None:
    oauth = OAuth()
    with override_settings(OAUTHCLIENT_CLIENTS={"dev": CLIENT, "other": {"client_id": "1"}}):
        held = oauth.register("dev")
        session = held.session
        assert held.client_id == "dev"
        with override_settings(OAUTHCLIENT_CLIENTS={"dev": {**CLIENT, "client_id": "replaced"}}):
            assert held.client_id == oauth.dev.client_id == "replaced"
            assert held.session is not session
        assert held.client_id == oauth.dev.client_id == "dev"


def test_a_test_may_make_an_oauth_1_client_of_it() -> None:
    oauth = OAuth()
    with override_settings(OAUTHCLIENT_CLIENTS={"dev": {**CLIENT, **OAUTH1}}):
        assert isinstance(oauth.register("dev"), DjangoOAuth1App)
        with override_settings(OAUTHCLIENT_CLIENTS={"dev": CLIENT}):
            assert isinstance(oauth.dev, DjangoOAuth2App)


def test_a_test_may_replace_the_keys() -> None:
    oauth = OAuth()
    client = oauth.register("dev", **CLIENT)
    sealed = client.framework.seal("secret", b"here")
    with override_settings(SECRET_KEY="another key of these tests"):
        assert client.framework.unseal(sealed, b"here") is None
    with override_settings(
        SECRET_KEY="another key of these tests",
        SECRET_KEY_FALLBACKS=["the secret key of these tests"],
    ):
        assert client.framework.unseal(sealed, b"here") == "secret"


# -- classes ------------------------------------------------------------------------------


def test_the_protocol_follows_from_the_options() -> None:
    oauth = OAuth()
    assert isinstance(oauth.register("one", **CLIENT, **OAUTH1), DjangoOAuth1App)
    assert isinstance(oauth.register("two", **CLIENT), DjangoOAuth2App)
    assert isinstance(oauth.one.session, OAuth1Session)
    assert isinstance(oauth.two.session, OAuth2Session)
    assert isinstance(oauth.one, DjangoRemoteApp)
    assert isinstance(oauth.two, DjangoRemoteApp)


class Provider(DjangoRemoteApp):
    """A class of a project's own, for both protocols."""

    OAUTH_APP_CONFIG: ClassVar[dict[str, Any]] = {"api_base_url": "https://api.test/"}

    def name_of_user(self, request: HttpRequest) -> str:
        return str(self.get("me", request=request).json()["name"])


@pytest.mark.parametrize(("more", "version"), [({}, 2), (OAUTH1, 1)])
def test_a_class_of_ones_own_serves_both_protocols(more: dict[str, Any], version: int) -> None:
    options = {name: value for name, value in CLIENT.items() if name != "api_base_url"}
    client: Any = OAuth().register("dev", **options, **more, client_cls=Provider)
    assert isinstance(client, Provider)
    assert client.oauth_version == version
    assert client.api_base_url == "https://api.test/"


def test_a_method_of_ones_own_calls_for_its_request() -> None:
    oauth = OAuth(fetch_token=lambda name, request: TOKEN)
    client: Any = oauth.register("dev", **CLIENT, client_cls=Provider)
    with sending(lambda request: Double({"name": "Alice"})):
        assert client.name_of_user(request_of()) == "Alice"


def test_classes_of_a_subclass_of_the_registry() -> None:
    class Two(DjangoOAuth2App):
        pass

    class Integration(DjangoIntegration):
        @staticmethod
        def load_config(oauth: Any, name: str, params: Any) -> dict[str, Any]:
            return {"client_id": f"{name}-from-elsewhere"}

    class Registry(OAuth):
        oauth2_client_cls = Two
        framework_integration_cls = Integration

    client = Registry().register("dev", authorize_url="https://provider.test/authorize")
    assert isinstance(client, Two)
    assert isinstance(client.framework, Integration)
    assert client.client_id == "dev-from-elsewhere"


@override_settings(OAUTHCLIENT_CLIENTS={"dev": {"client_id": "dev"}})
def test_options_that_a_subclass_puts_together() -> None:
    class Registry(OAuth):
        def generate_client_kwargs(self, name: str, overwrite: bool, **kwargs: Any) -> Any:
            options = super().generate_client_kwargs(name, overwrite, **kwargs)
            return {**options, "client_id": options["client_id"] + "-changed"}

    oauth = Registry(fetch_token=lambda name, request: TOKEN)
    assert oauth.register("dev", api_base_url="https://api.test").client_id == "dev-changed"
    assert authorization_of_a_call(oauth, request=request_of()) == "Bearer the-access-token"


# -- functions of the project --------------------------------------------------------------


def test_fetch_token_of_the_registry_gets_name_and_request() -> None:
    asked: list[Any] = []

    def fetch_token(name: str, request: HttpRequest) -> Any:
        asked.append((name, request))
        return TOKEN

    oauth = OAuth(fetch_token=fetch_token)
    oauth.register("dev", **CLIENT)
    request = request_of()
    assert authorization_of_a_call(oauth, request=request) == "Bearer the-access-token"
    assert asked == [("dev", request)]


def test_fetch_token_of_the_registration_wins_and_gets_the_request() -> None:
    oauth = OAuth(fetch_token=lambda name, request: pytest.fail("not asked"))
    oauth.register("dev", **CLIENT, fetch_token=lambda request: {**TOKEN, "access_token": "own"})
    assert authorization_of_a_call(oauth, request=request_of()) == "Bearer own"


def test_fetch_token_may_be_a_coroutine_function() -> None:
    async def fetch_token(name: str, request: HttpRequest) -> Any:
        await asyncio.sleep(0)
        return TOKEN

    oauth = OAuth(fetch_token=fetch_token)
    oauth.register("dev", **CLIENT)
    assert authorization_of_a_call(oauth, request=request_of()) == "Bearer the-access-token"


def test_fetch_token_is_not_asked_without_a_request() -> None:
    oauth = OAuth(fetch_token=lambda name, request: pytest.fail("not asked"))
    oauth.register("dev", **CLIENT)
    with pytest.raises(MissingTokenError):
        oauth.dev.get("user")
    assert authorization_of_a_call(oauth, token=TOKEN) == "Bearer the-access-token"


def test_fetch_token_is_not_asked_with_a_token() -> None:
    oauth = OAuth(fetch_token=lambda name, request: pytest.fail("not asked"))
    oauth.register("dev", **CLIENT)
    given = authorization_of_a_call(oauth, token=TOKEN, request=request_of())
    assert given == "Bearer the-access-token"


def test_no_token_for_a_request() -> None:
    oauth = OAuth(fetch_token=lambda name, request: None)
    oauth.register("dev", **CLIENT)
    with pytest.raises(MissingTokenError):
        oauth.dev.get("user", request=request_of())


def test_a_token_is_asked_for_once_in_a_request() -> None:
    asked: list[Any] = []
    oauth = OAuth(fetch_token=lambda name, request: asked.append(request) or TOKEN)
    oauth.register("dev", **CLIENT)
    request, other = request_of(), request_of()
    for one in (request, request, other):
        authorization_of_a_call(oauth, request=one)
    assert asked == [request, other]


@pytest.mark.parametrize("how", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_every_method_takes_the_request(how: str) -> None:
    oauth = OAuth(fetch_token=lambda name, request: TOKEN)
    oauth.register("dev", **CLIENT)
    with sending(lambda request: Double({})) as sent:
        getattr(oauth.dev, how)("user", request=request_of())
        getattr(oauth.dev.at(request_of()), how)("user")
    assert [request.method for request in sent] == [how.upper()] * 2
    assert all(r.headers["Authorization"] == "Bearer the-access-token" for r in sent)
    assert sent[0].url == "https://resource.test/api/user"


@contextmanager
def hearing(*signals: Signal) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """What is sent for the length of a block: sender and arguments."""
    heard: list[tuple[Any, dict[str, Any]]] = []

    def hear(sender: Any, signal: Any, **kwargs: Any) -> None:
        heard.append((sender, kwargs))

    for signal in signals:
        signal.connect(hear)
    yield heard
    for signal in signals:
        signal.disconnect(hear)


def test_update_token_of_the_registry_and_the_signal() -> None:
    calls: list[Any] = []
    oauth = OAuth(
        fetch_token=lambda name, request: EXPIRED,
        update_token=lambda *args, **kwargs: calls.append((args, kwargs)),
    )
    oauth.register("dev", **CLIENT)
    with hearing(token_update) as heard, sending(answer_refresh) as sent:
        oauth.dev.get("user", request=request_of())
    assert sent[-1].headers["Authorization"] == "Bearer fresh"
    [((name, token), old)] = calls
    assert (name, token["access_token"]) == ("dev", "fresh")
    assert old == {"refresh_token": "the-refresh-token", "access_token": None}
    assert heard == [(DjangoIntegration, {"name": "dev", "token": token, **old})]


def test_update_token_of_the_registration_wins_and_may_be_a_coroutine_function() -> None:
    calls: list[Any] = []

    async def update_token(token: Any, refresh_token: Any = None, access_token: Any = None) -> None:
        await asyncio.sleep(0)
        calls.append((token["access_token"], refresh_token, access_token))

    oauth = OAuth(update_token=lambda *args, **kwargs: pytest.fail("not told"))
    oauth.register("dev", **CLIENT, update_token=update_token)
    with sending(answer_refresh):
        oauth.dev.get("user", token=EXPIRED)  # whoever has the token needs no request
    assert calls == [("fresh", "the-refresh-token", None)]


@pytest.mark.parametrize("status", [200, 400])
def test_the_refresh_of_a_stored_token_is_told(store: MemoryTokenStore, status: int) -> None:
    oauth = OAuth(token_store=store)
    oauth.register("dev", **CLIENT)
    store.put(TokenKey("dev", "5"), EXPIRED)
    answer = {"error": "invalid_grant"} if status == 400 else {**TOKEN, "access_token": "fresh"}
    with (
        hearing(token_refreshed, token_refresh_failed) as heard,
        sending(lambda request: mocked(answer, status)),
        nullcontext() if status == 200 else pytest.raises(LoginRequired),
    ):
        oauth.dev.get("user", request=request_of(User(pk=5)))
    [(sender, told)] = heard
    assert sender is DjangoIntegration
    failure = told.pop("error", None)
    assert told == {"name": "dev", "owner": "5", "label": ""}
    assert getattr(failure, "error", None) == (None if status == 200 else "invalid_grant")


# -- one request --------------------------------------------------------------------------


def test_a_client_for_a_request_shares_what_is_costly() -> None:
    client = OAuth().register("dev", **CLIENT)
    bound = client.at(request_of())
    assert type(bound) is type(client)
    assert bound.session is client.session
    assert bound.server is client.server
    assert bound._lock is client._lock
    assert client.framework.request is None


@pytest.mark.parametrize("what", ["https://rp.test/callback", None, {"access_token": "x"}, 5])
def test_what_is_no_request_is_said_to_be_none(what: Any) -> None:
    client = OAuth().register("dev", **CLIENT)
    with pytest.raises(InvalidSettingError, match="first argument is the request"):
        client.authorize_redirect(what)
    with pytest.raises(InvalidSettingError, match="first argument is the request"):
        client.at(what)


def test_a_token_in_the_place_of_the_request() -> None:
    client = OAuth().register("dev", **CLIENT, userinfo_endpoint="https://provider.test/userinfo")
    with pytest.raises(InvalidSettingError, match="Pass token="):
        client.userinfo(TOKEN)


def test_a_login_needs_a_request() -> None:
    client = OAuth().register("dev", **CLIENT)
    with pytest.raises(MissingConfigurationError, match="belongs to a request"):
        client.save_authorize_data(state="x")
    with pytest.raises(MissingConfigurationError, match="belongs to a request"):
        client.authorize_access_token()


def test_a_request_that_wraps_djangos() -> None:
    oauth = OAuth(fetch_token=lambda name, request: {**TOKEN, "access_token": request.who})
    oauth.register("dev", **CLIENT)
    wrapped = SimpleNamespace(_request=request_of(), who="the-user-of-the-wrapper")
    given = authorization_of_a_call(oauth, request=wrapped)
    assert given == "Bearer the-user-of-the-wrapper"


# -- whose tokens -------------------------------------------------------------------------


def test_tokens_are_those_of_the_user_of_django(store: MemoryTokenStore) -> None:
    oauth = OAuth(token_store=store)
    oauth.register("dev", **CLIENT)
    store.put(TokenKey("dev", "5"), TOKEN)
    alice, bob = User(pk=5), User(pk=6)
    assert authorization_of_a_call(oauth, request=request_of(alice)) == "Bearer the-access-token"
    for nobody in (bob, None):
        with pytest.raises(LoginRequired):
            oauth.dev.get("user", request=request_of(nobody))
    with pytest.raises(LoginRequired):
        oauth.dev.get("user")


def test_the_project_may_say_whose_tokens_they_are(store: MemoryTokenStore) -> None:
    oauth = OAuth(token_store=store, token_owner=lambda request: request.headers.get("Team"))
    oauth.register("dev", **CLIENT)
    store.put(TokenKey("dev", "red"), TOKEN)
    request = RequestFactory().get("/", headers={"Team": "red"})
    assert authorization_of_a_call(oauth, request=request) == "Bearer the-access-token"
    with pytest.raises(LoginRequired):
        oauth.dev.get("user", request=request_of(User(pk=5)))


def test_accounts_with_and_without_a_request(store: MemoryTokenStore) -> None:
    oauth = OAuth(token_store=store)
    oauth.register("dev", **CLIENT)
    client = oauth.dev.at(request_of(User(pk=5)))
    client.save_token({**TOKEN, "access_token": "first"})
    client.for_account(label="work").save_token(TOKEN)
    assert client.authorized
    assert client.accounts() == ["", "work"]
    work = oauth.dev.for_account(5, "work")
    with sending(lambda request: Double({})) as sent:
        work.get("user")
        client.get("user")
    sent_tokens = [request.headers["Authorization"] for request in sent]
    assert sent_tokens == ["Bearer the-access-token", "Bearer first"]
    assert not oauth.dev.at(request_of()).authorized
    assert oauth.forget_tokens(5, revoke=False) == 2


def test_accounts_need_a_store() -> None:
    oauth = OAuth()
    oauth.register("dev", **CLIENT)
    with pytest.raises(MissingConfigurationError, match=r"OAuth\(token_store="):
        oauth.dev.for_account(5)


@pytest.mark.parametrize("store", [MemoryTokenStore, "redis://", {}])
def test_what_is_no_store_is_refused(store: Any) -> None:
    with pytest.raises(InvalidSettingError, match="token_store is a store"):
        OAuth(token_store=store).register("dev", **CLIENT)


@override_settings(OAUTHCLIENT_TOKEN_KEYS=["short"])
def test_keys_of_tokens_that_cannot_be_right(store: MemoryTokenStore) -> None:
    with pytest.raises(InvalidSettingError):
        OAuth(token_store=store).register("dev", **CLIENT)
