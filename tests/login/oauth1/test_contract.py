"""OAuth 1.0a clients as users of the established client know them: sections 6 and 7."""

from __future__ import annotations

import json
import time
from typing import Any
from unittest import mock

import pytest
import requests
from cachelib import SimpleCache
from flask import session

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from tests.helpers.urls import query_of

from .._authlib_style import Double
from .._authlib_style import make_app
from .._authlib_style import sending

SEND = "requests.sessions.Session.send"
CALLBACK = "https://client.test/callback"
URLS = {
    "request_token_url": "https://provider.test/request-token",
    "api_base_url": "https://resource.test/api/",
    "access_token_url": "https://provider.test/token",
    "authorize_url": "https://provider.test/authorize",
}
CLIENT = {"client_id": "dev", "client_secret": "the-dev-secret", **URLS}
REQUEST_TOKEN = "oauth_token=foo&oauth_token_secret=the-foo-secret&oauth_callback_confirmed=true"
TOKEN = {"oauth_token": "the-token", "oauth_token_secret": "the-token-secret"}


@pytest.fixture
def oauth() -> OAuth:
    oauth = OAuth(make_app())
    oauth.register("dev", **CLIENT)
    return oauth


def double(body: str | dict[str, Any], status_code: int = 200) -> Any:
    """The response double of an existing test suite: only what it was given is there."""
    response = mock.MagicMock(spec=requests.Response)
    if isinstance(body, str):
        response.text = body
    else:
        response.json = lambda: body
    response.status_code = status_code
    return response


def answering(*bodies: Any) -> Any:
    return mock.patch(SEND, side_effect=[double(body) for body in bodies])


# -- section 6 -----------------------------------------------------------------------------


def test_login_in_the_style_of_existing_tests(oauth: OAuth) -> None:
    with oauth.app.test_request_context():
        with mock.patch(SEND) as send:
            send.return_value = double(REQUEST_TOKEN)
            response = oauth.dev.authorize_redirect(CALLBACK)
        assert response.status_code == 302
        assert "oauth_token=foo" in response.headers["Location"]
        data = session["_state_dev_foo"]

    with oauth.app.test_request_context("/?oauth_token=foo&oauth_verifier=the-verifier"):
        session["_state_dev_foo"] = data
        with mock.patch(SEND) as send:
            send.return_value = double("oauth_token=the-token&oauth_token_secret=the-token-secret")
            token = oauth.dev.authorize_access_token()
        assert token["oauth_token"] == "the-token"
        assert oauth.dev.token == token
        assert "_state_dev_foo" not in session


def test_doubles_may_speak_json(oauth: OAuth) -> None:
    answer = {"oauth_token": "foo", "oauth_token_secret": "s3", "oauth_callback_confirmed": True}
    with oauth.app.test_request_context(), answering(answer):
        assert oauth.dev.create_authorization_url(CALLBACK)["state"] == "foo"


def test_provider_of_existing_tests_confirms_nothing(oauth: OAuth) -> None:
    with (
        oauth.app.test_request_context(),
        answering("oauth_token=foo&oauth_verifier=baz"),
        pytest.warns(UserWarning, match="does not confirm the callback"),
    ):
        response = oauth.dev.authorize_redirect(CALLBACK)
    assert response.status_code == 302


def test_create_authorization_url(oauth: OAuth) -> None:
    with answering(REQUEST_TOKEN):  # no request is needed for it, nor an application
        made = oauth.dev.create_authorization_url(CALLBACK, screen_name="al")
    assert made.keys() == {"url", "request_token", "state"}
    assert made["state"] == made["request_token"]["oauth_token"] == "foo"
    assert made["request_token"]["oauth_token_secret"] == "the-foo-secret"
    assert made["url"].startswith("https://provider.test/authorize?")
    assert query_of(made["url"]) == {
        "screen_name": ["al"],
        "oauth_token": ["foo"],
        "oauth_callback": [CALLBACK],
    }


