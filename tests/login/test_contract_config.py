"""Configuration and several applications: section 3 of the contract."""

from __future__ import annotations

import gc

import pytest
from cachelib import SimpleCache
from flask import Flask
from flask import session

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from tests.helpers.urls import query_of

from ._authlib_style import CLIENT
from ._authlib_style import URLS
from ._authlib_style import make_app


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
