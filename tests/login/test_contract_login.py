"""A login as users of the established client write it: sections 4 and 7 of the contract."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import session

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import AuthorizationError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingCodeError
from flask_oauthclient.protocol.oauth2.pkce import create_s256_code_challenge
from flask_oauthclient.testing.provider import KeyRing
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of

from ._authlib_style import CLIENT
from ._authlib_style import TOKEN
from ._authlib_style import Double
from ._authlib_style import form_of
from ._authlib_style import id_token
from ._authlib_style import make_app
from ._authlib_style import mocked
from ._authlib_style import sending

REDIRECT_URI = "https://rp.test/callback"
KINDS = pytest.mark.parametrize("kind", [Double, mocked])


def make(cache: Any = None, **register: Any) -> OAuth:
    oauth = OAuth(make_app(), cache=cache)
    oauth.register("dev", **{**CLIENT, **register})
    return oauth


# -- out ----------------------------------------------------------------------------------


def test_authorize_redirect_is_a_302_that_keeps_the_login() -> None:
    oauth = make()
    with oauth.app.test_request_context():
        response = oauth.dev.authorize_redirect(REDIRECT_URI)
        query = query_of(response.location)
        (state,) = query["state"]
        entry = session[f"_state_dev_{state}"]
    assert response.status_code == 302
    assert response.location.startswith("https://provider.test/authorize?")
    assert query["redirect_uri"] == [REDIRECT_URI]
    assert entry.keys() == {"data", "exp"}
    assert isinstance(entry["exp"], float)
    assert 590 < entry["exp"] - time.time() <= 600.001
    assert entry["data"]["redirect_uri"] == REDIRECT_URI
    challenge = create_s256_code_challenge(entry["data"]["code_verifier"])
    assert query["code_challenge"] == [challenge]
    assert "nonce" not in entry["data"]


def test_order_of_the_parameters() -> None:
    oauth = make(client_kwargs={"scope": "openid"})
    with oauth.app.test_request_context():
        location = oauth.dev.authorize_redirect(REDIRECT_URI, prompt="login").location
    names = [pair.partition("=")[0] for pair in location.partition("?")[2].split("&")]
    assert names[:5] == ["response_type", "client_id", "redirect_uri", "scope", "state"]
    assert names[-1] == "prompt"


def test_create_authorization_url() -> None:
    oauth = make(client_kwargs={"scope": "openid"})
    request = oauth.dev.create_authorization_url(REDIRECT_URI)
    assert request.keys() == {"url", "state", "nonce", "code_verifier"}
    assert (len(request["state"]), len(request["nonce"])) == (30, 20)
    assert len(request["code_verifier"]) >= 43
    assert query_of(request["url"])["nonce"] == [request["nonce"]]


@pytest.mark.parametrize("scope", [None, "email", ["email", "profile"], "openidx"])
def test_no_nonce_without_openid(scope: Any) -> None:
    oauth = make(client_kwargs={"scope": scope})
    assert "nonce" not in oauth.dev.create_authorization_url(REDIRECT_URI)


def test_scope_of_the_call_decides_about_the_nonce() -> None:
    oauth = make(client_kwargs={"scope": "email"})
    assert "nonce" in oauth.dev.create_authorization_url(REDIRECT_URI, scope="openid")


def test_given_values_are_used_as_they_are(watch: Watch) -> None:
    given = {"state": "a-given-state", "nonce": "a-given-nonce", "code_verifier": "v" * 50}
    watch.secret(*given.values())
    oauth = make(client_kwargs={"scope": "openid"})
    with oauth.app.test_request_context():
        query = query_of(oauth.dev.authorize_redirect(REDIRECT_URI, **given).location)
        data = session["_state_dev_a-given-state"]["data"]
    assert query["state"] == ["a-given-state"]
    assert query["nonce"] == ["a-given-nonce"] == [data["nonce"]]
    assert data["code_verifier"] == "v" * 50


def test_call_beats_authorize_params() -> None:
    oauth = make(authorize_params={"prompt": "consent", "access_type": "offline"})
    request = oauth.dev.create_authorization_url(REDIRECT_URI, prompt="none")
    query = query_of(request["url"])
    assert (query["prompt"], query["access_type"]) == (["none"], ["offline"])


def test_values_of_many_kinds() -> None:
    claims = {"id_token": {"email": None}}
    request = make().dev.create_authorization_url(
        REDIRECT_URI, max_age=0, resource=["a", "b"], prompt=None, claims=claims, scope={"email"}
    )
    query = query_of(request["url"])
    assert query["max_age"] == ["0"]
    assert query["resource"] == ["a", "b"]
    assert json.loads(query["claims"][0]) == claims
    assert query["scope"] == ["email"]
    assert "prompt" not in query


@pytest.mark.parametrize("option", ["authorize_url", "client_id"])
def test_missing_setting_is_a_runtime_error(option: str) -> None:
    oauth = make(**{option: None})
    with pytest.raises(RuntimeError, match=f'Missing "{option}" value'):
        oauth.dev.create_authorization_url(REDIRECT_URI)


def test_save_authorize_data_keeps_whatever_it_is_given() -> None:
    oauth = make()
    with oauth.app.test_request_context() as context:
        oauth.dev.save_authorize_data(state="s1", redirect_uri=REDIRECT_URI, mine=[1])
        oauth.dev.save_authorize_data(context.request, state="s2", redirect_uri=REDIRECT_URI)
        assert session["_state_dev_s1"]["data"] == {"redirect_uri": REDIRECT_URI, "mine": [1]}
        assert session["_state_dev_s2"]["data"] == {"redirect_uri": REDIRECT_URI}


def test_save_authorize_data_without_a_state() -> None:
    oauth = make()
    with oauth.app.test_request_context(), pytest.raises(RuntimeError, match="Missing state value"):
        oauth.dev.save_authorize_data(redirect_uri=REDIRECT_URI)


# -- back ---------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("entry", [{"data": {}}, {"data": {"redirect_uri": REDIRECT_URI}}])
def test_entry_that_was_put_by_hand_has_no_expiry(kind: Any, entry: Any) -> None:
    oauth = make()
    with (
        sending(lambda request: kind(TOKEN)) as sent,
        oauth.app.test_request_context("/?code=a&state=b"),
    ):
        session["_state_dev_b"] = entry
        token = oauth.dev.authorize_access_token()
        assert "_state_dev_b" not in session
        assert oauth.dev.token is token
    assert token["access_token"] == "the-access-token"
    assert token["expires_at"] > time.time()
    assert "userinfo" not in token
    assert form_of(sent[0])["code"] == ["a"]
    assert form_of(sent[0]).get("redirect_uri") == ([REDIRECT_URI] if entry["data"] else None)


def test_same_state_may_be_given_again() -> None:
    oauth = make()
    for _ in range(3):
        with oauth.app.test_request_context():
            oauth.dev.authorize_redirect(REDIRECT_URI, state="given")
            kept = dict(session)
        with (
            sending(lambda request: Double(TOKEN)),
            oauth.app.test_request_context("/?code=a&state=given"),
        ):
            session.update(kept)
            assert oauth.dev.authorize_access_token()["access_token"]


def test_code_verifier_and_redirect_uri_join_the_token_request() -> None:
    oauth = make()
    with (
        sending(lambda request: Double(TOKEN)) as sent,
        oauth.app.test_request_context("/?code=a&state=b"),
    ):
        session["_state_dev_b"] = {
            "data": {"code_verifier": "v" * 43, "redirect_uri": REDIRECT_URI}
        }
        oauth.dev.authorize_access_token()
    form = form_of(sent[0])
    assert form["code_verifier"] == ["v" * 43]
    assert form["redirect_uri"] == [REDIRECT_URI]
    assert form["grant_type"] == ["authorization_code"]


def test_keywords_go_to_the_token_request() -> None:
    oauth = make(access_token_params={"resource": "of-registration", "tenant": "t"})
    with (
        sending(lambda request: Double(TOKEN)) as sent,
        oauth.app.test_request_context("/?code=a&state=b"),
    ):
        session["_state_dev_b"] = {"data": {}}
        oauth.dev.authorize_access_token(
            resource="of-call", headers={"X-Extra": "1"}, timeout=3, grant_type="made_up"
        )
    form = form_of(sent[0])
    assert (form["resource"], form["tenant"]) == (["of-call"], ["t"])
    assert form["grant_type"] == ["made_up"]
    assert sent[0].headers["X-Extra"] == "1"


def test_callback_may_be_a_post() -> None:
    oauth = make()
    with (
        sending(lambda request: Double(TOKEN)),
        oauth.app.test_request_context("/", method="POST", data={"code": "a", "state": "b"}),
    ):
        session["_state_dev_b"] = {"data": {}}
        assert oauth.dev.authorize_access_token()["access_token"] == "the-access-token"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_error_is_looked_at_after_the_state(method: str) -> None:
    oauth = make()
    params = {"error": "access_denied", "error_description": "no", "state": "b"}
    place = {"query_string": params} if method == "GET" else {"data": params}
    with oauth.app.test_request_context("/", method=method, **place):
        with pytest.raises(MismatchingStateError):
            oauth.dev.authorize_access_token()
        session["_state_dev_b"] = {"data": {}}
        with pytest.raises(AuthorizationError) as caught:
            oauth.dev.authorize_access_token()
        assert "_state_dev_b" not in session
    assert caught.value.error == "access_denied"
    assert caught.value.detail["error_description"] == "no"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_missing_code(method: str) -> None:
    oauth = make()
    place = {"query_string": {"state": "b"}} if method == "GET" else {"data": {"state": "b"}}
    with oauth.app.test_request_context("/", method=method, **place):
        session["_state_dev_b"] = {"data": {}}
        with pytest.raises(MissingCodeError) as caught:
            oauth.dev.authorize_access_token()
    assert isinstance(caught.value, OAuthError)
    assert caught.value.error == "missing_code"


def test_token_error_with_status_200() -> None:
    oauth = make()
    answer = {"error": "invalid_grant", "error_description": "spent"}
    with (
        sending(lambda request: Double(answer)),
        oauth.app.test_request_context("/?code=a&state=b"),
    ):
        session["_state_dev_b"] = {"data": {}}
        with pytest.raises(OAuthError) as caught:
            oauth.dev.authorize_access_token()
    assert caught.value.error == "invalid_grant"


def test_extra_comes_back_with_the_token() -> None:
    oauth = make()
    with oauth.app.test_request_context():
        response = oauth.dev.authorize_redirect(REDIRECT_URI, extra={"next": "/a"})
        kept, (state,) = dict(session), query_of(response.location)["state"]
    assert "next" not in response.location
    with (
        sending(lambda request: Double(TOKEN)),
        oauth.app.test_request_context(f"/?code=a&state={state}"),
    ):
        session.update(kept)
        assert oauth.dev.authorize_access_token()["extra"] == {"next": "/a"}


@pytest.mark.parametrize("nonce", ["the-nonce-of-it", None])
@KINDS
def test_id_token_of_a_login_is_verified(
    kind: Any, nonce: str | None, provider_keys: KeyRing, watch: Watch
) -> None:
    token = id_token(provider_keys, **({"nonce": nonce} if nonce else {}))
    watch.secret(token)
    oauth = make(jwks=provider_keys.document(), server_metadata={"issuer": "https://provider.test"})
    data = {"nonce": nonce} if nonce else {}
    with (
        sending(lambda request: kind({**TOKEN, "id_token": token})),
        oauth.app.test_request_context("/?code=a&state=b"),
    ):
        session["_state_dev_b"] = {"data": data}
        result = oauth.dev.authorize_access_token()
    assert result["userinfo"]["sub"] == "123"
    assert result["userinfo"].sub == "123"
    assert result["userinfo"].email is None


# -- where it is kept ---------------------------------------------------------------------


class DuckCache:
    """The three methods that a cache has in the contract; the third argument is positional."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.lifetimes: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def set(self, key: str, value: Any, expires: Any) -> None:
        self.values[key], self.lifetimes[key] = value, expires

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