def test_two_calls_make_a_login(oauth: OAuth) -> None:
    with oauth.app.test_request_context() as context:
        with answering(REQUEST_TOKEN):
            made = oauth.dev.create_authorization_url(CALLBACK)
        oauth.dev.save_authorize_data(context.request, redirect_uri=CALLBACK, **made)
        entry = session["_state_dev_foo"]
    with (
        oauth.app.test_request_context("/?oauth_token=foo&oauth_verifier=the-verifier"),
        sending(lambda request: double("oauth_token=the-token&oauth_token_secret=")) as sent,
    ):
        session["_state_dev_foo"] = entry
        assert oauth.dev.authorize_access_token()["oauth_token_secret"] == ""
    assert 'oauth_verifier="the-verifier"' in sent[0].headers["Authorization"]


def test_what_is_saved_needs_a_state(oauth: OAuth) -> None:
    with oauth.app.test_request_context(), pytest.raises(RuntimeError, match="Missing state value"):
        oauth.dev.save_authorize_data(request_token={"oauth_token": "foo"})


def test_entry_of_the_session(oauth: OAuth) -> None:
    with oauth.app.test_request_context():
        with answering(REQUEST_TOKEN):
            oauth.dev.authorize_redirect(CALLBACK)
        entry = session["_state_dev_foo"]
    assert entry.keys() == {"data", "exp"}
    assert isinstance(entry["exp"], float)
    assert 590 < entry["exp"] - time.time() <= 600.001
    assert entry["data"]["redirect_uri"] == CALLBACK
    assert entry["data"]["request_token"]["oauth_token"] == "foo"


def test_entry_of_the_cache() -> None:
    cache = SimpleCache()
    oauth = OAuth(make_app(), cache=cache)
    oauth.register("dev", **CLIENT)
    with oauth.app.test_request_context():
        with answering(REQUEST_TOKEN):
            oauth.dev.authorize_redirect(CALLBACK)
        assert session["_state_dev_foo"].keys() == {"exp"}
    kept = json.loads(cache.get("_state_dev_foo"))
    assert kept["data"]["request_token"]["oauth_token"] == "foo"
    assert "the-foo-secret" not in str(kept)


@pytest.mark.parametrize("exp", [{}, {"exp": 4_000_000_000.0}])
def test_entry_that_was_made_by_hand(oauth: OAuth, exp: dict[str, float]) -> None:
    data = {"request_token": {"oauth_token": "foo", "oauth_token_secret": "the-foo-secret"}}
    with (
        oauth.app.test_request_context("/?oauth_token=foo&oauth_verifier=the-verifier"),
        answering("oauth_token=the-token&oauth_token_secret=the-token-secret"),
    ):
        session["_state_dev_foo"] = {"data": data, **exp}
        assert oauth.dev.authorize_access_token() == TOKEN


def test_callback_without_a_token(oauth: OAuth) -> None:
    with (
        oauth.app.test_request_context("/?oauth_verifier=the-verifier"),
        pytest.raises(OAuthError, match='Missing "oauth_token" parameter'),
    ):
        oauth.dev.authorize_access_token()


def test_callback_without_a_kept_request_token(oauth: OAuth) -> None:
    with oauth.app.test_request_context("/?oauth_token=foo&oauth_verifier=the-verifier"):
        session["_state_dev_foo"] = {"data": {"redirect_uri": CALLBACK}}
        with pytest.raises(OAuthError, match='Missing "request_token" in temporary data'):
            oauth.dev.authorize_access_token()


def test_verifier_may_be_an_argument(oauth: OAuth) -> None:
    data = {"request_token": {"oauth_token": "foo", "oauth_token_secret": "the-foo-secret"}}
    with (
        oauth.app.test_request_context("/?oauth_token=foo"),
        sending(lambda request: double("oauth_token=the-token")) as sent,
    ):
        session["_state_dev_foo"] = {"data": data}
        oauth.dev.authorize_access_token(oauth_verifier="the-verifier")
    assert 'oauth_verifier="the-verifier"' in sent[0].headers["Authorization"]


