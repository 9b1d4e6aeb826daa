"""The registry as users of the established client know it: section 2 of the contract."""

from __future__ import annotations

from typing import Any
from typing import ClassVar

import pytest
from cachelib import SimpleCache
from werkzeug.local import LocalProxy

from flask_oauthclient import FlaskOAuth1App
from flask_oauthclient import FlaskOAuth2App
from flask_oauthclient import FlaskRemoteApp
from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient import token_update
from flask_oauthclient.requests_client import OAuth2Session

from ._authlib_style import CLIENT
from ._authlib_style import TOKEN
from ._authlib_style import URLS
from ._authlib_style import Double
from ._authlib_style import form_of
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
        OAUTH_APP_CONFIG: ClassVar[Any] = {**URLS, "client_kwargs": {"scope": "user:email"}}

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
        OAUTH_APP_CONFIG: ClassVar[Any] = dict(URLS)

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
    client = OAuth(make_app()).register(
        "dev", **CLIENT, request_token_url="https://provider.test/r"
    )
    assert isinstance(client, FlaskOAuth1App)


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

    with (
        token_update.connected_to(listen),
        sending(answer_refresh),
        oauth.app.test_request_context(),
    ):
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
    assert form_of(sent[0]) == {"grant_type": ["client_credentials"], "scope": ["api"]}
    assert calls == [("dev", {"refresh_token": None, "access_token": "spent"})]


def test_registry_is_found_at_the_application() -> None:
    app = make_app()
    oauth = OAuth(app)
    assert app.extensions["flask_oauthclient.flask_client"] is oauth
