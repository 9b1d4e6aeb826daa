"""The registry as users of the established client know it: sections 2 and 3 of the contract."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Flask
from flask import session
from werkzeug.local import LocalProxy

from flask_oauthclient import FlaskOAuth2App
from flask_oauthclient import FlaskRemoteApp
from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient import token_update
from flask_oauthclient.requests_client import OAuth2Session
from tests.helpers.site import query_of

from ._authlib_style import CLIENT
from ._authlib_style import TOKEN
from ._authlib_style import URLS
from ._authlib_style import Double
from ._authlib_style import make_app
from ._authlib_style import mocked
from ._authlib_style import sending

EXPIRED = {**TOKEN, "expires_at": 1}


def test_attributes_of_an_empty_registry() -> None:
    oauth = OAuth()
    assert (oauth.app, oauth.cache, oauth.fetch_token, oauth.update_token) == (None,) * 4


def test_arguments_become_attributes() -> None:
    app, cache = make_app(), SimpleCache()
    oauth = OAuth(app, cache, fetch_token=print, update_token=repr)
    assert (oauth.app, oauth.cache) == (app, cache)
    assert (oauth.fetch_token, oauth.update_token) == (print, repr)


def test_init_app_replaces_what_it_is_given() -> None:
    first, second, app = SimpleCache(), SimpleCache(), make_app()
    oauth = OAuth(cache=first, fetch_token=print)
    assert oauth.init_app(app, cache=second, update_token=repr) is None
    assert (oauth.app, oauth.cache) == (app, second)
    assert (oauth.fetch_token, oauth.update_token) == (print, repr)
    assert "oauthclient" in app.extensions


def test_registering_before_init_app_gives_a_proxy() -> None:
    oauth = OAuth()
    proxy = oauth.register("dev", **CLIENT)
    assert isinstance(proxy, LocalProxy)
    with pytest.raises(RuntimeError, match=r"OAuth is not init with Flask app\."):
        proxy.client_id  # noqa: B018
    oauth.init_app(make_app())
    assert proxy.client_id == "dev"
    assert proxy._get_current_object() is oauth.dev


def test_proxy_sees_the_configuration_of_the_app() -> None:
    oauth = OAuth()
    proxy = oauth.register("dev")
    oauth.init_app(make_app(DEV_CLIENT_ID="from-config"))
    assert proxy.client_id == "from-config"


def test_no_app_is_a_runtime_error_for_any_name() -> None:
    oauth = OAuth()
    oauth.register("dev", **CLIENT)
    for use in (
        lambda: oauth.create_client("dev"),
        lambda: oauth.create_client("unknown"),
        lambda: oauth.dev,
    ):
        with pytest.raises(RuntimeError) as caught:
            use()
        assert isinstance(caught.value, OAuthError)
        assert caught.value.error == "not_initialized"


def test_unknown_names() -> None:
    oauth = OAuth(make_app())
    assert oauth.create_client("unknown") is None
    with pytest.raises(AttributeError, match="No such client: unknown"):
        oauth.unknown  # noqa: B018
    assert not hasattr(oauth, "unknown")


def test_create_client_and_attribute_are_one() -> None:
    oauth = OAuth(make_app())
    client = oauth.register("dev", **CLIENT)
    assert oauth.create_client("dev") is oauth.dev is client
    assert isinstance(client, FlaskRemoteApp)
    assert issubclass(FlaskOAuth2App, FlaskRemoteApp)


@pytest.mark.parametrize("name", ["app", "cache", "register", "My-App", "0", "dev.x"])
def test_names_that_are_no_attributes_are_found_by_create_client(name: str) -> None:
    oauth = OAuth(make_app())
    oauth.register(name, **CLIENT)
    assert oauth.create_client(name).name == name


def test_registering_again_replaces_the_client() -> None:
    oauth = OAuth(make_app())
    before = oauth.register("dev", **CLIENT)
    after = oauth.register("dev", **{**CLIENT, "client_id": "other"})
    assert after is not before
    assert oauth.dev.client_id == "other"


def test_client_class_with_defaults_of_a_provider() -> None:
    class GitHub(FlaskOAuth2App):
        OAUTH_APP_CONFIG = {**URLS, "client_kwargs": {"scope": "user:email"}}

    before = {**GitHub.OAUTH_APP_CONFIG, "client_kwargs": {"scope": "user:email"}}
    oauth = OAuth(make_app(ONE_CLIENT_ID="one", ONE_CLIENT_SECRET="secret-of-one"))
    one = oauth.register("one", client_cls=GitHub, overwrite=True)
    two = oauth.register(
        "two", client_cls=GitHub, client_id="two", api_base_url="https://two.test/"
    )
    one.client_kwargs["scope"] = "changed"
    assert isinstance(one, GitHub)
    assert (one.client_id, one.api_base_url) == ("one", URLS["api_base_url"])
    assert (two.client_id, two.client_secret) == ("two", None)
    assert (two.api_base_url, two.client_kwargs) == ("https://two.test/", {"scope": "user:email"})
    assert before == GitHub.OAUTH_APP_CONFIG


def test_client_class_of_the_older_name() -> None:
    class Old(FlaskRemoteApp):
        OAUTH_APP_CONFIG = dict(URLS)

    assert OAuth(make_app()).register("dev", client_cls=Old, client_id="x").client_id == "x"


def test_registry_subclass_swaps_the_classes() -> None:
    class Session(OAuth2Session):
        pass

    class App(FlaskOAuth2App):
        client_cls = Session

    class Registry(OAuth):
        oauth2_client_cls = App

    client = Registry(make_app()).register("dev", **CLIENT)
    assert isinstance(client, App)
    assert isinstance(client.session, Session)


def test_request_token_url_asks_for_oauth_1() -> None:
    with pytest.raises(OAuthError) as caught:
        OAuth(make_app()).register("dev", **CLIENT, request_token_url="https://provider.test/r")
    assert caught.value.error == "invalid_configuration"


# -- tokens of the application ------------------------------------------------------------


def authorization_of_a_call(oauth: OAuth, **kwargs: Any) -> str:
    with sending(lambda request: Double({})) as sent, oauth.app.test_request_context():
        oauth.dev.get("user", **kwargs)
    return str(sent[-1].headers["Authorization"])


def test_fetch_token_of_the_registry_gets_the_name() -> None:
    oauth = OAuth(make_app(), fetch_token=lambda name: {**TOKEN, "access_token": f"for-{name}"})
    oauth.register("dev", **CLIENT)
    assert authorization_of_a_call(oauth) == "Bearer for-dev"


def test_fetch_token_of_the_registration_wins_and_gets_nothing() -> None:
    oauth = OAuth(make_app(), fetch_token=lambda name: pytest.fail("not asked"))
    oauth.register("dev", **CLIENT, fetch_token=lambda: TOKEN)
    assert authorization_of_a_call(oauth) == "Bearer the-access-token"


def test_fetch_token_of_init_app() -> None:
    oauth = OAuth()
    oauth.init_app(make_app(), fetch_token=lambda name: TOKEN)
    oauth.register("dev", **CLIENT)
    assert authorization_of_a_call(oauth) == "Bearer the-access-token"


def answer_refresh(request: Any) -> Any:
    fresh = {"access_token": "fresh", "token_type": "Bearer", "expires_in": 60}
    return mocked(fresh if request.url.endswith("/token") else {})


def test_update_token_of_the_registry() -> None:
    calls: list[Any] = []
    oauth = OAuth(
        make_app(),
        fetch_token=lambda name: EXPIRED,
        update_token=lambda *args, **kwargs: calls.append((args, kwargs)),
    )
    oauth.register("dev", **CLIENT)
    with sending(answer_refresh) as sent, oauth.app.test_request_context():
        oauth.dev.get("user")
    (((name, token), old),) = calls
    assert (name, token["access_token"]) == ("dev", "fresh")
    assert token["refresh_token"] == "the-refresh-token"
    assert old == {"refresh_token": "the-refresh-token", "access_token": None}
    assert sent[-1].headers["Authorization"] == "Bearer fresh"


def test_update_token_of_the_registration_wins() -> None:
    calls: list[Any] = []
    oauth = OAuth(make_app(), update_token=lambda *args, **kwargs: pytest.fail("not told"))
    oauth.register(
        "dev",
        **CLIENT,
        fetch_token=lambda: EXPIRED,
        update_token=lambda token, refresh_token=None, access_token=None: calls.append(
            (token["access_token"], refresh_token, access_token)
        ),
    )
    with sending(answer_refresh), oauth.app.test_request_context():
        oauth.dev.get("user")
    assert calls == [("fresh", "the-refresh-token", None)]


def test_coroutine_functions_are_awaited() -> None:
    kept: list[Any] = []

    async def fetch() -> Any:
        return EXPIRED

    async def update(token: Any, refresh_token: Any = None, access_token: Any = None) -> None:
        kept.append(token["access_token"])

    oauth = OAuth(make_app())
    oauth.register("dev", **CLIENT, fetch_token=fetch, update_token=update)
    with sending(answer_refresh), oauth.app.test_request_context():
        oauth.dev.get("user")
    assert kept == ["fresh"]


def test_signal_tells_of_a_new_token() -> None:
    heard: list[Any] = []
    oauth = OAuth(make_app(), fetch_token=lambda name: EXPIRED)
    oauth.register("dev", **CLIENT)

    def listen(sender: Any, **kwargs: Any) -> None:
        heard.append((sender, kwargs))

    with token_update.connected_to(listen):
        with sending(answer_refresh), oauth.app.test_request_context():
            oauth.dev.get("user")
    ((sender, kwargs),) = heard
    assert sender is oauth.app
    assert kwargs.pop("token")["access_token"] == "fresh"
    assert kwargs == {"name": "dev", "refresh_token": "the-refresh-token", "access_token": None}


def test_own_token_of_the_client_is_fetched_anew() -> None:
    calls: list[Any] = []
    spent = {"access_token": "spent", "token_type": "Bearer", "expires_at": 1}
    oauth = OAuth(make_app(), update_token=lambda *args, **old: calls.append((args[0], old)))
    kwargs = {"client_kwargs": {"grant_type": "client_credentials", "scope": "api"}}
    oauth.register("dev", **CLIENT, **kwargs, fetch_token=lambda: spent)
    with sending(answer_refresh) as sent, oauth.app.test_request_context():
        oauth.dev.get("user")
    assert sent[0].body == b"grant_type=client_credentials&scope=api"
    assert calls == [("dev", {"refresh_token": None, "access_token": "spent"})]


# -- configuration ------------------------------------------------------------------------


def test_options_from_the_configuration() -> None:
    config = {f"DEV_{name.upper()}": value for name, value in CLIENT.items()}
    oauth = OAuth(make_app(**config, DEV_CLIENT_KWARGS={"scope": "openid"}))
    client = oauth.register("dev")
    assert {name: getattr(client, name) for name in CLIENT} == CLIENT
    assert client.client_kwargs == {"scope": "openid"}


def test_every_option_can_come_from_the_configuration() -> None:
    config = {
        "DEV_CLIENT_ID": "dev",
        "DEV_ISSUER": "https://provider.test",
        "DEV_USERINFO_ENDPOINT": "https://provider.test/me",
        "DEV_JWKS_URI": "https://provider.test/keys",
        "DEV_TOKEN_ENDPOINT_AUTH_METHOD": "none",
    }
    metadata = OAuth(make_app(**config)).register("dev").server_metadata
    assert metadata == {
        "issuer": "https://provider.test",
        "userinfo_endpoint": "https://provider.test/me",
        "jwks_uri": "https://provider.test/keys",
    }


@pytest.mark.parametrize("name", ["My-App", "my-app", "MY-APP"])
def test_configuration_key_of_a_name_is_in_capitals(name: str) -> None:
    oauth = OAuth(make_app(**{"MY-APP_CLIENT_ID": "dev"}))
    assert oauth.register(name).client_id == "dev"


def test_code_beats_configuration() -> None:
    oauth = OAuth(make_app(DEV_CLIENT_ID="config", DEV_CLIENT_SECRET="secret-of-config"))
    client = oauth.register("dev", client_id="code")
    assert (client.client_id, client.client_secret) == ("code", "secret-of-config")


def test_configuration_beats_code_with_overwrite() -> None:
    config = {
        "DEV_CLIENT_ID": "config",
        "DEV_CLIENT_SECRET": "",
        "DEV_CLIENT_KWARGS": {"scope": "b"},
    }
    given = {"scope": "a", "timeout": 5}
    oauth = OAuth(make_app(**config))
    client = oauth.register(
        "dev", overwrite=True, client_id="code", client_secret="of-code", client_kwargs=given
    )
    assert (client.client_id, client.client_secret) == ("config", "of-code")
    assert client.client_kwargs == {"scope": "b", "timeout": 5}
    assert given == {"scope": "a", "timeout": 5}


def test_configuration_is_read_once() -> None:
    app = make_app(DEV_CLIENT_ID="first")
    client = OAuth(app).register("dev")
    assert client.client_id == "first"
    app.config["DEV_CLIENT_ID"] = "second"
    assert client.client_id == "first"


# -- several applications -----------------------------------------------------------------


def test_one_registry_for_several_apps() -> None:
    one, two = make_app(DEV_CLIENT_ID="one"), make_app(DEV_CLIENT_ID="two")
    oauth = OAuth()
    oauth.register("dev", **URLS)
    for app in (one, two):
        oauth.init_app(app)
    for app, client_id in ((one, "one"), (two, "two"), (one, "one")):
        with app.test_request_context():
            assert oauth.dev.client_id == client_id
            location = oauth.dev.authorize_redirect("https://rp.test/c").location
            assert query_of(location)["client_id"] == [client_id]
            assert len(session) == 1
    assert oauth.app is two


def test_outside_a_context_it_is_not_known_which_app_is_meant() -> None:
    apps = [make_app(DEV_CLIENT_ID=name) for name in ("one", "two")]
    oauth = OAuth()
    oauth.register("dev", **URLS)
    for app in apps:
        oauth.init_app(app)
    with pytest.raises(RuntimeError) as caught:
        oauth.dev.client_id  # noqa: B018
    assert isinstance(caught.value, OAuthError)
    assert caught.value.error == "ambiguous_app"


def test_one_app_needs_no_context() -> None:
    oauth = OAuth(make_app(DEV_CLIENT_ID="one"))
    oauth.register("dev", **URLS)
    assert oauth.dev.client_id == "one"


def test_registering_again_reaches_every_app() -> None:
    apps = [make_app() for _ in range(2)]
    oauth = OAuth()
    for app in apps:
        oauth.init_app(app)
    oauth.register("dev", client_id="before")
    for app in apps:
        with app.app_context():
            assert oauth.dev.client_id == "before"
    oauth.register("dev", client_id="after")
    for app in apps:
        with app.app_context():
            assert oauth.dev.client_id == "after"


def test_each_app_has_its_own_cache() -> None:
    one, two = make_app(), make_app()
    oauth = OAuth()
    oauth.register("dev", **CLIENT)
    first, second = SimpleCache(), SimpleCache()
    oauth.init_app(one, cache=first)
    oauth.init_app(two, cache=second)
    with one.test_request_context():
        oauth.dev.authorize_redirect("https://rp.test/c")
    assert (len(first._cache), len(second._cache)) == (1, 0)


def test_app_of_a_test_that_ended_is_forgotten() -> None:
    oauth = OAuth()
    oauth.register("dev", **CLIENT)
    oauth.init_app(Flask("gone"))
    oauth.init_app(make_app())
    gc.collect()
    assert oauth.dev.client_id == "dev"