def test_fetch_access_token(oauth: OAuth) -> None:
    given = {"oauth_token": "foo", "oauth_token_secret": "the-foo-secret"}
    with answering("oauth_token=the-token&oauth_token_secret=the-token-secret&user_id=7"):
        token = oauth.dev.fetch_access_token(given, oauth_verifier="the-verifier")
    assert token == {**TOKEN, "user_id": "7"}
    assert isinstance(token, dict)
    assert given.keys() == {"oauth_token", "oauth_token_secret"}


def test_fetch_access_token_needs_a_request_token(oauth: OAuth) -> None:
    with pytest.raises(OAuthError) as caught:
        oauth.dev.fetch_access_token(oauth_verifier="the-verifier")
    assert caught.value.error == "missing_request_token"


def test_fetch_access_token_needs_a_verifier(oauth: OAuth) -> None:
    with pytest.raises(OAuthError) as caught:
        oauth.dev.fetch_access_token({"oauth_token": "foo", "oauth_token_secret": "s"})
    assert caught.value.error == "missing_verifier"


def test_api_call_with_a_token(oauth: OAuth) -> None:
    with oauth.app.test_request_context(), sending(lambda request: Double({"id": 7})) as sent:
        answer = oauth.dev.get("users/me", token=TOKEN)
    assert answer.json() == {"id": 7}
    assert sent[0].url == "https://resource.test/api/users/me"
    assert sent[0].headers["Authorization"].startswith("OAuth ")
    assert 'oauth_token="the-token"' in sent[0].headers["Authorization"]


def test_api_call_finds_the_token(oauth: OAuth) -> None:
    asked: list[str] = []

    def fetch_token(name: str) -> dict[str, str]:
        asked.append(name)
        return TOKEN

    oauth = OAuth(oauth.app, fetch_token=fetch_token)
    oauth.register("dev", **CLIENT)
    with oauth.app.test_request_context(), sending(lambda request: Double({})) as sent:
        oauth.dev.get("a")
        oauth.dev.post("b", data={"c": "d"})
        assert oauth.dev.token == TOKEN
    assert asked == ["dev"]
    assert all('oauth_token="the-token"' in one.headers["Authorization"] for one in sent)


def test_fetch_token_of_the_registration_wins(oauth: OAuth) -> None:
    oauth = OAuth(oauth.app, fetch_token=lambda name: pytest.fail("asked"))
    oauth.register("dev", fetch_token=lambda: TOKEN, **CLIENT)
    with oauth.app.test_request_context(), sending(lambda request: Double({})) as sent:
        oauth.dev.get("a")
    assert 'oauth_token="the-token"' in sent[0].headers["Authorization"]


@pytest.mark.parametrize("token", [None, {}, {"access_token": "of OAuth 2"}])
def test_api_call_without_a_token(oauth: OAuth, token: Any) -> None:
    with (
        oauth.app.test_request_context(),
        sending(lambda request: pytest.fail("sent")),
        pytest.raises(OAuthError) as caught,
    ):
        oauth.dev.get("users/me", token=token)
    assert caught.value.error == "missing_token"


def test_token_can_be_set_for_the_request(oauth: OAuth) -> None:
    with oauth.app.test_request_context():
        assert oauth.dev.token is None
        oauth.dev.token = TOKEN
        assert oauth.dev.token == TOKEN
        with sending(lambda request: Double({})) as sent:
            oauth.dev.get("a")
    assert 'oauth_token="the-token"' in sent[0].headers["Authorization"]


def test_status_of_an_api_call_raises_nothing(oauth: OAuth) -> None:
    with oauth.app.test_request_context(), sending(lambda request: Double({}, 500)):
        assert oauth.dev.get("a", token=TOKEN).status_code == 500


def test_refused_request_token(oauth: OAuth) -> None:
    with (
        oauth.app.test_request_context(),
        mock.patch(SEND, return_value=double("oauth_problem=consumer_key_unknown", 401)),
        pytest.raises(OAuthError) as caught,
    ):
        oauth.dev.authorize_redirect(CALLBACK)
    assert caught.value.error == "fetch_token_denied"
    assert caught.value.detail["oauth_problem"] == "consumer_key_unknown"