@pytest.mark.parametrize("make_cache", [SimpleCache, DuckCache])
def test_cache_holds_the_data_and_the_session_a_marker(make_cache: Any) -> None:
    cache = make_cache()
    oauth = make(cache, client_kwargs={"scope": "openid"})
    with oauth.app.test_request_context():
        response = oauth.dev.authorize_redirect(REDIRECT_URI)
        (state,) = query_of(response.location)["state"]
        entry = session[f"_state_dev_{state}"]
    text = cache.get(f"_state_dev_{state}")
    assert entry.keys() == {"exp"}
    assert isinstance(text, str)
    assert json.loads(text)["data"].keys() == {"redirect_uri", "nonce", "code_verifier"}


def test_cache_entry_that_was_put_by_hand() -> None:
    cache = DuckCache()
    oauth = make(cache)
    cache.set("_state_dev_b", json.dumps({"data": {"redirect_uri": REDIRECT_URI}}), 3600)
    with (
        sending(lambda request: Double(TOKEN)) as sent,
        oauth.app.test_request_context("/?code=a&state=b"),
    ):
        with pytest.raises(MismatchingStateError):
            oauth.dev.authorize_access_token()  # in the cache alone it proves nothing
        assert sent == []
        session["_state_dev_b"] = {"exp": time.time() + 3600}
        oauth.dev.authorize_access_token()
    assert form_of(sent[0])["redirect_uri"] == [REDIRECT_URI]
    assert cache.values == {}


