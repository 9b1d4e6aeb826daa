"""Which class a client is of: section 2 of the contract, and the oldest documented form."""

from __future__ import annotations

from typing import Any
from typing import ClassVar

import pytest
from flask import session
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response

from flask_oauthclient import FlaskOAuth1App
from flask_oauthclient import FlaskOAuth2App
from flask_oauthclient import FlaskRemoteApp
from flask_oauthclient import OAuth
from flask_oauthclient.requests_client import OAuth1Session
from tests.helpers.urls import query_of

from .._authlib_style import Double
from .._authlib_style import make_app
from .._authlib_style import sending
from .test_contract import CALLBACK
from .test_contract import CLIENT
from .test_contract import REQUEST_TOKEN
from .test_contract import TOKEN
from .test_contract import URLS
from .test_contract import answering


@pytest.fixture
def oauth() -> OAuth:
    oauth = OAuth(make_app())
    oauth.register("dev", **CLIENT)
    return oauth


# -- section 2: which class ----------------------------------------------------------------


def test_request_token_url_makes_it_oauth_1(oauth: OAuth) -> None:
    client = oauth.dev
    assert type(client) is FlaskOAuth1App
    assert isinstance(client, FlaskRemoteApp)
    assert not isinstance(client, FlaskOAuth2App)
    assert isinstance(client.session, OAuth1Session)
    assert client is oauth.create_client("dev")


def test_request_token_url_of_the_configuration_counts() -> None:
    oauth = OAuth(make_app(DEV_REQUEST_TOKEN_URL=URLS["request_token_url"]))
    client = oauth.register("dev", client_id="dev", client_secret="the-dev-secret")
    assert type(client) is FlaskOAuth1App
    assert client.request_token_url == URLS["request_token_url"]


@pytest.mark.parametrize("nothing", [None, ""])
def test_empty_request_token_url_makes_it_oauth_2(nothing: str | None) -> None:
    oauth = OAuth(make_app(DEV_REQUEST_TOKEN_URL=URLS["request_token_url"]))
    client = oauth.register("dev", **{**CLIENT, "request_token_url": nothing})
    assert type(client) is FlaskOAuth2App


@pytest.mark.parametrize(("overwrite", "cls"), [(True, FlaskOAuth1App), (False, FlaskOAuth2App)])
def test_configuration_decides_if_it_may_overwrite(overwrite: bool, cls: type[Any]) -> None:
    oauth = OAuth(make_app(DEV_REQUEST_TOKEN_URL=URLS["request_token_url"]))
    given = {**CLIENT, "request_token_url": None}
    assert type(oauth.register("dev", overwrite=overwrite, **given)) is cls


def test_registration_before_the_application() -> None:
    oauth = OAuth()
    proxy = oauth.register("dev", **CLIENT)
    assert isinstance(proxy, LocalProxy)
    oauth.init_app(make_app())
    assert isinstance(proxy, FlaskOAuth1App)
    assert proxy.request_token_url == URLS["request_token_url"]


def test_class_of_the_registry() -> None:
    class OwnApp(FlaskOAuth1App):
        pass

    class OwnOAuth(OAuth):
        oauth1_client_cls = OwnApp

    oauth = OwnOAuth(make_app())
    oauth.register("one", **CLIENT)
    oauth.register("two", client_id="dev")
    assert type(oauth.one) is OwnApp
    assert type(oauth.two) is FlaskOAuth2App


def test_class_of_the_registration_wins() -> None:
    class OwnApp(FlaskOAuth1App):
        pass

    class OwnOAuth(OAuth):
        oauth1_client_cls = FlaskOAuth1App

    oauth = OwnOAuth(make_app())
    assert type(oauth.register("dev", client_cls=OwnApp, **CLIENT)) is OwnApp


def test_both_protocols_in_one_registry(oauth: OAuth) -> None:
    oauth.register("two", client_id="two", authorize_url="https://two.test/authorize")
    with oauth.app.test_request_context():
        assert "code_challenge=" in oauth.two.authorize_redirect(CALLBACK).location
        with answering(REQUEST_TOKEN):
            assert "oauth_token=" in oauth.dev.authorize_redirect(CALLBACK).location
        assert len([key for key in session if key.startswith("_state_")]) == 2


# -- the oldest documented form ------------------------------------------------------------


class Twitter(FlaskRemoteApp):
    """A provider as old documentation has it."""

    OAUTH_APP_CONFIG: ClassVar[dict[str, Any]] = {
        **URLS,
        "client_kwargs": {"signature_method": "HMAC-SHA256"},
    }

    def profile(self, **kwargs: Any) -> Any:
        return self.get("account/verify_credentials.json", **kwargs).json()

    def authorize_redirect(self, redirect_uri: str | None = None, **kwargs: Any) -> Response:
        kwargs.setdefault("force_login", "true")
        response: Response = super().authorize_redirect(redirect_uri, **kwargs)
        return response


