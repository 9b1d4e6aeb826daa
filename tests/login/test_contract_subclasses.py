"""Registries and integrations that read options and keep tokens in their own way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from flask_oauthclient import FlaskIntegration
from flask_oauthclient import FlaskOAuth1App
from flask_oauthclient import FlaskOAuth2App
from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient import token_update

from ._authlib_style import CLIENT
from ._authlib_style import TOKEN
from ._authlib_style import URLS
from ._authlib_style import Double
from ._authlib_style import make_app
from ._authlib_style import sending

STORED = {"client_id": "stored", "client_secret": "the-stored-secret", **URLS}
EXPIRED = {**TOKEN, "expires_at": 1}


def loading(**stored: Any) -> tuple[type[OAuth], list[str]]:
    """A registry that finds options somewhere else, and the names that it was asked for."""
    asked: list[str] = []

    class Registry(OAuth):
        def load_config(self, name: str, params: Iterable[str]) -> dict[str, Any]:
            asked.append(name)
            return {param: stored[param] for param in params if param in stored}

    return Registry, asked


def test_registry_may_find_options_elsewhere_once() -> None:
    registry_cls, asked = loading(**STORED, issuer="https://provider.test")
    oauth = registry_cls(make_app(DEV_CLIENT_ID="of-the-configuration"))
    client = oauth.register("dev")
    assert {name: getattr(client, name) for name in STORED} == STORED
    assert client.server_metadata == {"issuer": "https://provider.test"}
    assert oauth.dev is oauth.create_client("dev") is client
    assert asked == ["dev"]


@pytest.mark.parametrize(("overwrite", "client_id"), [(False, "code"), (True, "stored")])
def test_code_and_what_is_found_elsewhere(overwrite: bool, client_id: str) -> None:
    oauth = loading(**STORED)[0](make_app())
    client = oauth.register("dev", overwrite=overwrite, client_id="code")
    assert (client.client_id, client.client_secret) == (client_id, "the-stored-secret")


def test_protocol_follows_from_what_is_found_elsewhere() -> None:
    first = loading(**STORED, request_token_url="https://p.test/rt")[0](make_app())
    assert isinstance(first.register("dev"), FlaskOAuth1App)
    second = loading(**STORED)[0](make_app())
    assert isinstance(second.register("dev"), FlaskOAuth2App)


def test_registration_before_there_is_an_application() -> None:
    registry_cls, asked = loading(**STORED)
    oauth = registry_cls()
    proxy = oauth.register("dev")
    assert asked == []
    oauth.init_app(make_app())
    assert proxy.client_id == "stored"


def test_registry_may_change_the_options() -> None:
    class Registry(OAuth):
        def generate_client_kwargs(
            self, name: str, overwrite: bool, **kwargs: Any
        ) -> dict[str, Any]:
            options = super().generate_client_kwargs(name, overwrite, **kwargs)
            return {**options, "client_id": f"{options['client_id']}-of-{name}"}

    oauth = Registry(make_app(DEV_CLIENT_SECRET="the-configured-secret"))
    client = oauth.register("dev", client_id="id", client_cls=FlaskOAuth2App, **URLS)
    assert (client.client_id, client.client_secret) == ("id-of-dev", "the-configured-secret")
    assert type(client) is FlaskOAuth2App


def test_options_that_do_not_exist_are_refused() -> None:
    class Registry(OAuth):
        def generate_client_kwargs(
            self, name: str, overwrite: bool, **kwargs: Any
        ) -> dict[str, Any]:
            return {**kwargs, "client_idd": "typo"}

    with pytest.raises(OAuthError) as caught:
        Registry(make_app()).register("dev", **CLIENT)
    assert caught.value.error == "unknown_option"


def test_integration_may_find_options_elsewhere() -> None:
    class Integration(FlaskIntegration):
        @staticmethod
        def load_config(oauth: Any, name: str, params: Iterable[str]) -> dict[str, Any]:
            return {"client_id": f"{name}-of-{oauth.app.name}"}

    class Registry(OAuth):
        framework_integration_cls = Integration

    assert Registry(make_app()).register("dev", **URLS).client_id == "dev-of-contract"


def test_what_is_built_in_can_be_called() -> None:
    oauth = OAuth(make_app(DEV_CLIENT_ID="dev", DEV_SCOPE="x", OTHER_CLIENT_ID="other"))
    params = ("client_id", "client_secret")
    assert oauth.load_config("dev", params) == {"client_id": "dev"}
    assert FlaskIntegration.load_config(oauth, "other", params) == {"client_id": "other"}
    assert oauth.generate_client_kwargs("dev", False, authorize_url="https://p.test/a") == {
        "client_id": "dev",
        "authorize_url": "https://p.test/a",
    }


def test_each_application_has_its_own_configuration() -> None:
    oauth = OAuth()
    first, second = make_app(DEV_CLIENT_ID="first"), make_app(DEV_CLIENT_ID="second")
    oauth.init_app(first)
    oauth.init_app(second)
    for app in (first, second):
        with app.app_context():
            found = oauth.load_config("dev", ["client_id"])
        assert found == {"client_id": app.config["DEV_CLIENT_ID"]}
    with pytest.raises(RuntimeError):
        oauth.load_config("dev", ["client_id"])


def test_functions_of_the_registry_are_among_the_options() -> None:
    calls: list[Any] = []
    oauth = OAuth(
        make_app(),
        fetch_token=lambda name: {"access_token": name},
        update_token=lambda name, token, **old: calls.append((name, token, old)),
    )
    options = oauth.generate_client_kwargs("dev", False)
    assert options["fetch_token"]() == {"access_token": "dev"}
    options["update_token"]("the-token", refresh_token="the-refresh-token")
    assert calls == [("dev", "the-token", {"refresh_token": "the-refresh-token"})]
    own = oauth.generate_client_kwargs("dev", False, fetch_token=print, update_token=repr)
    assert (own["fetch_token"], own["update_token"]) == (print, repr)


@pytest.mark.parametrize("own_options", [False, True])
def test_integration_may_keep_tokens(own_options: bool) -> None:
    kept: list[Any] = []
    told: list[Any] = []

    class Integration(FlaskIntegration):
        def update_token(
            self, token: Any, refresh_token: str | None = None, access_token: str | None = None
        ) -> None:
            kept.append((self.name, token["access_token"], refresh_token, access_token))
            super().update_token(token, refresh_token, access_token)

    class Registry(loading()[0] if own_options else OAuth):  # type: ignore[misc]
        framework_integration_cls = Integration

    oauth = Registry(make_app(), update_token=lambda name, token, **old: told.append(name))
    client = oauth.register("dev", **CLIENT)
    heard: list[Any] = []

    def listen(sender: Any, **kwargs: Any) -> None:
        heard.append(kwargs["refresh_token"])

    with (
        token_update.connected_to(listen),
        sending(lambda request: Double(TOKEN)),
        oauth.app.test_request_context(),
    ):
        client.get("me", token=EXPIRED)
    assert kept == [("dev", "the-access-token", "the-refresh-token", None)]
    assert (told, heard) == (["dev"], ["the-refresh-token"])


def test_built_in_classes_are_class_attributes_to_derive_from() -> None:
    assert OAuth.oauth1_client_cls is FlaskOAuth1App
    assert OAuth.oauth2_client_cls is FlaskOAuth2App
    assert OAuth.framework_integration_cls is FlaskIntegration

    class Client(OAuth.oauth2_client_cls):  # type: ignore[misc, name-defined]
        pass

    class Registry(OAuth):
        oauth2_client_cls = Client

    oauth = Registry(make_app())
    assert type(oauth.register("dev", **{**CLIENT, **URLS})) is Client
    assert type(oauth.register("old", **CLIENT, request_token_url="https://p.test/r")) is (
        FlaskOAuth1App
    )