def test_expiry_is_enforced() -> None:
    oauth = make()
    with oauth.app.test_request_context("/?code=a&state=b"):
        session["_state_dev_b"] = {"data": {}, "exp": time.time() - 1}
        with pytest.raises(MismatchingStateError) as caught:
            oauth.dev.authorize_access_token()
    assert caught.value.error == "state_expired"


@pytest.mark.parametrize("kind", ["none", "simple", "files", "redis", "memcached"])
def test_integration_reads_and_clears(kind: str, make_cache: Any) -> None:
    oauth = make(make_cache(kind))
    framework = oauth.dev.framework
    with oauth.app.test_request_context():
        framework.set_state_data(session, "s", {"redirect_uri": REDIRECT_URI})
        assert "_state_dev_s" in session
        assert framework.get_state_data(session, "s") == {"redirect_uri": REDIRECT_URI}
        assert framework.get_state_data(session, "t") is None
        session["_state_dev_old"] = {"data": {}, "exp": 1}
        framework.clear_state_data(session, "s")
        assert framework.get_state_data(session, "s") is None
        assert dict(session) == {}


def test_keys_of_the_application_are_left_alone() -> None:
    oauth = make()
    theirs = {"_state_of_affairs": "fine", "_state_": [1], "user": "alice", "_state_dev": {"a": 1}}
    with oauth.app.test_request_context():
        session.update(theirs)
        for _ in range(10):
            oauth.dev.authorize_redirect(REDIRECT_URI)
        assert {k: session[k] for k in theirs} == theirs
        assert len(session) == len(theirs) + 8