class GitHub(FlaskRemoteApp):
    """The same base class for OAuth 2."""

    OAUTH_APP_CONFIG: ClassVar[dict[str, Any]] = {
        "api_base_url": "https://resource.test/api/",
        "access_token_url": "https://provider.test/token",
        "authorize_url": "https://provider.test/authorize",
        "client_kwargs": {"scope": "user:email"},
    }

    def profile(self, **kwargs: Any) -> Any:
        return self.get("user", **kwargs).json()


@pytest.fixture
def old() -> OAuth:
    oauth = OAuth(make_app())
    oauth.register("twitter", client_cls=Twitter, client_id="dev", client_secret="the-dev-secret")
    oauth.register("github", client_cls=GitHub, client_id="dev", client_secret="the-dev-secret")
    return oauth


def test_subclass_of_the_one_class_serves_both_protocols(old: OAuth) -> None:
    assert isinstance(old.twitter, Twitter)
    assert isinstance(old.twitter, FlaskOAuth1App)
    assert isinstance(old.github, GitHub)
    assert isinstance(old.github, FlaskOAuth2App)
    assert (type(old.twitter).__name__, type(old.github).__name__) == ("Twitter", "GitHub")
    assert type(old.twitter).__doc__ == Twitter.__doc__


def test_its_settings_are_the_defaults(old: OAuth) -> None:
    assert old.twitter.request_token_url == URLS["request_token_url"]
    assert old.twitter.session.auth.signature_method == "HMAC-SHA256"
    oauth = OAuth(make_app())
    mine = {
        "api_base_url": "https://mine.test/",
        "client_id": "dev",
        "client_secret": "the-dev-secret",
    }
    assert (
        oauth.register("twitter", client_cls=Twitter, **mine).api_base_url == "https://mine.test/"
    )
    assert Twitter.OAUTH_APP_CONFIG["api_base_url"] == URLS["api_base_url"]
    assert "client_id" not in Twitter.OAUTH_APP_CONFIG


def test_its_own_methods_win(old: OAuth) -> None:
    with old.app.test_request_context(), answering(REQUEST_TOKEN):
        location = old.twitter.authorize_redirect(CALLBACK).location
    assert query_of(location)["force_login"] == ["true"]
    with old.app.test_request_context(), sending(lambda request: Double({"name": "al"})) as sent:
        assert old.twitter.profile(token=TOKEN) == {"name": "al"}
        bearer = {"access_token": "the-token", "token_type": "bearer"}
        assert old.github.profile(token=bearer) == {"name": "al"}
    assert [one.headers["Authorization"].split()[0] for one in sent] == ["OAuth", "Bearer"]


def test_its_registration_decides_the_protocol() -> None:
    oauth = OAuth(make_app())
    oauth.register("one", client_cls=GitHub, client_id="dev", client_kwargs={}, **URLS_OF_OAUTH_1)
    oauth.register("two", client_cls=GitHub, client_id="dev")
    assert isinstance(oauth.one, FlaskOAuth1App)
    assert isinstance(oauth.two, FlaskOAuth2App)
    assert isinstance(oauth.one, GitHub)


URLS_OF_OAUTH_1 = {"request_token_url": URLS["request_token_url"]}


def test_one_class_itself_may_be_registered() -> None:
    oauth = OAuth(make_app())
    assert type(oauth.register("one", client_cls=FlaskRemoteApp, **CLIENT)) is FlaskOAuth1App
    plain = {"client_cls": FlaskRemoteApp, "client_id": "dev"}
    assert type(oauth.register("two", **plain)) is FlaskOAuth2App


def test_one_class_for_two_registrations() -> None:
    oauth = OAuth(make_app())
    for name in ("one", "two"):
        oauth.register(name, client_cls=Twitter, client_id=name, client_secret="the-dev-secret")
    assert type(oauth.one) is type(oauth.two)
    assert (oauth.one.client_id, oauth.two.client_id) == ("one", "two")
    oauth.one.client_kwargs["realm"] = "x"
    assert "realm" not in oauth.two.client_kwargs


def test_client_of_oauth_1_needs_no_login() -> None:
    # Whoever has a token of their own calls the API and asks for no other.
    oauth = OAuth(make_app())
    client = oauth.register(
        "dev",
        client_cls=FlaskOAuth1App,
        client_id="dev",
        client_secret="the-dev-secret",
        api_base_url="https://resource.test/api/",
        client_kwargs={"signature_method": "HMAC-SHA256"},
    )
    with oauth.app.test_request_context(), sending(lambda request: Double({})) as sent:
        client.get("me", token=TOKEN)
    assert 'oauth_signature_method="HMAC-SHA256"' in sent[0].headers["Authorization"]


def test_client_of_oauth_2_may_be_told_of_a_request_token_url() -> None:
    client = OAuth(make_app()).register(
        "dev", client_cls=FlaskOAuth2App, client_kwargs={"scope": "email"}, **CLIENT
    )
    assert "scope=email" in client.create_authorization_url(CALLBACK)["url"]
